/** The mailbox section: JSON as the linker writes it, or the table of older images; and the names of a mailbox's modes. */
import { Result } from "effect"
import { viewOf } from "./Header.ts"
import { entryBytes, type Json, type JsonObject, type MailboxEntry } from "./Hxe.ts"
import { asObject, readJson } from "./JsonText.ts"
import type { StringTable } from "./StringTable.ts"

/** Bits of a mailbox's mode. */
export const mailboxModes = {
  readOnly: 0x01,
  writeOnly: 0x02,
  readWrite: 0x03,
  tap: 0x04,
  fanout: 0x08,
  fanoutDrop: 0x10,
  fanoutBlock: 0x20
} as const

const modeNames: ReadonlyMap<string, number> = new Map([
  ["RDONLY", mailboxModes.readOnly],
  ["READONLY", mailboxModes.readOnly],
  ["RO", mailboxModes.readOnly],
  ["WRONLY", mailboxModes.writeOnly],
  ["WRITEONLY", mailboxModes.writeOnly],
  ["WO", mailboxModes.writeOnly],
  ["RDWR", mailboxModes.readWrite],
  ["RW", mailboxModes.readWrite],
  ["TAP", mailboxModes.tap],
  ["FANOUT", mailboxModes.fanout],
  ["FANOUT_DROP", mailboxModes.fanoutDrop],
  ["FANOUT_BLOCK", mailboxModes.fanoutBlock]
])

/** Bytes a mailbox holds unless its entry says otherwise. */
const mailboxCapacityDefault = 64

/** The mode a mailbox gets: what to do when a fan-out is full implies that it is one. */
export const effectiveMode = (modeMask: number): number =>
  (modeMask & (mailboxModes.fanoutDrop | mailboxModes.fanoutBlock)) === 0 ? modeMask : modeMask | mailboxModes.fanout

/** Low 16 bits of any integer. */
const low16 = (value: number): number => ((value % 0x1_0000) + 0x1_0000) % 0x1_0000

/** A mode written as names joined by `|` or `,`, in any case; `undefined` for a name nobody knows. */
export const modeOf = (names: string): number | undefined => {
  let mask = 0
  for (const part of names.split(/[|,]/)) {
    const name = part.trim().toUpperCase()
    if (name === "") continue
    const bits = modeNames.get(name)
    if (bits === undefined) return undefined
    mask |= bits
  }
  return mask
}

/** The first of these keys that an entry has. */
const firstOf = (entry: JsonObject, ...keys: ReadonlyArray<string>): Json | undefined => {
  const key = keys.find((name) => Object.hasOwn(entry, name) && entry[name] !== null)
  return key === undefined ? undefined : entry[key]
}

const asInteger = (value: Json | undefined): number | undefined =>
  typeof value === "number" && Number.isSafeInteger(value) ? value : undefined

const isEmpty = (value: Json | undefined): boolean => value === undefined || value === "" || value === 0

const capacityOf = (value: Json | undefined): number | undefined => {
  if (isEmpty(value)) return mailboxCapacityDefault
  const capacity = asInteger(value)
  return capacity === undefined || capacity < 0 ? undefined : capacity
}

const modeMaskOf = (value: Json | undefined): number | undefined => {
  if (isEmpty(value)) return mailboxModes.readWrite
  const number = asInteger(value)
  const mask = number !== undefined ? low16(number) : typeof value === "string" ? modeOf(value) : undefined
  return mask === 0 ? mailboxModes.readWrite : mask
}

const bindingsOf = (value: Json | undefined): MailboxEntry["bindings"] | undefined => {
  if (value === undefined) return []
  if (!Array.isArray(value)) return undefined
  const bindings: Array<{ readonly pid: number; readonly flags: number }> = []
  for (const item of value) {
    const binding = asObject(item)
    const pid = binding === undefined ? undefined : asInteger(binding["pid"])
    const flags = binding === undefined ? undefined : asInteger(firstOf(binding, "flags") ?? 0)
    if (pid === undefined || flags === undefined) return undefined
    bindings.push({ pid, flags: low16(flags) })
  }
  return bindings
}

/** One entry as a programmer declares it, or the token of what is wrong with it. */
export const mailboxOf = (value: Json): Result.Result<MailboxEntry, string> => {
  const declared = asObject(value)
  if (declared === undefined) return Result.fail("mailbox_json")
  const name = firstOf(declared, "target", "name")
  const target = typeof name === "string" ? name.trim() : ""
  if (target === "") return Result.fail("mailbox_target")
  const capacity = capacityOf(firstOf(declared, "capacity", "queue_depth"))
  if (capacity === undefined) return Result.fail("mailbox_capacity")
  const modeMask = modeMaskOf(firstOf(declared, "mode_mask", "mode", "flags"))
  if (modeMask === undefined) return Result.fail("mailbox_mode")
  const owner = firstOf(declared, "owner_pid")
  const ownerPid = asInteger(owner)
  if (owner !== undefined && ownerPid === undefined) return Result.fail("mailbox_owner")
  const bindings = bindingsOf(firstOf(declared, "bindings"))
  if (bindings === undefined) return Result.fail("mailbox_binding")
  return Result.succeed({ target, capacity, modeMask, ownerPid, bindings, reserved: declared["reserved"], declared })
}

const listOf = (document: Json): ReadonlyArray<Json> | undefined => {
  if (Array.isArray(document)) return document
  const object = asObject(document)
  if (object === undefined || (firstOf(object, "version") ?? 1) !== 1) return undefined
  const list = firstOf(object, "mailboxes", "entries")
  return Array.isArray(list) ? list : undefined
}

const fromJson = (bytes: Uint8Array): Result.Result<ReadonlyArray<MailboxEntry>, string> => {
  const document = readJson(bytes)
  const list = document === undefined ? undefined : listOf(document)
  if (list === undefined) return Result.fail("mailbox_json")
  const mailboxes: Array<MailboxEntry> = []
  for (const item of list) {
    const read = mailboxOf(item)
    if (Result.isFailure(read)) return Result.fail(read.failure)
    mailboxes.push(read.success)
  }
  return Result.succeed(mailboxes)
}

const fromTable = (
  bytes: Uint8Array,
  count: number,
  strings: StringTable
): Result.Result<ReadonlyArray<MailboxEntry>, string> => {
  if (count * entryBytes.mailbox > bytes.length) return Result.fail("meta_entries_truncated:mailbox")
  const view = viewOf(bytes)
  const mailboxes: Array<MailboxEntry> = []
  for (let at = 0; at < count * entryBytes.mailbox; at += entryBytes.mailbox) {
    const offset = view.getUint32(at)
    const target = strings.at(offset)
    if (strings.isFaulty) return Result.fail("meta_string")
    const read = mailboxOf({
      target: target ?? "",
      capacity: view.getUint16(at + 4),
      mode_mask: view.getUint16(at + 6)
    })
    if (Result.isFailure(read)) return Result.fail(read.failure)
    mailboxes.push(read.success)
  }
  return Result.succeed(mailboxes)
}

const blanks: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0b, 0x0c, 0x0d])
const opening: ReadonlySet<number | undefined> = new Set([0x7b, 0x5b])

/** Reads a mailbox section, or names what is wrong with it. */
export const mailboxesOf = (
  section: Uint8Array,
  count: number,
  strings: StringTable
): Result.Result<ReadonlyArray<MailboxEntry>, string> => {
  let end = section.length
  while (end > 0 && section[end - 1] === 0) end--
  let start = 0
  while (start < end && blanks.has(section[start] ?? 0)) start++
  return opening.has(section[start]) ? fromJson(section.subarray(start, end)) : fromTable(section, count, strings)
}
