/** Writes the sections' payloads: entries in order of their ids, then their strings, each once. */
import { viewOf } from "./Header.ts"
import { type CommandEntry, entryBytes, type JsonObject, type ValueEntry } from "./Hxe.ts"
import { byCodePoint, writeJson } from "./JsonText.ts"

const encoder = new TextEncoder()
/** Last place that two bytes can address. */
const offsetMax = 0xffff

/** Strings in the order in which they were first asked for. */
class Strings {
  private readonly start: number
  private size: number
  private readonly offsets = new Map<string, number>()
  private readonly texts: Array<Uint8Array> = []

  constructor(start: number) {
    this.start = start
    this.size = start
  }

  /** Where the string stands in its section; 0 for none. */
  offset(text: string | undefined): number {
    if (text === undefined) return 0
    const known = this.offsets.get(text)
    if (known !== undefined) return known
    const offset = this.size
    if (offset > offsetMax) throw new RangeError("the strings of a section do not fit into 64 KiB")
    const bytes = encoder.encode(text)
    if (bytes.includes(0)) throw new RangeError("a string with NUL")
    this.offsets.set(text, offset)
    this.texts.push(bytes)
    this.size += bytes.length + 1
    return offset
  }

  /** The section: entries, then strings, each with its NUL. */
  behind(entries: Uint8Array): Uint8Array {
    const section = new Uint8Array(this.size)
    section.set(entries)
    let at = this.start
    for (const text of this.texts) {
      section.set(text, at)
      at += text.length + 1
    }
    return section
  }
}

/** The payload of the values' section. */
export const writeValues = (values: ReadonlyArray<ValueEntry>): Uint8Array => {
  const bytes = new Uint8Array(values.length * entryBytes.value)
  const view = viewOf(bytes)
  const strings = new Strings(bytes.length)
  const sorted = values.toSorted((one, other) => one.groupId - other.groupId || one.valueId - other.valueId)
  for (const [index, value] of sorted.entries()) {
    const at = index * entryBytes.value
    view.setUint8(at, value.groupId)
    view.setUint8(at + 1, value.valueId)
    view.setUint8(at + 2, value.flags)
    view.setUint8(at + 3, value.authLevel)
    view.setUint16(at + 4, value.initBits)
    view.setUint16(at + 6, strings.offset(value.name))
    view.setUint16(at + 8, strings.offset(value.unit))
    view.setUint16(at + 10, value.epsilonBits)
    view.setUint16(at + 12, value.minimumBits)
    view.setUint16(at + 14, value.maximumBits)
    view.setUint16(at + 16, value.persistKey)
    view.setUint16(at + 18, strings.offset(value.groupName))
  }
  return strings.behind(bytes)
}

/** The payload of the commands' section. */
export const writeCommands = (commands: ReadonlyArray<CommandEntry>): Uint8Array => {
  const bytes = new Uint8Array(commands.length * entryBytes.command)
  const view = viewOf(bytes)
  const strings = new Strings(bytes.length)
  const sorted = commands.toSorted((one, other) => one.groupId - other.groupId || one.commandId - other.commandId)
  for (const [index, command] of sorted.entries()) {
    const at = index * entryBytes.command
    view.setUint8(at, command.groupId)
    view.setUint8(at + 1, command.commandId)
    view.setUint8(at + 2, command.flags)
    view.setUint8(at + 3, command.authLevel)
    view.setUint32(at + 4, command.handlerOffset)
    view.setUint16(at + 8, strings.offset(command.name))
    view.setUint16(at + 10, strings.offset(command.help))
    view.setUint32(at + 12, strings.offset(command.groupName))
  }
  return strings.behind(bytes)
}

const targetOf = (declared: JsonObject): string => {
  const target = declared["target"] ?? declared["name"]
  return typeof target === "string" ? target.trim() : ""
}

/** The payload of the mailboxes' section: each entry as it was declared, with its target trimmed. */
export const writeMailboxes = (mailboxes: ReadonlyArray<JsonObject>): Uint8Array => {
  const entries = mailboxes
    .map((declared) => ("target" in declared ? { ...declared, target: targetOf(declared) } : declared))
    .toSorted((one, other) => byCodePoint(targetOf(one), targetOf(other)))
  return writeJson({ mailboxes: entries, version: 1 })
}
