import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import type { HxeFacts } from "../../../src/protocol/hxe/Hxe.ts"
import { readHxe } from "../../../src/protocol/hxe/HxeReader.ts"
import { HxeStream } from "../../../src/protocol/hxe/HxeStream.ts"
import { partsOf, stripHxe, writeHxe } from "../../../src/protocol/hxe/HxeWriter.ts"
import { randomOf } from "../../support/Random.ts"
import { described, first, full, hexOf, smallest } from "./Golden.ts"
import { type Told, tell } from "./Oracle.ts"
import { mailboxSection, sealed, u16, u32, utf8, withSections } from "./RawImage.ts"
import { signed } from "./Signed.ts"

const seed = 20_261_121
const mutants = 100_000

const row = [...u32(16), ...u16(96), ...u16(3), ...u32(0), ...u32(0)]
const withManifest = (text: string): Uint8Array =>
  withSections([], { flags: 3, trailer: Uint8Array.from([...u32(text.length), ...utf8(text)]) })

const bases = [
  first,
  smallest,
  full,
  described,
  signed,
  withSections([{ type: 3, count: 1, payload: Uint8Array.from([...row, ...utf8("app:log\0")]) }]),
  withSections([mailboxSection('[{"name":"a","bindings":[{"pid":1}],"flags":5},{"target":"b","owner_pid":7}]', 2)]),
  withManifest('{"pid":1,"defaults":{"1:2":3},"fram_keys":[{"key":1,"mode":"load","length":2}]}'),
  withManifest('{"pid":12,"version":"1.0.0","mailboxes":["a"]}')
]

/** Numbers at which something begins or ends. */
const edges = [
  0, 1, 2, 3, 4, 8, 16, 32, 64, 65, 95, 96, 0xf0, 0x100, 0xfffc, 0x1_0000, 0x1_0004, 0x7fff_ffff, 0xffff_ffff
]
/** Fields of the header that are worth more than chance would give them. */
const fields = [0x04, 0x06, 0x08, 0x0c, 0x10, 0x14, 0x1c, 0x40, 0x44]

const mutate = (bytes: Uint8Array, random: (below: number) => number): Uint8Array => {
  const copy = bytes.slice()
  const at = random(copy.length)
  const u32At = (offset: number, value: number): Uint8Array => {
    if (offset + 4 <= copy.length) copy.set(u32(value), offset)
    return copy
  }
  const near = (edges[random(edges.length)] ?? 0) + random(3) - 1
  switch (random(8)) {
    case 0:
      copy[at] = (copy[at] ?? 0) ^ (1 << random(8))
      return copy
    case 1:
      copy[at] = random(256)
      return copy
    case 2:
      return u32At(fields[random(fields.length)] ?? 0, random(2) === 0 ? near : random(copy.length))
    case 3:
      // Tables stand at any offset, so any may be hit.
      return u32At(at, random(2) === 0 ? near : random(copy.length))
    case 4:
      return copy.slice(0, at)
    case 5:
      return Uint8Array.from([...copy, ...Array.from({ length: random(20) }, () => random(256))])
    case 6:
      copy.copyWithin(at, random(copy.length), random(copy.length))
      return copy
    default:
      return Uint8Array.from([
        ...copy.subarray(0, at),
        ...Array.from({ length: random(4) }, () => 0x20),
        ...copy.subarray(at)
      ])
  }
}

/** What a reader found, in the words of the oracle. */
const said = ({ header, metadata, manifest, signature }: HxeFacts): Told => ({
  name: header.appName,
  numbers: [
    header.version,
    header.flags,
    header.entry,
    header.codeLength,
    header.rodataLength,
    header.bssSize,
    header.requiredCaps,
    header.crc32,
    header.metaOffset,
    header.metaCount
  ],
  values: metadata.values.map((value) => [
    value.groupId,
    value.valueId,
    value.flags,
    value.authLevel,
    value.initBits,
    value.epsilonBits,
    value.minimumBits,
    value.maximumBits,
    value.persistKey,
    value.name,
    value.unit,
    value.groupName
  ]),
  commands: metadata.commands.map((command) => [
    command.groupId,
    command.commandId,
    command.flags,
    command.authLevel,
    command.handlerOffset,
    command.name,
    command.help,
    command.groupName
  ]),
  mailboxes: metadata.mailboxes.map(({ target, capacity, modeMask, ownerPid, bindings }) => [
    target,
    capacity,
    modeMask,
    ownerPid,
    bindings.map(({ pid, flags }) => [pid, flags])
  ]),
  hasManifest: manifest !== undefined,
  signature: signature === undefined ? undefined : `${signature.keyId} ${signature.securityVersion}`
})

const streamed = (bytes: Uint8Array, cut: number) => {
  const stream = new HxeStream({ bytesMax: 1 << 20, digestsSigned: false })
  stream.push(bytes.subarray(0, cut))
  stream.push(bytes.subarray(cut))
  return stream.end()
}

/** Entries without their place, which a writer chooses. */
const entriesOf = ({ metadata: { values, commands, mailboxes }, manifest }: HxeFacts): string => {
  const id = (groupId: number, own: number): number => groupId * 256 + own
  return JSON.stringify([
    values.toSorted((one, other) => id(one.groupId, one.valueId) - id(other.groupId, other.valueId)),
    commands.toSorted((one, other) => id(one.groupId, one.commandId) - id(other.groupId, other.commandId)),
    mailboxes.map(({ declared, ...read }) => JSON.stringify(read)).toSorted(),
    manifest
  ])
}

describe(`${mutants} mutated images of seed ${seed}`, () => {
  it("are taken exactly where a second telling of the format takes them, with the same content, whole or in pieces", () => {
    const random = randomOf(seed)
    const taken = { strict: 0, lenient: 0 }
    const tokens = new Map<string, number>()
    for (let index = 0; index < mutants; index++) {
      let bytes = bases[random(bases.length)] ?? first
      for (let count = random(3); count >= 0 && bytes.length > 0; count--) bytes = mutate(bytes, random)
      // Most get a right CRC, or nothing behind that check would ever be seen.
      if (bytes.length >= 96 && random(10) > 0) bytes = sealed(bytes)
      const wrong = (what: string): never => assert.fail(`mutant ${index}, ${what}: ${hexOf(bytes)}`)
      for (const strict of [true, false]) {
        const read = readHxe(bytes, { strict })
        const expected = tell(bytes, strict)
        if (Result.isFailure(read)) {
          if (expected !== undefined) wrong(`strict ${strict}, refused with ${read.failure.detail}`)
          const token = read.failure.detail.split(":", 1)[0] ?? ""
          tokens.set(token, (tokens.get(token) ?? 0) + 1)
        } else {
          taken[strict ? "strict" : "lenient"] += 1
          if (expected === undefined) wrong(`strict ${strict}, taken`)
          if (JSON.stringify(said(read.success)) !== JSON.stringify(expected)) wrong(`strict ${strict}, read otherwise`)
        }
        if (!strict) continue
        const pieces = streamed(bytes, random(bytes.length + 1))
        if (Result.isSuccess(pieces) !== Result.isSuccess(read)) wrong("streamed otherwise")
        if (Result.isFailure(read) || Result.isFailure(pieces)) continue
        if (JSON.stringify(said(pieces.success)) !== JSON.stringify(expected)) wrong("streamed to something else")
        if (index % 8 !== 0) continue
        // What was taken can be written, read back and stripped.
        const again = readHxe(writeHxe(partsOf(read.success)))
        if (Result.isFailure(again)) wrong(`written and refused with ${again.failure.detail}`)
        else if (entriesOf(again.success) !== entriesOf(read.success)) wrong("written as something else")
        if (Result.isFailure(readHxe(stripHxe(read.success)))) wrong("stripped and refused")
      }
    }
    // Neither side of the question may be empty, nor any check out of the mutants' reach.
    assert.isAbove(taken.strict, mutants / 10)
    assert.isAbove(taken.lenient, taken.strict + 100)
    assert.isAbove(tokens.size, 30)
  }, 60_000)
})
