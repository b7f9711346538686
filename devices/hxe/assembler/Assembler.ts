/** Assembles one source into an object: code and data from 0, labels, and what is to be filled in when it is linked. */
import { Result } from "effect"
import { type MailboxEntry, partBytesMax, type ValueEntry } from "../../../src/protocol/hxe/Hxe.ts"
import { dataDirectives, writeData } from "./DataDirectives.ts"
import { collector, type Diagnostic, inOrder, type Place } from "./Diagnostic.ts"
import { byMnemonic } from "./Instructions.ts"
import { type Expression, isName, readExpression, readInteger, readRegister } from "./Literals.ts"
import { readCommands, readMailboxes, readValues } from "./Metadata.ts"
import { meant } from "./Nearest.ts"
import type { Declared, DeclaredCommand, Entry, Label, ObjectCode, Relocation, Section } from "./ObjectCode.ts"
import { encode } from "./Operands.ts"
import { type Bases, bitsOf, type Field, put } from "./Relocation.ts"
import { type Include, type Piece, readLines, type SourceLine, type SourceText, splitOperands } from "./Source.ts"

const directives = [
  ...[".text", ".data", ".entry", ".export", ".import", ".extern", ".include", ".org"],
  ...[".value", ".cmd", ".mailbox", ...dataDirectives]
]

const wholeObject: Bases = { text: 0, data: 0 }

/** What stands at the start of a line. */
const labelForm = /^(\s*)([^\s:"'{}[\],]+)\s*:/
const statementForm = /^(\s*)(\S+)(\s*)(.*)$/s

/**
 * Assembles a source and all that it includes. Fails with everything that is wrong with it, in the order of the lines; what
 * depends on other objects is only seen by `link`.
 */
export const assemble = (
  source: SourceText,
  include: Include
): Result.Result<ObjectCode, ReadonlyArray<Diagnostic>> => {
  const { found, report } = collector()
  const code: Array<number> = []
  const data: Array<number> = []
  const relocations: Array<Relocation> = []
  const labels = new Map<string, Label>()
  const exported = new Map<string, Place>()
  const imported = new Map<string, Place>()
  const either = new Map<string, Place>()
  const values: Array<Declared<ValueEntry>> = []
  const commands: Array<DeclaredCommand> = []
  const mailboxes: Array<Declared<MailboxEntry>> = []
  let entry: (Entry & { readonly depth: number }) | undefined
  let section: Section = "text"

  /** Puts a number in at once, and leaves a symbol to be put in later. */
  const fill = (at: { section: Section; offset: number; field: Field }, expression: Expression, place: Place): void => {
    if (expression.kind === "symbol") {
      relocations.push({ ...at, expression, place })
      return
    }
    const fits = bitsOf(at.field, expression, at.offset, undefined)
    if (fits.ok) put(code, data, at, fits.bits)
    else report(place, fits.message, fits.hint)
  }

  const define = (name: string, place: Place): void => {
    const first = labels.get(name)
    if (!isName(name)) report(place, `${name} is no name for a label`, "letters, digits, _ . and $, no digit first")
    else if (readRegister(name) !== undefined) report(place, `${name} is a register`, "call the label something else")
    else if (first !== undefined) {
      report(place, `the label ${name} is there twice`, `the first is at ${first.place.file}:${first.place.line}`)
    } else labels.set(name, { section, offset: section === "text" ? code.length * 4 : data.length, place })
  }

  const names = (into: Map<string, Place>, directive: string, pieces: ReadonlyArray<Piece>, place: Place): void => {
    if (pieces.length === 0) report(place, `${directive} takes the name of a label`)
    for (const { text, column } of pieces) {
      if (isName(text)) into.set(text, { ...place, column })
      else report({ ...place, column }, `${text} is no name for a label`)
    }
  }

  const readEntry = (pieces: ReadonlyArray<Piece>, depth: number, place: Place): void => {
    const [piece, second] = pieces
    if (entry !== undefined && entry.depth === depth && entry.place.file === place.file) {
      return report(place, "there are two .entry", `the first is at ${entry.place.file}:${entry.place.line}`)
    }
    if (second !== undefined) return report(place, ".entry takes one label or none")
    // What the file itself says counts more than what an included one does.
    if (entry !== undefined && entry.depth < depth) return
    if (piece === undefined) {
      if (section !== "text")
        return report(place, ".entry without a label must stand in the code", "write .text before it")
      entry = { at: code.length * 4, place, depth }
      return
    }
    const offset = readInteger(piece.text)
    const where = { ...place, column: piece.column }
    if (offset === undefined && !isName(piece.text)) return report(where, `${piece.text} is no label`)
    if (offset !== undefined && (offset < 0 || offset % 4 !== 0)) {
      return report(where, `a program cannot start at ${piece.text}`, "it starts at a multiple of 4")
    }
    entry = { at: offset ?? piece.text, place: where, depth }
  }

  const org = (pieces: ReadonlyArray<Piece>, place: Place): void => {
    const offset = readInteger(pieces[0]?.text ?? "")
    if (section !== "text") return report(place, ".org is for code", ".zero makes room in .data")
    if (offset === undefined || pieces.length !== 1) return report(place, ".org takes one number", "write .org 0x100")
    if (offset < code.length * 4) {
      return report(
        place,
        `.org ${pieces[0]?.text} lies behind: the code is at 0x${(code.length * 4).toString(16)} already`
      )
    }
    if (offset % 4 !== 0 || offset > partBytesMax) {
      return report(place, `.org takes a multiple of 4 up to 0x${partBytesMax.toString(16)}`)
    }
    while (code.length * 4 < offset) code.push(0)
  }

  /** Words as they are, for what no instruction writes. */
  const words = (pieces: ReadonlyArray<Piece>, place: Place): void => {
    if (pieces.length === 0) report(place, ".word takes numbers or symbols")
    for (const { text, column } of pieces) {
      const where = { ...place, column }
      const expression = readExpression(text)
      code.push(0)
      if (expression === undefined) report(where, `${text} is neither a number nor a symbol`)
      else fill({ section: "text", offset: code.length * 4 - 4, field: "word" }, expression, where)
    }
  }

  const readDirective = (name: string, rest: Piece, depth: number, place: Place): void => {
    const pieces = (): ReadonlyArray<Piece> => splitOperands(rest.text, rest.column)
    switch (name) {
      case ".text":
      case ".data":
        if (rest.text !== "") report({ ...place, column: rest.column }, `${name} takes nothing`)
        section = name === ".text" ? "text" : "data"
        return
      case ".entry":
        return readEntry(pieces(), depth, place)
      case ".export":
        return names(exported, name, pieces(), place)
      case ".import":
        return names(imported, name, pieces(), place)
      case ".extern":
        return names(either, name, pieces(), place)
      case ".value":
        values.push(...readValues(rest, place, report))
        return
      case ".cmd":
        commands.push(...readCommands(rest, place, report))
        return
      case ".mailbox":
        mailboxes.push(...readMailboxes(rest, place, report))
        return
      case ".org":
        return org(pieces(), place)
    }
    if (name === ".word" && section === "text") return words(pieces(), place)
    if (!dataDirectives.includes(name)) {
      return report(place, `there is no directive ${name}`, meant(name, directives))
    }
    if (section === "text") return report(place, `${name} is for data, and this is code`, "write .data before it")
    writeData(name, pieces(), place, report, data, (offset, field, expression, where) =>
      fill({ section: "data", offset, field }, expression, where)
    )
  }

  const readInstruction = (written: string, rest: Piece, place: Place): void => {
    const instruction = byMnemonic.get(written.toUpperCase())
    if (section === "data") {
      const what =
        instruction === undefined ? `there is no directive ${written}` : `${written} is code, and this is data`
      return report(place, what, instruction === undefined ? meant(written, directives) : "write .text before it")
    }
    if (instruction === undefined) {
      code.push(0)
      return report(place, `there is no instruction ${written}`, meant(written, byMnemonic.keys()))
    }
    const offset = code.length * 4
    const encoded = encode(instruction, splitOperands(rest.text, rest.column), place, report)
    code.push(...encoded.words)
    for (const { word, field, expression, place: where } of encoded.waiting) {
      fill({ section: "text", offset: offset + word * 4, field }, expression, where)
    }
  }

  const readLine = ({ file, line, text, depth }: SourceLine): void => {
    const [labelled = "", blanks = "", name] = labelForm.exec(text) ?? []
    if (name !== undefined) define(name, { file, line, column: blanks.length + 1 })
    const [, before = "", word = "", gap = "", rest = ""] = statementForm.exec(text.slice(labelled.length)) ?? []
    if (word === "") return
    const column = labelled.length + before.length + 1
    const place = { file, line, column }
    const operands = { text: rest, column: column + word.length + gap.length }
    if (word.startsWith(".")) readDirective(word.toLowerCase(), operands, depth, place)
    else readInstruction(word, operands, place)
  }

  for (const line of readLines(source, include, report)) readLine(line)

  for (const [name, place] of either) (labels.has(name) ? exported : imported).set(name, place)
  for (const [name, place] of exported) {
    if (!labels.has(name)) report(place, `${name} is exported and not defined here`, meant(name, labels.keys()))
  }
  for (const [name, place] of imported) {
    if (labels.has(name)) report(place, `${name} is imported and defined here`, "leave out one of the two")
  }

  const known = (name: string, place: Place): boolean => {
    if (labels.has(name) || imported.has(name)) return true
    const hint = meant(name, [...labels.keys(), ...imported.keys()]) ?? `define it, or write .import ${name}`
    report(place, `there is no label ${name}`, hint)
    return false
  }
  for (const { section: inSection, offset, field, expression, place } of relocations) {
    if (expression.kind === "number" || !known(expression.name, place)) continue
    const label = labels.get(expression.name)
    if (label === undefined) continue
    // Other objects can only move things further up: what does not fit from 0 never does.
    const fits = bitsOf(field, expression, inSection === "text" ? offset : 0, { label, bases: wholeObject })
    if (!fits.ok) report(place, fits.message, fits.hint)
  }
  for (const { handler, place } of commands) if (handler.kind === "symbol") known(handler.name, place)
  if (typeof entry?.at === "string") known(entry.at, entry.place)

  if (found.length > 0) return Result.fail(inOrder(found))
  return Result.succeed({
    file: source.file,
    code,
    data,
    relocations,
    labels,
    exports: new Set(exported.keys()),
    imports: imported,
    entry,
    values,
    commands,
    mailboxes
  })
}
