/** Puts objects together into an image: code behind code, data behind data, every symbol in its place. */
import { Result } from "effect"
import {
  type CommandEntry,
  type MailboxEntry,
  partBytesMax,
  rodataAddress,
  stackBytesDefault,
  type ValueEntry
} from "../../../src/protocol/hxe/Hxe.ts"
import { writeHxe } from "../../../src/protocol/hxe/HxeWriter.ts"
import { collector, type Diagnostic, inOrder, type Place, type Report } from "./Diagnostic.ts"
import { meant } from "./Nearest.ts"
import type { Declared, ObjectCode } from "./ObjectCode.ts"
import { addressOf, type Bases, bitsOf, type Located, put } from "./Relocation.ts"

/** What an image says of itself beyond its objects. */
export interface LinkOptions {
  /** Name of the program; what is not ASCII is left out, and the rest cut to 31 letters. */
  readonly name: string
  /** Whether a board may run it more than once at a time. Default true. */
  readonly allowsMultiple?: boolean
  /** Bits of `capabilities` a board must have. Default none. */
  readonly requiredCaps?: number
}

/** The symbol that is the entry of a program before any other, if an object exports it. */
const startSymbol = "_start"
/** What data may take: the stack lies above it. */
const dataBytesMax = partBytesMax - stackBytesDefault - rodataAddress

/** An object, and where its sections lie. */
interface Placed {
  readonly object: ObjectCode
  readonly bases: Bases
}

const placeAll = (objects: ReadonlyArray<ObjectCode>, report: Report): ReadonlyArray<Placed> => {
  let text = 0
  let data = 0
  return objects.map((object) => {
    const bases = { text, data }
    const start: Place = { file: object.file, line: 1, column: 1 }
    text += object.code.length * 4
    data += object.data.length
    if (text > partBytesMax && bases.text <= partBytesMax)
      report(start, `the code is longer than ${partBytesMax} bytes`)
    if (data > dataBytesMax && bases.data <= dataBytesMax)
      report(start, `the data is longer than ${dataBytesMax} bytes`)
    return { object, bases }
  })
}

/** Who defines each exported symbol. */
const exportsOf = (placed: ReadonlyArray<Placed>, report: Report): ReadonlyMap<string, Located> => {
  const all = new Map<string, Located>()
  for (const { object, bases } of placed) {
    for (const name of object.exports) {
      const label = object.labels.get(name)
      const first = all.get(name)?.label.place
      if (label === undefined) continue
      if (first !== undefined)
        report(label.place, `${name} is defined twice`, `the first is at ${first.file}:${first.line}`)
      else all.set(name, { label, bases })
    }
  }
  return all
}

/**
 * The code offset at which the program starts: `_start` if it is exported, else what the first object declares, else its first
 * instruction. What later objects declare is for when they are a program of their own.
 */
const entryOf = (
  [first]: ReadonlyArray<Placed>,
  find: (from: Placed, name: string) => Located | undefined,
  shared: ReadonlyMap<string, Located>,
  codeBytes: number,
  report: Report
): number => {
  const start = shared.get(startSymbol)
  const declared = first?.object.entry
  const { at, place } =
    start === undefined
      ? { at: declared?.at ?? 0, place: declared?.place }
      : { at: startSymbol, place: start.label.place }
  if (first === undefined || place === undefined) return 0
  const located = typeof at === "string" ? (start ?? find(first, at)) : undefined
  if (located?.label.section === "data") report(place, `the program cannot start at ${at}, which is data`)
  const offset = typeof at === "number" ? at : located === undefined ? 0 : addressOf(located)
  if (located?.label.section !== "data" && offset >= codeBytes && codeBytes > 0) {
    report(place, `the program cannot start at ${at}, behind its code`)
  }
  return offset
}

/** Entries of all objects; one that is there twice is reported. */
const joined = <A>(
  lists: ReadonlyArray<ReadonlyArray<Declared<A>>>,
  keyOf: (entry: A) => string,
  report: Report
): ReadonlyArray<A> => {
  const first = new Map<string, Place>()
  for (const { entry, place } of lists.flat()) {
    const key = keyOf(entry)
    const other = first.get(key)
    if (other !== undefined) report(place, `${key} is declared twice`, `the first is at ${other.file}:${other.line}`)
    else first.set(key, place)
  }
  return lists.flat().map(({ entry }) => entry)
}

/** Links objects in their order. Fails with every symbol and number that does not fit. */
export const link = (
  objects: ReadonlyArray<ObjectCode>,
  { name, allowsMultiple = true, requiredCaps = 0 }: LinkOptions
): Result.Result<Uint8Array, ReadonlyArray<Diagnostic>> => {
  const { found, report } = collector()
  const placed = placeAll(objects, report)
  const shared = exportsOf(placed, report)
  const code = objects.flatMap((object) => object.code)
  const data = objects.flatMap((object) => object.data)

  for (const { object } of placed) {
    for (const [wanted, place] of object.imports) {
      if (shared.has(wanted)) continue
      const owner = objects.find((other) => other.labels.has(wanted))
      const hint =
        owner === undefined ? meant(wanted, shared.keys()) : `${owner.file} defines it: write .export ${wanted} there`
      report(place, `no file exports ${wanted}`, hint)
    }
  }
  const find = ({ object, bases }: Placed, wanted: string): Located | undefined => {
    const own = object.labels.get(wanted)
    return own === undefined ? shared.get(wanted) : { label: own, bases }
  }

  for (const from of placed) {
    const { object, bases } = from
    for (const { section, offset, field, expression, place } of object.relocations) {
      const located = expression.kind === "symbol" ? find(from, expression.name) : undefined
      if (expression.kind === "symbol" && located === undefined) continue
      const at = { section, offset: bases[section] + offset, field }
      const fits = bitsOf(field, expression, at.offset, located)
      if (fits.ok) put(code, data, at, fits.bits)
      else report(place, fits.message, fits.hint)
    }
  }

  const values: ReadonlyArray<ValueEntry> = joined(
    objects.map((object) => object.values),
    ({ groupId, valueId }) => `the value ${groupId}:${valueId}`,
    report
  )
  const commands: ReadonlyArray<CommandEntry> = joined(
    placed.map((from) =>
      from.object.commands.map(({ entry, handler, place }) => {
        const located = handler.kind === "symbol" ? find(from, handler.name) : undefined
        if (handler.kind === "symbol" && located?.label.section === "data") {
          report(place, `${handler.name} cannot be a handler, as it is data`)
        }
        const handlerOffset = handler.kind === "number" ? handler.value : located === undefined ? 0 : addressOf(located)
        if (handlerOffset >= code.length * 4 && handler.kind === "number") {
          report(place, `the handler ${handlerOffset} lies behind the code`)
        }
        return { entry: { ...entry, handlerOffset }, place }
      })
    ),
    ({ groupId, commandId }) => `the command ${groupId}:${commandId}`,
    report
  )
  const mailboxes: ReadonlyArray<MailboxEntry> = joined(
    objects.map((object) => object.mailboxes),
    ({ target }) => `the mailbox ${target}`,
    report
  )

  const entry = entryOf(placed, find, shared, code.length * 4, report)
  if (code.length === 0) {
    report({ file: objects[0]?.file ?? name, line: 1, column: 1 }, "there is no code", "a program has at least RET")
  }
  if (found.length > 0) return Result.fail(inOrder(found))
  const bytes = new Uint8Array(code.length * 4)
  const view = new DataView(bytes.buffer)
  for (const [index, word] of code.entries()) view.setUint32(index * 4, word)
  return Result.try({
    try: () =>
      writeHxe({
        appName: name,
        allowsMultiple,
        entry,
        requiredCaps,
        code: bytes,
        rodata: Uint8Array.from(data),
        values,
        commands,
        mailboxes: mailboxes.map(({ declared }) => declared)
      }),
    catch: (cause): ReadonlyArray<Diagnostic> => {
      // The writer knows what the format has room for.
      if (!(cause instanceof RangeError)) throw cause
      return [{ file: objects[0]?.file ?? name, line: 1, column: 1, message: cause.message }]
    }
  })
}
