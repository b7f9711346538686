import { mkdtempSync, rmSync } from "node:fs"
import { connect, createServer, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { realClock } from "../../../../devices/agent/RealTime.ts"
import type { Pushed } from "../../../../devices/provisioning/LoadClient.ts"
import { Loader } from "../../../../devices/provisioning/Loader.ts"
import type { LoadReplyPdu } from "../../../../devices/provisioning/LoadPdu.ts"
import type { StagingLimits } from "../../../../devices/provisioning/Staging.ts"
import { streamLine, UartChannel } from "../../../../devices/provisioning/transports/UartFraming.ts"
import { serveUart, uartClient } from "../../../../devices/provisioning/transports/UartLoad.ts"
import type { Refused } from "../../../../devices/Refused.ts"
import { seeded } from "../../../../devices/simulated/Seeded.ts"
import { writeHxe } from "../../../../src/protocol/hxe/HxeWriter.ts"
import { CountingHost } from "../CountingHost.ts"
import { goldenImage } from "../GoldenImage.ts"
import { LoaderRig } from "../LoaderRig.ts"
import { FaultyLine, perfect } from "./FaultyMedia.ts"

const board = { node: 0, capabilities: () => 0xff, codeBytesFree: () => 65_536 }

/** A board and a master at the two ends of a line. */
const line = (bit: number, seed = 1, baudRate = Number.POSITIVE_INFINITY, staging?: StagingLimits) => {
  const rig = new LoaderRig()
  const clock = rig.time.clock()
  const wire = new FaultyLine(rig.time, seeded(seed, "uart"), { ...perfect, bit })
  wire.byteMillis = 10_000 / baudRate
  const channel = new UartChannel(wire.ends[0])
  const server = serveUart(channel, "tty0", {
    loader: rig.loader,
    clock,
    board,
    level: 1,
    ...(staging === undefined ? {} : { staging })
  })
  const master = new UartChannel(wire.ends[1])
  const client = uartClient(master, clock, 3, baudRate)
  const push = (image: Uint8Array): Result.Result<Pushed, Refused> => {
    const results: Array<Result.Result<Pushed, Refused>> = []
    client.push(image, {}, (result) => results.push(result))
    while (results.length === 0 && rig.time.now < 100_000) rig.time.step()
    const [result] = results
    if (result === undefined) throw new Error("no end")
    return result
  }
  return { rig, wire, channel, server, client, push }
}

describe("an image over a serial line", () => {
  it("takes a window of writes and no message more than it needs", () => {
    const { channel, push, rig } = line(0)
    assert.deepStrictEqual(push(goldenImage()), Result.succeed({ pid: 1, chunks: 1, resent: 0 }))
    assert.strictEqual(channel.counters.received, 3)
    assert.strictEqual(rig.events.length, 4)
  })

  it("goes on after noise in the middle of it, and counts what was noise", () => {
    const { channel, client, rig, wire } = line(0)
    const results: Array<Result.Result<Pushed, Refused>> = []
    client.push(goldenImage(), {}, (result) => results.push(result))
    wire.noise(0, Uint8Array.of(0x55, 0xaa, 0x13))
    while (results.length === 0) rig.time.step()
    assert.isTrue(results.every(Result.isSuccess))
    assert.strictEqual(channel.counters.damaged, 1)
  })

  it("tells of damaged frames only when it is asked where it is", () => {
    const { client, rig, wire } = line(0)
    client.push(goldenImage(), {}, () => {})
    wire.noise(0, Uint8Array.of(0x55, 0xaa, 0x13, 0))
    rig.time.advance(4)
    const replies: Array<LoadReplyPdu | undefined> = []
    client.ask({ op: "status", xfer: 3 }, (reply) => replies.push(reply))
    rig.time.advance(10)
    assert.deepInclude(replies[0]?.fields, { op: "status", lastError: 71 })
  })

  it("comes through bit errors by sending again what was damaged", () => {
    let resent = 0
    let damaged = 0
    for (let seed = 1; seed <= 10; seed++) {
      const { channel, push, rig } = line(2e-4, seed)
      const pushed = push(goldenImage())
      assert.isTrue(Result.isSuccess(pushed), `seed ${seed}`)
      if (Result.isSuccess(pushed)) resent += pushed.success.resent
      damaged += channel.counters.damaged
      assert.strictEqual(rig.host.running.length, 1)
    }
    assert.isAbove(resent, 0)
    assert.isAbove(damaged, 0)
  })

  it("sends nothing twice over a line so slow that a window takes seconds", () => {
    const image = writeHxe({ version: 2, entry: 0, code: new Uint8Array(4000), rodata: new Uint8Array(0) })
    const { push } = line(0, 1, 2400)
    assert.deepStrictEqual(push(image), Result.succeed({ pid: 1, chunks: 8, resent: 0 }))
  })

  describe("to a board that holds little and stores slowly", () => {
    const small: StagingLimits = { bytes: 1024, bytesPerMilli: 10 }
    const image = (bytes: number): Uint8Array =>
      writeHxe({ version: 2, entry: 0, code: new Uint8Array(bytes), rodata: new Uint8Array(0) })

    it("comes whole: the board asks its master to wait, and no wait counts as a loss of the line", () => {
      const { push, rig, server } = line(0, 1, Number.POSITIVE_INFINITY, small)
      const bytes = image(12_000)
      const begun = rig.time.now
      const pushed = push(bytes)
      assert.deepStrictEqual(
        Result.map(pushed, ({ chunks, pid }) => [chunks, pid]),
        Result.succeed([24, 1])
      )
      assert.isAbove(server.waits, 5)
      // One chunk every 20 ms while one of them takes 51 ms to be stored: a board that is full is not sent whole windows.
      assert.isBelow(Result.getOrThrow(pushed).resent, 4 * 24)
      assert.isAbove(rig.time.now - begun, bytes.length / small.bytesPerMilli)
      assert.strictEqual(rig.host.running.length, 1)
      assert.isFalse(rig.events.some(({ type }) => type === "provisioning.error"))
    })

    it("does not wait on a line that is slower than the board", () => {
      const { push, server } = line(0, 1, 9600, small)
      assert.deepStrictEqual(push(image(4000)), Result.succeed({ pid: 1, chunks: 8, resent: 0 }))
      assert.strictEqual(server.waits, 0)
    })

    it("comes through bit errors as well, each byte once", () => {
      for (let seed = 1; seed <= 10; seed++) {
        const { push, rig, server } = line(1e-5, seed, Number.POSITIVE_INFINITY, small)
        const pushed = push(image(12_000))
        assert.isTrue(Result.isSuccess(pushed), `seed ${seed}`)
        assert.isAbove(server.waits, 0)
        assert.strictEqual(rig.last("provisioning.complete").data.bytes_written, image(12_000).length)
      }
    })

    it("learns what is wrong with it though that is found long after the chunk was taken in", () => {
      const { push, rig } = line(0, 1, Number.POSITIVE_INFINITY, small)
      const bad = image(12_000)
      bad[6] = 0xff
      assert.deepStrictEqual(
        Result.mapError(push(bad), ({ code }) => code),
        Result.fail(74)
      )
      assert.deepStrictEqual(rig.host.running, [])
    })

    it("is forgotten when its master gives up, and another one comes whole", () => {
      const { client, push, rig } = line(0, 1, Number.POSITIVE_INFINITY, small)
      client.push(image(12_000), {}, () => {})
      rig.time.advance(100)
      client.cancel()
      rig.time.advance(10)
      assert.isTrue(Result.isSuccess(push(image(3000))))
      assert.strictEqual(rig.host.running.length, 1)
    })

    it("comes in chunks that fit into what it holds", () => {
      const { push } = line(0, 1, Number.POSITIVE_INFINITY, { bytes: 100, bytesPerMilli: 10 })
      assert.deepStrictEqual(
        Result.map(push(image(800)), ({ chunks }) => chunks),
        Result.succeed(9)
      )
    })
  })

  it("tells its sender how much of it has arrived", () => {
    const { client, rig } = line(0)
    const image = writeHxe({ version: 2, entry: 0, code: new Uint8Array(2000), rodata: new Uint8Array(0) })
    const told: Array<number> = []
    client.push(image, { acknowledged: (bytes) => told.push(bytes) }, () => {})
    rig.time.advance(1000)
    assert.deepStrictEqual(told, [512, 1024, 1536, 2048, image.length])
  })

  it("is given up at a dead line after five attempts, and the board is told", () => {
    const { push, rig, wire } = line(0)
    wire.isCut = true
    const started = rig.time.now
    const pushed = push(goldenImage())
    assert.deepStrictEqual(pushed, Result.fail({ code: 110, detail: "no_reply" }))
    assert.strictEqual(rig.time.now - started, 300 * (1 + 2 + 4 + 8 + 16))
  })

  it("comes through a real socket between two ends of a file name", async () => {
    const folder = mkdtempSync(join(tmpdir(), "holon-uart-"))
    const path = join(folder, "tty")
    const clock = Effect.runSync(realClock)
    const host = new CountingHost()
    const loader = new Loader({ clock, programs: host })
    const sockets: Array<Socket> = []
    const server = createServer((socket) => {
      sockets.push(socket)
      serveUart(new UartChannel(streamLine(socket)), "tty", { loader, clock, board, level: 1 })
    })
    await new Promise<void>((resolve) => server.listen(path, resolve))
    const socket = connect(path)
    await new Promise<void>((resolve) => socket.on("connect", () => resolve()))
    const channel = new UartChannel(streamLine(socket))
    const pushed = await new Promise<Result.Result<Pushed, Refused>>((resolve) =>
      uartClient(channel, clock, 1).push(goldenImage(), {}, resolve)
    )
    // On a machine that is busy a message may go out twice.
    assert.deepStrictEqual(
      Result.map(pushed, ({ pid }) => pid),
      Result.succeed(1)
    )
    channel.close()
    for (const open of sockets) open.destroy()
    loader.shutdown()
    await new Promise<void>((resolve) => server.close(() => resolve()))
    rmSync(folder, { recursive: true })
  })
})
