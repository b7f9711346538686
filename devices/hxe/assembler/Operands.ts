/** Reads the operands of an instruction into its word. */
import type { Place, Report } from "./Diagnostic.ts"
import { type Fields, type Instruction, type OperandKind, wordOf } from "./Instructions.ts"
import { type Expression, readExpression, readInteger, readRegister } from "./Literals.ts"
import { meant } from "./Nearest.ts"
import type { Field } from "./Relocation.ts"
import type { Piece } from "./Source.ts"
import { systemCalls } from "./SystemCalls.ts"

/** A number or symbol that goes into a word of the instruction. */
export interface Waiting {
  /** 0 the instruction word, 1 the literal behind it. */
  readonly word: 0 | 1
  readonly field: Field
  readonly expression: Expression
  readonly place: Place
}

/** The words of an instruction, and what is still to be put into them. */
export interface Encoded {
  readonly words: ReadonlyArray<number>
  readonly waiting: ReadonlyArray<Waiting>
}

/** How operands are written, for hints. */
const written: Readonly<Record<OperandKind, string>> = {
  rd: "rd",
  rs1: "rs1",
  rs2: "rs2",
  imm: "number",
  memory: "[rs1+offset]",
  literal: "number",
  target: "label",
  call: "label",
  service: "MOD=m, FN=n",
  code: "number"
}

/** The hint that shows how an instruction is written. */
const usage = ({ mnemonic, operands }: Instruction): string =>
  `write ${[mnemonic, operands.map((kind) => written[kind]).join(", ")].join(" ").trim()}`

/** How many operands may stand there, if not just as many as there are kinds. */
const counts: Partial<Readonly<Record<string, readonly [minimum: number, maximum: number]>>> = {
  CALL: [1, 2],
  SVC: [1, 2],
  BRK: [0, 1]
}

const memoryForm = /^\[\s*([^\s+\-\]]+)\s*(?:([+-])\s*(.*?)\s*)?\]$/s

/** Words of an instruction. What is wrong is reported; the words are as many as if all were right, so that labels stay. */
export const encode = (
  instruction: Instruction,
  pieces: ReadonlyArray<Piece>,
  place: Place,
  report: Report
): Encoded => {
  const { mnemonic, opcode, operands } = instruction
  const fields: { rd?: number; rs1?: number; rs2?: number; low?: number } = {}
  const waiting: Array<Waiting> = []
  const at = ({ column }: Piece): Place => ({ ...place, column })
  const wrong = (piece: Piece, message: string, hint = usage(instruction)): void => report(at(piece), message, hint)

  const wait = (piece: Piece, text: string, field: Field, word: 0 | 1): void => {
    const expression = readExpression(text)
    if (expression !== undefined) waiting.push({ word, field, expression, place: at(piece) })
    else if (readRegister(text) !== undefined) wrong(piece, `${text} is a register, not a number or a symbol`)
    else wrong(piece, `${text === "" ? "nothing" : text} is neither a number nor a symbol`)
  }

  const register = (piece: Piece, text: string, field: keyof Fields): void => {
    const number = readRegister(text)
    if (number === undefined) wrong(piece, `${text} is not a register, R0 to R15`)
    else fields[field] = number
  }

  const memory = (piece: Piece): void => {
    const [, base, sign, offset] = memoryForm.exec(piece.text) ?? []
    if (base === undefined) return wrong(piece, `${piece.text} is not a place in memory, as [R1+4]`)
    register(piece, base, "rs1")
    if (offset === undefined) return
    wait(piece, sign === "-" ? `-${offset}` : offset, "offset", 0)
  }

  const small = (piece: Piece, what: string, text: string, maximum: number): number => {
    const value = readInteger(text)
    if (value !== undefined && value >= 0 && value <= maximum) return value
    wrong(piece, `${what} is ${text}, and must be a number from 0 to ${maximum}`)
    return 0
  }

  const service = (): void => {
    const [first, second] = pieces
    if (first === undefined) return
    if (second === undefined && !first.text.includes("=")) {
      const named = systemCalls.get(first.text.toUpperCase())
      if (named === undefined && /^[a-z_]/i.test(first.text)) {
        return wrong(first, `there is no system call ${first.text}`, meant(first.text, systemCalls.keys()))
      }
      fields.low = named ?? small(first, "the call", first.text, 0xfff)
      return
    }
    const given = new Map<string, number>()
    for (const piece of pieces) {
      const [, name = "", text = ""] = /^(mod|fn)\s*=\s*(.*)$/i.exec(piece.text) ?? []
      const key = name.toUpperCase()
      if (key === "") wrong(piece, `${piece.text} is neither MOD=m nor FN=n`)
      else if (given.has(key)) wrong(piece, `${key} is given twice`)
      else given.set(key, small(piece, key, text, key === "MOD" ? 15 : 255))
    }
    if (given.size < 2 && second === undefined) return wrong(first, "SVC needs MOD and FN")
    fields.low = ((given.get("MOD") ?? 0) << 8) | (given.get("FN") ?? 0)
  }

  const call = (): void => {
    const [first, distance] = pieces
    if (first === undefined) return
    if (readRegister(first.text) === undefined) {
      if (distance !== undefined) wrong(distance, "only CALL of a register takes a distance")
      return wait(first, first.text, "call", 0)
    }
    register(first, first.text, "rs1")
    // The machine reads register 0 in this field as "from here".
    if (fields.rs1 === 0) wrong(first, "CALL cannot take R0 as its base", "use another register")
    if (distance === undefined) return
    const words = readInteger(distance.text)
    if (words === undefined) return wrong(distance, `${distance.text} is not a distance in words`)
    waiting.push({ word: 0, field: "call", expression: { kind: "number", value: words }, place: at(distance) })
  }

  const [minimum, maximum] = counts[mnemonic] ?? [operands.length, operands.length]
  if (pieces.length < minimum || pieces.length > maximum) {
    const many = minimum === maximum ? String(minimum) : `${minimum} or ${maximum}`
    report(
      place,
      `${mnemonic} takes ${many} operand${maximum === 1 ? "" : "s"}, not ${pieces.length}`,
      usage(instruction)
    )
  } else if (operands[0] === "service") service()
  else if (operands[0] === "call") call()
  else {
    for (const [index, kind] of operands.entries()) {
      const piece = pieces[index]
      if (piece === undefined) continue
      if (kind === "memory") memory(piece)
      else if (kind === "imm") wait(piece, piece.text, "immediate", 0)
      else if (kind === "literal") wait(piece, piece.text, "word", 1)
      else if (kind === "target") wait(piece, piece.text, "target", 0)
      else if (kind === "code") fields.low = small(piece, "the code", piece.text, 255)
      else if (kind === "rd" || kind === "rs1" || kind === "rs2") register(piece, piece.text, kind)
    }
  }
  const word = wordOf(opcode, fields)
  return { words: operands.includes("literal") ? [word, 0] : [word], waiting }
}
