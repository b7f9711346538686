/**
 * Compiles a condition into functions that decide it at once, without code made from text. There are two: one over rows, in
 * which every field has a place of its own, for streams where many conditions look at each event; one over documents as
 * they are.
 */
import type { BoundCondition, BoundPath, BoundTerm } from "../../protocol/condition/Bound.ts"
import type { Comparison } from "../../protocol/condition/Condition.ts"
import { compareTexts, lengthKey, valueAt } from "../../protocol/condition/Values.ts"
import { type Interval, intervalOf } from "./Interval.ts"
import { conjunction, outside, type RowTest, type Same, type Within } from "./RowTests.ts"
import { textTest } from "./TextTest.ts"

/** The values of an event, by the place of their field; what is missing is undefined. */
export type Row = ReadonlyArray<unknown>

type Test<Input> = (input: Input) => boolean
type Read<Input> = (input: Input) => unknown

/** How fields are read and tests of all kinds put together, which is where rows and documents differ. */
interface Access<Input> {
  readonly read: (path: BoundPath) => Read<Input>
  readonly isWithin: (path: BoundPath, interval: Interval) => Test<Input>
  /** All of them. */
  readonly all: (of: ReadonlyArray<BoundCondition>) => Test<Input>
}

const finite = (value: unknown): number =>
  // What is not finite is missing; no comparison holds for NaN.
  typeof value === "number" && value - value === 0 ? value : Number.NaN

const numberOf = <Input>(term: BoundTerm, access: Access<Input>): ((input: Input) => number) => {
  if (term._tag === "Number") return () => term.value
  if (term._tag === "Arithmetic") {
    const left = numberOf(term.left, access)
    const right = numberOf(term.right, access)
    switch (term.operator) {
      case "+":
        return (input) => finite(left(input) + right(input))
      case "-":
        return (input) => finite(left(input) - right(input))
      case "*":
        return (input) => finite(left(input) * right(input))
      case "/":
        return (input) => finite(left(input) / right(input))
    }
  }
  if (term._tag !== "Field") return () => Number.NaN
  const read = access.read(term.path)
  return (input) => finite(read(input))
}

const readerOf = <Input>(term: BoundTerm, access: Access<Input>): Read<Input> => {
  if (term._tag === "Field") return access.read(term.path)
  if (term._tag === "Arithmetic") return numberOf(term, access)
  const { value } = term
  return () => value
}

/** Whether the order of two values, or their being unequal, is what an operator asks for. */
const verdicts: Readonly<Record<Comparison, (order: number) => boolean>> = {
  "<": (order) => order < 0,
  "<=": (order) => order <= 0,
  "==": (order) => order === 0,
  "!=": (order) => order < 0 || order > 0,
  ">=": (order) => order >= 0,
  ">": (order) => order > 0
}

/** Negative, zero or positive; NaN where two values are not compared. */
const orderOf = (left: unknown, right: unknown): number => {
  if (typeof left === "number" && typeof right === "number") {
    // Two that are far apart may have an infinite difference, and its sign is right; two that differ never have none.
    return finite(left) - finite(right)
  }
  return typeof left === "string" && typeof right === "string" ? compareTexts(left, right) : Number.NaN
}

const compare = <Input>(operator: Comparison, left: Read<Input>, right: Read<Input>): Test<Input> => {
  const verdict = verdicts[operator]
  if (operator !== "==" && operator !== "!=") return (input) => verdict(orderOf(left(input), right(input)))
  const isWanted = operator === "=="
  return (input) => {
    const one = left(input)
    const other = right(input)
    if (typeof one === "boolean") return typeof other === "boolean" && (one === other) === isWanted
    return verdict(orderOf(one, other))
  }
}

/** A number in a fixed interval: most of what is ever asked. */
export const fixedInterval = (
  condition: BoundCondition
): { readonly path: BoundPath; readonly interval: Interval } | undefined => {
  if (condition._tag === "Within") {
    const { term, low, high } = condition
    if (term._tag !== "Field" || low._tag !== "Number" || high._tag !== "Number") return undefined
    return { path: term.path, interval: [low.value, high.value] }
  }
  if (condition._tag !== "Compare") return undefined
  const { left, right, operator } = condition
  if (left._tag === "Field" && right._tag === "Number") {
    const interval = intervalOf(operator, right.value)
    return interval === undefined ? undefined : { path: left.path, interval }
  }
  if (left._tag !== "Number" || right._tag !== "Field") return undefined
  const interval = intervalOf(turned[operator], left.value)
  return interval === undefined ? undefined : { path: right.path, interval }
}

const turned: Readonly<Record<Comparison, Comparison>> = {
  "<": ">",
  "<=": ">=",
  "==": "==",
  "!=": "!=",
  ">=": "<=",
  ">": "<"
}

/** A field that is, or is not, a fixed text or boolean. */
const fixedValue = (
  condition: BoundCondition
): { readonly path: BoundPath; readonly value: string | boolean; readonly isDenied: boolean } | undefined => {
  if (condition._tag !== "Compare" || (condition.operator !== "==" && condition.operator !== "!=")) return undefined
  const [field, literal] =
    condition.left._tag === "Field" ? [condition.left, condition.right] : [condition.right, condition.left]
  if (field._tag !== "Field" || (literal._tag !== "Text" && literal._tag !== "Boolean")) return undefined
  return { path: field.path, value: literal.value, isDenied: condition.operator === "!=" }
}

const fixedTest = <Input>(condition: BoundCondition, access: Access<Input>): Test<Input> | undefined => {
  const fixed = fixedValue(condition)
  if (fixed === undefined) return undefined
  const read = access.read(fixed.path)
  const { value } = fixed
  if (!fixed.isDenied) return (input) => read(input) === value
  const type = typeof value
  return (input) => {
    const found = read(input)
    return typeof found === type && found !== value
  }
}

const isFixed = (term: BoundTerm): term is Extract<BoundTerm, { readonly value: unknown }> => "value" in term

/** Items from which on a set answers sooner than a walk. */
const setMin = 4

const among = <Input>(value: Read<Input>, items: ReadonlyArray<BoundTerm>, access: Access<Input>): Test<Input> => {
  if (items.length >= setMin && items.every(isFixed)) {
    // A set compares as `==` does: types are kept apart, and 0 and −0 are one.
    const values: ReadonlySet<unknown> = new Set(items.map(({ value }) => value))
    return (input) => values.has(value(input))
  }
  const tests = items.map((item) => compare("==", value, readerOf(item, access)))
  return (input) => {
    for (let index = 0; index < tests.length; index++) if (tests[index]?.(input) === true) return true
    return false
  }
}

const all = <Input>(tests: ReadonlyArray<Test<Input>>): Test<Input> => {
  const [one, two, ...rest] = tests
  if (one === undefined) return () => true
  if (two === undefined) return one
  if (rest.length === 0) return (input) => one(input) && two(input)
  const others = all(rest)
  return (input) => one(input) && two(input) && others(input)
}

const any = <Input>(tests: ReadonlyArray<Test<Input>>): Test<Input> => {
  const [one, two, ...rest] = tests
  if (one === undefined) return () => false
  if (two === undefined) return one
  if (rest.length === 0) return (input) => one(input) || two(input)
  const others = any(rest)
  return (input) => one(input) || two(input) || others(input)
}

const compile = <Input>(condition: BoundCondition, access: Access<Input>): Test<Input> => {
  const fixed = fixedInterval(condition)
  if (fixed !== undefined) return access.isWithin(fixed.path, fixed.interval)
  switch (condition._tag) {
    case "Always": {
      const { value } = condition
      return () => value
    }
    case "Compare":
      return (
        fixedTest(condition, access) ??
        compare(condition.operator, readerOf(condition.left, access), readerOf(condition.right, access))
      )
    case "Among":
      return among(readerOf(condition.term, access), condition.items, access)
    case "Within": {
      const value = readerOf(condition.term, access)
      const low = compare(">=", value, readerOf(condition.low, access))
      const high = compare("<=", value, readerOf(condition.high, access))
      return (input) => low(input) && high(input)
    }
    case "Exists": {
      const read = access.read(condition.path)
      return (input) => {
        const value = read(input)
        return value !== undefined && (typeof value !== "number" || value - value === 0)
      }
    }
    case "Matches": {
      const read = readerOf(condition.term, access)
      const test = textTest(condition)
      return (input) => {
        const value = read(input)
        return typeof value === "string" && test(value)
      }
    }
    case "Contains": {
      const read = readerOf(condition.term, access)
      const part = readerOf(condition.part, access)
      return (input) => {
        const value = read(input)
        const sought = part(input)
        return typeof value === "string" && typeof sought === "string" && value.includes(sought)
      }
    }
    case "Has": {
      const read = access.read(condition.path)
      const item = readerOf(condition.item, access)
      return (input) => {
        const list = read(input)
        if (!Array.isArray(list)) return false
        const sought = item(input)
        const isComparable = typeof sought === "string" || typeof sought === "boolean" || finite(sought) === sought
        return isComparable && list.includes(sought)
      }
    }
    case "Not": {
      const test = compile(condition.of, access)
      return (input) => !test(input)
    }
    case "All":
      return access.all(condition.of)
    case "Any":
      return any(condition.of.map((each) => compile(each, access)))
  }
}

/** The parts of a conjunction, those of inner ones and of denied alternatives among them. */
const conjuncts = (condition: BoundCondition): ReadonlyArray<BoundCondition> => {
  if (condition._tag === "All") return condition.of.flatMap(conjuncts)
  if (condition._tag !== "Not") return [condition]
  const { of } = condition
  if (of._tag === "Not") return conjuncts(of.of)
  return of._tag === "Any" ? of.of.flatMap((each) => conjuncts({ _tag: "Not", of: each })) : [condition]
}

/** A fixed text that is there, or that is not: what is missing is not the same as any. */
const sameAs = (
  condition: BoundCondition
): { readonly path: BoundPath; readonly text: string; readonly isWanted: boolean } | undefined => {
  const isWanted = condition._tag !== "Not"
  const fixed = fixedValue(condition._tag === "Not" ? condition.of : condition)
  if (fixed === undefined || fixed.isDenied || typeof fixed.value !== "string") return undefined
  return { path: fixed.path, text: fixed.value, isWanted }
}

const rowAccess = (placeOf: (path: BoundPath) => number): Access<Row> => {
  const access: Access<Row> = {
    read: (path) => {
      const place = placeOf(path)
      return (row) => row[place]
    },
    isWithin: (path, interval) => conjunction([{ place: placeOf(path), interval }], [], []),
    all: (of) => {
      const within: Array<Within> = []
      const same: Array<Same> = []
      const tests: Array<RowTest> = []
      for (const each of of.flatMap(conjuncts)) {
        const interval = fixedInterval(each)
        const fixed = sameAs(each)
        if (interval !== undefined) within.push({ place: placeOf(interval.path), interval: interval.interval })
        else if (fixed !== undefined) same.push({ ...fixed, place: placeOf(fixed.path) })
        else {
          const denied = each._tag === "Not" ? fixedInterval(each.of) : undefined
          const test =
            denied === undefined ? compile(each, access) : outside({ ...denied, place: placeOf(denied.path) })
          tests.push(test)
        }
      }
      return conjunction(within, same, tests)
    }
  }
  return access
}

/**
 * A predicate over rows. `placeOf` says where the value at a path stands in a row, and is asked while compiling only.
 * Values of a row are what stands at the path in the document, maps and lists included.
 */
export const rowPredicate = (
  condition: BoundCondition,
  placeOf: (path: BoundPath) => number
): ((row: Row) => boolean) => rowAccess(placeOf).all([condition])

interface Keyed {
  readonly [key: string]: unknown
}
const isObject = (value: unknown): value is Keyed => typeof value === "object" && value !== null

/** Keys that mean something else on a list, or are inherited. */
const isOdd = (key: string): boolean => key === lengthKey || /^[0-9]+$/.test(key) || key in Array.prototype

const reader = (path: BoundPath): Read<unknown> => {
  if (path.some(isOdd)) return (document) => valueAt(document, path)
  const [first, second, ...rest] = path
  if (second === undefined) return (document) => (isObject(document) ? document[first] : undefined)
  const [third, ...others] = rest
  const two: Read<unknown> = (document) => {
    if (!isObject(document)) return undefined
    const map = document[first]
    return isObject(map) ? map[second] : undefined
  }
  if (third === undefined) return two
  const below = reader([third, ...others])
  return (document) => below(two(document))
}

const documentAccess: Access<unknown> = {
  read: reader,
  isWithin: (path, [low, high]) => {
    const [first, second, ...rest] = path
    const isPlain = second !== undefined && rest.length === 0 && !path.some(isOdd)
    // A field of a twin, of data or of facts: read here, it saves a call.
    if (isPlain)
      return (document) => {
        const map = isObject(document) ? document[first] : undefined
        const value = isObject(map) ? map[second] : undefined
        return typeof value === "number" && value >= low && value <= high
      }
    const read = reader(path)
    return (document) => {
      const value = read(document)
      return typeof value === "number" && value >= low && value <= high
    }
  },
  all: (of) => all(of.map((each) => compile(each, documentAccess)))
}

/** A predicate over documents as they are: JSON values, twins among them. */
export const documentPredicate = (condition: BoundCondition): ((document: unknown) => boolean) =>
  compile(condition, documentAccess)

/** Reads the values of a row out of a document. */
export const rowReader = (paths: ReadonlyArray<BoundPath>): ((document: unknown) => Row) => {
  const readers = paths.map(reader)
  return (document) => readers.map((read) => read(document))
}
