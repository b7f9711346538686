/** Writes what a program declares of itself as the directives that declare it again. */
import { f16Bits, f16Value } from "../../../src/protocol/hxe/F16.ts"
import type { CommandEntry, HxeMetadata, ValueEntry } from "../../../src/protocol/hxe/Hxe.ts"
import { authWords, commandFlagWords, valueFlagWords } from "./Metadata.ts"

/** Digits that tell any two halves apart. */
const digitsMax = 6

/** The shortest decimal number with these bits, as JSON; words for what JSON has no number for. */
const halfText = (bits: number): string => {
  const value = f16Value(bits)
  if (!Number.isFinite(value)) return JSON.stringify(String(value))
  if (Object.is(value, -0)) return "-0"
  for (let digits = 1; digits < digitsMax; digits++) {
    const short = Number(value.toPrecision(digits))
    if (f16Bits(short) === bits) return String(short)
  }
  return String(value)
}

/** Bits as words joined by `|`, or as a number when some have no word. */
const bitsText = (bits: number, words: Readonly<Record<string, number>>): string => {
  const known = Object.entries(words).filter(([, bit]) => (bits & bit) !== 0)
  const rest = known.reduce((left, [, bit]) => left & ~bit, bits)
  return rest === 0 ? JSON.stringify(known.map(([word]) => word).join("|")) : String(bits)
}

const levelText = (level: number): string => {
  const [word] = Object.entries(authWords).find(([, number]) => number === level) ?? []
  return word === undefined ? String(level) : JSON.stringify(word)
}

type Field = readonly [key: string, json: string | undefined]

const object = (fields: ReadonlyArray<Field>): string =>
  `{${fields.flatMap(([key, json]) => (json === undefined ? [] : [`${JSON.stringify(key)}:${json}`])).join(",")}}`

const text = (key: string, value: string | undefined): Field => [
  key,
  value === undefined ? undefined : JSON.stringify(value)
]
const unlessZero = (key: string, bits: number, json: (bits: number) => string): Field => [
  key,
  bits === 0 ? undefined : json(bits)
]

const valueText = (value: ValueEntry): string =>
  object([
    ["group", String(value.groupId)],
    ["id", String(value.valueId)],
    text("name", value.name),
    text("unit", value.unit),
    text("group_name", value.groupName),
    unlessZero("flags", value.flags, (bits) => bitsText(bits, valueFlagWords)),
    unlessZero("auth", value.authLevel, levelText),
    ["init", halfText(value.initBits)],
    unlessZero("epsilon", value.epsilonBits, halfText),
    unlessZero("min", value.minimumBits, halfText),
    unlessZero("max", value.maximumBits, halfText),
    unlessZero("persist_key", value.persistKey, String)
  ])

const commandText = (command: CommandEntry, labelAt: (offset: number) => string | undefined): string => {
  const label = labelAt(command.handlerOffset)
  return object([
    ["group", String(command.groupId)],
    ["id", String(command.commandId)],
    text("name", command.name),
    text("help", command.help),
    text("group_name", command.groupName),
    unlessZero("flags", command.flags, (bits) => bitsText(bits, commandFlagWords)),
    unlessZero("auth", command.authLevel, levelText),
    label === undefined ? ["handler_offset", String(command.handlerOffset)] : text("handler", label)
  ])
}

/** One directive a line; `labelAt` names a place in the code. */
export const declarations = (
  { values, commands, mailboxes }: HxeMetadata,
  labelAt: (offset: number) => string | undefined
): ReadonlyArray<string> => [
  ...values.map((value) => `.value ${valueText(value)}`),
  ...commands.map((command) => `.cmd ${commandText(command, labelAt)}`),
  ...mailboxes.map(({ declared }) => `.mailbox ${JSON.stringify(declared)}`)
]
