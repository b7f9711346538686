/** What a program offers to others, as its image declares it: values, commands and mailboxes. */
import { Effect, Result } from "effect"
import {
  authLevels,
  type CommandEntry,
  commandFlags,
  type HxeMetadata,
  type MailboxEntry,
  type ValueEntry,
  valueFlags
} from "../protocol/hxe/Hxe.ts"
import { readHxe } from "../protocol/hxe/HxeReader.ts"
import { effectiveMode, mailboxModes } from "../protocol/hxe/Mailboxes.ts"
import type { ProgramOffers } from "../protocol/Program.ts"
import { imageClient } from "./ImageClient.ts"

/** A value by its name and number (group × 256 + id). */
interface DeclaredValue {
  readonly name: string
  readonly number: number
  readonly unit: string
  /** From whom on it may be touched, and what else holds of it. */
  readonly access: ReadonlyArray<string>
}

/** A command by its name and `group:id`. */
interface DeclaredCommand {
  readonly name: string
  readonly id: string
  readonly access: ReadonlyArray<string>
  readonly help: string
}

/** A mailbox, with the bytes that it holds. */
interface DeclaredMailbox {
  readonly name: string
  readonly capacity: number
  readonly mode: ReadonlyArray<string>
}

/** What an image declares. */
export interface Declared {
  readonly values: ReadonlyArray<DeclaredValue>
  readonly commands: ReadonlyArray<DeclaredCommand>
  readonly mailboxes: ReadonlyArray<DeclaredMailbox>
}

const levelNames = Object.keys(authLevels)

/** The names of the bits that are set. */
const namesOf = (bits: Readonly<Record<string, number>>, mask: number): ReadonlyArray<string> =>
  Object.entries(bits)
    .filter(([, bit]) => (mask & bit) === bit)
    .map(([name]) => name)

const access = (level: number, bits: Readonly<Record<string, number>>, flags: number): ReadonlyArray<string> => [
  levelNames[level] ?? `level ${level}`,
  ...namesOf(bits, flags)
]

const declaredValue = ({ groupId, valueId, name, unit, authLevel, flags }: ValueEntry): DeclaredValue => ({
  name: name ?? "",
  number: groupId * 256 + valueId,
  unit: unit ?? "",
  access: access(authLevel, valueFlags, flags)
})

const declaredCommand = ({ groupId, commandId, name, help, authLevel, flags }: CommandEntry): DeclaredCommand => ({
  name: name ?? "",
  id: `${groupId}:${commandId}`,
  access: access(authLevel, commandFlags, flags),
  help: help ?? ""
})

/** What may be done with it, and who gets a message. */
const modes = {
  read: mailboxModes.readOnly,
  write: mailboxModes.writeOnly,
  tap: mailboxModes.tap,
  fanout: mailboxModes.fanout,
  drop: mailboxModes.fanoutDrop,
  block: mailboxModes.fanoutBlock
}

const declaredMailbox = ({ target, capacity, modeMask }: MailboxEntry): DeclaredMailbox => ({
  name: target,
  capacity,
  mode: namesOf(modes, effectiveMode(modeMask))
})

/** What these sections of an image declare, as people read it. */
const declaredIn = ({ values, commands, mailboxes }: HxeMetadata): Declared => ({
  values: values.map(declaredValue),
  commands: commands.map(declaredCommand),
  mailboxes: mailboxes.map(declaredMailbox)
})

/** The same, as the board has told it. */
export const toldBy = ({ values, commands, mailboxes }: ProgramOffers): Declared => ({
  values: values.map(({ name = "", number, unit = "", level, flags }) => ({
    name,
    number,
    unit,
    access: access(level, valueFlags, flags)
  })),
  commands: commands.map(({ name = "", number, help = "", level, flags }) => ({
    name,
    id: `${number >> 8}:${number & 0xff}`,
    access: access(level, commandFlags, flags),
    help
  })),
  mailboxes: mailboxes.map(({ name, capacity, mode }) => ({ name, capacity, mode: namesOf(modes, mode) }))
})

/** What the image of that hash declares; undefined when the cluster no longer has it, or it is none that says so. */
export const declaredBy = Effect.fnUntraced(function* (flags: Parameters<typeof imageClient>[0], sha256: string) {
  const client = yield* imageClient(flags)
  const parts: Array<Uint8Array> = []
  const isThere = yield* client
    .content(sha256, (part) => void parts.push(part))
    .pipe(
      Effect.as(true),
      Effect.catchTags({ NotFound: () => Effect.succeed(false), ImageAmbiguous: () => Effect.succeed(false) })
    )
  const read = isThere ? readHxe(new Uint8Array(Buffer.concat(parts)), { strict: false }) : undefined
  return read !== undefined && Result.isSuccess(read) ? declaredIn(read.success.metadata) : undefined
})
