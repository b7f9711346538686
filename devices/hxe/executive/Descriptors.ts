/** The chains of descriptions in a program's memory with which it registers values and commands. */
import type { CommandDeclaration } from "./Commands.ts"
import { halfWordAt, textAt } from "./TaskMemory.ts"
import { bareDeclaration, type ValueDeclaration } from "./ValueRecord.ts"

const tags = { group: 0x01, name: 0x02, unit: 0x03, range: 0x04, persist: 0x05, commandName: 0x10 } as const

/** Ends a chain. */
const chainEnd = 0xffff

const isNone = (address: number): boolean => address === 0 || address === chainEnd

const optionalText = (memory: Uint8Array, address: number): string | undefined =>
  isNone(address) ? undefined : textAt(memory, address)

/** Calls `read` for each link with its tag and address; false for a loop or a tag that `read` does not know. */
const walk = (memory: Uint8Array, first: number, read: (tag: number, at: number) => boolean): boolean => {
  const seen = new Set<number>()
  for (let at = first & 0xffff; !isNone(at); at = halfWordAt(memory, at + 2)) {
    if (seen.has(at) || !read(memory[at] ?? 0, at)) return false
    seen.add(at)
  }
  return true
}

/** A unit of up to four characters, the first in the lowest byte. */
const unitAt = (memory: Uint8Array, address: number): string | undefined => {
  let unit = ""
  for (let offset = 0; offset < 4; offset++) {
    const code = memory[(address + offset) & 0xffff] ?? 0
    if (code === 0) break
    unit += String.fromCharCode(code)
  }
  return unit === "" ? undefined : unit
}

/** Reads the description of a value; none for a chain that loops or has an unknown link. */
export const valueDescriptor = (
  memory: Uint8Array,
  groupId: number,
  valueId: number,
  flags: number,
  first: number
): ValueDeclaration | undefined => {
  let declaration = bareDeclaration(groupId, valueId, flags)
  const isGood = walk(memory, first, (tag, at) => {
    switch (tag) {
      case tags.group:
        declaration = { ...declaration, groupName: optionalText(memory, halfWordAt(memory, at + 4)) }
        return true
      case tags.name:
        declaration = { ...declaration, name: optionalText(memory, halfWordAt(memory, at + 4)) }
        return true
      case tags.unit:
        declaration = {
          ...declaration,
          unit: unitAt(memory, at + 4),
          epsilonBits: halfWordAt(memory, at + 8),
          rateMillis: halfWordAt(memory, at + 10)
        }
        return true
      case tags.range:
        declaration = {
          ...declaration,
          minimumBits: halfWordAt(memory, at + 4),
          maximumBits: halfWordAt(memory, at + 6)
        }
        return true
      case tags.persist:
        declaration = {
          ...declaration,
          persistKey: halfWordAt(memory, at + 4),
          debounceMillis: halfWordAt(memory, at + 6)
        }
        return true
      default:
        return false
    }
  })
  return isGood ? declaration : undefined
}

/** Reads the description of a command; none for a chain that loops or has an unknown link. */
export const commandDescriptor = (
  memory: Uint8Array,
  groupId: number,
  commandId: number,
  flags: number,
  first: number
): CommandDeclaration | undefined => {
  let groupName: string | undefined
  let name: string | undefined
  let help: string | undefined
  const isGood = walk(memory, first, (tag, at) => {
    switch (tag) {
      case tags.group:
        groupName = optionalText(memory, halfWordAt(memory, at + 4))
        return true
      case tags.name:
        name = optionalText(memory, halfWordAt(memory, at + 4))
        return true
      case tags.commandName:
        name = optionalText(memory, halfWordAt(memory, at + 4))
        help = optionalText(memory, halfWordAt(memory, at + 6))
        return true
      default:
        return false
    }
  })
  if (!isGood) return undefined
  return { groupId, commandId, flags, authLevel: 0, handlerOffset: undefined, name, help, groupName }
}
