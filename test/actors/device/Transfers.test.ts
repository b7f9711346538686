import { assert, describe, it } from "@effect/vitest"
import type { FrameToBoard } from "../../../src/actors/Behaviour.ts"
import { codes } from "../../../src/protocol/Codes.ts"
import { declinedSentence } from "../../../src/protocol/image/Declined.ts"
import { Bench } from "./Bench.ts"

const sha256 = "ab".repeat(32)
/** A board of the smallest class: chunks of 256 bytes. */
const small = { rx: 512, caps: 8 }
const size = 2500
const image = { session: "s-1", sha256, size, kind: "hxe", flags: 3 } as const
const manifest = new Uint8Array([1, 2, 3])

/** Serves what the device reads, from an image whose byte n is n. */
const serve = (bench: Bench): void => {
  for (let order = bench.effects.shift(); order !== undefined; order = bench.effects.shift()) {
    if (order.name === "image") bench.complete(order, { _tag: "Found", manifest })
    else {
      const { chunk, indexes } = Object(order.input)
      const read = (index: number) => ({
        index,
        data: Uint8Array.from({ length: Math.min(chunk, size - index * chunk) }, (_, at) => index * chunk + at)
      })
      bench.complete(order, { _tag: "Read", chunks: indexes.map(read) })
    }
  }
}
const opened = (): Bench => {
  const bench = new Bench().ready(small)
  bench.ask("OpenTransfer", image)
  serve(bench)
  return bench
}
const offerOf = (bench: Bench): Extract<FrameToBoard, { type: "image-offer" }> => {
  const [offer] = bench.sent("image-offer")
  if (offer?.type !== "image-offer") throw new Error("no offer")
  return offer
}
const indexes = (bench: Bench): ReadonlyArray<number> =>
  bench.sent("chunk").map((frame) => (frame.type === "chunk" ? frame.index : -1))
const acknowledge = (bench: Bench, next: number, more: Record<string, unknown> = {}): void => {
  bench.up({ type: "image-ack", seq: 0, xfer: 1, next, state: 1, ...more })
  serve(bench)
}
const told = (bench: Bench) => bench.tells.map(({ to, message, payload }) => [`${to.kind}/${to.id}`, message, payload])

describe("an image on its way to a board", () => {
  it("is offered with its manifest, in chunks that fit the board's frames", () => {
    const bench = opened()
    const { xfer, size: bytes, kind, chunk, flags, manifest: carried } = offerOf(bench)
    assert.deepStrictEqual([xfer, bytes, kind, chunk, flags], [1, size, 1, 256, 3])
    assert.strictEqual(carried, manifest)
    assert.deepStrictEqual(indexes(bench), [], "no chunk goes out before the board wants it")
  })

  it("goes out a window at a time, and the session hears of the end", () => {
    const bench = opened()
    acknowledge(bench, 0, { window: 4 })
    assert.deepStrictEqual(indexes(bench), [0, 1, 2, 3])
    acknowledge(bench, 2)
    assert.deepStrictEqual(indexes(bench), [4, 5])
    acknowledge(bench, 6)
    assert.deepStrictEqual(indexes(bench), [6, 7, 8, 9])
    bench.tells = []
    acknowledge(bench, 10, { have: size })
    assert.deepStrictEqual(told(bench), [["session/s-1", "TransferEnded", { code: 0 }]])
    assert.deepStrictEqual(indexes(bench), [])
  })

  it("tells the session how far it is, no more than twice a second", () => {
    const bench = opened()
    acknowledge(bench, 0)
    bench.tells = []
    for (let next = 1; next < 6; next++) acknowledge(bench, next)
    assert.deepStrictEqual(told(bench), [])
    bench.advance(500)
    acknowledge(bench, 6)
    assert.deepStrictEqual(told(bench), [["session/s-1", "TransferMoved", { bytes: 6 * 256 }]])
  })

  it("leaves out how far it is while its session does not answer, but not its end", () => {
    const bench = opened()
    acknowledge(bench, 0)
    bench.clear()
    bench.tellCount = 64
    bench.advance(500)
    acknowledge(bench, 6)
    assert.deepStrictEqual(told(bench), [])
    acknowledge(bench, 10, { have: size })
    assert.deepStrictEqual(told(bench), [["session/s-1", "TransferEnded", { code: 0 }]])
  })

  it("goes back where the board has a gap, and sends again what it names", () => {
    const bench = opened()
    acknowledge(bench, 0, { window: 4 })
    bench.sent("chunk")
    acknowledge(bench, 1, { code: codes.EILSEQ, window: 4 })
    assert.deepStrictEqual(indexes(bench), [1, 2, 3, 4])
    acknowledge(bench, 2, { missing: [2], window: 4 })
    assert.deepStrictEqual(indexes(bench), [2, 5])
  })

  it("is sent again when nothing is heard of it", () => {
    const bench = opened()
    acknowledge(bench, 0, { window: 2 })
    bench.sent("chunk")
    for (let second = 0; second < 6; second++) {
      bench.up({ type: "heartbeat", seq: 0, up: 1, epoch: 1 })
      bench.advance(1000)
    }
    serve(bench)
    assert.deepStrictEqual(indexes(bench), [0, 1])
  })

  it("is offered again under its number after a move and on a new link, and goes on where the board is", () => {
    const bench = opened()
    acknowledge(bench, 0)
    bench.failOver()
    bench.clear()
    bench.attach({ ...small, link: 2 })
    bench.advance(50)
    serve(bench)
    assert.strictEqual(offerOf(bench).xfer, 1)
    acknowledge(bench, 7)
    assert.deepStrictEqual(indexes(bench), [7, 8, 9])
  })

  it("is offered again to a board that has forgotten it", () => {
    const bench = opened()
    acknowledge(bench, 0)
    bench.clear()
    acknowledge(bench, 0, { code: codes.ESRCH, state: 0 })
    assert.strictEqual(offerOf(bench).xfer, 1)
  })

  it.each([
    ["a board that refuses the offer", { state: 0, code: codes.ENOTSUP }, codes.ENOTSUP],
    ["a board that is full", { state: 4, code: codes.ENOSPC }, codes.ENOSPC],
    ["a board that finds it broken", { state: 4, code: codes.EBADMSG }, codes.EBADMSG]
  ] as const)("ends with %s", (_what, ack, code) => {
    const bench = opened()
    bench.tells = []
    acknowledge(bench, 0, ack)
    assert.deepStrictEqual(
      told(bench).map(([to, message, payload]) => [to, message, Object(payload).code]),
      [["session/s-1", "TransferEnded", code]]
    )
    assert.deepStrictEqual(
      told(bench).map(([, , payload]) => Object(payload).detail),
      [declinedSentence(code)]
    )
    assert.isUndefined(bench.state.work.transfer)
  })

  it("refuses another session while one is under way", () => {
    const bench = opened()
    bench.ask("OpenTransfer", { ...image, session: "s-2" })
    assert.deepStrictEqual(
      told(bench).map(([to, , payload]) => [to, Object(payload).code]),
      [["session/s-2", codes.EBUSY]]
    )
    assert.strictEqual(bench.state.work.transfer?.session, "s-1")
  })

  it("ends when the image has gone from the store, and waits for a store that is away", () => {
    const bench = new Bench().ready(small)
    bench.ask("OpenTransfer", image)
    const [order] = bench.effects.splice(0)
    if (order === undefined) throw new Error("nothing is read")
    bench.complete(order, { _tag: "Unavailable" })
    assert.deepStrictEqual(bench.tells, [])
    bench.advance(1000)
    const [again] = bench.effects.splice(0)
    if (again === undefined) throw new Error("it is not read again")
    bench.complete(again, { _tag: "Missing" })
    assert.deepStrictEqual(
      told(bench).map(([, , payload]) => Object(payload).code),
      [codes.ENOENT]
    )
  })

  it("is forgotten by the board when its session says so", () => {
    const bench = opened()
    bench.clear()
    bench.ask("CloseTransfer", { session: "s-2", abort: 0 })
    assert.deepStrictEqual(bench.frames, [])
    bench.ask("CloseTransfer", { session: "s-1", abort: 1 })
    const [abort] = bench.sent("image-op")
    assert.deepStrictEqual(abort?.type === "image-op" ? [abort.op, abort.xfer, abort.reason] : undefined, [5, 1, 1])
    assert.isUndefined(bench.state.work.transfer)
  })

  it("has the board forget an image until it says so, though it was away when the session ended", () => {
    const bench = opened()
    acknowledge(bench, 0)
    bench.ask("Lost", { node: "a-1", connection: 1, reason: 4 })
    bench.ask("CloseTransfer", { session: "s-1", abort: 1 })
    bench.failOver()
    bench.clear()
    bench.attach({ ...small, link: 2 })
    bench.advance(50)
    const [abort] = bench.sent("image-op")
    if (abort?.type !== "image-op") throw new Error("no abort")
    assert.deepStrictEqual([abort.op, abort.xfer, abort.reason], [5, 1, 1])
    bench.up({ type: "image-status", seq: 2, xfer: 1, state: 0, req: abort.req })
    bench.advance(20_000)
    assert.deepStrictEqual(bench.sent("image-op"), [])
  })

  it("waits for a board that is yet to forget the image of an ended session", () => {
    const bench = opened()
    acknowledge(bench, 0)
    bench.ask("CloseTransfer", { session: "s-1", abort: 1 })
    const [abort] = bench.sent("image-op")
    bench.clear()
    bench.ask("OpenTransfer", { ...image, session: "s-2" })
    serve(bench)
    const { xfer } = offerOf(bench)
    bench.tells = []
    bench.up({ type: "image-ack", seq: 0, xfer, next: 0, state: 0, code: codes.EBUSY })
    assert.deepStrictEqual(told(bench), [])
    bench.up({ type: "image-status", seq: 2, xfer: 1, state: 0, req: abort?.type === "image-op" ? abort.req : 0 })
    bench.tells = []
    bench.advance(6000)
    assert.strictEqual(offerOf(bench).xfer, xfer)
    bench.up({ type: "image-ack", seq: 0, xfer, next: 0, state: 0, code: codes.EBUSY })
    assert.deepStrictEqual(
      told(bench)
        .filter(([, message]) => message === "TransferEnded")
        .map(([to, , payload]) => [to, Object(payload).code]),
      [["session/s-2", codes.EBUSY]]
    )
  })

  it("outlives that each chunk under way is unknown to a board that has forgotten it", () => {
    const bench = opened()
    acknowledge(bench, 0)
    bench.clear()
    for (let chunk = 0; chunk < 4; chunk++) acknowledge(bench, 0, { code: codes.ESRCH, state: 0 })
    assert.deepStrictEqual(told(bench), [])
    assert.strictEqual(bench.sent("image-offer").length, 1)
    acknowledge(bench, 0)
    assert.strictEqual(indexes(bench)[0], 0)
  })

  it("sends nothing that was read for the link before", () => {
    const bench = opened()
    bench.up({ type: "image-ack", seq: 0, xfer: 1, next: 0, state: 1 })
    const [late] = bench.effects.splice(0)
    if (late === undefined) throw new Error("nothing is read")
    bench.attach({ rx: 1024, caps: 8, link: 2 })
    bench.advance(50)
    bench.clear()
    bench.complete(late, { _tag: "Read", chunks: [{ index: 0, data: new Uint8Array(256) }] })
    assert.deepStrictEqual(bench.frames, [])
  })

  it("is forgotten by a board that holds a part of it when it has gone from the store", () => {
    const bench = opened()
    bench.up({ type: "image-ack", seq: 0, xfer: 1, next: 0, state: 1 })
    const [order] = bench.effects.splice(0)
    if (order === undefined) throw new Error("nothing is read")
    bench.complete(order, { _tag: "Missing" })
    bench.advance(1000)
    assert.strictEqual(bench.state.work.transfer, undefined)
    bench.ask("CloseTransfer", { session: "s-1", abort: 2 })
    assert.strictEqual(bench.sent("image-op").length, 1)
  })

  it("is asked after on a new link once the board holds it, and heard of by its number or its hash alone", () => {
    const bench = opened()
    const syncOf = (link: number): number => Object(bench.attach({ ...small, link })).sync & 2
    assert.strictEqual(syncOf(2), 0)
    bench.advance(50)
    serve(bench)
    acknowledge(bench, 10, { have: size })
    assert.strictEqual(syncOf(3), 2)
    bench.clear()
    const hash = new Uint8Array(Buffer.from(sha256, "hex"))
    bench.up({ type: "image-status", seq: 2, xfer: 9, state: 9, sha256: hash })
    bench.up({ type: "image-status", seq: 3, xfer: 0, state: 9, sha256: new Uint8Array(32) })
    assert.deepStrictEqual(told(bench), [])
    bench.up({ type: "image-status", seq: 4, xfer: 0, state: 10, sha256: hash })
    bench.up({ type: "image-status", seq: 5, xfer: 1, state: 9 })
    assert.deepStrictEqual(
      told(bench).map(([to, message, payload]) => [to, message, Object(payload).state]),
      [
        ["session/s-1", "ImageReported", 10],
        ["session/s-1", "ImageReported", 9]
      ]
    )
  })

  it("is given up when its session has never ended it, and makes room for the next one", () => {
    const bench = new Bench().ready(small)
    bench.ask("OpenTransfer", { ...image, lifeMillis: 60_000 })
    bench.ask("Lost", { node: "a-1", connection: 1, reason: 4 })
    bench.failOver()
    bench.advance(59_000)
    assert.deepStrictEqual(told(bench), [])
    bench.advance(1000)
    assert.deepStrictEqual(
      told(bench).map(([to, message, payload]) => [to, message, Object(payload).code]),
      [["session/s-1", "TransferEnded", codes.ETIMEDOUT]]
    )
    bench.ask("OpenTransfer", { ...image, session: "s-2" })
    assert.strictEqual(bench.state.work.transfer?.session, "s-2")
  })

  it("reads no chunk that the image does not have", () => {
    const bench = opened()
    acknowledge(bench, 0)
    bench.clear()
    bench.up({ type: "image-ack", seq: 0, xfer: 1, next: 9, state: 1, missing: [2, 10, 4_000_000] })
    assert.deepStrictEqual(
      bench.effects.map(({ input }) => Object(input).indexes),
      [[9]]
    )
  })

  it("costs no commit while chunks go out and come in", () => {
    const bench = opened()
    acknowledge(bench, 0)
    const before = bench.state
    acknowledge(bench, 2)
    acknowledge(bench, 3)
    assert.strictEqual(bench.state, before)
  })
})
