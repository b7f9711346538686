/** What it costs to verify an image, against the CRC and the hash that nobody can do without. */
import { createHash } from "node:crypto"
import { crc32 } from "node:zlib"
import { Result } from "effect"
import { f16Bits } from "../../src/protocol/hxe/F16.ts"
import { readHxe } from "../../src/protocol/hxe/HxeReader.ts"
import { HxeStream } from "../../src/protocol/hxe/HxeStream.ts"
import { writeHxe } from "../../src/protocol/hxe/HxeWriter.ts"
import { type BenchOptions, compare } from "./Rounds.ts"

const goal = 0.7
const codeBytes = 0x1_0000
const rodataBytes = 0x6000
const chunkBytes = 4096
const bytesMax = 262_144

/** A large program with the metadata of a busy one. */
const image = (): Uint8Array =>
  writeHxe({
    appName: "bench",
    entry: 0,
    code: Uint8Array.from({ length: codeBytes }, (_, at) => Math.imul(at, 2_654_435_761) >>> 24),
    rodata: Uint8Array.from({ length: rodataBytes }, (_, at) => at),
    values: Array.from({ length: 16 }, (_, valueId) => ({
      groupId: 1,
      valueId,
      flags: 0,
      authLevel: 0,
      initBits: f16Bits(valueId),
      epsilonBits: f16Bits(0.1),
      minimumBits: 0,
      maximumBits: 0,
      persistKey: 0,
      name: `value ${valueId}`,
      unit: "rpm",
      groupName: "motor"
    })),
    commands: Array.from({ length: 8 }, (_, commandId) => ({
      groupId: 1,
      commandId,
      flags: 0,
      authLevel: 0,
      handlerOffset: 4 * commandId,
      name: `command ${commandId}`,
      help: "does what its name says",
      groupName: "motor"
    })),
    mailboxes: Array.from({ length: 4 }, (_, n) => ({ target: `app:box-${n}`, capacity: 96, mode: "RDWR" }))
  })

/** MB/s of a verification that must answer true. */
const rate = (bytes: Uint8Array, times: number, verify: (bytes: Uint8Array) => boolean): number => {
  const start = process.hrtime.bigint()
  for (let time = 0; time < times; time++) if (!verify(bytes)) throw new Error("the image is refused")
  return (bytes.length * times) / (Number(process.hrtime.bigint() - start) / 1000)
}

const sha256 = (bytes: Uint8Array): Uint8Array => createHash("sha256").update(bytes).digest()

const bothHashes = (bytes: Uint8Array): boolean => sha256(bytes).length + sha256(bytes).length === 64

const isStreamed = (bytes: Uint8Array, digestsSigned: boolean): boolean => {
  const stream = new HxeStream({ bytesMax, totalBytes: bytes.length, digestsSigned })
  for (let at = 0; at < bytes.length; at += chunkBytes) stream.push(bytes.subarray(at, at + chunkBytes))
  return Result.isSuccess(stream.end())
}

export const hxe = async ({ isQuick }: BenchOptions): Promise<void> => {
  const bytes = image()
  const times = isQuick ? 300 : 2000
  const variant = (name: string, verify: (bytes: Uint8Array) => boolean, isBaseline = false) => ({
    name,
    unit: "MB/s",
    run: async () => rate(bytes, times, verify),
    ...(isBaseline ? {} : { goal: { atLeast: goal } })
  })
  await compare(
    `an image of ${bytes.length} bytes, verified`,
    [
      variant("CRC-32 and SHA-256 alone", () => crc32(bytes) >= 0 && sha256(bytes).length === 32, true),
      variant("read as a whole, with SHA-256", () => Result.isSuccess(readHxe(bytes)) && sha256(bytes).length === 32),
      variant(`as it arrives, ${chunkBytes} bytes at a time`, () => isStreamed(bytes, false))
    ],
    isQuick ? 5 : 11
  )
  await compare(
    "the same with the digest of a signature",
    [
      variant("CRC-32 and two SHA-256 alone", () => crc32(bytes) >= 0 && bothHashes(bytes), true),
      variant(`as it arrives, ${chunkBytes} bytes at a time`, () => isStreamed(bytes, true))
    ],
    isQuick ? 5 : 11
  )
}
