import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import type { CanFrame } from "../../../../devices/provisioning/transports/CanFrame.ts"
import { canClient, serveCan } from "../../../../devices/provisioning/transports/CanUnicast.ts"
import { bridgeBuses, decodeSlcan, encodeSlcan, SlcanBus } from "../../../../devices/provisioning/transports/Slcan.ts"
import type { ByteLine } from "../../../../devices/provisioning/transports/UartFraming.ts"
import { goldenImage } from "../GoldenImage.ts"
import { LoaderRig } from "../LoaderRig.ts"
import { FaultyBus, FaultyLine } from "./FaultyMedia.ts"

/** A line whose other end is the test. */
const recorded = () => {
  let written = ""
  let heard: (bytes: Uint8Array) => void = () => {}
  const line: ByteLine = {
    write: (bytes) => {
      written += Buffer.from(bytes).toString("latin1")
    },
    onBytes: (handler) => {
      heard = handler
    },
    close: () => {}
  }
  return {
    line,
    say: (text: string) => heard(Buffer.from(text, "latin1")),
    take: () => {
      const said = written
      written = ""
      return said
    }
  }
}

describe("a line of slcan", () => {
  it("is a frame as LAWICEL's manual writes it", () => {
    assert.strictEqual(encodeSlcan({ id: 0x100, data: Uint8Array.of(0x11, 0x33) }), "t10021133\r")
    assert.strictEqual(encodeSlcan({ id: 0x7ff, data: new Uint8Array(0) }), "t7FF0\r")
    assert.strictEqual(encodeSlcan({ id: 5, data: Uint8Array.from([0xcc, 0xdd]) }), "t0052CCDD\r")
    assert.deepStrictEqual(decodeSlcan("t10021133"), { id: 0x100, data: Uint8Array.of(0x11, 0x33) })
  })

  it("may end with the time at which the adapter heard it", () => {
    assert.deepStrictEqual(decodeSlcan("t7ff1AB03e8"), { id: 0x7ff, data: Uint8Array.of(0xab) })
  })

  it("is none when it is short, long, extended, remote, or noise", () => {
    for (const line of [
      "",
      "t",
      "t1002113",
      "t10021",
      "t100211334",
      "t1009001122334455667788",
      "t80000",
      "T000001002",
      "r1002",
      "z",
      "tXYZ0"
    ])
      assert.isUndefined(decodeSlcan(line), line)
  })
})

describe("the bus behind an adapter", () => {
  it("is opened with its bit rate, whatever the adapter did before, and closed", () => {
    const { line, take } = recorded()
    const bus = new SlcanBus(line, "250000")
    assert.strictEqual(take(), "\r\rC\rS5\rO\r")
    bus.close()
    assert.strictEqual(take(), "C\r")
  })

  it("hears whole frames however they are cut, beside what the adapter answers", () => {
    const { line, say } = recorded()
    const bus = new SlcanBus(line, "500000")
    const heard: Array<CanFrame> = []
    const stop = bus.listen((frame) => heard.push(frame))
    say("\r\x07\rz\rt1")
    say("00211")
    say("33\rgarbage\rt0050\r\x07")
    assert.deepStrictEqual(heard, [
      { id: 0x100, data: Uint8Array.of(0x11, 0x33) },
      { id: 5, data: new Uint8Array(0) }
    ])
    assert.strictEqual(bus.refusals, 2)
    say("x".repeat(5000))
    say("\rt0060\r")
    stop()
    say("t0070\r")
    assert.deepStrictEqual(
      heard.map(({ id }) => id),
      [0x100, 5, 6]
    )
  })

  it("carries an image between two buses, and no frame comes back to where it was said", () => {
    const rig = new LoaderRig()
    const clock = rig.time.clock()
    const [near, far] = [new FaultyBus(rig.time, () => 0.5), new FaultyBus(rig.time, () => 0.5)]
    const wire = new FaultyLine(rig.time, () => 0.5)
    const part = bridgeBuses({ ...near.join(), close: () => {} }, new SlcanBus(wire.ends[0], "500000"))
    bridgeBuses({ ...far.join(), close: () => {} }, new SlcanBus(wire.ends[1], "500000"))
    const board = { node: 5, capabilities: () => 0xff, codeBytesFree: () => 65_536 }
    serveCan(far.join(), "can0", { loader: rig.loader, clock, board, level: 1 })
    const pids: Array<number> = []
    const { client } = canClient(near.join(), clock, 5, { firstXfer: 1 })
    client.push(goldenImage(), {}, (pushed) => pids.push(Result.getOrThrow(pushed).pid))
    rig.time.advance(5000)
    assert.deepStrictEqual(pids, [1])
    assert.strictEqual(near.frames, far.frames)
    part()
    const before = far.frames
    near.join().send({ id: 1, data: new Uint8Array(0) })
    rig.time.advance(10)
    assert.strictEqual(far.frames, before)
  })
})
