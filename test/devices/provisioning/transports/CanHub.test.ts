import { type ChildProcess, fork } from "node:child_process"
import { connect } from "node:net"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { realClock } from "../../../../devices/agent/RealTime.ts"
import { CanBroadcastMaster } from "../../../../devices/provisioning/transports/CanBroadcastMaster.ts"
import type { CanFrame } from "../../../../devices/provisioning/transports/CanFrame.ts"
import { CanHub, type CanMember, joinBus } from "../../../../devices/provisioning/transports/CanHub.ts"
import { canClient } from "../../../../devices/provisioning/transports/CanUnicast.ts"
import { goldenCrc32, goldenImage } from "../GoldenImage.ts"

const board = fileURLToPath(new URL("./CanBoardProcess.ts", import.meta.url))

const hubOn = (hub: CanHub): Promise<number> => new Promise((resolve) => hub.listen(0, resolve))
const joined = (port: number): Promise<CanMember> =>
  new Promise((resolve, reject) => {
    const member = joinBus(
      { host: "127.0.0.1", port },
      () => resolve(member),
      (cause) => reject(cause ?? new Error("left"))
    )
  })
const closed = (hub: CanHub): Promise<void> => new Promise((resolve) => hub.close(resolve))

/** A child, what it has said, and a wait for more of it. */
const childOf = (port: number, node: number) => {
  const child: ChildProcess = fork(board, [String(port), String(node)], { execArgv: ["--no-warnings"] })
  const said: Array<Record<string, unknown>> = []
  const waits: Array<() => void> = []
  child.on("message", (message: Record<string, unknown>) => {
    said.push(message)
    for (const wait of waits) wait()
  })
  const has = (type: string): Promise<Record<string, unknown>> =>
    new Promise((resolve) => {
      const look = (): void => {
        const found = said.find((message) => message["type"] === type)
        if (found !== undefined) resolve(found)
      }
      waits.push(look)
      look()
    })
  const ended = new Promise<void>((resolve) => child.on("exit", () => resolve()))
  return { child, said, has, ended }
}

describe("a CAN bus between processes", () => {
  it("carries a frame to everybody but its sender, as it was", async () => {
    const hub = new CanHub()
    const port = await hubOn(hub)
    const [one, two, three] = [await joined(port), await joined(port), await joined(port)]
    const heardByOne: Array<CanFrame> = []
    one.listen((frame) => heardByOne.push(frame))
    const sent = { id: 0x7ff, data: Uint8Array.of(1, 2, 3) }
    const heard = await new Promise<ReadonlyArray<CanFrame>>((resolve) => {
      const frames: Array<CanFrame> = []
      const listen = (frame: CanFrame): void => {
        frames.push(frame)
        if (frames.length === 4) resolve(frames)
      }
      two.listen(listen)
      three.listen(listen)
      one.send(sent)
      one.send({ id: 0x600, data: new Uint8Array(8).fill(9) })
    })
    assert.deepStrictEqual(
      heard.filter(({ id }) => id === 0x7ff),
      [sent, sent]
    )
    assert.deepStrictEqual(heardByOne, [])
    await closed(hub)
  })

  it("finds frames however the bytes are cut", async () => {
    const hub = new CanHub()
    const port = await hubOn(hub)
    const listener = await joined(port)
    const heard = new Promise<CanFrame>((resolve) => listener.listen(resolve))
    const raw = connect(port, "127.0.0.1")
    raw.setNoDelay(true)
    for (const byte of [0x05, 0x05, 2, 0xaa, 0xbb, 0, 0, 0, 0, 0, 0]) {
      raw.write(Uint8Array.of(byte))
      await new Promise((resolve) => setImmediate(resolve))
    }
    assert.deepStrictEqual(await heard, { id: 0x505, data: Uint8Array.of(0xaa, 0xbb) })
    raw.destroy()
    await closed(hub)
  })

  it("lets a master push an image to a board in another process, which runs it", { timeout: 30_000 }, async () => {
    const hub = new CanHub()
    const port = await hubOn(hub)
    const { child, ended, has, said } = childOf(port, 5)
    await has("joined")
    const bus = await joined(port)
    const { client } = canClient(bus, Effect.runSync(realClock), 5, { firstXfer: 9 })
    const pushed = await new Promise<Result.Result<{ readonly pid: number }, unknown>>((resolve) =>
      client.push(goldenImage(), { label: "golden" }, resolve)
    )
    // On a machine that is busy a message may go out twice.
    assert.deepStrictEqual(
      Result.map(pushed, ({ pid }) => pid),
      Result.succeed(1)
    )
    assert.deepInclude(await has("ran"), { state: "returned", result: 6 })
    assert.deepStrictEqual(
      said.map(({ type }) => type),
      ["joined", "provisioning.started", "provisioning.complete", "ran"]
    )
    child.disconnect()
    await ended
    await closed(hub)
  })

  it("lets a master send an image to two boards in two other processes at once", { timeout: 30_000 }, async () => {
    const hub = new CanHub()
    const port = await hubOn(hub)
    const boards = [childOf(port, 1), childOf(port, 2)]
    for (const { has } of boards) await has("joined")
    const bus = await joined(port)
    const outcomes = await new Promise<ReadonlyArray<{ readonly node: number; readonly status: number }>>((resolve) => {
      new CanBroadcastMaster(
        bus,
        Effect.runSync(realClock),
        { image: goldenImage(), xfer: 3, flags: 1, expected: [1, 2] },
        resolve
      )
    })
    assert.deepStrictEqual(
      outcomes.map(({ node, status }) => [node, status]),
      [
        [1, 0],
        [2, 0]
      ]
    )
    for (const { child, ended, has } of boards) {
      const complete = await has("provisioning.complete")
      assert.nestedPropertyVal(complete, "data.file_crc32", goldenCrc32)
      child.disconnect()
      await ended
    }
    await closed(hub)
  })
})
