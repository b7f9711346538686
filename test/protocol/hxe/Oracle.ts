/**
 * Which images are valid, and what they hold, told a second time: straight from the tables of the format, without regard to
 * order, tokens or speed, and apart from the code that is tested.
 */
import { headerCrc } from "./RawImage.ts"

class Invalid extends Error {}

const must = (holds: boolean): void => {
  if (!holds) throw new Invalid()
}

const textOf = (bytes: Uint8Array): string => {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new Invalid()
  }
}

const jsonOf = (bytes: Uint8Array): unknown => {
  try {
    return JSON.parse(textOf(bytes))
  } catch {
    throw new Invalid()
  }
}

type Fields = Readonly<Record<string, unknown>>

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const isWhole = (value: unknown): value is number => typeof value === "number" && Number.isSafeInteger(value)
const isNatural = (value: unknown): value is number => isWhole(value) && value >= 0

const depthOf = (value: unknown): number =>
  typeof value === "object" && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0

/** The first field that is there and not null. */
const pick = (fields: Fields, ...names: ReadonlyArray<string>): unknown => {
  for (const name of names) if (Object.hasOwn(fields, name) && fields[name] !== null) return fields[name]
  return undefined
}

const modes: Readonly<Record<string, number>> = {
  RDONLY: 1,
  READONLY: 1,
  RO: 1,
  WRONLY: 2,
  WRITEONLY: 2,
  WO: 2,
  RDWR: 3,
  RW: 3,
  TAP: 4,
  FANOUT: 8,
  FANOUT_DROP: 16,
  FANOUT_BLOCK: 32
}

const cut16 = (value: number): number => Number(BigInt.asUintN(16, BigInt(value)))

const modeOf = (given: unknown): number => {
  if (isWhole(given)) return cut16(given) || 3
  must(given === undefined || typeof given === "string")
  let mask = 0
  for (const name of String(given ?? "").split(/[|,]/)) {
    const word = name.trim().toUpperCase()
    if (word === "") continue
    must(Object.hasOwn(modes, word))
    mask |= modes[word] ?? 0
  }
  return mask || 3
}

const mailboxOf = (entry: unknown): ReadonlyArray<unknown> => {
  if (!isFields(entry)) throw new Invalid()
  const target = pick(entry, "target", "name")
  must(typeof target === "string" && target.trim() !== "")
  const capacity = pick(entry, "capacity", "queue_depth") ?? 0
  must(capacity === "" || isNatural(capacity))
  const owner = pick(entry, "owner_pid")
  must(owner === undefined || isWhole(owner))
  const bindings = pick(entry, "bindings") ?? []
  if (!Array.isArray(bindings)) throw new Invalid()
  const bound = bindings.map((binding: unknown) => {
    if (!isFields(binding)) throw new Invalid()
    const flags = pick(binding, "flags") ?? 0
    if (!isWhole(binding["pid"]) || !isWhole(flags)) throw new Invalid()
    return [binding["pid"], cut16(flags)]
  })
  return [String(target).trim(), capacity || 64, modeOf(pick(entry, "mode_mask", "mode", "flags")), owner, bound]
}

const semantic =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-((0|[1-9]\d*|\d*[A-Za-z-][\dA-Za-z-]*)(\.(0|[1-9]\d*|\d*[A-Za-z-][\dA-Za-z-]*))*))?(\+[\dA-Za-z-]+(\.[\dA-Za-z-]+)*)?$/

const isList = (value: unknown, fits: (item: unknown) => boolean): boolean => Array.isArray(value) && value.every(fits)

const manifestFields: Readonly<Record<string, (value: unknown) => boolean>> = {
  pid: isNatural,
  image_name: (value) => typeof value === "string",
  version: (value) => typeof value === "string" && semantic.test(value),
  required_caps: isNatural,
  stack_size_bytes: isNatural,
  heap_size_bytes: isNatural,
  persist_key_base: isNatural,
  defaults: (value) =>
    isFields(value) &&
    Object.entries(value).every(([key, number]) => {
      const parts = key.split(":")
      const isByte = (part: string): boolean => /^\d{1,3}$/.test(part) && Number(part) < 256
      return typeof number === "number" && parts.length === 2 && parts.every(isByte)
    }),
  fram_keys: (value) =>
    isList(
      value,
      (item) =>
        isFields(item) &&
        isNatural(item["key"]) &&
        isNatural(item["length"]) &&
        ["load", "save", "loadsave"].some((mode) => mode === item["mode"]) &&
        (item["crc"] === undefined || isNatural(item["crc"]))
    ),
  mailboxes: (value) => isList(value, (item) => typeof item === "string")
}

/** What an image holds, as one flat value to compare. */
export interface Told {
  readonly name: string | undefined
  readonly numbers: ReadonlyArray<number>
  readonly values: ReadonlyArray<ReadonlyArray<unknown>>
  readonly commands: ReadonlyArray<ReadonlyArray<unknown>>
  readonly mailboxes: ReadonlyArray<ReadonlyArray<unknown>>
  readonly hasManifest: boolean
  /** Key id and number. */
  readonly signature: string | undefined
}

/** What the image holds, or `undefined` where it is not valid. */
export const tell = (bytes: Uint8Array, strict: boolean): Told | undefined => {
  try {
    return told(bytes, strict)
  } catch (cause) {
    if (cause instanceof Invalid) return undefined
    throw cause
  }
}

/** The value of an optional part: what is wrong with it matters to a strict reader only. */
const optional = <A>(strict: boolean, read: () => A): A | undefined => {
  try {
    return read()
  } catch (cause) {
    if (cause instanceof Invalid && !strict) return undefined
    throw cause
  }
}

const told = (bytes: Uint8Array, strict: boolean): Told => {
  must(bytes.length >= 32)
  const buffer = Buffer.from(bytes)
  const u32 = (at: number): number => buffer.readUInt32BE(at)
  const u16 = (at: number): number => buffer.readUInt16BE(at)
  const version = u16(4)
  must(buffer.toString("latin1", 0, 4) === "HSXE" && (version === 1 || version === 2))
  const head = version === 1 ? 32 : 96
  must(bytes.length >= head && headerCrc(bytes) === u32(0x1c))
  const flags = u16(6)
  const numbers = [0x08, 0x0c, 0x10, 0x14, 0x18, 0x1c].map(u32)
  const [entry = 0, code = 0, rodata = 0, bss = 0] = numbers
  must(code <= 65536 && rodata <= 65536 && bss <= 65536 && code % 4 === 0 && entry % 4 === 0 && entry < code)
  const end = head + code + rodata
  must(end <= bytes.length)
  must(!strict || (flags < 4 && 0x4000 + rodata + bss <= 0xf000))
  let name = ""
  if (version === 2) {
    must(buffer.subarray(0x48, 0x60).every((byte) => byte === 0))
    const letters = buffer.subarray(0x20, 0x40)
    const length = letters.includes(0) ? letters.indexOf(0) : 32
    must(letters.subarray(0, length).every((byte) => byte < 128) && (!strict || length < 32))
    name = letters.toString("latin1", 0, length).trim()
  }
  const tableAt = version === 2 ? u32(0x40) : 0
  must(tableAt === 0 || tableAt >= end)
  const count = tableAt === 0 ? 0 : u32(0x44)
  must(count <= 64)
  const tableEnd = count === 0 ? end : tableAt + 16 * count
  must(tableEnd <= bytes.length)
  const rows = Array.from({ length: count }, (_, index) => {
    const at = tableAt + 16 * index
    return { type: u32(at), from: u32(at + 4), to: u32(at + 4) + u32(at + 8), entries: u32(at + 12) }
  })
  must(rows.every(({ from, to }) => from >= 96 && to <= bytes.length))
  if (strict) {
    must(rows.every(({ from }) => from >= tableEnd))
    // An empty section has no bytes, but it may not stand within another.
    for (const [index, one] of rows.entries())
      for (const other of rows.slice(index + 1)) must(one.to <= other.from || other.to <= one.from)
  }
  const values: Array<ReadonlyArray<unknown>> = []
  const commands: Array<ReadonlyArray<unknown>> = []
  const mailboxes: Array<ReadonlyArray<unknown>> = []
  for (const { type, from, to, entries } of rows) {
    const text = (offset: number): string | undefined => {
      if (offset === 0) return undefined
      must(from + offset < to)
      const end = buffer.indexOf(0, from + offset)
      must(end !== -1 && end < to)
      return textOf(buffer.subarray(from + offset, end))
    }
    if (type === 1) {
      must(entries * 20 <= to - from)
      for (let at = from; at < from + 20 * entries; at += 20) {
        const halves = [4, 10, 12, 14, 16].map((offset) => u16(at + offset))
        const texts = [6, 8, 18].map((offset) => text(u16(at + offset)))
        values.push([...buffer.subarray(at, at + 4), ...halves, ...texts])
      }
    }
    if (type === 2) {
      must(entries * 16 <= to - from)
      for (let at = from; at < from + 16 * entries; at += 16) {
        const texts = [8, 10, 14].map((offset) => text(u16(at + offset)))
        must(!strict || (u32(at + 4) % 4 === 0 && u32(at + 4) < code))
        commands.push([...buffer.subarray(at, at + 4), u32(at + 4), ...texts])
      }
    }
    if (type === 3) {
      const section = buffer.subarray(from, to)
      const trimmed = section
        .toString("latin1")
        .replace(/\0+$/, "")
        .replace(/^[\t-\r ]+/, "")
      if (/^[[{]/.test(trimmed)) {
        const document = jsonOf(Buffer.from(trimmed, "latin1"))
        must(depthOf(document) <= 33)
        const list = isFields(document) ? pick(document, "mailboxes", "entries") : document
        must(!isFields(document) || (pick(document, "version") ?? 1) === 1)
        if (!Array.isArray(list)) throw new Invalid()
        mailboxes.push(...list.map(mailboxOf))
      } else {
        must(entries * 16 <= to - from)
        for (let at = from; at < from + 16 * entries; at += 16)
          mailboxes.push(mailboxOf({ target: text(u32(at)), capacity: u16(at + 4), mode: u16(at + 6) }))
      }
    }
  }
  const ids = (list: ReadonlyArray<ReadonlyArray<unknown>>): number => new Set(list.map(([g, i]) => `${g}:${i}`)).size
  must(!strict || (ids(values) === values.length && ids(commands) === commands.length))
  const signatures = rows.filter(({ type }) => type === 0xf0)
  const signature =
    signatures.length === 0
      ? undefined
      : optional(strict, () => {
          const { from = 0, to = 0, entries = 0 } = signatures[0] ?? {}
          must(signatures.length === 1 && entries === 1 && from >= tableEnd && to - from >= 16)
          const [format, algorithm] = buffer.subarray(from, from + 2)
          must(format === 1 && to - from === 16 + u16(from + 2))
          must(algorithm === 1 ? to - from === 80 : algorithm === 2 && to - from > 16)
          return `${buffer.toString("hex", from + 4, from + 12)} ${u32(from + 12)}`
        })
  const manifest =
    (flags & 1) === 0
      ? undefined
      : optional(strict, () => {
          const at = Math.max(tableEnd, ...rows.map(({ to }) => to))
          must(at + 4 <= bytes.length)
          must(at + 4 + u32(at) <= bytes.length && u32(at) <= 4096)
          const document = jsonOf(bytes.subarray(at + 4, at + 4 + u32(at)))
          if (!isFields(document)) throw new Invalid()
          must(depthOf(document) <= 33)
          for (const [key, fits] of Object.entries(manifestFields)) {
            const value = pick(document, key)
            must(value === undefined || fits(value))
          }
          return document
        })
  return {
    name: name === "" ? undefined : name,
    numbers: [version, flags, ...numbers, tableAt, version === 2 ? u32(0x44) : 0],
    values,
    commands,
    mailboxes,
    hasManifest: manifest !== undefined,
    signature
  }
}
