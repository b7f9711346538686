/** The tree of a condition: what people write as text, and what travels as JSON. */
import { Schema } from "effect"
import { isTwinKey, utf8Bytes } from "../TwinSchema.ts"
import { nodesIn } from "./Size.ts"
import { isKeyword } from "./Words.ts"

/** Operators and terms of one condition. */
export const nodesMax = 4096
/** Operators within operators. */
export const depthMax = 64
/** Names from the outside in, from the document to a field. */
export const segmentsMax = 16
/** Things to choose from in one list. */
export const itemsMax = 1024
/** UTF-8 bytes of one text in a condition, as in a twin. */
export const textBytesMax = 4096

// biome-ignore lint/suspicious/noControlCharactersInRegex: PostgreSQL stores no NUL, and no twin holds one
const nul = /\u0000/

/** Whether a text can stand in a condition: no NUL and no half of a surrogate pair, as in a twin. */
export const isConditionText = (text: string): boolean =>
  !nul.test(text) && text.isWellFormed() && utf8Bytes(text) <= textBytesMax

/** Keys from the document to a field, as written: the source says where the first one is looked up. */
export const FieldPath = Schema.NonEmptyArray(
  Schema.String.check(Schema.makeFilter((key) => isTwinKey(key) || "no name of a field"))
).check(Schema.isMaxLength(segmentsMax))
export type FieldPath = typeof FieldPath.Type

/** A number as it may be written: finite, and −0 is 0. */
const Written = Schema.Finite.check(
  Schema.makeFilter((value) => !Object.is(value, -0) || "−0 is the same as 0; write 0")
)
/** What stands right behind a number: `%`, or a unit such as `ms`, `°C`, `kΩ`. */
const unitPattern = /^(?:%|°[CF]?|[A-Za-zµΩ]+[²³]?)$/
/** The highest bit of a whole number that a double keeps exactly. */
export const bitMax = 52
/** Characters of a unit. */
export const unitCharactersMax = 16
const UnitName = Schema.String.check(
  Schema.isPattern(unitPattern),
  Schema.isMaxLength(unitCharactersMax),
  Schema.makeFilter((unit) => !isKeyword(unit) || "a word of the language")
)

/** A number, with the unit it was written in. */
export const NumberTerm = Schema.TaggedStruct("Number", { value: Written, unit: Schema.optionalKey(UnitName) })
export type NumberTerm = typeof NumberTerm.Type
export const TextTerm = Schema.TaggedStruct("Text", {
  value: Schema.String.check(Schema.makeFilter((text) => isConditionText(text) || "no text that a twin could hold"))
})
export type TextTerm = typeof TextTerm.Type
export const BooleanTerm = Schema.TaggedStruct("Boolean", { value: Schema.Boolean })
export type BooleanTerm = typeof BooleanTerm.Type
/** The value of a field. */
export const FieldTerm = Schema.TaggedStruct("Field", { path: FieldPath })
export type FieldTerm = typeof FieldTerm.Type

/** Names of parameters. */
export const parameterPattern = /^[A-Za-z_][A-Za-z0-9_]*$/
/** A value that is given when the condition is bound: `$limit`. */
export const ParameterTerm = Schema.TaggedStruct("Parameter", {
  name: Schema.String.check(Schema.isPattern(parameterPattern), Schema.isMaxLength(64))
})
export type ParameterTerm = typeof ParameterTerm.Type

const arithmeticOperators = ["+", "-", "*", "/"] as const
/** A sum, difference, product or quotient. */
export interface ArithmeticTerm {
  readonly _tag: "Arithmetic"
  readonly operator: (typeof arithmeticOperators)[number]
  readonly left: Term
  readonly right: Term
}

/** What has a value. */
export type Term = NumberTerm | TextTerm | BooleanTerm | FieldTerm | ParameterTerm | ArithmeticTerm

const suspendedTerm = Schema.suspend((): Schema.Codec<Term> => Term)
export const Term = Schema.Union([
  NumberTerm,
  TextTerm,
  BooleanTerm,
  FieldTerm,
  ParameterTerm,
  Schema.TaggedStruct("Arithmetic", {
    operator: Schema.Literals(arithmeticOperators),
    left: suspendedTerm,
    right: suspendedTerm
  })
]).annotate({ identifier: "ConditionTerm" })

export const comparisons = ["<", "<=", "==", "!=", ">=", ">"] as const
export type Comparison = (typeof comparisons)[number]

/** Holds always, or never. */
export const Always = Schema.TaggedStruct("Always", { value: Schema.Boolean })
/** Compares two values of one type; equality of numbers, texts and booleans, order of numbers and texts. */
export const Compare = Schema.TaggedStruct("Compare", {
  operator: Schema.Literals(comparisons),
  left: Term,
  right: Term
})
/** Equals one of these; a parameter stands for a whole list. */
export const Among = Schema.TaggedStruct("Among", {
  term: Term,
  items: Schema.Union([Schema.NonEmptyArray(Term).check(Schema.isMaxLength(itemsMax)), ParameterTerm])
})
/** Is between two values, both included. */
export const Within = Schema.TaggedStruct("Within", { term: Term, low: Term, high: Term })
/** Is there, whatever it is. */
export const Exists = Schema.TaggedStruct("Exists", { path: FieldPath })
/** A text has this shape: all of it by a glob, some part of it by a regular expression. */
export const Matches = Schema.TaggedStruct("Matches", {
  operator: Schema.Literals(["glob", "matches"]),
  term: Term,
  pattern: Schema.Union([TextTerm, ParameterTerm])
})
/** A text holds another. */
export const Contains = Schema.TaggedStruct("Contains", { term: Term, part: Term })
/** A dotted name is that of a zone, or of one in it: `a.b` has `a.b.c` inside, and not `a.bc`. */
export const Inside = Schema.TaggedStruct("Inside", {
  term: Term,
  zone: Schema.Union([TextTerm, ParameterTerm])
})
/** A whole number that is not negative has this bit; the lowest is 0. */
export const Bit = Schema.TaggedStruct("Bit", {
  term: Term,
  bit: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: bitMax }))
})
/** A list has an element that equals this. */
export const Has = Schema.TaggedStruct("Has", { path: FieldPath, item: Term })

/** Holds where the other does not, so also where a field is missing. */
export interface Not {
  readonly _tag: "Not"
  readonly of: ConditionTree
}
/** All hold. */
export interface All {
  readonly _tag: "All"
  readonly of: readonly [ConditionTree, ConditionTree, ...ReadonlyArray<ConditionTree>]
}
/** One at least holds. */
export interface Any {
  readonly _tag: "Any"
  readonly of: readonly [ConditionTree, ConditionTree, ...ReadonlyArray<ConditionTree>]
}

/** What holds or does not. */
export type ConditionTree =
  | typeof Always.Type
  | typeof Compare.Type
  | typeof Among.Type
  | typeof Within.Type
  | typeof Exists.Type
  | typeof Matches.Type
  | typeof Contains.Type
  | typeof Inside.Type
  | typeof Bit.Type
  | typeof Has.Type
  | Not
  | All
  | Any

const suspended = Schema.suspend((): Schema.Codec<ConditionTree> => ConditionTree)
const several = Schema.TupleWithRest(Schema.Tuple([suspended, suspended]), [suspended])

/** The tree without a bound on its size. Use {@link Condition} for what comes from outside. */
export const ConditionTree = Schema.Union([
  Always,
  Compare,
  Among,
  Within,
  Exists,
  Matches,
  Contains,
  Inside,
  Bit,
  Has,
  Schema.TaggedStruct("Not", { of: suspended }),
  Schema.TaggedStruct("All", { of: several }),
  Schema.TaggedStruct("Any", { of: several })
]).annotate({ identifier: "ConditionTree" })

/** Looks at foreign JSON before the decoder descends into it, so that no nesting can exhaust the stack. */
const isBounded = Schema.makeFilter((value: unknown) => {
  const { nodes, depth } = nodesIn(value)
  if (depth > depthMax) return `more than ${depthMax} operators within each other`
  if (nodes > nodesMax) return `more than ${nodesMax} operators and terms`
  return undefined
})

/** A condition of bounded size, as JSON. */
export const Condition = Schema.Unknown.check(isBounded).pipe(Schema.decodeTo(ConditionTree.check(isBounded)))
export type Condition = ConditionTree
/** A value that stands alone, of bounded size, as JSON. */
export const BoundedTerm = Schema.Unknown.check(isBounded).pipe(Schema.decodeTo(Term.check(isBounded)))
