import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import type { HxeImage } from "../../../src/protocol/hxe/Hxe.ts"
import { readHxe } from "../../../src/protocol/hxe/HxeReader.ts"
import { partsOf, stripHxe, writeHxe } from "../../../src/protocol/hxe/HxeWriter.ts"
import { bytesOf, described, first, full, hexOf, smallest } from "./Golden.ts"
import { type Edit, edited, sealed, u16, u32, utf8, withSections } from "./RawImage.ts"

const read = (bytes: Uint8Array, strict = true): HxeImage => Result.getOrThrow(readHxe(bytes, { strict }))

/** The token of the refusal, or "taken". */
const detailOf = (bytes: Uint8Array, strict = true): string =>
  Result.match(readHxe(bytes, { strict }), {
    onSuccess: () => "taken",
    onFailure: ({ code, detail }) => (code === 74 ? detail : `${code} ${detail}`)
  })

const image = (base: Uint8Array, ...edits: ReadonlyArray<Edit>): Uint8Array => sealed(edited(base, ...edits))

describe("golden images", () => {
  it("of version 1 are read and written byte for byte", () => {
    const { header, code, rodata, metadata, manifest } = read(first)
    assert.deepStrictEqual(header, {
      version: 1,
      flags: 0,
      entry: 0,
      codeLength: 8,
      rodataLength: 2,
      bssSize: 0,
      requiredCaps: 0,
      crc32: 0xb0ccfe54,
      appName: undefined,
      metaOffset: 0,
      metaCount: 0,
      allowsMultiple: true,
      hasManifest: false
    })
    assert.strictEqual(hexOf(code), "0100000725000000")
    assert.strictEqual(hexOf(rodata), "4142")
    assert.deepStrictEqual(metadata, { sections: [], values: [], commands: [], mailboxes: [] })
    assert.isUndefined(manifest)
    assert.strictEqual(hexOf(writeHxe(partsOf(read(first)))), hexOf(first))
    assert.strictEqual(hexOf(writeHxe({ version: 1, entry: 0, code, rodata })), hexOf(first))
    assert.strictEqual(hexOf(stripHxe(read(first))), hexOf(first))
  })

  it("of version 2 without sections are read and written byte for byte", () => {
    const { header } = read(smallest)
    assert.strictEqual(header.appName, "gold_min")
    assert.isFalse(header.allowsMultiple)
    assert.strictEqual(hexOf(writeHxe(partsOf(read(smallest)))), hexOf(smallest))
    const several = writeHxe({ ...partsOf(read(smallest)), allowsMultiple: true })
    assert.strictEqual(read(several).header.crc32, 0x57bec836)
  })

  it("of version 2 with everything are read", () => {
    const { header, metadata } = read(full)
    assert.strictEqual(header.appName, "gold full")
    assert.strictEqual(header.requiredCaps, 0x43)
    assert.isTrue(header.allowsMultiple)
    assert.deepStrictEqual(metadata.sections, [
      { type: 1, offset: 0xbb, size: 55, entryCount: 2 },
      { type: 2, offset: 0xf2, size: 39, entryCount: 1 },
      { type: 3, offset: 0x119, size: 95, entryCount: 1 }
    ])
    assert.deepStrictEqual(metadata.values, [
      {
        groupId: 1,
        valueId: 9,
        flags: 0x11,
        authLevel: 0,
        initBits: 0x3c00,
        epsilonBits: 0,
        minimumBits: 0,
        maximumBits: 0,
        persistKey: 0,
        name: "lamp",
        unit: undefined,
        groupName: undefined
      },
      {
        groupId: 2,
        valueId: 1,
        flags: 2,
        authLevel: 1,
        initBits: 0x4a40,
        epsilonBits: 0x2e66,
        minimumBits: 0xd100,
        maximumBits: 0x57d0,
        persistKey: 17,
        name: "rpm",
        unit: "rpm",
        groupName: "motor"
      }
    ])
    assert.deepStrictEqual(metadata.commands, [
      {
        groupId: 2,
        commandId: 7,
        flags: 1,
        authLevel: 2,
        handlerOffset: 0x1c,
        name: "reset",
        help: "restart it",
        groupName: "motor"
      }
    ])
    assert.deepStrictEqual(metadata.mailboxes, [
      {
        target: "app:log",
        capacity: 96,
        modeMask: 0x1b,
        ownerPid: undefined,
        bindings: [],
        reserved: undefined,
        declared: { capacity: 96, mode: "RDWR|FANOUT|FANOUT_DROP", target: "app:log" }
      }
    ])
  })

  it("of version 2 with everything are written byte for byte, in whatever order their entries come", () => {
    const parts = partsOf(read(full))
    assert.strictEqual(hexOf(writeHxe(parts)), hexOf(full))
    assert.strictEqual(hexOf(writeHxe({ ...parts, values: parts.values?.toReversed() ?? [] })), hexOf(full))
  })

  it("are stripped to header, code and rodata, and strict readers take what is left", () => {
    const stripped = stripHxe(read(full))
    const expected = edited(full, [0x1c, bytesOf("84 EC EA E9")], [0x40, new Uint8Array(8)]).subarray(0, 139)
    assert.strictEqual(hexOf(stripped), hexOf(expected))
    assert.strictEqual(hexOf(stripHxe(read(described))), hexOf(expected))
    assert.deepStrictEqual(read(stripped).metadata.sections, [])
    assert.strictEqual(hexOf(stripHxe(read(stripped))), hexOf(stripped))
  })

  it("whose bytes begin in the midst of a buffer are read alike", () => {
    const buffer = new Uint8Array(full.length + 7)
    buffer.set(full, 3)
    assert.deepStrictEqual(read(buffer.subarray(3, 3 + full.length)), read(full))
  })
})

describe("the checks of a loader", () => {
  const cases: ReadonlyArray<readonly [name: string, bytes: Uint8Array, detail: string]> = [
    ["nothing", new Uint8Array(), "hxe_too_small"],
    ["31 bytes", full.subarray(0, 31), "hxe_too_small"],
    ["version 0, whatever the magic", new Uint8Array(32), "unsupported_version:0"],
    ["version 3", image(full, [4, u16(3)]), "unsupported_version:3"],
    ["95 bytes of version 2", full.subarray(0, 95), "header_truncated"],
    ["a reserved byte", edited(full, [0x48, [1]]), "reserved_nonzero"],
    ["the last reserved byte", edited(full, [0x5f, [1]]), "reserved_nonzero"],
    ["a name beyond ASCII", edited(full, [0x20, [0x80]]), "app_name_not_ascii"],
    ["another magic", image(full, [3, [0x46]]), "bad_magic"],
    ["code above 64 KiB", image(full, [0x0c, u32(0x1_0004)]), "code_too_large"],
    ["rodata above 64 KiB", image(full, [0x10, u32(0x1_0001)]), "ro_too_large"],
    ["bss above 64 KiB", image(full, [0x14, u32(0x1_0001)]), "bss_too_large"],
    ["code of no whole words", image(full, [0x0c, u32(0x26)]), "code_unaligned"],
    ["an entry within a word", image(full, [0x08, u32(2)]), "entry_unaligned"],
    ["another CRC", edited(full, [0x1f, [0x6f]]), "crc_mismatch"],
    ["a flipped flag", edited(full, [7, [0]]), "crc_mismatch"],
    ["a byte behind the end", Uint8Array.from([...full, 0]), "crc_mismatch"],
    ["rodata beyond the end", image(full, [0x10, u32(376)]), "truncated"],
    ["an entry behind the code", image(full, [0x08, u32(0x24)]), "entry_out_of_range"],
    ["no code", image(full, [0x0c, u32(0)], [0x10, u32(0x2b)]), "entry_out_of_range"],
    ["a table in rodata", edited(full, [0x40, u32(0x8a)]), "meta_overlap"],
    ["a table in rodata without rows", edited(full, [0x40, [...u32(0x8a), ...u32(0)]]), "meta_overlap"],
    ["a table beyond the end", edited(full, [0x44, u32(16)]), "meta_table_bounds"],
    ["a table at the end of the address space", edited(full, [0x40, u32(0xffff_fff0)]), "meta_table_bounds"],
    ["a section in the header", image(full, [0x8b + 16 + 4, u32(95)]), "meta_section_bounds:1"],
    ["a section beyond the end", image(full, [0x8b + 32 + 8, u32(96)]), "meta_section_bounds:2"],
    ["a section at the end of the address space", image(full, [0x8b + 8, u32(0xffff_ffff)]), "meta_section_bounds:0"],
    ["values beyond their section", image(full, [0x8b + 12, u32(3)]), "meta_entries_truncated:value"],
    ["commands beyond their section", image(full, [0x9b + 12, u32(3)]), "meta_entries_truncated:cmd"],
    ["more commands than a number holds", image(full, [0x9b + 12, u32(0xffff_ffff)]), "meta_entries_truncated:cmd"],
    ["a string beyond its section", image(full, [0xbb + 6, u16(55)]), "meta_string"],
    ["a string without an end", image(full, [0xf1, [0x72]]), "meta_string"],
    ["a string that is not UTF-8", image(full, [0x119 - 3, [0xff]]), "meta_string"],
    ["mailboxes that are no JSON", image(full, [0x11a, [0x7b]]), "mailbox_json"]
  ]
  for (const [name, bytes, detail] of cases)
    it(`refuse ${name}, strict or not`, () => {
      assert.strictEqual(detailOf(bytes), detail)
      assert.strictEqual(detailOf(bytes, false), detail)
    })

  it("run in their order: of several faults the first is named", () => {
    const faults: ReadonlyArray<readonly [detail: string, make: (bytes: Uint8Array) => Uint8Array]> = [
      ["hxe_too_small", (bytes) => bytes.subarray(0, 31)],
      ["unsupported_version:4", (bytes) => edited(bytes, [4, u16(4)])],
      ["header_truncated", (bytes) => bytes.subarray(0, 95)],
      ["reserved_nonzero", (bytes) => edited(bytes, [0x50, [1]])],
      ["app_name_not_ascii", (bytes) => edited(bytes, [0x21, [0xc3]])],
      ["bad_magic", (bytes) => edited(bytes, [0, [0]])],
      ["code_too_large", (bytes) => edited(bytes, [0x0c, u32(0x1_0001)])],
      ["ro_too_large", (bytes) => edited(bytes, [0x10, u32(0x1_0001)])],
      ["bss_too_large", (bytes) => edited(bytes, [0x14, u32(0x1_0001)])],
      ["code_unaligned", (bytes) => edited(bytes, [0x0c, u32(0x27)])],
      ["entry_unaligned", (bytes) => edited(bytes, [0x08, u32(0x26)])],
      ["crc_mismatch", (bytes) => edited(bytes, [0x1c, [0, 0, 0, 0]])],
      ["truncated", (bytes) => image(bytes, [0x10, u32(0x1000)])],
      ["entry_out_of_range", (bytes) => image(bytes, [0x08, u32(0x28)])],
      ["meta_overlap", (bytes) => image(bytes, [0x40, u32(0x60)])],
      ["meta_table_bounds", (bytes) => image(bytes, [0x44, u32(60)])],
      ["meta_section_bounds:2", (bytes) => image(bytes, [0xab + 4, u32(0)])],
      ["meta_entries_truncated:value", (bytes) => image(bytes, [0x8b + 12, u32(100)])],
      ["meta_string", (bytes) => image(bytes, [0xbb + 6, u16(0xffff)])],
      ["mailbox_json", (bytes) => image(bytes, [0x11a, [0]])]
    ]
    let bytes = full
    for (const [detail, make] of faults.toReversed()) {
      bytes = make(bytes)
      assert.strictEqual(detailOf(bytes), detail)
    }
  })

  it("take every part at its largest", () => {
    const code = new Array<number>(0x1_0000).fill(0)
    const rodata = new Array<number>(0x1_0000).fill(0)
    const largest = image(withSections([], { code, rodata }), [0x14, u32(0x1_0000)])
    assert.strictEqual(detailOf(largest, false), "taken")
    assert.strictEqual(read(largest, false).code.length, 0x1_0000)
  })

  it("take no metadata where the table has no place or no rows", () => {
    assert.deepStrictEqual(read(edited(full, [0x44, u32(0)])).metadata.sections, [])
    assert.deepStrictEqual(read(edited(full, [0x40, u32(0)])).metadata.values, [])
  })

  it("take another name without a new CRC, trimmed, and none for blanks", () => {
    assert.strictEqual(read(edited(full, [0x20, utf8("  pump   ")])).header.appName, "pump")
    assert.strictEqual(read(edited(full, [0x20, utf8("         ")])).header.appName, undefined)
    assert.strictEqual(read(edited(full, [0x20, [0]], [0x3f, [0xff]])).header.appName, undefined)
  })

  it("take bytes behind the last section, when the CRC covers them", () => {
    assert.strictEqual(detailOf(sealed(Uint8Array.from([...full, 1, 2, 3]))), "taken")
  })
})

describe("strict reading", () => {
  const rows = 0x8b
  const command = 0xf2
  const cases: ReadonlyArray<readonly [name: string, bytes: Uint8Array, detail: string]> = [
    ["reserved flags", image(full, [6, u16(0x0006)]), "flags_reserved"],
    ["the highest reserved flag", image(first, [6, u16(0x8000)]), "flags_reserved"],
    ["a name of 32 letters", edited(full, [0x20, utf8("12345678901234567890123456789012")]), "app_name_unterminated"],
    ["bss in the stack", image(full, [0x14, u32(0xb000 - 6)]), "ro_too_large"],
    ["a section in the table", image(full, [rows + 16, [...u32(99), ...u32(rows + 47)]]), "meta_section_overlap"],
    ["two sections on one another", image(full, [rows, [...u32(99), ...u32(0xbc)]]), "meta_section_overlap"],
    ["a handler within a word", image(full, [command + 4, u32(0x1e)]), "cmd_handler"],
    ["a handler behind the code", image(full, [command + 4, u32(0x24)]), "cmd_handler"],
    ["a value twice", image(full, [0xbb, [2, 1]]), "meta_duplicate"]
  ]
  for (const [name, bytes, detail] of cases)
    it(`refuses ${name}, which an older loader takes`, () => {
      assert.strictEqual(detailOf(bytes), detail)
      assert.strictEqual(detailOf(bytes, false), "taken")
    })

  it("refuses a command twice, also over two sections", () => {
    const { commands = [] } = partsOf(read(full))
    assert.strictEqual(
      detailOf(writeHxe({ ...partsOf(read(full)), commands: [...commands, ...commands] })),
      "meta_duplicate"
    )
    const one = { type: 2, count: 1, payload: full.subarray(command, command + 39) }
    const code = new Array<number>(0x24).fill(0)
    assert.strictEqual(detailOf(withSections([one, one], { code })), "meta_duplicate")
    assert.strictEqual(read(withSections([one, one], { code }), false).metadata.commands.length, 2)
  })

  it("takes rodata and bss up to the stack, sections that touch, and a name of 31 letters", () => {
    assert.strictEqual(detailOf(image(full, [0x14, u32(0xb000 - 7)])), "taken")
    assert.strictEqual(detailOf(edited(full, [0x20, utf8("1234567890123456789012345678901\0")])), "taken")
    assert.strictEqual(detailOf(full), "taken")
  })

  it("takes 64 sections, not 65", () => {
    const sections = Array.from({ length: 65 }, () => ({ type: 99, count: 0, payload: utf8("x") }))
    assert.strictEqual(detailOf(withSections(sections.slice(1))), "taken")
    assert.strictEqual(detailOf(withSections(sections)), "meta_count:65")
  })

  it("keeps all 32 letters of a name without an end when it is not strict", () => {
    const name = "12345678901234567890123456789012"
    assert.strictEqual(read(edited(full, [0x20, utf8(name)]), false).header.appName, name)
  })
})

describe("a hostile image", () => {
  it("cannot make much work of few bytes: sections that lie over one another are bounded together", () => {
    const rows = Array.from({ length: 64 }, () => ({ type: 1, count: 0, payload: new Uint8Array() }))
    const base = withSections(rows, { code: new Array<number>(0x1_0000).fill(0) })
    const tableAt = 96 + 0x1_0000
    const over = rows.map((_, index): Edit => [tableAt + 16 * index + 4, [...u32(96), ...u32(0x1_0000), ...u32(3276)]])
    assert.strictEqual(detailOf(image(base, ...over), false), "meta_section_overlap")
  })

  it("cannot make much memory of few bytes: strings that share their tails are bounded together", () => {
    const entries = 2000
    const payload = new Uint8Array(16 * entries + 0x8000).fill(0x61)
    payload[payload.length - 1] = 0
    for (let index = 0; index < entries; index++) {
      const at = 16 * index
      payload.set([index >> 8, index & 0xff, 0, 0, 0, 0, 0, 0, ...u16(16 * entries + index), 0, 0, 0, 0, 0, 0], at)
    }
    assert.strictEqual(detailOf(withSections([{ type: 2, count: entries, payload }])), "meta_string")
    const alone = payload.slice()
    for (let index = 0; index < entries; index++) alone.set(u16(16 * entries), 16 * index + 8)
    assert.strictEqual(detailOf(withSections([{ type: 2, count: entries, payload: alone }])), "taken")
  })
})
