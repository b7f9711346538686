/** Writes a condition as WebAssembly text: only numbers and names from here stand in it, texts and patterns are bytes of its memory. */
import type { BoundCondition, BoundPath, BoundTerm } from "../../protocol/condition/Bound.ts"
import { pathKey, pathsOf } from "../../protocol/condition/Bound.ts"
import type { Comparison } from "../../protocol/condition/Condition.ts"
import type { Pattern } from "../../protocol/condition/TextShape.ts"
import { machineOf } from "./Automaton.ts"
import { constantsAt, partsFor } from "./WasmParts.ts"

/** The text of a module, and where its host's memory begins. */
export interface WasmText {
  readonly text: string
  readonly fields: ReadonlyArray<BoundPath>
  readonly inputAt: number
}

/** Bytes that lie in the memory from the start. */
class Constants {
  private readonly bytes: Array<number> = []
  private readonly places = new Map<string, number>()

  /** Where these bytes lie, as an address that 8 divides; equal ones lie there once. */
  place(bytes: Uint8Array): number {
    const key = bytes.join()
    const known = this.places.get(key)
    if (known !== undefined) return known
    while (this.bytes.length % 8 !== 0) this.bytes.push(0)
    const place = constantsAt + this.bytes.length
    for (const byte of bytes) this.bytes.push(byte)
    this.places.set(key, place)
    return place
  }

  get end(): number {
    return constantsAt + this.bytes.length
  }

  /** As WebAssembly text; nothing where there is none. */
  get text(): string {
    if (this.bytes.length === 0) return ""
    const escaped = this.bytes.map((byte) => `\\${byte.toString(16).padStart(2, "0")}`).join("")
    return `(data (i32.const ${constantsAt}) "${escaped}")`
  }
}

const wordsOf = (mask: bigint, words: number): ReadonlyArray<bigint> =>
  Array.from({ length: words }, (_, word) => BigInt.asUintN(64, mask >> BigInt(64 * word)))

/** A machine as the module reads it. */
const machineBytes = (pattern: Pattern): Uint8Array => {
  const { states, classStarts, taking, follow, accepting } = machineOf(pattern)
  const words = Math.ceil(states / 64)
  const sets = [accepting, ...taking, ...follow].flatMap((mask) => wordsOf(mask, words))
  const bytes = new Uint8Array(16 + 8 * sets.length + 4 * classStarts.length)
  const view = new DataView(bytes.buffer)
  for (const [index, value] of [words, classStarts.length, states].entries()) view.setUint32(4 * index, value, true)
  for (const [index, set] of sets.entries()) view.setBigUint64(16 + 8 * index, set, true)
  for (const [index, start] of classStarts.entries()) view.setUint32(16 + 8 * sets.length + 4 * index, start, true)
  return bytes
}

const utf8 = new TextEncoder()

/** By the order of two numbers. */
const numberTests: Readonly<Record<Comparison, string>> = {
  "<": "f64.lt",
  "<=": "f64.le",
  "==": "f64.eq",
  "!=": "call $unequal",
  ">=": "f64.ge",
  ">": "f64.gt"
}
/** By what `$order` answers: −1, 0, 1, or 2 where one is missing. */
const textTests: Readonly<Record<Comparison, (order: string) => string>> = {
  "<": (order) => `(i32.eq ${order} (i32.const -1))`,
  "<=": (order) => `(i32.le_s ${order} (i32.const 0))`,
  "==": (order) => `(i32.eqz ${order})`,
  "!=": (order) => `(i32.and ${order} (i32.const 1))`,
  ">=": (order) => `(i32.lt_u ${order} (i32.const 2))`,
  ">": (order) => `(i32.eq ${order} (i32.const 1))`
}
const arithmetic = { "+": "f64.add", "-": "f64.sub", "*": "f64.mul", "/": "f64.div" } as const

const never = "(i32.const 0)"
const or = (left: string, right: string): string => `(if (result i32) ${left} (then (i32.const 1)) (else ${right}))`
const and = (left: string, right: string): string => `(if (result i32) ${left} (then ${right}) (else (i32.const 0)))`
const anyOf = (tests: ReadonlyArray<string>): string =>
  tests.length === 0 ? never : tests.reduceRight((rest, test) => or(test, rest))
const allOf = (tests: ReadonlyArray<string>): string =>
  tests.length === 0 ? "(i32.const 1)" : tests.reduceRight((rest, test) => and(test, rest))

class Text {
  readonly constants = new Constants()
  private readonly numbers: ReadonlyMap<string, number>

  constructor(fields: ReadonlyArray<BoundPath>) {
    this.numbers = new Map(fields.map((path, number) => [pathKey(path), number]))
  }

  condition(condition: BoundCondition): string {
    switch (condition._tag) {
      case "Always":
        return `(i32.const ${condition.value ? 1 : 0})`
      case "Not":
        return `(i32.eqz ${this.condition(condition.of)})`
      case "All":
        return allOf(condition.of.map((each) => this.condition(each)))
      case "Any":
        return anyOf(condition.of.map((each) => this.condition(each)))
      case "Exists":
        return `(i32.ne ${this.record(condition.path)} (i32.const 0))`
      case "Compare":
        return this.compare(condition.operator, condition.left, condition.right)
      case "Within":
        return and(
          this.compare(">=", condition.term, condition.low),
          this.compare("<=", condition.term, condition.high)
        )
      case "Among":
        return anyOf(condition.items.map((item) => this.compare("==", condition.term, item)))
      case "Contains": {
        const [text, part] = [this.textOf(condition.term), this.textOf(condition.part)]
        return text === undefined || part === undefined ? never : `(call $contains ${text} ${part})`
      }
      case "Matches": {
        const text = this.textOf(condition.term)
        if (text === undefined) return never
        return `(call $matches ${text} (i32.const ${this.constants.place(machineBytes(condition.pattern))}))`
      }
      case "Bit": {
        const number = this.numberOf(condition.term)
        return number === undefined ? never : `(call $bit ${number} (i64.const ${condition.bit}))`
      }
      case "Has": {
        const list = this.record(condition.path)
        const { item } = condition
        const values = { number: this.numberOf(item), text: this.textOf(item), boolean: this.booleanOf(item) }
        return anyOf(
          Object.entries(values).flatMap(([type, value]) =>
            value === undefined ? [] : [`(call $has_${type} ${list} ${value})`]
          )
        )
      }
    }
  }

  private compare(operator: Comparison, left: BoundTerm, right: BoundTerm): string {
    const tests: Array<string> = []
    const [number, otherNumber] = [this.numberOf(left), this.numberOf(right)]
    if (number !== undefined && otherNumber !== undefined)
      tests.push(`(${numberTests[operator]} ${number} ${otherNumber})`)
    const [text, otherText] = [this.textOf(left), this.textOf(right)]
    if (text !== undefined && otherText !== undefined)
      tests.push(textTests[operator](`(call $order ${text} ${otherText})`))
    const [boolean, otherBoolean] = [this.booleanOf(left), this.booleanOf(right)]
    if (boolean !== undefined && otherBoolean !== undefined) {
      if (operator === "==") tests.push(`(call $alike ${boolean} ${otherBoolean})`)
      // Of 0, 1 and 2 for missing, only 0 and 1 differ by their lowest bit alone.
      if (operator === "!=") tests.push(`(i32.eq (i32.xor ${boolean} ${otherBoolean}) (i32.const 1))`)
    }
    return anyOf(tests)
  }

  private numberOf(term: BoundTerm): string | undefined {
    switch (term._tag) {
      case "Number":
        return `(f64.const ${term.value})`
      case "Field":
        return `(call $number ${this.record(term.path)})`
      case "Arithmetic": {
        const [left, right] = [this.numberOf(term.left), this.numberOf(term.right)]
        if (left === undefined || right === undefined) return undefined
        return `(call $finite (${arithmetic[term.operator]} ${left} ${right}))`
      }
      default:
        return undefined
    }
  }

  private textOf(term: BoundTerm): string | undefined {
    if (term._tag === "Field") return `(call $text ${this.record(term.path)})`
    if (term._tag !== "Text") return undefined
    const bytes = utf8.encode(term.value)
    const place = bytes.length === 0 ? 0 : this.constants.place(bytes)
    return `(i64.const ${(BigInt(place) << 32n) | BigInt(bytes.length)})`
  }

  private booleanOf(term: BoundTerm): string | undefined {
    if (term._tag === "Field") return `(call $boolean ${this.record(term.path)})`
    return term._tag === "Boolean" ? `(i32.const ${term.value ? 1 : 0})` : undefined
  }

  private record(path: BoundPath): string {
    return `(call $find (i32.const ${this.numbers.get(pathKey(path)) ?? 0}))`
  }
}

/** The module of a condition as text. */
export const wasmText = (condition: BoundCondition): WasmText => {
  const fields = pathsOf(condition)
  const writer = new Text(fields)
  const body = writer.condition(condition)
  const { constants } = writer
  const evaluation = `(func (export "eval") (param $at i32) (param $bytes i32) (result i32)
    (global.set $from (local.get $at))
    (global.set $to (i32.add (local.get $at) (local.get $bytes)))
    ${body})`
  const text = `(module (memory (export "memory") 1 2) ${constants.text}\n${partsFor(evaluation)}\n  ${evaluation})`
  return { text, fields, inputAt: Math.ceil(constants.end / 8) * 8 }
}
