/** The layouts, byte for byte: other boards read the same memories. */
import { crc32 } from "node:zlib"
import { assert, describe, it } from "@effect/vitest"
import { encodeBoot } from "../../../devices/nv/BootRecord.ts"
import { decodeManifest, defaultEntry, defaultSettings, encodeManifest } from "../../../devices/nv/Manifests.ts"
import { referenceMap, referenceShape } from "../../../devices/nv/NvMap.ts"
import { NvStore } from "../../../devices/nv/NvStore.ts"
import { decodeSlotHeader, encodeSlotHeader, type SlotHeader } from "../../../devices/nv/SlotHeader.ts"
import { decodeSuperblock, encodeSuperblock } from "../../../devices/nv/Superblock.ts"
import { encodeBankHeader, encodeRecord } from "../../../devices/nv/Values.ts"
import { crc16 } from "../../../src/protocol/Crc16.ts"
import { readHxe } from "../../../src/protocol/hxe/HxeReader.ts"
import { bytesOf, full, hexOf } from "../../protocol/hxe/Golden.ts"
import { Board, Supply } from "./PowerCut.ts"
import { got } from "./Stores.ts"

const digits = (dump: string): string => dump.replaceAll(/\s/g, "").toLowerCase()
const zeros = (count: number): string => "00".repeat(count)

const superblock = digits(`
  48 53 58 50 00 01 00 01 00 00 00 01 00 FF 05 00
  01 02 00 00 00 00 01 00 00 00 01 00 00 00 00 00
  02 02 00 00 00 00 02 00 00 00 0E 00 00 00 00 00
  04 03 00 00 00 00 10 00 00 00 18 00 00 00 00 00
  05 01 00 00 00 00 28 00 00 00 04 00 00 00 00 00
  03 03 00 01 00 00 00 00 00 03 00 00 00 00 00 00
  00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
  00 00 00 00 00 00 00 00 00 00 00 00 A3 6D 11 C7`)

const slotHeader = digits(`
  48 58 49 4D 00 01 3F FF 00 00 01 78 A6 21 E7 04
  5C 34 A3 6E 00 00 00 00 00 00 00 01 00 00 00 01
  67 6F 6C 64 20 66 75 6C 6C ${zeros(23)}
  ${"FF".repeat(28)}
  FF 15 55 D3`)

const manifest = digits(`
  48 53 58 4D 00 01 00 01 00 00 00 01 00 00 00 64
  00 00 03 0F 00 00 FF 00 00 00 00 00 00 00 00 00
  67 6F 6C 64 20 66 75 6C 6C ${zeros(23)}
  00 64 00 0B 00 00 04 00 00 00 01 03 00 00 00 43
  00 00 00 00 A6 21 E7 04 00 00 00 00 00 00 00 00
  0E 58 28 BB`)

const goldSlot: SlotHeader = {
  state: "valid",
  fileBytes: 376,
  fileCrc: 0xa621e704,
  headerCrc: 0x5c34a36e,
  secver: 0,
  eraseCount: 1,
  generation: 1,
  name: "gold full",
  kind: 1,
  attachment: undefined
}

const goldManifest = {
  ...defaultSettings,
  generation: 1,
  frozenBank: undefined,
  entries: [
    {
      ...defaultEntry,
      name: "gold full",
      slot: 0,
      priority: 100,
      required: true,
      stackBytes: 1024,
      source: 1,
      retries: 3,
      requiredCaps: 0x43,
      imageCrc: 0xa621e704
    }
  ]
}

const goldSuperblock = {
  provisioned: true,
  generation: 1,
  active: 0,
  previous: undefined,
  previousGeneration: 0,
  partitions: referenceMap.map((partition) => ({ ...partition, writeCount: 0 }))
}

describe("layouts", () => {
  it("checks with the CRCs everybody else has", () => {
    const text = new TextEncoder().encode("123456789")
    assert.strictEqual(crc16(text), 0x29b1)
    assert.strictEqual(crc16(text.subarray(4), crc16(text.subarray(0, 4))), 0x29b1)
    assert.strictEqual(crc32(text), 0xcbf43926)
  })

  it("writes and reads a superblock", () => {
    assert.strictEqual(hexOf(encodeSuperblock(goldSuperblock)), superblock)
    assert.deepStrictEqual(decodeSuperblock(bytesOf(superblock)), goldSuperblock)
  })

  it("writes and reads the header of a slot", () => {
    assert.strictEqual(hexOf(encodeSlotHeader(goldSlot)), slotHeader)
    assert.deepStrictEqual(decodeSlotHeader(bytesOf(slotHeader)), goldSlot)
  })

  it("keeps kind and attachment of an image in what is blank otherwise", () => {
    const other: SlotHeader = { ...goldSlot, kind: 2, headerCrc: 0, attachment: { bytes: 300, crc: 0x12345678 } }
    assert.deepStrictEqual(decodeSlotHeader(encodeSlotHeader(other)), other)
    assert.strictEqual(hexOf(encodeSlotHeader(other)).slice(0x40 * 2, 0x48 * 2), "03ff012c12345678")
  })

  it("has a state whatever the state was when the header was written", () => {
    for (const state of ["staging", "written", "valid", "retired"] as const) {
      const bytes = encodeSlotHeader({ ...goldSlot, state })
      assert.strictEqual(decodeSlotHeader(bytes)?.state, state)
      assert.strictEqual(hexOf(bytes).slice(0x5c * 2), "ff1555d3")
    }
  })

  it("writes and reads a manifest", () => {
    assert.strictEqual(hexOf(encodeManifest(goldManifest)), manifest)
    assert.deepStrictEqual(decodeManifest(bytesOf(manifest)), goldManifest)
  })

  it("writes a bank's header, a record and the record of a boot", () => {
    assert.strictEqual(
      hexOf(encodeBankHeader({ frozen: false, sequence: 1, generation: 1 })),
      digits("48 53 58 56 00 01 00 00 00 00 00 01 00 00 00 01 00 00 00 00 A7 56 93 4C")
    )
    assert.strictEqual(hexOf(encodeRecord(17, 0x4a40)), digits("00 11 02 01 D0 80 4A 40"))
    const state = {
      bootCount: 1,
      failCount: 0,
      lastReason: 0,
      confirmed: 1,
      pending: 0,
      rolledBackAt: 0,
      stopped: false
    }
    assert.strictEqual(
      hexOf(encodeBoot(1, state)),
      digits("48 53 58 42 00 00 00 01 00 00 00 01 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 00 B0 0E 05 1F")
    )
  })

  it("refuses each structure with any byte changed", () => {
    const decoders = [
      [superblock, decodeSuperblock],
      [manifest, decodeManifest],
      [slotHeader, decodeSlotHeader]
    ] as const
    for (const [dump, decode] of decoders) {
      for (let at = 0; at < dump.length / 2; at++) {
        // The state of a slot changes without its CRC.
        if (dump === slotHeader && (at === 6 || at === 7)) continue
        const bytes = bytesOf(dump)
        bytes[at] = (bytes[at] ?? 0) ^ 0x10
        assert.isUndefined(decode(bytes), `byte ${at}`)
      }
    }
  })

  it("lays the first image of a reference board where every board looks for it", () => {
    const board = Board.blank(referenceShape)
    const store = got(NvStore.format({ devices: board.on(new Supply()) }, referenceMap))
    const header = got(readHxe(full)).header
    got(store.commit({ put: [{ name: "gold full", image: { bytes: full, headerCrc: header.crc32 } }] }))
    // Like the vector, but that this is the second generation of a store that began empty.
    const here = decodeSlotHeader(board.flash.read(0, 96))
    assert.deepStrictEqual(here, { ...goldSlot, generation: 2 })
    assert.strictEqual(hexOf(board.flash.read(96, full.length)), hexOf(full))
    assert.strictEqual(
      hexOf(board.nvm.read(0x1000, 24)),
      hexOf(encodeBankHeader({ frozen: false, sequence: 1, generation: 1 }))
    )
  })
})
