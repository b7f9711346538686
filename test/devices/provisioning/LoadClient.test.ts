import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { LoadClient, type Pushed } from "../../../devices/provisioning/LoadClient.ts"
import { decodeReply, decodeRequest, encodeReply } from "../../../devices/provisioning/LoadPdu.ts"
import { LoadServer } from "../../../devices/provisioning/LoadServer.ts"
import { source } from "../../../devices/provisioning/Source.ts"
import type { Refused } from "../../../devices/Refused.ts"
import { goldenImage } from "./GoldenImage.ts"
import { done, LoaderRig } from "./LoaderRig.ts"

/** What may stop a message on its way, by its number from 0. */
interface Losses {
  readonly request?: (number: number, op: string) => boolean
  readonly reply?: (number: number, op: string) => boolean
}

/** A master and a board at the ends of a line that takes a millisecond. */
const line = ({ reply = () => false, request = () => false }: Losses, whenSilent: "status" | "abort" = "status") => {
  const rig = new LoaderRig()
  const clock = rig.time.clock()
  const asked: Array<string> = []
  let replies = 0
  const server = new LoadServer({
    loader: rig.loader,
    clock,
    board: { node: 1, capabilities: () => 0xff, codeBytesFree: () => 65_536 },
    source: source.uart("tty"),
    chunkBytesMax: 64,
    window: 4,
    level: 1,
    send: (bytes) => {
      if (!reply(replies++, done(decodeReply(bytes)).op)) rig.time.schedule(1, () => client.receive(bytes))
    }
  })
  const client: LoadClient = new LoadClient({
    clock,
    send: (bytes) => {
      const { op } = done(decodeRequest(bytes))
      asked.push(op)
      if (!request(asked.length - 1, op)) rig.time.schedule(1, () => server.receive(bytes))
    },
    chunkBytesMax: 64,
    replyTimeoutMillis: 300,
    attempts: 5,
    whenSilent,
    firstXfer: 255
  })
  const push = (): Result.Result<Pushed, Refused> => {
    const results: Array<Result.Result<Pushed, Refused>> = []
    client.push(goldenImage(), {}, (result) => results.push(result))
    while (results.length === 0) rig.time.step()
    const [result] = results
    if (result === undefined) throw new Error("no end")
    return result
  }
  return { rig, asked, client, server, push }
}

describe("LoadClient", () => {
  it("keeps a window of writes under way and asks for nothing twice on a good line", () => {
    const { asked, push, rig } = line({})
    assert.deepStrictEqual(push(), Result.succeed({ pid: 1, chunks: 6, resent: 0 }))
    assert.deepStrictEqual(asked, ["begin", ...Array<string>(6).fill("write"), "end"])
    assert.isBelow(rig.time.now, 15)
  })

  it("goes back at the first complaint of a gap, without waiting for a timer", () => {
    const { push, rig, server } = line({ request: (number) => number === 2 })
    assert.isTrue(Result.isSuccess(push()))
    assert.isBelow(rig.time.now, 50)
    assert.strictEqual(server.holes, 3)
  })

  it("goes back once for all complaints of one gap", () => {
    const { asked, push } = line({ request: (number) => number === 1 })
    const pushed = done(push())
    assert.strictEqual(pushed.resent, 4)
    assert.strictEqual(asked.filter((op) => op === "write").length, 6 + 4)
  })

  it("waits for a lost reply, then sends again, and the board takes nothing twice", () => {
    const { push, rig } = line({ reply: (number) => number === 6 })
    assert.isTrue(Result.isSuccess(push()))
    assert.strictEqual(rig.last("provisioning.complete").data.bytes_written, 376)
    assert.isAbove(rig.time.now, 300)
  })

  it("asks a silent board where it is, and goes on from there", () => {
    const { asked, push, rig } = line({ reply: (number, op) => op === "write" && number < 22 })
    const pushed = done(push())
    assert.strictEqual(pushed.chunks, 6)
    const status = asked.indexOf("status")
    assert.isAbove(status, 0)
    // The board had the first four; they are not sent again.
    assert.deepStrictEqual(asked.slice(status), ["status", "write", "write", "end"])
    assert.isAbove(rig.time.now, 300 * 31)
  })

  it("learns that the image is ready from a status when the answer to its end is lost", () => {
    const { push } = line({ reply: (_number, op) => op === "end" })
    assert.strictEqual(done(push()).pid, 1)
  })

  it("waits for a board that takes its time to verify, however long, and gives up with it", () => {
    const { push, rig } = line({})
    rig.host.prepare = (_pid, _image, ready) => {
      rig.time.schedule(9900, () => ready(undefined))
    }
    assert.strictEqual(done(push()).pid, 1)
    assert.isAbove(rig.time.now, 9900)
    const slow = line({})
    slow.rig.host.prepare = () => {}
    assert.deepStrictEqual(slow.push(), Result.fail({ code: 110, detail: "status" }))
  })

  it("tells the board when it gives up", () => {
    const { asked, push } = line({ reply: (_number, op) => op === "write" }, "abort")
    assert.deepStrictEqual(push(), Result.fail({ code: 110, detail: "no_reply" }))
    assert.strictEqual(asked.at(-1), "abort")
  })

  it("sends a board without buffers one chunk after twenty milliseconds, and one more with each that it takes", () => {
    const { client, rig, asked } = line({ request: (_number, op) => op === "write" })
    client.push(goldenImage(), {}, () => {})
    rig.time.advance(10)
    const before = asked.length
    const busy = { op: "write", xfer: 255, status: 16, fields: { op: "write", nextSeq: 0, bytesWritten: 0 } } as const
    client.receive(encodeReply(busy))
    rig.time.advance(19)
    assert.strictEqual(asked.length, before)
    rig.time.advance(1)
    assert.strictEqual(asked.length, before + 1)
    const took = (nextSeq: number) =>
      ({ op: "write", xfer: 255, status: 0, fields: { op: "write", nextSeq, bytesWritten: 0 } }) as const
    client.receive(encodeReply(took(1)))
    assert.strictEqual(asked.length, before + 3)
    client.receive(encodeReply(took(2)))
    assert.strictEqual(asked.length, before + 5)
  })

  it("answers other requests beside a push, and loses neither", () => {
    const { client, rig } = line({})
    const ended: Array<string> = []
    client.push(goldenImage(), {}, (result) => ended.push(Result.isSuccess(result) ? "pushed" : "failed"))
    for (let millis = 0; millis < 20; millis++) {
      client.ask({ op: "hello", xfer: client.nextXfer(), version: 1 }, (reply) => ended.push(`hello ${reply?.status}`))
      rig.time.advance(1)
    }
    rig.time.advance(10)
    assert.deepStrictEqual(
      ended.filter((what) => what === "pushed"),
      ["pushed"]
    )
    assert.strictEqual(ended.filter((what) => what === "hello 0").length, 20)
  })

  it("takes one image at a time, and tells the board of one that is cancelled", () => {
    const { client, rig, asked } = line({})
    const results: Array<Result.Result<Pushed, Refused>> = []
    client.push(goldenImage(), {}, (result) => results.push(result))
    client.push(goldenImage(), {}, (result) => results.push(result))
    rig.time.advance(3)
    client.cancel()
    rig.time.advance(10)
    assert.deepStrictEqual(results, [
      Result.fail({ code: 16, detail: "pushing" }),
      Result.fail({ code: 125, detail: "cancelled" })
    ])
    assert.strictEqual(asked.at(-1), "abort")
    assert.strictEqual(rig.events.at(-1)?.type, "provisioning.aborted")
  })

  it("counts its transfers from 1 to 255 and around", () => {
    const { client } = line({})
    assert.deepStrictEqual([client.nextXfer(), client.nextXfer(), client.nextXfer()], [255, 1, 2])
  })
})
