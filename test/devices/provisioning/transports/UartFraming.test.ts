import { assert, describe, it } from "@effect/vitest"
import { encodeRequest } from "../../../../devices/provisioning/LoadPdu.ts"
import { cobsDecode, cobsEncode } from "../../../../devices/provisioning/transports/Cobs.ts"
import {
  type ByteLine,
  decodeUartFrame,
  encodeUartFrame,
  frameTypes,
  UartChannel,
  uartMessageBytesMax
} from "../../../../devices/provisioning/transports/UartFraming.ts"
import { seeded } from "../../../../devices/simulated/Seeded.ts"
import { goldenCrc32, goldenImage } from "../GoldenImage.ts"

const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(" ", ""), "hex"))

/** A line whose other end is the test. */
class HandLine implements ByteLine {
  readonly written: Array<Uint8Array> = []
  arrive: (bytes: Uint8Array) => void = () => {}

  write(bytes: Uint8Array): void {
    this.written.push(bytes)
  }

  onBytes(handler: (bytes: Uint8Array) => void): void {
    this.arrive = handler
  }

  close(): void {}
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

describe("frames on a serial line", () => {
  it("are those of the known bytes", () => {
    const hello = encodeRequest({ op: "hello", xfer: 1, version: 1 })
    assert.deepStrictEqual(encodeUartFrame(frameTypes.load, 0, hello), bytesOf("02 10 08 09 01 01 C7 0F 5A C7 00"))
    assert.deepStrictEqual(
      encodeUartFrame(frameTypes.load, 1, begin),
      bytesOf("05 10 01 01 2A 01 08 01 78 A6 21 E7 04 01 01 01 0F 09 67 6F 6C 64 5F 66 75 6C 6C 68 67 41 94 00")
    )
    const write = encodeRequest({ op: "write", xfer: 0x2a, seq: 0, data: goldenImage().subarray(0, 16) })
    assert.deepStrictEqual(
      encodeUartFrame(frameTypes.load, 2, write),
      bytesOf("05 10 02 02 2A 01 05 48 53 58 45 02 02 02 02 01 01 01 01 01 01 06 24 48 A5 84 4B 00")
    )
  })

  it("are read back whatever they carry, up to the longest", () => {
    const random = seeded(1, "frames")
    for (let round = 0; round < 200; round++) {
      const length = round === 0 ? uartMessageBytesMax : Math.floor(random() * (uartMessageBytesMax + 1))
      const zeros = random()
      const message = Uint8Array.from({ length }, () => (random() < zeros ? 0 : Math.floor(random() * 256)))
      const wire = encodeUartFrame(frameTypes.load, round, message)
      assert.strictEqual(wire.indexOf(0), wire.length - 1)
      assert.deepStrictEqual(decodeUartFrame(wire.subarray(0, -1)), { type: 0, frameSeq: round & 0xff, message })
    }
  })

  it("are dropped with any one bit flipped", () => {
    const wire = encodeUartFrame(frameTypes.load, 1, begin).subarray(0, -1)
    for (let bit = 0; bit < wire.length * 8; bit++) {
      const damaged = wire.slice()
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      assert.isUndefined(decodeUartFrame(damaged), `bit ${bit}`)
    }
  })

  it("are dropped when they are of another version, cut, or longer than allowed", () => {
    assert.isUndefined(decodeUartFrame(bytesOf("01")))
    assert.isUndefined(decodeUartFrame(encodeUartFrame(0x20, 0, begin).subarray(0, -1)))
    assert.isUndefined(decodeUartFrame(encodeUartFrame(0, 0, new Uint8Array(uartMessageBytesMax + 1)).subarray(0, -1)))
  })
})

describe("cobsEncode", () => {
  it("stuffs runs around the longest one", () => {
    for (let length = 0; length < 1030; length++) {
      for (const fill of [0, 1]) {
        const bytes = new Uint8Array(length).fill(fill)
        const stuffed = cobsEncode(bytes)
        assert.isFalse(stuffed.includes(0))
        assert.deepStrictEqual(cobsDecode(stuffed), bytes)
      }
    }
    assert.deepStrictEqual(cobsEncode(new Uint8Array(0)), Uint8Array.of(1))
    assert.strictEqual(cobsEncode(new Uint8Array(254).fill(7)).length, 255)
    assert.strictEqual(cobsEncode(new Uint8Array(255).fill(7)).length, 257)
  })
})

describe("UartChannel", () => {
  it("finds the next frame after noise, a cut frame and a lone zero, and counts what it dropped", () => {
    const line = new HandLine()
    const channel = new UartChannel(line)
    const heard: Array<Uint8Array> = []
    channel.onMessage((message) => heard.push(message))
    const frame = encodeUartFrame(frameTypes.load, 0, begin)
    line.arrive(bytesOf("55 AA 13 00"))
    line.arrive(frame.subarray(0, 9))
    line.arrive(Uint8Array.of(0, 0))
    for (const byte of frame) line.arrive(Uint8Array.of(byte))
    assert.deepStrictEqual(heard, [begin])
    assert.deepStrictEqual(channel.counters, { received: 1, damaged: 2, skipped: 0 })
  })

  it("keeps its memory small on a line of noise without a zero", () => {
    const line = new HandLine()
    const channel = new UartChannel(line)
    for (let kibibyte = 0; kibibyte < 100; kibibyte++) line.arrive(new Uint8Array(1024).fill(0x55))
    line.arrive(Uint8Array.of(0))
    assert.strictEqual(channel.counters.damaged, 1)
    line.arrive(encodeUartFrame(frameTypes.load, 0, begin))
    assert.strictEqual(channel.counters.received, 1)
  })

  it("hands credits on, ignores what is to be ignored, and counts what is missing", () => {
    const line = new HandLine()
    const channel = new UartChannel(line)
    const credits: Array<number> = []
    const heard: Array<Uint8Array> = []
    channel.onCredit((credit) => credits.push(credit))
    channel.onMessage((message) => heard.push(message))
    line.arrive(encodeUartFrame(frameTypes.credit, 255, Uint8Array.of(3)))
    line.arrive(encodeUartFrame(frameTypes.ignore, 0, Uint8Array.of(1)))
    line.arrive(encodeUartFrame(frameTypes.load, 5, begin))
    assert.deepStrictEqual(credits, [3])
    assert.strictEqual(heard.length, 1)
    assert.strictEqual(channel.counters.skipped, 1)
  })

  it("numbers what it sends", () => {
    const line = new HandLine()
    const channel = new UartChannel(line)
    channel.send(begin)
    channel.sendCredit(1)
    channel.resync()
    assert.deepStrictEqual(
      line.written.map((wire) => decodeUartFrame(wire.subarray(0, -1))?.frameSeq),
      [0, 1, undefined]
    )
  })
})
