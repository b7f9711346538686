import { assert, describe, it } from "@effect/vitest"
import { encodeRequest } from "../../../../devices/provisioning/LoadPdu.ts"
import type { CanFrame } from "../../../../devices/provisioning/transports/CanFrame.ts"
import { IsoTpChannel, type IsoTpFault } from "../../../../devices/provisioning/transports/IsoTp.ts"
import { VirtualTime } from "../../VirtualTime.ts"
import { goldenCrc32 } from "../GoldenImage.ts"
import { FaultyBus } from "./FaultyMedia.ts"

const ids = { send: 0x505, receive: 0x585 }
const hex = ({ data }: CanFrame): string => Buffer.from(data).toString("hex").toUpperCase()

/** One end on a bus whose other member is the test. */
const oneEnd = (receiveBytesMax?: number) => {
  const time = new VirtualTime()
  const bus = new FaultyBus(time, () => 0.5)
  const channel = new IsoTpChannel(bus.join(), time.clock(), ids, receiveBytesMax)
  const other = bus.join()
  const frames: Array<CanFrame> = []
  const faults: Array<IsoTpFault> = []
  const messages: Array<Uint8Array> = []
  other.listen((frame) => frames.push(frame))
  channel.onFault((fault) => faults.push(fault))
  channel.onMessage((message) => messages.push(message))
  const put = (bytes: string): void => {
    other.send({ id: ids.receive, data: new Uint8Array(Buffer.from(bytes.replaceAll(" ", ""), "hex")) })
    time.advance(1)
  }
  return { time, channel, frames, faults, messages, put }
}

const begin = encodeRequest({
  op: "begin",
  xfer: 0x2a,
  totalBytes: 376,
  fileCrc32: goldenCrc32,
  chunkBytesMax: 256,
  flags: 0,
  label: "gold_full"
})

describe("IsoTpChannel", () => {
  it("sends the known frames, and waits for a flow control between them", () => {
    const { channel, frames, put, time } = oneEnd()
    channel.send(begin)
    time.advance(100)
    assert.deepStrictEqual(frames.map(hex), ["1018012A00000178"])
    put("30 08 02 CC CC CC CC CC")
    time.advance(10)
    assert.deepStrictEqual(frames.map(hex), [
      "1018012A00000178",
      "21A621E704010000",
      "220009676F6C645F",
      "2366756C6CCCCCCC"
    ])
    assert.isTrue(frames.every(({ id }) => id === 0x505))
  })

  it("keeps the time between frames that the receiver wants, and stops after each block", () => {
    const { channel, frames, put, time } = oneEnd()
    channel.send(new Uint8Array(100).fill(1))
    put("30 02 0A")
    time.advance(9)
    assert.strictEqual(frames.length, 2)
    time.advance(2)
    assert.strictEqual(frames.length, 3)
    time.advance(500)
    assert.strictEqual(frames.length, 3)
    put("30 00 00")
    time.advance(1)
    assert.strictEqual(frames.length, 1 + Math.ceil(94 / 7))
  })

  it("sends a short message in one frame, and takes one with any padding", () => {
    const { channel, frames, messages, put, time } = oneEnd()
    channel.send(Uint8Array.of(5, 0x2a))
    time.advance(1)
    assert.deepStrictEqual(frames.map(hex), ["02052ACCCCCCCCCC"])
    put("03 01 02 03 FF FF FF FF")
    put("03 01 02 03")
    assert.deepStrictEqual(messages, [Uint8Array.of(1, 2, 3), Uint8Array.of(1, 2, 3)])
  })

  it("asks for blocks of eight frames two milliseconds apart and puts the message together", () => {
    const { frames, messages, put } = oneEnd()
    put("10 48 00 01 02 03 04 05")
    assert.deepStrictEqual(frames.map(hex), ["300802CCCCCCCCCC"])
    for (let frame = 1; frame <= 10; frame++) {
      put(`2${(frame & 15).toString(16)} ${"AB".repeat(7)}`)
    }
    assert.strictEqual(frames.length, 2)
    assert.strictEqual(messages.length, 1)
    assert.strictEqual(messages[0]?.length, 72)
  })

  it("drops a message with a missing, repeated or late frame, and takes the next one", () => {
    const { channel, messages, put, time } = oneEnd()
    put("10 14 00 01 02 03 04 05")
    put("22 00 00 00 00 00 00 00")
    put("10 14 00 01 02 03 04 05")
    put("21 00 00 00 00 00 00 00")
    put("21 00 00 00 00 00 00 00")
    put("10 14 00 01 02 03 04 05")
    time.advance(1000)
    put("21 00 00 00 00 00 00 00")
    assert.strictEqual(messages.length, 0)
    assert.strictEqual(channel.broken, 3)
    put("10 0A 00 01 02 03 04 05")
    put("21 06 07 08 09 CC CC CC")
    assert.deepStrictEqual(messages, [Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9)])
  })

  it("gives up without a flow control, after too many waits, and on an overflow", () => {
    const { channel, faults, put, time } = oneEnd()
    channel.send(begin)
    time.advance(999)
    assert.deepStrictEqual(faults, [])
    time.advance(1)
    channel.send(begin)
    for (let wait = 0; wait < 11; wait++) put("31 00 00")
    channel.send(begin)
    put("32 00 00")
    channel.send(new Uint8Array(4096))
    assert.deepStrictEqual(faults, ["no_flow_control", "too_many_waits", "overflow", "too_long"])
  })

  it("tells a sender of more than it takes", () => {
    const { frames, put } = oneEnd(64)
    put("10 41 00 01 02 03 04 05")
    assert.deepStrictEqual(frames.map(hex), ["320000CCCCCCCCCC"])
  })

  it("begins again when a message is repeated that hangs, and not when it is on its way", () => {
    const { channel, frames, put, time } = oneEnd()
    channel.send(begin)
    time.advance(500)
    channel.send(begin)
    time.advance(1)
    assert.deepStrictEqual(frames.map(hex), ["1018012A00000178", "1018012A00000178"])
    put("30 00 7F")
    channel.send(begin)
    time.advance(500)
    assert.strictEqual(frames.length, 5)
  })
})
