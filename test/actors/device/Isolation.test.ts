import { assert, describe, it } from "@effect/vitest"
import { codes } from "../../../src/protocol/Codes.ts"
import { Bench, start } from "./Bench.ts"

const until = start + 60_000

const isolated = (): Bench => {
  const bench = new Bench()
  bench.attach()
  bench.ask("Isolate", { mitigation: "root.1", until })
  return bench
}

const refusalOf = (attach: () => unknown): object => {
  try {
    attach()
  } catch (refusal) {
    return Object(refusal)
  }
  throw new Error("it was let in")
}

describe("a device whose board is kept apart", () => {
  it("ends its link with the reason, and refuses it with how long it has to wait", () => {
    const bench = isolated()
    assert.deepStrictEqual(bench.goodbyes, [9])
    assert.isUndefined(bench.link)
    assert.includeMembers([...bench.types()], ["device.isolated", "device.offline"])
    const refusal = refusalOf(() => bench.attach({ link: 2 }))
    assert.deepInclude(refusal, { _tag: "Unavailable", cause: "quarantined", retryAfterMs: 60_000 })
    assert.strictEqual(bench.status().isolatedUntil, until)
  })

  it("lets it back when the time is over, also on another node, whoever has forgotten it", () => {
    const bench = isolated()
    bench.failOver()
    assert.strictEqual(bench.due(), until)
    bench.advance(60_000)
    assert.strictEqual(bench.types().at(-1), "device.readmitted")
    bench.attach({ link: 2 })
    assert.isUndefined(bench.status().isolatedUntil)
  })

  it("lets it back at once for a word of the mitigation in force, and of no other", () => {
    const bench = isolated()
    bench.ask("Readmit", { mitigation: "root.2" })
    refusalOf(() => bench.attach({ link: 2 }))
    bench.ask("Readmit", { mitigation: "root.1" })
    bench.attach({ link: 2 })
    assert.isDefined(bench.link)
  })

  it("changes nothing for a word that comes when its time is over, or when it is retired", () => {
    const late = new Bench()
    late.attach()
    late.ask("Isolate", { mitigation: "root.1", until: start })
    assert.isDefined(late.link)
    late.ask("Retire")
    late.clear()
    late.ask("Isolate", { mitigation: "root.1", until })
    assert.deepStrictEqual(late.types(), [])
  })

  it("keeps commands that come meanwhile until their life is over, and sends none", () => {
    const bench = isolated()
    const { id } = bench.invoke({ ttlMillis: 10_000 })
    bench.advance(10_000)
    assert.deepInclude(bench.command(id), { state: "done", code: codes.ETIME })
    assert.deepStrictEqual(bench.sent("invoke"), [])
  })
})
