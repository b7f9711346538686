import { assert, describe, it } from "@effect/vitest"
import { mapOf } from "../../../src/protocol/TwinSection.ts"
import { Bench, refusal, start } from "./Bench.ts"

describe("attaching", () => {
  it("grants each attach a higher epoch and says what the welcome needs", () => {
    const bench = new Bench()
    assert.deepStrictEqual(bench.attach(), { owner: "a-1", epoch: 1, last: 0, desired: 0, sync: 1 })
    bench.report(1, { led: "off" })
    assert.deepStrictEqual(bench.attach(), { owner: "a-1", epoch: 2, last: 1, desired: 0, sync: 0 })
    assert.deepStrictEqual(bench.link, { node: "a-1", connection: 1, epoch: 2 })
    assert.deepStrictEqual(bench.types(), ["device.online"])
  })

  it("refuses an older link of this boot and the two boots before, and changes nothing", () => {
    const bench = new Bench()
    bench.attach({ boot: 100, link: 1 })
    bench.attach({ boot: 3, link: 1 })
    bench.attach({ boot: 50, link: 4, connection: 2 })
    bench.report(1, { led: "off" })
    const { state, link } = bench
    for (const old of [
      { boot: 50, link: 3 },
      { boot: 3, link: 9 },
      { boot: 100, link: 9 }
    ])
      assert.strictEqual(
        refusal(() => bench.attach(old)),
        "LinkStale"
      )
    assert.strictEqual(bench.state, state)
    assert.strictEqual(bench.link, link)
    bench.attach({ boot: 1, link: 1 })
    bench.attach({ boot: 100, link: 1 })
    assert.strictEqual(bench.state.epoch, 5)
  })

  it("lets a boot return that the late hello of a dead one has displaced, with its numbers", () => {
    const bench = new Bench()
    bench.attach({ boot: 7, link: 2 })
    bench.report(1, { led: "off" })
    bench.attach({ boot: 6, link: 1 })
    assert.strictEqual(
      refusal(() => bench.attach({ boot: 7, link: 2 })),
      "LinkStale",
      "a copy of what was there before is no return"
    )
    assert.deepStrictEqual(bench.attach({ boot: 7, link: 3 }), { owner: "a-1", epoch: 3, last: 1, desired: 0, sync: 0 })
    bench.report(2, { led: "on" })
    assert.strictEqual(bench.state.board?.order, 1)
    assert.deepStrictEqual(mapOf(bench.state.twin.reported), { led: "on" })
    assert.strictEqual(
      refusal(() => bench.attach({ boot: 6, link: 2 })),
      "LinkStale",
      "whoever is heard is the newest"
    )
  })

  it("lets the newest boot return when it was displaced before anything of it was heard", () => {
    const bench = new Bench()
    bench.attach({ boot: 7, link: 1 })
    bench.report(1, { led: "off" })
    bench.attach({ boot: 8, link: 1 })
    bench.attach({ boot: 7, link: 2 })
    bench.attach({ boot: 8, link: 2 })
    bench.report(1, { led: "on" })
    assert.strictEqual(bench.state.board?.order, 2)
    assert.deepStrictEqual(mapOf(bench.state.twin.reported), { led: "on" })
  })

  it("begins the numbers of a new boot anew and keeps those of the same boot", () => {
    const bench = new Bench()
    bench.attach()
    bench.report(1, { a: 1 })
    bench.attach({ link: 2 })
    assert.strictEqual(bench.state.numbering.last, 1)
    bench.attach({ boot: 8, link: 1 })
    assert.strictEqual(bench.state.numbering.last, 0)
    assert.deepStrictEqual(bench.types(), ["device.online", "device.restarted"])
  })

  it("goes on from the desired version of a board that knows a higher one", () => {
    const bench = new Bench()
    bench.attach({ desired: 40 })
    assert.strictEqual(bench.state.twin.desiredVersion, 41)
    assert.isAtLeast(bench.state.twin.version, 41)
  })

  it("keeps its row small", () => {
    const bench = new Bench().ready()
    for (let seq = 2; seq < 200; seq++)
      bench.report(seq, { cpu: seq / 3, mem: seq, disk: 1, up: seq, load: 0.5, net: 9, led: "on" })
    assert.isAtMost(bench.bytes(), 400)
  })
})

describe("losing a link", () => {
  it("makes the board offline by a goodbye and silent by a lost link, once each", () => {
    const bench = new Bench().ready()
    bench.ask("Lost", { node: "a-1", connection: 1, reason: 5 })
    assert.deepStrictEqual(bench.events, [{ type: "device.offline", severity: "info", data: { reason: "draining" } }])
    bench.ask("Lost", { node: "a-1", connection: 1, reason: 4 })
    assert.strictEqual(bench.events.length, 1)
    bench.attach({ link: 2, connection: 2 })
    bench.ask("Lost", { node: "a-1", connection: 2, reason: 4 })
    assert.deepStrictEqual(bench.types(), ["device.offline", "device.online", "device.silent"])
    assert.isUndefined(bench.link)
  })

  it("takes no word about a connection that another one has replaced", () => {
    const bench = new Bench().ready()
    bench.attach({ link: 2, connection: 2 })
    bench.ask("Lost", { node: "a-1", connection: 1, reason: 4 })
    bench.up({ type: "goodbye", seq: 0, reason: 4, boot: 7, link: 1 })
    assert.strictEqual(bench.status().connection.state, "online")
    bench.up({ type: "goodbye", seq: 0, reason: 3, boot: 7, link: 2 })
    assert.strictEqual(bench.status().connection.state, "offline")
    assert.strictEqual(bench.status().connection.reason, "sleep")
  })

  it("notices silence a lease after the last frame and closes the link", () => {
    const bench = new Bench().ready()
    bench.advance(20_000)
    bench.up({ type: "heartbeat", seq: 0, up: 1, epoch: 1 })
    bench.advance(24_999)
    assert.strictEqual(bench.status().connection.state, "online")
    bench.advance(1)
    assert.strictEqual(bench.status().connection.state, "silent")
    assert.deepStrictEqual(bench.goodbyes, [4])
    assert.strictEqual(bench.status().connection.lastSeen, bench.now - 25_000)
  })

  it("is woken at takeover while online, and calls a board silent that does not attach within the lease", () => {
    const bench = new Bench().ready()
    bench.failOver()
    assert.strictEqual(bench.status().connection.state, "online")
    bench.advance(24_999)
    assert.strictEqual(bench.status().connection.state, "online")
    bench.advance(1)
    assert.strictEqual(bench.status().connection.state, "silent")
    assert.deepStrictEqual(bench.goodbyes, [])
  })

  it("is never silent for a board that attaches again in time", () => {
    const bench = new Bench().ready()
    bench.failOver()
    bench.advance(20_000)
    bench.attach()
    bench.advance(24_000)
    assert.deepStrictEqual(bench.types(), [])
  })
})

describe("retiring", () => {
  it("empties desired, closes the link with goodbye 8, ends commands and turns the board away", () => {
    const bench = new Bench().ready()
    bench.report(2, { led: "off" })
    bench.ask("SetDesired", { patch: { led: "on" } })
    const sent = bench.invoke()
    bench.invoke()
    const waiting = bench.invoke()
    bench.ask("Retire")
    assert.deepStrictEqual(bench.goodbyes, [8])
    assert.isUndefined(bench.link)
    assert.strictEqual(bench.command(sent.id).code, 130)
    assert.strictEqual(bench.command(waiting.id).code, 125)
    assert.deepStrictEqual(bench.twin().desired, {})
    assert.deepStrictEqual(bench.twin().reported, { led: "off" })
    assert.strictEqual(
      refusal(() => bench.attach({ boot: 99 })),
      "DeviceRetired"
    )
    assert.strictEqual(
      refusal(() => bench.ask("SetDesired", { patch: { led: "on" } })),
      "InvalidTransition"
    )
    assert.strictEqual(
      refusal(() => bench.invoke()),
      "InvalidTransition"
    )
    const { state } = bench
    bench.ask("Retire")
    assert.strictEqual(bench.state, state)
    assert.strictEqual(bench.types().filter((type) => type === "device.retired").length, 1)
  })
})

describe("times", () => {
  it("dates a fact by the board's clock and the best estimate of its offset", () => {
    const bench = new Bench().ready({ up: 1000 })
    bench.advance(500)
    bench.up({ type: "heartbeat", seq: 0, up: bench.now - start + 1000 + 30, epoch: 1 })
    bench.report(2, { a: 1 }, { at: 1200 })
    assert.strictEqual(bench.twin().meta.reported["/a"]?.at, start + 200 - 30)
    assert.isFalse(bench.twin().meta.reported["/a"]?.estimated)
    assert.strictEqual(bench.samples[0]?.at, start + 170)
  })

  it("clamps facts from the future or from more than seven days ago and marks them estimated", () => {
    const bench = new Bench().ready()
    bench.report(2, { future: 1 }, { at: 9_000_000 })
    bench.report(3, { past: 1 }, { at: -8 * 24 * 3600 * 1000 })
    bench.report(4, { unknown: 1 })
    const { reported } = bench.twin().meta
    assert.deepStrictEqual([reported["/future"]?.at, reported["/future"]?.estimated], [bench.now, true])
    assert.deepStrictEqual([reported["/past"]?.at, reported["/past"]?.estimated], [bench.now - 604_800_000, true])
    assert.deepStrictEqual([reported["/unknown"]?.at, reported["/unknown"]?.estimated], [bench.now, true])
  })
})
