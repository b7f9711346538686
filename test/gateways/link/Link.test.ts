import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { codes } from "../../../src/protocol/Codes.ts"
import { LinkStale } from "../../../src/protocol/Device.ts"
import { Unavailable } from "../../../src/protocol/Errors.ts"
import type { UpFrame } from "../../../src/protocol/Frame.ts"
import { encodeDown, encodeUp } from "../../../src/protocol/FrameCodec.ts"
import { sync } from "../../../src/protocol/frame/LinkFrames.ts"
import { consumed, id, LinkBench } from "./LinkBench.ts"

const notHere = { _tag: "NotHere" } as const

describe("greeting", () => {
  it("attaches what hello says and grants the terms with the actor's epoch", () => {
    const bench = new LinkBench()
    bench.hello({ boot: 9, link: 3, requests: 4, desired: 2 }, 1)
    bench.pass(250)
    assert.deepStrictEqual(bench.acknowledged, [[1, "durable"]])
    const [ask] = bench.asks
    assert.deepInclude(ask?.request, { node: "node-1", connection: 7, boot: 9, link: 3, requests: 4, desired: 2 })
    bench.grant(4, 17)
    const [welcome] = bench.frames("welcome")
    assert.deepInclude(welcome, { epoch: 4, version: 1, last: 17, window: 16, ackMode: 0, sync: 1, desired: 3 })
    assert.isTrue(bench.presence.get(id)?.online)
  })

  it("ends a connection that says no hello for 10 s", () => {
    const bench = new LinkBench()
    bench.pass(9_999)
    assert.isUndefined(bench.closedAs)
    bench.pass(1)
    assert.strictEqual(bench.closedAs, "protocol")
    assert.isEmpty(bench.losses)
  })

  it("ends a connection that talks for 10 s and says no hello", () => {
    const bench = new LinkBench()
    bench.pass(9_000)
    bench.report(1)
    bench.pass(1_000)
    assert.strictEqual(bench.closedAs, "protocol")
  })

  it("refuses another board's id for good", () => {
    const bench = new LinkBench()
    bench.hello({ id: "press-2" })
    assert.deepInclude(bench.frames("error")[0], { code: codes.WrongId, fatal: true })
    assert.strictEqual(bench.closedAs, "refused")
    assert.isEmpty(bench.asks)
  })

  it("lets anybody attach where the connection speaks for no one", () => {
    const bench = new LinkBench({ isOpen: true })
    bench.hello({ id: "press-2" })
    assert.lengthOf(bench.asks, 1)
  })

  it("refuses a board that speaks no version of ours", () => {
    const bench = new LinkBench()
    bench.hello({ min: 2, max: 9 })
    assert.deepInclude(bench.frames("error")[0], { code: codes.Version, fatal: true })
    assert.strictEqual(bench.closedAs, "protocol")
  })

  it("takes no frame before the welcome and leaves a numbered one unacknowledged", () => {
    const bench = new LinkBench()
    bench.report(1)
    assert.deepInclude(bench.frames("error")[0], { code: codes.NotAttached, refusedSeq: 1 })
    assert.deepStrictEqual(bench.acknowledged, [[1, "early"]])
    assert.isEmpty(bench.offers)
  })

  it("says of an enrolment that there is none, before the welcome and after", () => {
    const bench = new LinkBench({ isOpen: true })
    const enrol: UpFrame = { type: "enrol", seq: 0, nonce: new Uint8Array(16), profile: "press" }
    bench.up(enrol, 1)
    bench.hello()
    bench.grant(4)
    bench.up(enrol, 2)
    assert.deepStrictEqual(
      bench.frames("error").map(({ code, frameType }) => [code, frameType]),
      [
        [codes.ENOTSUP, 26],
        [codes.ENOTSUP, 26]
      ]
    )
    assert.deepStrictEqual(bench.acknowledged, [
      [1, "durable"],
      [2, "durable"]
    ])
  })

  it("takes no frame over 512 bytes before the welcome", () => {
    const bench = new LinkBench()
    bench.up({ type: "report", seq: 0, state: { text: "x".repeat(600) } })
    assert.strictEqual(bench.frames("error")[0]?.code, codes.EMSGSIZE)
  })

  it("names the command of a frame it takes too early", () => {
    const bench = new LinkBench()
    const command = "018f3a6e-4c00-7abc-8def-0123456789ab"
    bench.up({ type: "result", seq: 1, id: command, code: 0 }, 1)
    assert.deepInclude(bench.frames("error")[0], { code: codes.NotAttached, refusedSeq: 1, req: command })
  })

  it("answers a repeated hello with the same welcome and attaches once", () => {
    const bench = new LinkBench()
    bench.hello()
    bench.hello()
    assert.lengthOf(bench.asks, 1)
    bench.grant(4)
    bench.hello()
    assert.isEmpty(bench.asks)
    const [first, second] = bench.frames("welcome")
    assert.deepStrictEqual({ ...second, wall: 0 }, { ...first, wall: 0 })
  })

  it("attaches anew for another boot and forgets what the last one sent", () => {
    const bench = new LinkBench()
    bench.attach()
    bench.report(1)
    bench.hello({ boot: 6 }, 2)
    bench.grant(5)
    assert.lengthOf(bench.offers, 1)
    bench.offers[0]?.answer(consumed)
    assert.deepStrictEqual(bench.acknowledged, [[2, "durable"]])
    assert.strictEqual(bench.frames("welcome")[0]?.epoch, 5)
  })

  it("is asked for at a bearable pace, however often a board says hello", () => {
    const bench = new LinkBench()
    let asks = 0
    let epoch = 0
    // A board that says hello again in every millisecond of a second, whether it has its welcome or not.
    for (let boot = 1; boot <= 1_000; boot++) {
      bench.hello({ boot })
      asks += bench.asks.length
      if (boot % 2 === 0) while (bench.asks.length > 0) bench.grant(++epoch)
      bench.pass(1)
    }
    assert.isAtMost(asks, 20)
    bench.pass(2_000)
    assert.deepInclude(bench.asks.at(-1)?.request, { boot: 1_000 })
  })

  it("counts nothing of the last boot among the numbers of the next", () => {
    const bench = new LinkBench({ ackMode: 1 })
    bench.attach()
    bench.report(1, -1)
    bench.hello({ boot: 6 })
    bench.grant(5)
    bench.report(1, -1)
    bench.offers[0]?.answer(consumed)
    bench.pass(20)
    assert.isEmpty(bench.frames("ack"))
    bench.offers[1]?.answer(consumed)
    bench.pass(20)
    assert.deepInclude(bench.frames("ack")[0], { last: 1, boot: 6 })
  })

  it("tries on while the actor is unavailable, ever more slowly, and gives up after 10 s with a time to come back", () => {
    const bench = new LinkBench()
    bench.hello()
    const at: Array<number> = []
    for (let ask = bench.asks.shift(); ask !== undefined; ask = bench.asks.shift()) {
      at.push(ask.at)
      ask.answer(Result.fail(new Unavailable({ cause: "storage" })))
      bench.pass(1_000)
    }
    assert.deepStrictEqual(at.slice(0, 7), [0, 50, 1_000, 2_000, 3_000, 4_000, 5_000])
    assert.strictEqual(bench.closedAs, "unavailable")
    const [error] = bench.frames("error")
    assert.deepInclude(error, { code: codes.Unavailable, fatal: true })
    assert.isAbove(error?.retry ?? 0, 0)
  })

  it("says goodbye as superseded when the attach is stale", () => {
    const bench = new LinkBench()
    bench.hello()
    bench.asks[0]?.answer(Result.fail(new LinkStale({ boot: 6, link: 1 })))
    assert.strictEqual(bench.frames("goodbye")[0]?.reason, 6)
    assert.strictEqual(bench.closedAs, "superseded")
  })

  it("tells the actor of the end when an attach succeeds after it", () => {
    const bench = new LinkBench()
    bench.hello()
    bench.link.lost({})
    assert.isEmpty(bench.losses)
    bench.grant(4)
    assert.deepStrictEqual(bench.losses, [{ node: "node-1", connection: 7, reason: 4 }])
  })
})

describe("frames", () => {
  it("acknowledges in the order of receipt, each once it and all before it are consumed", () => {
    const bench = new LinkBench()
    bench.attach()
    for (const seq of [1, 2, 3]) bench.report(seq)
    assert.isEmpty(bench.acknowledged)
    bench.offers[2]?.answer(consumed)
    bench.offers[1]?.answer(consumed)
    assert.isEmpty(bench.acknowledged)
    bench.offers[0]?.answer(consumed)
    assert.deepStrictEqual(
      bench.acknowledged.map(([ticket]) => ticket),
      [1, 2, 3]
    )
  })

  it("sends what refuses a frame ahead of its acknowledgement", () => {
    const bench = new LinkBench()
    bench.attach()
    bench.report(1)
    const error = encodeDown({ type: "error", epoch: 4, code: codes.ERANGE, refusedSeq: 1 })
    bench.down({ _tag: "Frames", connection: 7, epoch: 4, frames: [error] })
    bench.offers[0]?.answer(consumed)
    assert.deepStrictEqual(
      bench.sent.map((entry) => (typeof entry === "number" ? entry : entry.type)),
      ["error", 1]
    )
  })

  it("has at most a window of frames with the cell and stops reading at two", () => {
    const bench = new LinkBench({ terms: { window: 2 } })
    bench.attach()
    for (const seq of [1, 2, 3, 4]) bench.report(seq)
    assert.lengthOf(bench.offers, 2)
    assert.deepStrictEqual(bench.pauses, [true])
    for (let index = 0; index < 4; index++) bench.offers[index]?.answer(consumed)
    assert.deepStrictEqual(bench.pauses, [true, false])
    assert.lengthOf(bench.acknowledged, 4)
  })

  it("drops unnumbered reports and logs while the window is full, and nothing numbered", () => {
    const bench = new LinkBench({ terms: { window: 2 } })
    bench.attach()
    bench.report(1)
    bench.report(2)
    bench.up({ type: "log", seq: 0, level: 2, text: "busy" })
    bench.up({ type: "report", seq: 0, state: { n: 9 } })
    bench.report(3)
    for (let index = 0; index < 3; index++) bench.offers[index]?.answer(consumed)
    assert.lengthOf(bench.offers, 3)
    assert.strictEqual(bench.counters.totals.dropped, 2)
    assert.deepStrictEqual(
      bench.acknowledged.map(([ticket]) => ticket),
      [1, 2, 3]
    )
  })

  it("answers a heartbeat at once with the board's clock and ours, and shows it to the cell where there is one", () => {
    const bench = new LinkBench()
    bench.attach()
    bench.up({ type: "heartbeat", seq: 0, up: 77, epoch: 4 })
    bench.offers[0]?.answer(notHere)
    bench.up({ type: "heartbeat", seq: 0, up: 78, epoch: 4 })
    assert.lengthOf(bench.offers, 1)
    assert.strictEqual(bench.offers[0]?.frame.type, "heartbeat")
    assert.deepStrictEqual(
      bench.frames("heartbeat").map(({ up, wall }) => [up, wall]),
      [
        [77, bench.host.now()],
        [78, bench.host.now()]
      ]
    )
  })

  it("consumes a numbered frame it cannot read by an event in its place, and refuses it before the acknowledgement", () => {
    const bench = new LinkBench()
    bench.attach()
    // Type 99 with number 1.
    bench.link.receive(Uint8Array.of(0x83, 0x18, 99, 1, 0xa0), 1)
    assert.deepInclude(bench.offers[0]?.frame, { type: "event", seq: 1, name: "link.refused" })
    assert.isEmpty(bench.sent)
    bench.offers[0]?.answer(consumed)
    assert.deepInclude(bench.sent[0], { type: "error", code: codes.UnknownType, refusedSeq: 1 })
    assert.deepStrictEqual(bench.acknowledged, [[1, "malformed"]])
  })

  it("leaves the path to a refused field out where the board could not take it", () => {
    const bench = new LinkBench()
    bench.hello({ rx: 512 })
    bench.grant(4)
    const pointer = `/${"x".repeat(600)}`
    const bytes = encodeUp({ type: "desired-ack", seq: 1, version: 1, refused: { [pointer]: 7 } })
    // The code of the pointer, the last byte, becomes a negative number.
    bytes[bytes.length - 1] = 0x20
    bench.link.receive(bytes, 1)
    bench.offers[0]?.answer(consumed)
    const [error] = bench.frames("error")
    assert.deepInclude(error, { code: codes.Malformed, refusedSeq: 1, frameType: 10 })
    assert.isUndefined(error?.field)
    bench.link.receive(Uint8Array.of(0x83, 8, 2, 0xa1, 2, 5), 2)
    bench.offers[1]?.answer(consumed)
    assert.deepStrictEqual(bench.frames("error")[1]?.field, [2])
  })

  it("turns a board away after five bad frames in a minute, and not for five in two", () => {
    const bad = Uint8Array.of(0xff)
    const slow = new LinkBench()
    slow.attach()
    for (let count = 0; count < 8; count++) {
      slow.link.receive(bad, -1)
      slow.pass(16_000)
    }
    assert.isUndefined(slow.closedAs)
    const quick = new LinkBench()
    quick.attach()
    for (let count = 0; count < 5; count++) quick.link.receive(bad, -1)
    assert.strictEqual(quick.frames("goodbye")[0]?.reason, 10)
    assert.strictEqual(quick.evidence[0]?.type, "link.malformed-burst")
    assert.strictEqual(quick.closedAs, "protocol")
    assert.lengthOf(quick.frames("error"), 5)
  })

  it("ends a link whose frame is not consumed within 10 s, and acknowledges nothing", () => {
    const bench = new LinkBench()
    bench.attach()
    bench.report(1)
    bench.pass(9_999)
    assert.isUndefined(bench.closedAs)
    bench.pass(1)
    assert.strictEqual(bench.closedAs, "unavailable")
    bench.offers[0]?.answer(consumed)
    assert.isEmpty(bench.acknowledged)
  })

  it("leaves a frame beyond the actor's memory of numbers unacknowledged", () => {
    const bench = new LinkBench()
    bench.attach()
    bench.report(99)
    bench.offers[0]?.answer({ _tag: "Beyond" })
    bench.pass(10_000)
    assert.isEmpty(bench.acknowledged)
    assert.strictEqual(bench.closedAs, "unavailable")
  })
})

describe("ack frames", () => {
  it("say the highest number without a gap, at most once in 20 ms", () => {
    const bench = new LinkBench({ ackMode: 1 })
    bench.attach(4, 10)
    for (const seq of [11, 12, 13, 14]) bench.report(seq, -1)
    bench.offers[0]?.answer(consumed)
    bench.offers[2]?.answer(consumed)
    bench.pass(1)
    assert.deepStrictEqual(
      bench.frames("ack").map(({ last, boot }) => [last, boot]),
      [[11, 5]]
    )
    bench.offers[1]?.answer(consumed)
    bench.pass(18)
    assert.lengthOf(bench.frames("ack"), 1)
    bench.offers[3]?.answer(consumed)
    bench.pass(1)
    assert.deepStrictEqual(
      bench.frames("ack").map(({ last }) => last),
      [11, 14]
    )
  })

  it("acknowledge again what was consumed before", () => {
    const bench = new LinkBench({ ackMode: 1 })
    bench.attach(4, 10)
    bench.report(9, -1)
    bench.offers[0]?.answer(consumed)
    bench.pass(20)
    assert.strictEqual(bench.frames("ack")[0]?.last, 10)
  })
})

describe("ack frames after another hello", () => {
  it("go on, although one was due when the hello came", () => {
    const bench = new LinkBench({ ackMode: 1 })
    bench.attach()
    bench.report(1, -1)
    bench.offers[0]?.answer(consumed)
    bench.hello({ link: 2 })
    bench.pass(30)
    bench.grant(5, 1)
    bench.report(2, -1)
    bench.offers[1]?.answer(consumed)
    bench.pass(30)
    assert.deepInclude(bench.frames("ack").at(-1), { epoch: 5, last: 2 })
  })
})

describe("a moved actor", () => {
  it("is attached again at once, then after 50, 100 ms and so on up to a second, and the board keeps its link", () => {
    const bench = new LinkBench()
    bench.attach()
    bench.pass(5_000)
    const at: Array<number> = []
    for (let epoch = 5; epoch < 13; epoch++) {
      const start = bench.time.now
      bench.down({ _tag: "Moved", connection: 7, epoch: bench.link.epoch })
      while (bench.asks.length === 0) bench.pass(1)
      at.push(bench.time.now - start)
      bench.grant(epoch)
    }
    assert.deepStrictEqual(at, [0, 50, 100, 200, 400, 800, 1_000, 1_000])
    assert.isUndefined(bench.closedAs)
    bench.pass(3_000)
    bench.down({ _tag: "Moved", connection: 7, epoch: bench.link.epoch })
    assert.lengthOf(bench.asks, 1)
  })

  it("gets what is unacknowledged again, in order, after a welcome that forbids to resend", () => {
    const bench = new LinkBench()
    bench.attach()
    for (const seq of [1, 2, 3]) bench.report(seq)
    bench.offers[1]?.answer(consumed)
    bench.offers[0]?.answer(notHere)
    bench.offers[2]?.answer(notHere)
    assert.lengthOf(bench.asks, 1)
    bench.report(4)
    bench.offers.length = 0
    bench.grant(5, 0, "node-2")
    assert.deepInclude(bench.frames("welcome")[0], { epoch: 5, sync: 1 | sync.doNotResend })
    assert.deepStrictEqual(
      bench.offers.map(({ owner, epoch, frame }) => [owner, epoch, frame.seq]),
      [
        ["node-2", 5, 1],
        ["node-2", 5, 3],
        ["node-2", 5, 4]
      ]
    )
    for (const offer of bench.offers) offer.answer(consumed)
    assert.deepStrictEqual(
      bench.acknowledged.map(([ticket]) => ticket),
      [1, 2, 3, 4]
    )
  })

  it("may acknowledge by the copy under the old epoch, but no progress, whose refusal the board would ignore", () => {
    const bench = new LinkBench()
    bench.attach()
    const command = "018f3a6e-4c00-7abc-8def-0123456789ab"
    bench.report(1)
    bench.up({ type: "progress", seq: 2, id: command }, 2)
    const [first, second] = bench.offers
    bench.down({ _tag: "Broken", node: "node-1" })
    bench.grant(5)
    const over = (epoch: number) => encodeDown({ type: "error", epoch, code: codes.ETIME, req: command })
    first?.answer(consumed)
    bench.down({ _tag: "Frames", connection: 7, epoch: 4, frames: [over(4)] })
    second?.answer(consumed)
    assert.deepStrictEqual(bench.acknowledged, [[1, "durable"]])
    bench.down({ _tag: "Frames", connection: 7, epoch: 5, frames: [over(5)] })
    bench.offers[3]?.answer(consumed)
    assert.deepStrictEqual(
      bench.frames("error").map(({ epoch, req }) => [epoch, req]),
      [[5, command]]
    )
    assert.deepStrictEqual(bench.acknowledged.at(-1), [2, "durable"])
  })

  it("may call the old epoch superseded while the attach that made the new one is answered", () => {
    const bench = new LinkBench()
    bench.attach()
    bench.report(1)
    bench.report(2)
    bench.offers[0]?.answer(notHere)
    bench.offers[1]?.answer({ _tag: "Superseded" })
    assert.isUndefined(bench.closedAs)
    bench.grant(5)
    for (const offer of bench.offers.slice(2)) offer.answer(consumed)
    assert.lengthOf(bench.acknowledged, 2)
  })

  it("is not asked for when the way to another node breaks", () => {
    const bench = new LinkBench()
    bench.attach()
    bench.down({ _tag: "Broken", node: "node-9" })
    assert.isEmpty(bench.asks)
  })

  it("may send frames that overtake the answer to its attach: they follow the welcome", () => {
    const bench = new LinkBench()
    bench.attach()
    bench.down({ _tag: "Moved", connection: 7, epoch: 4 })
    const desired = encodeDown({ type: "desired", epoch: 5, version: 2, state: { led: "on" } })
    bench.down({ _tag: "Frames", connection: 7, epoch: 5, frames: [desired] })
    const old = encodeDown({ type: "desired", epoch: 3, version: 1, state: {} })
    bench.down({ _tag: "Frames", connection: 7, epoch: 3, frames: [old] })
    assert.isEmpty(bench.sent)
    bench.grant(5)
    assert.deepStrictEqual(
      bench.sent.map((entry) => (typeof entry === "number" ? entry : entry.type)),
      ["welcome", "desired"]
    )
  })

  it("ends the link when it cannot be attached again within 10 s", () => {
    const bench = new LinkBench()
    bench.attach()
    bench.down({ _tag: "Moved", connection: 7, epoch: 4 })
    bench.pass(10_000)
    assert.strictEqual(bench.closedAs, "unavailable")
  })
})

describe("the end", () => {
  it("comes with silence: the actor hears of a lost link, presence says offline", () => {
    const bench = new LinkBench()
    bench.attach()
    bench.pass(20_000)
    bench.up({ type: "heartbeat", seq: 0, up: 1, epoch: 4 })
    bench.offers[0]?.answer(consumed)
    bench.pass(24_999)
    assert.isUndefined(bench.closedAs)
    bench.pass(1)
    assert.strictEqual(bench.closedAs, "silent")
    assert.deepStrictEqual(bench.losses, [{ node: "node-1", connection: 7, reason: 4 }])
    assert.isFalse(bench.presence.get(id)?.online)
    assert.isFalse(bench.isListening)
  })

  it("comes with the board's goodbye, behind the acknowledgements of what it sent before", () => {
    const bench = new LinkBench()
    bench.attach()
    bench.report(1)
    bench.up({ type: "goodbye", seq: 0, reason: 3, boot: 5, link: 1 }, 2)
    assert.isEmpty(bench.acknowledged)
    bench.offers[0]?.answer(consumed)
    assert.deepStrictEqual(
      bench.acknowledged.map(([ticket]) => ticket),
      [1, 2]
    )
    bench.pass(1_000)
    assert.strictEqual(bench.closedAs, "goodbye")
    assert.strictEqual(bench.losses[0]?.reason, 3)
  })

  it("keeps the board's own goodbye when its connection breaks before it has parted", () => {
    const will = encodeUp({ type: "goodbye", seq: 0, reason: 4, boot: 5, link: 1 })
    for (const isHeld of [false, true]) {
      const bench = new LinkBench()
      bench.attach()
      if (isHeld) bench.report(1)
      bench.up({ type: "goodbye", seq: 0, reason: 0, boot: 5, link: 1 }, 2)
      bench.link.lost({ will })
      assert.strictEqual(bench.losses[0]?.reason, 0)
    }
  })

  it("has the reason of the board's goodbye, however the connection ends after it", () => {
    const will = encodeUp({ type: "goodbye", seq: 0, reason: 4, boot: 5, link: 1 })
    for (const end of [{}, { reason: 0 }, { will }])
      for (const isBusy of [true, false]) {
        const bench = new LinkBench()
        bench.attach()
        if (isBusy) bench.report(1)
        bench.up({ type: "goodbye", seq: 0, reason: 3, boot: 5, link: 1 }, 2)
        bench.link.lost(end)
        assert.deepStrictEqual(bench.losses, [{ node: "node-1", connection: 7, reason: 3 }])
      }
  })

  it("has a reason that a board may give: an unknown one is normal in a goodbye, and a lost link in a will", () => {
    for (const reason of [6, 11, 255]) {
      const goodbye = encodeUp({ type: "goodbye", seq: 0, reason, boot: 5, link: 1 })
      const orderly = new LinkBench()
      orderly.attach()
      orderly.link.receive(goodbye, 1)
      orderly.pass(1_000)
      assert.strictEqual(orderly.losses[0]?.reason, 0)
      const broken = new LinkBench()
      broken.attach()
      broken.link.lost({ will: goodbye })
      assert.strictEqual(broken.losses[0]?.reason, 4)
      assert.isFalse(broken.presence.get(id)?.online)
    }
  })

  it("does not come for a board that says hello again after its goodbye", () => {
    const bench = new LinkBench()
    bench.attach()
    bench.up({ type: "goodbye", seq: 0, reason: 1, boot: 5, link: 1 }, 1)
    bench.pass(500)
    bench.hello({ boot: 6 })
    bench.grant(5)
    bench.pass(5_000)
    assert.isUndefined(bench.closedAs)
    bench.link.lost({})
    assert.strictEqual(bench.losses[0]?.reason, 4)
  })

  it("does not come with the goodbye of another link", () => {
    const bench = new LinkBench()
    bench.attach()
    bench.up({ type: "goodbye", seq: 0, reason: 4, boot: 4, link: 9 }, 1)
    bench.pass(5_000)
    assert.isUndefined(bench.closedAs)
    assert.lengthOf(bench.acknowledged, 1)
  })

  it("comes when another link takes over", () => {
    const bench = new LinkBench()
    bench.attach()
    bench.report(1)
    bench.offers[0]?.answer({ _tag: "Superseded" })
    assert.strictEqual(bench.frames("goodbye")[0]?.reason, 6)
    assert.strictEqual(bench.closedAs, "superseded")
    // Where it is now is not for this node to say.
    assert.isUndefined(bench.presence.get(id))
  })

  it("comes by the cell's word, with its reason", () => {
    const bench = new LinkBench()
    bench.attach()
    bench.down({ _tag: "Close", connection: 7, epoch: 4, reason: 8, retryMillis: 500 })
    assert.deepInclude(bench.frames("goodbye")[0], { reason: 8, retry: 500 })
    assert.strictEqual(bench.closedAs, "refused")
  })

  it("comes two seconds after the goodbye of a node that leaves, with frames served until then", () => {
    const bench = new LinkBench()
    bench.attach()
    bench.link.drain()
    const [goodbye] = bench.frames("goodbye")
    assert.strictEqual(goodbye?.reason, 5)
    assert.isBelow(goodbye?.retry ?? 9_999, 2_000)
    bench.report(1)
    bench.offers[0]?.answer(consumed)
    assert.lengthOf(bench.acknowledged, 1)
    bench.pass(1_999)
    assert.isUndefined(bench.closedAs)
    bench.pass(1)
    assert.strictEqual(bench.closedAs, "draining")
    assert.strictEqual(bench.losses[0]?.reason, 5)
  })
})

describe("pace", () => {
  const send = (bench: LinkBench, perSecond: number, seconds: number) => {
    let seq = 0
    for (let second = 0; second < seconds && bench.closedAs === undefined; second++) {
      for (let count = 0; count < perSecond; count++) {
        bench.report(++seq)
        bench.offers.pop()?.answer(consumed)
        bench.pass(1_000 / perSecond)
      }
    }
  }

  it("tells a board above its rate for 5 s to slow down, once", () => {
    const bench = new LinkBench({ terms: { framesPerSecond: 10 } })
    bench.attach()
    send(bench, 15, 12)
    assert.deepStrictEqual(
      bench.frames("flow").map(({ interval }) => interval),
      [100]
    )
    assert.isUndefined(bench.closedAs)
  })

  it("lets a board at its rate be", () => {
    const bench = new LinkBench({ terms: { framesPerSecond: 10 } })
    bench.attach()
    send(bench, 10, 40)
    assert.isEmpty(bench.frames("flow"))
  })

  it("turns a board above twice its rate away after 30 s", () => {
    const bench = new LinkBench({ terms: { framesPerSecond: 10 } })
    bench.attach()
    send(bench, 25, 29)
    assert.isUndefined(bench.closedAs)
    send(bench, 25, 4)
    assert.strictEqual(bench.closedAs, "flood")
    assert.deepInclude(bench.frames("goodbye")[0], { reason: 10, retry: 60_000 })
    assert.strictEqual(bench.evidence[0]?.type, "link.flood")
  })
})
