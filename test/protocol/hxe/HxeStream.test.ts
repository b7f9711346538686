import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { readHxe } from "../../../src/protocol/hxe/HxeReader.ts"
import { type HxeReceived, HxeStream, type HxeStreamOptions } from "../../../src/protocol/hxe/HxeStream.ts"
import { signedDigestOf } from "../../../src/protocol/hxe/SignedDigest.ts"
import { described, first, full, hexOf, smallest } from "./Golden.ts"
import { crcOf, edited, sealed, u16, u32, utf8, withSections } from "./RawImage.ts"
import { signed } from "./Signed.ts"

const bytesMax = 262_144

const stream = (options: Partial<HxeStreamOptions> = {}): HxeStream => new HxeStream({ bytesMax, ...options })

/** Pushes the bytes in pieces of these sizes, over and over, and gives the end or the first refusal. */
const through = (
  made: HxeStream,
  bytes: Uint8Array,
  sizes: ReadonlyArray<number> = [bytes.length]
): Result.Result<HxeReceived, { readonly code: number; readonly detail: string }> => {
  let at = 0
  for (let index = 0; at < bytes.length; index++) {
    const size = sizes[index % sizes.length] ?? bytes.length
    const refused = made.push(bytes.subarray(at, at + size))
    if (refused !== undefined) return Result.fail(refused)
    at += size
  }
  return made.end()
}

const nameOf = ({ header }: HxeStream): string | undefined => header?.appName

const detailOf = (bytes: Uint8Array, options: Partial<HxeStreamOptions> = {}): string =>
  Result.match(through(stream(options), bytes), { onSuccess: () => "taken", onFailure: ({ detail }) => detail })

/** How many of these bytes, one by one, it takes until they are refused, and why. */
const refusedAt = (bytes: Uint8Array, options: Partial<HxeStreamOptions> = {}): string => {
  const made = stream(options)
  for (let at = 0; at < bytes.length; at++) {
    const refused = made.push(bytes.subarray(at, at + 1))
    if (refused !== undefined) return `${at + 1} ${refused.code} ${refused.detail}`
  }
  return Result.match(made.end(), { onSuccess: () => "taken", onFailure: ({ detail }) => `end ${detail}` })
}

const good = { first, smallest, full, described, signed }

/** Images with one thing wrong each, so that there is one right answer however early it is given. */
const bad = {
  crc: edited(full, [0x1e, [0]]),
  string: sealed(edited(full, [0xbb + 6, u16(55)])),
  mailbox: sealed(edited(full, [0x11a, [0]])),
  overlap: sealed(edited(full, [0x8b, [...u32(99), ...u32(0xbc)]])),
  handler: sealed(edited(full, [0xf6, u32(0x24)])),
  manifest: sealed(edited(described, [376, u32(88)])),
  magic: sealed(edited(full, [0, [0]])),
  reserved: edited(full, [0x48, [1]])
}

describe("HxeStream", () => {
  const Cuts = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 40 }))).check(
    Schema.isMinLength(1)
  )
  const useful = (cuts: ReadonlyArray<number>): ReadonlyArray<number> => [...cuts, 1]

  it.prop("finds what a reader of the whole finds, however the bytes are cut", { cuts: Cuts }, ({ cuts }) => {
    for (const strict of [true, false])
      for (const bytes of [...Object.values(good), ...Object.values(bad)])
        for (const totalBytes of [bytes.length, undefined]) {
          const whole = readHxe(bytes, { strict })
          const parts = { code: new Uint8Array(64), rodata: new Uint8Array(64) }
          const take: HxeStreamOptions["take"] = (part, offset, piece) => parts[part].set(piece, offset)
          const found = through(stream({ strict, totalBytes, take }), bytes, useful(cuts))
          if (Result.isFailure(whole)) {
            assert.deepStrictEqual(found, Result.fail(whole.failure))
            continue
          }
          const { code, rodata, ...facts } = whole.success
          const { header, signature } = facts
          assert.deepStrictEqual(Result.getOrThrow(found), {
            ...facts,
            bytes: bytes.length,
            crc32: crcOf(bytes),
            sha256: createHash("sha256").update(bytes).digest(),
            signedDigest:
              header.version === 1 || signature !== undefined
                ? Buffer.from(signedDigestOf(bytes, signature))
                : undefined
          })
          assert.strictEqual(hexOf(parts.code.subarray(0, code.length)), hexOf(code))
          assert.strictEqual(hexOf(parts.rodata.subarray(0, rodata.length)), hexOf(rodata))
        }
  })

  it("hands code and rodata on in order and in whole, also one byte at a time", () => {
    const taken: Array<string> = []
    const take: HxeStreamOptions["take"] = (part, offset, bytes) => taken.push(`${part} ${offset} ${hexOf(bytes)}`)
    through(stream({ take }), first, [1])
    assert.deepStrictEqual(taken, [
      "code 0 01",
      "code 1 00",
      "code 2 00",
      "code 3 07",
      "code 4 25",
      "code 5 00",
      "code 6 00",
      "code 7 00",
      "rodata 0 41",
      "rodata 1 42"
    ])
    taken.length = 0
    through(stream({ take }), first)
    assert.deepStrictEqual(taken, ["code 0 0100000725000000", "rodata 0 4142"])
  })

  it("knows header, bytes and CRC while they arrive", () => {
    const made = stream()
    made.push(full.subarray(0, 95))
    assert.isUndefined(made.header)
    assert.strictEqual(made.crc32, crcOf(full.subarray(0, 95)))
    made.push(full.subarray(95, 96))
    assert.strictEqual(nameOf(made), "gold full")
    made.push(full.subarray(96))
    assert.strictEqual(made.crc32, 0xa621e704)
    assert.strictEqual(made.bytes, 376)
    assert.strictEqual(
      hexOf(Result.getOrThrow(made.end()).sha256),
      "9fd7fda255d11474a5f73e310f11f5a78755f1a2e92a587c07ada7e644a9221a"
    )
  })

  it("answers the same again after its end, and takes nothing more", () => {
    const made = stream()
    const end = through(made, full)
    assert.deepStrictEqual(made.push(Uint8Array.of(1)), { code: 74, detail: "length_mismatch" })
    assert.strictEqual(made.end(), end)
  })

  it("answers every piece after a refusal with that refusal", () => {
    const made = stream()
    const refused = { code: 74, detail: "bad_magic" }
    assert.deepStrictEqual(made.push(utf8("HSXF\0\x02")), refused)
    assert.deepStrictEqual(made.push(full), refused)
    assert.deepStrictEqual(made.end(), Result.fail(refused))
  })
})

describe("the earliest refusal", () => {
  const total = { totalBytes: full.length }
  const cases: ReadonlyArray<readonly [name: string, found: string, expected: string]> = [
    ["a version at 6 bytes", refusedAt(edited(full, [4, u16(7)])), "6 74 unsupported_version:7"],
    ["a magic at 6 bytes", refusedAt(bad.magic), "6 74 bad_magic"],
    ["flags at 32 bytes", refusedAt(edited(full, [6, u16(8)])), "32 74 flags_reserved"],
    ["code at 32 bytes", refusedAt(edited(full, [0x0c, u32(0x1_0004)])), "32 74 code_too_large"],
    ["rodata at 32 bytes", refusedAt(edited(full, [0x10, u32(0xb001)])), "32 74 ro_too_large"],
    ["bss at 32 bytes", refusedAt(edited(full, [0x14, u32(0x1_0001)])), "32 74 bss_too_large"],
    ["alignment at 32 bytes", refusedAt(edited(full, [0x0c, u32(0x25)])), "32 74 code_unaligned"],
    ["an entry at 32 bytes", refusedAt(edited(full, [0x08, u32(0x24)])), "32 74 entry_out_of_range"],
    ["a program beyond the total at 32 bytes", refusedAt(edited(full, [0x10, u32(300)]), total), "32 74 truncated"],
    ["a total without room for the header", refusedAt(full, { totalBytes: 95 }), "32 74 header_truncated"],
    ["a total below any header at once", refusedAt(full, { totalBytes: 31 }), "1 74 hxe_too_small"],
    ["a total above the limit at once", refusedAt(full, { ...total, bytesMax: 375 }), "1 28 image_too_large"],
    ["reserved bytes at 96", refusedAt(bad.reserved), "96 74 reserved_nonzero"],
    ["a name at 96 bytes", refusedAt(edited(full, [0x20, [0xff]])), "96 74 app_name_not_ascii"],
    ["a table in the program at 96 bytes", refusedAt(edited(full, [0x40, u32(0x8a)])), "96 74 meta_overlap"],
    ["too many sections at 96 bytes", refusedAt(edited(full, [0x44, u32(65)])), "96 74 meta_count:65"],
    [
      "a table beyond the total at 96 bytes",
      refusedAt(edited(full, [0x44, u32(60)]), total),
      "96 74 meta_table_bounds"
    ],
    ["a table beyond the limit at 96 bytes", refusedAt(edited(full, [0x40, u32(bytesMax)])), "96 28 image_too_large"],
    ["overlapping rows where the table ends", refusedAt(bad.overlap), `${0xbb} 74 meta_section_overlap`],
    [
      "a section beyond the total where the table ends",
      refusedAt(edited(full, [0x8b + 32 + 8, u32(96)]), total),
      `${0xbb} 74 meta_section_bounds:2`
    ],
    ["the byte after the total", refusedAt(Uint8Array.from([...full, 0]), total), "377 74 length_mismatch"],
    ["the byte after the limit", refusedAt(full, { bytesMax: 375 }), "376 28 image_too_large"],
    ["a CRC at the end", refusedAt(bad.crc), "end crc_mismatch"],
    ["a missing byte at the end", refusedAt(full.subarray(0, 375), total), "end length_mismatch"],
    ["a missing byte of unknown length at the end", refusedAt(full.subarray(0, 375)), "end crc_mismatch"],
    ["half a program with the right CRC at the end", refusedAt(sealed(full.subarray(0, 100))), "end truncated"],
    ["31 bytes at the end", refusedAt(full.subarray(0, 31)), "end hxe_too_small"],
    ["95 bytes at the end", refusedAt(full.subarray(0, 95)), "end header_truncated"],
    ["nothing at the end", refusedAt(new Uint8Array()), "end hxe_too_small"]
  ]
  for (const [name, found, expected] of cases) it(`is of ${name}`, () => assert.strictEqual(found, expected))

  it("comes with the whole in one piece too", () => {
    assert.strictEqual(detailOf(Uint8Array.from([...full, 0]), { totalBytes: full.length }), "length_mismatch")
    assert.strictEqual(detailOf(edited(full, [4, u16(7)]), { bytesMax: 10 }), "unsupported_version:7")
  })
})

describe("the memory of a stream", () => {
  const large = withSections([{ type: 99, count: 0, payload: new Uint8Array(5000) }], {
    code: new Array<number>(60_000).fill(0)
  })

  it("is bounded by what follows the rodata, with and without a known total", () => {
    const bound = { metadataBytesMax: 5015 }
    assert.strictEqual(detailOf(large, { ...bound, totalBytes: large.length }), "budget:metadata:5016/5015")
    assert.strictEqual(detailOf(large, bound), "budget:metadata:5016/5015")
    assert.strictEqual(detailOf(large, { metadataBytesMax: 5016, totalBytes: large.length }), "taken")
    assert.strictEqual(detailOf(large, { metadataBytesMax: 5016 }), "taken")
  })

  it("is refused with ENOSPC, at the header where the total is known", () => {
    assert.strictEqual(
      refusedAt(large, { metadataBytesMax: 16, totalBytes: large.length }),
      "96 28 budget:metadata:5016/16"
    )
  })

  it("does not hold code and rodata", () => {
    const grown = (bytes: Uint8Array): number => {
      const before = process.memoryUsage().arrayBuffers
      const streams = Array.from({ length: 200 }, () => {
        const made = stream({ totalBytes: bytes.length })
        for (let at = 0; at < bytes.length; at += 4096) made.push(bytes.subarray(at, at + 4096))
        return made
      })
      const after = process.memoryUsage().arrayBuffers
      assert.isTrue(streams.every((made) => Result.isSuccess(made.end())))
      return (after - before) / streams.length
    }
    const program = withSections([], { code: new Array<number>(60_000).fill(0) })
    assert.isBelow(grown(program), 4096)
  })

  it("need not hold a second digest", () => {
    const end = Result.getOrThrow(through(stream({ digestsSigned: false }), signed))
    assert.isUndefined(end.signedDigest)
    assert.isDefined(end.signature)
  })
})
