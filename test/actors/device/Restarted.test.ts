import { assert, describe, it } from "@effect/vitest"
import { codes } from "../../../src/protocol/Codes.ts"
import { Bench } from "./Bench.ts"

const small = { rx: 512, caps: 8 }
const size = 100
const session = { kind: "session", id: "s-1" }

/** The board holds the whole image, and was asked to check it. */
const whole = (): Bench => {
  const bench = new Bench().ready(small)
  bench.ask("OpenTransfer", { session: "s-1", sha256: "ab".repeat(32), size, kind: "hxe", flags: 3 })
  for (const order of bench.effects.splice(0))
    bench.complete(order, { _tag: "Found", manifest: new Uint8Array([1, 2, 3]) })
  bench.up({ type: "image-ack", seq: 0, xfer: 1, next: 1, have: size, state: 1 })
  const request = { _tag: "ImageOp", act: "verify" }
  bench.ask("AskBoard", { asker: session, key: "verify", request, lifeMillis: 60_000 })
  bench.clear()
  return bench
}
const orders = (bench: Bench) =>
  bench.sent("image-op").map((frame) => (frame.type === "image-op" ? [frame.op, frame.xfer] : []))
const told = (bench: Bench) =>
  bench.tells.map(({ to, message, payload }) => [to.id, message, Object(payload).key, Object(payload).code])

describe("a board that is restarted with a whole image", () => {
  it("is asked again to check it, also by the next owner of its device, and asked where it stands", () => {
    const bench = whole()
    bench.failOver()
    const { sync } = Object(bench.attach({ ...small, boot: 8 }))
    bench.advance(50)
    assert.deepStrictEqual([sync & 2, orders(bench)], [2, [[1, 1]]])
    assert.deepStrictEqual(bench.sent("image-offer"), [], "the image is not sent anew")
  })

  it("goes on where it was when it kept what it was sent", () => {
    const bench = whole()
    bench.attach({ ...small, boot: 8 })
    bench.advance(50)
    bench.up({ type: "image-status", seq: 0, req: 2, xfer: 1, state: 3 })
    assert.deepStrictEqual(told(bench), [["s-1", "BoardAnswered", "verify", 0]])
  })

  it("has its session hear that it does not know the image any more", () => {
    const bench = whole()
    bench.attach({ ...small, boot: 8 })
    bench.advance(50)
    bench.up({ type: "image-status", seq: 0, req: 2, xfer: 1, state: 0, code: codes.ESRCH })
    assert.deepStrictEqual(told(bench), [["s-1", "BoardAnswered", "verify", codes.ESRCH]])
  })
})

const absent = ["s-1", "ImageReported", { state: 0, code: codes.ESRCH }]
const reports = (bench: Bench) => bench.tells.splice(0).map(({ to, message, payload }) => [to.id, message, payload])
const hash = (byte: number) => new Uint8Array(32).fill(byte)

describe("a board that says what it has, and the image of a session is not among it", () => {
  it.each([
    ["no image at all", { xfer: 0, state: 0 }],
    ["another one", { xfer: 0, state: 9, sha256: hash(1) }]
  ] as const)("(%s) has that session hear of it when it was restarted since", (_what, report) => {
    const bench = whole()
    bench.attach({ ...small, boot: 8 })
    bench.failOver()
    bench.clear()
    bench.up({ type: "image-status", seq: 1, ...report })
    assert.deepStrictEqual(reports(bench), [absent])
  })

  it("says nothing new as long as it was not restarted", () => {
    const bench = whole()
    bench.attach({ ...small, link: 2 })
    bench.clear()
    bench.up({ type: "image-status", seq: 2, xfer: 0, state: 9, sha256: hash(1) })
    assert.deepStrictEqual(reports(bench), [])
  })

  it("says nothing new once it has said in the same boot that it has it", () => {
    const bench = whole()
    bench.attach({ ...small, boot: 8 })
    bench.clear()
    bench.up({ type: "image-status", seq: 1, xfer: 0, state: 8, sha256: hash(0xab) })
    bench.up({ type: "image-status", seq: 2, xfer: 0, state: 9, sha256: hash(1) })
    assert.deepStrictEqual(reports(bench), [["s-1", "ImageReported", { state: 8, sha256: "ab".repeat(32) }]])
  })
})
