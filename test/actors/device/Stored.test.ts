import { assert, describe, it } from "@effect/vitest"
import { storage } from "../../../src/actors/device/Stored.ts"
import { decodeStored, encodeStored } from "../../../src/protocol/Stored.ts"
import { Bench } from "./Bench.ts"

const isMap = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null
const cut = (bench: Bench) => {
  const { head, parts } = storage.split(bench.state, 1)
  if (!isMap(head)) throw new Error("no head")
  return { head, parts }
}
const wide = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, index / 3]))

describe("a device at rest", () => {
  it("keeps keys of a newer node in its head, its board and its commands", () => {
    const bench = new Bench().ready()
    const { id } = bench.invoke()
    const { head, parts } = cut(bench)
    const newer = new Map(parts)
    for (const key of ["board", `cmd/${id}`]) newer.set(key, { ...Object(parts.get(key)), colour: "red" })
    bench.state = storage.join({ ...head, mood: "calm" }, newer, "press-1", 1)
    bench.report(2, { a: 1 })
    bench.up({ type: "result", seq: 3, id, code: 0 })
    bench.attach({ link: 2 })
    const again = cut(bench)
    assert.strictEqual(again.head["mood"], "calm")
    for (const key of ["board", `cmd/${id}`]) assert.strictEqual(Object(again.parts.get(key)).colour, "red")
  })

  it("writes only its head for a report, however wide the twin", () => {
    const bench = new Bench().ready()
    bench.ask("SetDesired", { patch: { led: "on" } })
    bench.invoke()
    for (let page = 0; page < 4; page++)
      bench.report(2 + page, Object.fromEntries(Object.entries(wide(1000)).slice(page * 250, (page + 1) * 250)))
    const before = cut(bench).parts
    for (let seq = 6; seq < 40; seq++) bench.report(seq, { k1: seq, k2: seq, k3: seq })
    const { parts } = cut(bench)
    assert.deepStrictEqual([...parts.keys()], [...before.keys()])
    for (const [key, part] of parts) assert.strictEqual(part, before.get(key), key)
    assert.isAtMost(bench.bytes(), 400)
  })

  it("keeps a head below 4 KiB while fields change all over", () => {
    const bench = new Bench().ready()
    bench.storesEachState = false
    let most = 0
    for (let seq = 2; seq < 400; seq++) {
      bench.report(seq, { [`k${(seq * 7) % 500}`]: seq, [`k${(seq * 13) % 500}`]: "text" })
      most = Math.max(most, bench.bytes())
    }
    assert.isBelow(most, 4096)
    assert.strictEqual(Object.keys(bench.twin().reported).length, bench.state.twin.reported.leaves)
  })

  it("does not load what is no device", () => {
    const bench = new Bench().ready()
    bench.report(2, { a: 1 })
    const { head, parts } = cut(bench)
    assert.throws(() => storage.join({ ...head, epoch: "one" }, parts, "press-1", 1))
    assert.throws(() => storage.join({ ...head, recent: ["a", 1, 1, 9] }, parts, "press-1", 1))
    assert.throws(() => storage.join(head, new Map([["board", { boot: 1 }]]), "press-1", 1))
    assert.throws(() => storage.join(null, parts, "press-1", 1))
  })

  it("holds CBOR that any reader of the standard can open", () => {
    const bench = new Bench().ready()
    bench.report(3, { fan: { rpm: null }, led: "on" })
    bench.ask("SetDesired", { patch: { led: "off" } })
    const { head, parts } = cut(bench)
    for (const value of [head, ...parts.values()]) assert.deepStrictEqual(decodeStored(encodeStored(value)), value)
  })
})
