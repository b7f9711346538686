/** Reads `.value`, `.cmd` and `.mailbox`: what a program declares of itself, as JSON on one line. */
import { Result } from "effect"
import { f16Bits } from "../../../src/protocol/hxe/F16.ts"
import {
  authLevels,
  commandFlags,
  type JsonObject,
  type MailboxEntry,
  type ValueEntry,
  valueFlags
} from "../../../src/protocol/hxe/Hxe.ts"
import { mailboxOf } from "../../../src/protocol/hxe/Mailboxes.ts"
import type { Place, Report } from "./Diagnostic.ts"
import { JsonFields, readObjects } from "./JsonFields.ts"
import { type Expression, isName, readExpression } from "./Literals.ts"
import type { Declared, DeclaredCommand } from "./ObjectCode.ts"
import type { Piece } from "./Source.ts"

/** Words for the bits of a value's flags. */
export const valueFlagWords = {
  RO: valueFlags.readOnly,
  PERSIST: valueFlags.persist,
  STICKY: valueFlags.sticky,
  PIN: valueFlags.pin,
  BOOL: valueFlags.bool
} as const

/** Words for the bits of a command's flags. */
export const commandFlagWords = { PIN: commandFlags.pin, ASYNC: commandFlags.async } as const

/** Words for who may touch something. */
export const authWords = {
  PUBLIC: authLevels.public,
  USER: authLevels.user,
  ADMIN: authLevels.admin,
  FACTORY: authLevels.factory
} as const

/** The largest number that is not infinite as a half. */
const halfMax = 65_504
/** 0xFFFF is reserved in the memory of values. */
const persistKeyMax = 0xfffe

const sharedKeys = ["group", "group_id", "id", "name", "group_name", "flags", "auth", "auth_level"]
// `rate_ms` is part of the language and has no place in the file.
const valueKeys = [
  ...sharedKeys,
  "value",
  "value_id",
  "unit",
  "init",
  "epsilon",
  "min",
  "max",
  "persist_key",
  "rate_ms"
]
const commandKeys = [...sharedKeys, "cmd", "cmd_id", "handler", "handler_offset", "help"]

const half = (fields: JsonFields, key: string): number => {
  const value = fields.number(key)
  const bits = f16Bits(value)
  if (Number.isFinite(value) && (bits & 0x7fff) === 0x7c00) {
    fields.wrong(key, `${key} is ${value}, and values are halves: at most ${halfMax}`)
  }
  return bits
}

/** The values that one `.value` declares. */
export const readValues = (json: Piece, place: Place, report: Report): ReadonlyArray<Declared<ValueEntry>> =>
  readObjects(".value", json, place, report).flatMap((object) => {
    const fields = new JsonFields(object, ".value", json, place, report)
    fields.refuseOthers(valueKeys)
    fields.integer(["rate_ms"], 0xffff, 0)
    const entry: ValueEntry = {
      groupId: fields.integer(["group", "group_id"], 255),
      valueId: fields.integer(["id", "value", "value_id"], 255),
      flags: fields.bits("flags", valueFlagWords, 255),
      authLevel: fields.level(["auth", "auth_level"], authWords),
      initBits: half(fields, "init"),
      epsilonBits: half(fields, "epsilon"),
      minimumBits: half(fields, "min"),
      maximumBits: half(fields, "max"),
      persistKey: fields.integer(["persist_key"], persistKeyMax, 0),
      name: fields.text(["name"]),
      unit: fields.text(["unit"]),
      groupName: fields.text(["group_name"])
    }
    if (fields.number("min") > fields.number("max")) fields.wrong("min", "min is above max")
    return fields.isSound ? [{ entry, place }] : []
  })

const readHandler = (object: JsonObject, fields: JsonFields): Expression => {
  const { handler, handler_offset: offset } = object
  if (typeof handler === "string" && isName(handler)) return { kind: "symbol", name: handler, part: "whole" }
  const written = handler ?? offset
  const read = typeof written === "string" ? readExpression(written) : undefined
  const value = typeof written === "number" ? written : read?.kind === "number" ? read.value : undefined
  if (value !== undefined && Number.isInteger(value) && value >= 0 && value % 4 === 0) return { kind: "number", value }
  fields.wrong(
    handler === undefined && offset !== undefined ? "handler_offset" : "handler",
    written === undefined ? ".cmd needs a handler" : `the handler is ${JSON.stringify(written)}`,
    'name a label of the code, as "handler":"reset"'
  )
  return { kind: "number", value: 0 }
}

/** The commands that one `.cmd` declares. */
export const readCommands = (json: Piece, place: Place, report: Report): ReadonlyArray<DeclaredCommand> =>
  readObjects(".cmd", json, place, report).flatMap((object) => {
    const fields = new JsonFields(object, ".cmd", json, place, report)
    fields.refuseOthers(commandKeys)
    const handler = readHandler(object, fields)
    const entry = {
      groupId: fields.integer(["group", "group_id"], 255),
      commandId: fields.integer(["id", "cmd", "cmd_id"], 255),
      flags: fields.bits("flags", commandFlagWords, 255),
      authLevel: fields.level(["auth", "auth_level"], authWords),
      name: fields.text(["name"]),
      help: fields.text(["help"]),
      groupName: fields.text(["group_name"])
    }
    return fields.isSound ? [{ entry, handler, place }] : []
  })

/** What is wrong with a mailbox, for people, and the keys it may stand in. */
const mailboxFaults: Readonly<Record<string, readonly [keys: ReadonlyArray<string>, message: string, hint?: string]>> =
  {
    mailbox_target: [["target", "name"], ".mailbox needs a target", 'as "target":"app:telemetry"'],
    mailbox_capacity: [["capacity", "queue_depth"], "the capacity must be a whole number of bytes, 0 for the usual"],
    mailbox_mode: [
      ["mode_mask", "mode", "flags"],
      "the mode must be a number or words joined by |",
      "they are RDONLY, WRONLY, RDWR, TAP, FANOUT, FANOUT_DROP and FANOUT_BLOCK"
    ],
    mailbox_owner: [["owner_pid"], "owner_pid must be a whole number"],
    mailbox_binding: [["bindings"], "bindings must be objects, each with a pid"]
  }

/** As it was written, but for blanks around its name. */
const trimmed = (object: JsonObject): JsonObject => {
  const key = typeof object["target"] === "string" ? "target" : "name"
  const name = object[key]
  return typeof name === "string" ? { ...object, [key]: name.trim() } : object
}

/** The mailboxes that one `.mailbox` declares. Keys that mean nothing here are kept: they may mean something to others. */
export const readMailboxes = (json: Piece, place: Place, report: Report): ReadonlyArray<Declared<MailboxEntry>> =>
  readObjects(".mailbox", json, place, report).flatMap((object) => {
    const read = mailboxOf(trimmed(object))
    if (Result.isSuccess(read)) return [{ entry: read.success, place }]
    const fields = new JsonFields(object, ".mailbox", json, place, report)
    const [keys, message, hint] = mailboxFaults[read.failure] ?? [[], `the mailbox is refused: ${read.failure}`]
    fields.wrong(keys.find((key) => key in object) ?? keys[0] ?? "", message, hint)
    return []
  })
