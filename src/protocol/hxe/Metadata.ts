/** Reads what the sections hold: values, commands and mailboxes. */
import { Result } from "effect"
import { malformed, viewOf } from "./Header.ts"
import {
  type CommandEntry,
  entryBytes,
  type HxeHeader,
  type HxeMetadata,
  type HxeRefused,
  type HxeSection,
  type MailboxEntry,
  sectionTypes,
  type ValueEntry
} from "./Hxe.ts"
import { mailboxesOf } from "./Mailboxes.ts"
import { StringTable } from "./StringTable.ts"

const readValues = (bytes: Uint8Array, count: number, strings: StringTable): ReadonlyArray<ValueEntry> => {
  const view = viewOf(bytes)
  const values: Array<ValueEntry> = []
  for (let at = 0; at < count * entryBytes.value; at += entryBytes.value)
    values.push({
      groupId: view.getUint8(at),
      valueId: view.getUint8(at + 1),
      flags: view.getUint8(at + 2),
      authLevel: view.getUint8(at + 3),
      initBits: view.getUint16(at + 4),
      name: strings.at(view.getUint16(at + 6)),
      unit: strings.at(view.getUint16(at + 8)),
      epsilonBits: view.getUint16(at + 10),
      minimumBits: view.getUint16(at + 12),
      maximumBits: view.getUint16(at + 14),
      persistKey: view.getUint16(at + 16),
      groupName: strings.at(view.getUint16(at + 18))
    })
  return values
}

const readCommands = (bytes: Uint8Array, count: number, strings: StringTable): ReadonlyArray<CommandEntry> => {
  const view = viewOf(bytes)
  const commands: Array<CommandEntry> = []
  for (let at = 0; at < count * entryBytes.command; at += entryBytes.command)
    commands.push({
      groupId: view.getUint8(at),
      commandId: view.getUint8(at + 1),
      flags: view.getUint8(at + 2),
      authLevel: view.getUint8(at + 3),
      handlerOffset: view.getUint32(at + 4),
      name: strings.at(view.getUint16(at + 8)),
      help: strings.at(view.getUint16(at + 10)),
      // The upper half of its word is reserved.
      groupName: strings.at(view.getUint16(at + 14))
    })
  return commands
}

const hasTwice = (ids: ReadonlyArray<number>): boolean => new Set(ids).size < ids.length

/** What is wrong among entries that are well-formed each. */
const strictFault = (
  { codeLength }: HxeHeader,
  values: ReadonlyArray<ValueEntry>,
  commands: ReadonlyArray<CommandEntry>
): string | undefined => {
  if (commands.some(({ handlerOffset }) => handlerOffset % 4 !== 0 || handlerOffset >= codeLength)) return "cmd_handler"
  if (hasTwice(values.map(({ groupId, valueId }) => (groupId << 8) | valueId))) return "meta_duplicate"
  if (hasTwice(commands.map(({ groupId, commandId }) => (groupId << 8) | commandId))) return "meta_duplicate"
  return undefined
}

/** Reads the sections of a table that was checked, from bytes that begin at `base` of the file. */
export const readMetadata = (
  header: HxeHeader,
  sections: ReadonlyArray<HxeSection>,
  bytes: Uint8Array,
  base: number,
  isStrict: boolean
): Result.Result<HxeMetadata, HxeRefused> => {
  const values: Array<ValueEntry> = []
  const commands: Array<CommandEntry> = []
  const mailboxes: Array<MailboxEntry> = []
  for (const { type, offset, size, entryCount } of sections) {
    const payload = bytes.subarray(offset - base, offset - base + size)
    const strings = new StringTable(payload)
    if (type === sectionTypes.value) {
      if (entryCount * entryBytes.value > size) return Result.fail(malformed("meta_entries_truncated:value"))
      for (const value of readValues(payload, entryCount, strings)) values.push(value)
    } else if (type === sectionTypes.command) {
      if (entryCount * entryBytes.command > size) return Result.fail(malformed("meta_entries_truncated:cmd"))
      for (const command of readCommands(payload, entryCount, strings)) commands.push(command)
    } else if (type === sectionTypes.mailbox) {
      const read = mailboxesOf(payload, entryCount, strings)
      if (Result.isFailure(read)) return Result.fail(malformed(read.failure))
      for (const mailbox of read.success) mailboxes.push(mailbox)
    }
    if (strings.isFaulty) return Result.fail(malformed("meta_string"))
  }
  const fault = isStrict ? strictFault(header, values, commands) : undefined
  return fault === undefined ? Result.succeed({ sections, values, commands, mailboxes }) : Result.fail(malformed(fault))
}
