/** Random conditions and documents from a seed, with the values that engines like to differ about. */
import type { Comparison, ConditionTree, FieldPath, Term } from "../../src/protocol/condition/Condition.ts"
import { comparisons } from "../../src/protocol/condition/Condition.ts"
import { randomFrom } from "./Random.ts"

/** Where doubles end, round or lose digits. */
export const numbers: ReadonlyArray<number> = [
  0,
  1,
  -1,
  2,
  3,
  0.1,
  0.2,
  0.3,
  0.5,
  90,
  -90,
  255,
  1e15,
  2 ** 53,
  2 ** 53 - 1,
  2 ** 53 + 2,
  -(2 ** 53),
  2 ** 63,
  1e21,
  1e100,
  -1e100,
  1e154,
  1.5e154,
  2 ** 512,
  2 ** 511,
  1e300,
  8.98846567431158e307,
  Number.MAX_VALUE,
  -Number.MAX_VALUE,
  Number.MIN_VALUE,
  -Number.MIN_VALUE,
  1e-323,
  2 ** -1022,
  2 ** -1022 * (1 - 2 ** -52),
  2 ** -537,
  2 ** -538,
  2 ** -538 * (1 + 2 ** -52),
  1 - 2 ** -53,
  1 + 2 ** -52,
  1e-154,
  1e-200,
  1e-300,
  1 / 3,
  Math.PI
]
const texts: ReadonlyArray<string> = [
  "",
  "a",
  "A",
  "ab",
  "abc",
  "b",
  "press-1",
  "press-12",
  "line.3",
  "line.3.b",
  "line.30",
  "line",
  "1",
  "90",
  "true",
  "null",
  "ä",
  "\ud7ff",
  "\ue000",
  "\uffff",
  "😀",
  "😀b",
  "a\nb",
  "a%b",
  "a_b",
  "a\\b",
  "a*b",
  "'; drop table twin; --",
  '"',
  "$1",
  "{}",
  " "
]
const zones: ReadonlyArray<string> = ["line", "line.3", "a", "press-1", "a*b", "1"]
const globs: ReadonlyArray<string> = [
  "*",
  "a*",
  "*b",
  "*b*",
  "a*b",
  "?",
  "?b",
  "press-?",
  "press-*",
  "*.*",
  "a\\*b",
  "",
  "a",
  "*a*b*",
  "a%b",
  "a_b",
  "a\\\\b",
  "😀*",
  "?*",
  "a*a",
  "ab*b"
]
const expressions: ReadonlyArray<string> = [
  "",
  "a",
  "^a",
  "b$",
  "^a$",
  "a.b",
  "^.$",
  "^(a|b)+$",
  "[0-9]+",
  "^press-\\d{1,2}$",
  "\\d$",
  "[^a-z]",
  "^[^a]*$",
  "(ab|a)(c|bcd)?$",
  "^x|b$|1",
  "😀",
  "[😀-😎]b",
  "\\s",
  "\\W",
  "^\\w*$",
  "a{0}b",
  "(a|ab)(bc|c)$",
  "\\u{1f600}",
  "^$",
  "(a*)*$",
  "%",
  "\\."
]
const keys: ReadonlyArray<FieldPath> = [
  ["a"],
  ["b"],
  ["c"],
  ["reported", "a"],
  ["reported", "b"],
  ["reported", "c"],
  ["list"],
  ["list", "0"],
  ["list", "1"],
  ["list", "len"],
  ["list", "-1"],
  ["list", "01"],
  ["deep", "x"],
  ["deep", "x", "y"],
  ["deep"],
  ["odd name"],
  ["toString"],
  ["desired", "a"],
  ["id"],
  ["zone"],
  ["missing"],
  ['it\'s "quoted" \\ and $1']
]

export class Conditions {
  private readonly random: () => number

  constructor(seed: number) {
    this.random = randomFrom(seed)
  }

  /** A whole number below the count. */
  below(count: number): number {
    return Math.floor(this.random() * count)
  }

  private pick<A>(of: readonly [A, ...ReadonlyArray<A>] | ReadonlyArray<A>): A {
    const found = of[this.below(of.length)]
    if (found === undefined) throw new Error("nothing to pick from")
    return found
  }

  number(): number {
    const kind = this.below(4)
    if (kind === 0) return this.below(5) - 2
    if (kind === 1) return this.pick(numbers) * (this.below(2) === 0 ? 1 : -1)
    return this.pick(numbers)
  }

  private literalNumber(): Term {
    const value = this.number()
    return { _tag: "Number", value: value === 0 ? 0 : value }
  }

  text(): string {
    return this.pick(texts)
  }

  private literal(): Term {
    const kind = this.below(5)
    if (kind < 3) return this.literalNumber()
    return kind === 3 ? { _tag: "Text", value: this.text() } : { _tag: "Boolean", value: this.below(2) === 0 }
  }

  private field(): Term {
    return { _tag: "Field", path: this.pick(keys) }
  }

  private term(depth = 2): Term {
    const kind = this.below(8)
    if (kind < 4) return this.field()
    return kind < 6 || depth === 0 ? this.literal() : this.arithmetic(depth)
  }

  private arithmetic(depth: number): Term {
    const side = (): Term => {
      const kind = this.below(4)
      if (kind === 0 && depth > 0) return this.arithmetic(depth - 1)
      return kind === 1 ? this.literalNumber() : this.field()
    }
    return { _tag: "Arithmetic", operator: this.pick(["+", "-", "*", "/"] as const), left: side(), right: side() }
  }

  private someText(): Term {
    return this.below(3) === 0 ? { _tag: "Text", value: this.text() } : this.field()
  }

  /** What is asked most: a field against a fixed value, or that denied. */
  private plain(): ConditionTree {
    const isEquality = this.below(2) === 0
    const right = isEquality ? this.literal() : this.literalNumber()
    const operator = isEquality ? this.pick(["==", "!="] as const) : this.pick<Comparison>(comparisons)
    const compare: ConditionTree = { _tag: "Compare", operator, left: this.field(), right }
    return this.below(3) === 0 ? { _tag: "Not", of: compare } : compare
  }

  /** Some of those together. */
  private plains(): ConditionTree {
    const rest = Array.from({ length: this.below(5) }, () => this.plain())
    return { _tag: this.pick(["All", "Any"] as const), of: [this.plain(), this.plain(), ...rest] }
  }

  /** A condition over a twin. */
  tree(depth = 4): ConditionTree {
    const kind = this.below(depth > 0 ? 18 : 11)
    switch (kind) {
      case 0:
        return { _tag: "Exists", path: this.pick(keys) }
      case 1:
        return { _tag: "Within", term: this.term(), low: this.term(), high: this.term() }
      case 2: {
        const rest = Array.from({ length: this.below(6) }, () => this.term(0))
        return { _tag: "Among", term: this.term(), items: [this.term(0), ...rest] }
      }
      case 3:
        return {
          _tag: "Matches",
          operator: "glob",
          term: this.field(),
          pattern: { _tag: "Text", value: this.pick(globs) }
        }
      case 4:
        return {
          _tag: "Matches",
          operator: "matches",
          term: this.field(),
          pattern: { _tag: "Text", value: this.pick(expressions) }
        }
      case 5:
        return { _tag: "Contains", term: this.someText(), part: this.someText() }
      case 6:
        return { _tag: "Has", path: this.pick(keys), item: this.term(0) }
      case 7:
        return { _tag: "Inside", term: this.field(), zone: { _tag: "Text", value: this.pick(zones) } }
      case 8:
        return { _tag: "Bit", term: this.term(), bit: this.pick([0, 1, 2, 7, 31, 32, 52]) }
      case 9:
      case 10:
        return { _tag: "Compare", operator: this.pick<Comparison>(comparisons), left: this.term(), right: this.term() }
      case 11:
      case 12:
        return { _tag: "Not", of: this.tree(depth - 1) }
      case 13:
      case 14: {
        const rest = Array.from({ length: this.below(3) }, () => this.tree(depth - 1))
        return { _tag: this.pick(["All", "Any"] as const), of: [this.tree(depth - 1), this.tree(depth - 1), ...rest] }
      }
      case 15:
      case 16:
        return this.plains()
      default:
        return { _tag: "Always", value: this.below(2) === 0 }
    }
  }

  private scalar(): unknown {
    const kind = this.below(10)
    if (kind < 5) return this.number()
    if (kind < 8) return this.text()
    return this.below(2) === 0
  }

  private value(depth: number): unknown {
    const kind = this.below(12)
    if (kind < 8) return this.scalar()
    if (kind === 8) return this.pick([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
    if (kind === 9) return null
    if (kind === 10) return Array.from({ length: this.below(4) }, () => this.value(depth - 1))
    return depth > 0 ? this.map(depth - 1) : {}
  }

  private map(depth: number): Record<string, unknown> {
    const names = [
      "a",
      "b",
      "c",
      "list",
      "deep",
      "odd name",
      "x",
      "y",
      "len",
      "0",
      "-1",
      "01",
      "toString",
      'it\'s "quoted" \\ and $1'
    ]
    return Object.fromEntries(names.filter(() => this.below(3) > 0).map((name) => [name, this.value(depth)]))
  }

  /** A twin, with numbers in it that are not finite. */
  document(): { readonly id: string; readonly zone?: string; readonly reported: unknown; readonly desired: unknown } {
    const zone = this.below(3) === 0 ? {} : { zone: this.text() }
    return { id: this.text(), ...zone, reported: this.map(2), desired: this.map(1) }
  }
}

/** A value as PostgreSQL can hold it: a number that is not finite is missing, in a list it is null. */
export const storable = (value: unknown): unknown => {
  if (typeof value === "number" && !Number.isFinite(value)) return undefined
  if (Array.isArray(value)) return value.map((element) => storable(element) ?? null)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, below]) => {
      const kept = storable(below)
      return kept === undefined ? [] : [[key, kept]]
    })
  )
}
