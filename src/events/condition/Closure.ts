/**
 * Compiles a condition into functions that decide it at once, without code made from text. There are two: one over rows, in
 * which every field has a place of its own, for streams where many conditions look at each event; one over documents as
 * they are.
 */
import type { BoundCondition, BoundPath, BoundTerm } from "../../protocol/condition/Bound.ts"
import type { Comparison } from "../../protocol/condition/Condition.ts"
import { compareTexts, valueAt } from "../../protocol/condition/Values.ts"
import { type Interval, intervalOf } from "./Interval.ts"
import { textTest } from "./TextTest.ts"

/** The values of an event, by the place of their field; what is missing is undefined. */
export type Row = ReadonlyArray<unknown>

type Test<Input> = (input: Input) => boolean
type Read<Input> = (input: Input) => unknown

/** How a field is read, and a number that must lie in an interval is tested: the one test that is worth a form of its own. */
interface Access<Input> {
  readonly read: (path: BoundPath) => Read<Input>
  readonly isWithin: (path: BoundPath, interval: Interval) => Test<Input>
  /** Two of them at once: one call instead of three. */
  readonly areWithin: (one: BoundPath, first: Interval, other: BoundPath, second: Interval) => Test<Input>
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
const fixedValue = <Input>(condition: BoundCondition, access: Access<Input>): Test<Input> | undefined => {
  if (condition._tag !== "Compare" || (condition.operator !== "==" && condition.operator !== "!=")) return undefined
  const [field, literal] =
    condition.left._tag === "Field" ? [condition.left, condition.right] : [condition.right, condition.left]
  if (field._tag !== "Field" || (literal._tag !== "Text" && literal._tag !== "Boolean")) return undefined
  const read = access.read(field.path)
  const { value } = literal
  if (condition.operator === "==") return (input) => read(input) === value
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

/** Intervals go first, in pairs: they cost least. The order of tests without effects is free. */
const conjunction = <Input>(of: ReadonlyArray<BoundCondition>, access: Access<Input>): Test<Input> => {
  const intervals = of.map(fixedInterval).filter((interval) => interval !== undefined)
  const tests = of.filter((each) => fixedInterval(each) === undefined).map((each) => compile(each, access))
  const pairs: Array<Test<Input>> = []
  for (let at = 0; at < intervals.length; at += 2) {
    const [one, other] = intervals.slice(at, at + 2)
    if (one !== undefined && other !== undefined)
      pairs.push(access.areWithin(one.path, one.interval, other.path, other.interval))
    else if (one !== undefined) pairs.push(access.isWithin(one.path, one.interval))
  }
  return all([...pairs, ...tests])
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
        fixedValue(condition, access) ??
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
      return conjunction(condition.of, access)
    case "Any":
      return any(condition.of.map((each) => compile(each, access)))
  }
}

const rowAccess = (placeOf: (path: BoundPath) => number): Access<Row> => ({
  read: (path) => {
    const place = placeOf(path)
    return (row) => row[place]
  },
  isWithin: (path, [low, high]) => {
    const place = placeOf(path)
    return (row) => {
      const value = row[place]
      return typeof value === "number" && value >= low && value <= high
    }
  },
  areWithin: (one, [low, high], other, [least, most]) => {
    const place = placeOf(one)
    const second = placeOf(other)
    return (row) => {
      const value = row[place]
      if (!(typeof value === "number" && value >= low && value <= high)) return false
      const next = row[second]
      return typeof next === "number" && next >= least && next <= most
    }
  }
})

/**
 * A predicate over rows. `placeOf` says where the value at a path stands in a row, and is asked while compiling only.
 * Values of a row are what stands at the path in the document, maps and lists included.
 */
export const rowPredicate = (
  condition: BoundCondition,
  placeOf: (path: BoundPath) => number
): ((row: Row) => boolean) => compile(condition, rowAccess(placeOf))

interface Keyed {
  readonly [key: string]: unknown
}
const isObject = (value: unknown): value is Keyed => typeof value === "object" && value !== null

/** Keys that mean something else on a list, or are inherited. */
const isOdd = (key: string): boolean => key === "len" || /^[0-9]+$/.test(key) || key in Array.prototype

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
    const read = reader(path)
    return (document) => {
      const value = read(document)
      return typeof value === "number" && value >= low && value <= high
    }
  },
  areWithin: (one, [low, high], other, [least, most]) => {
    const read = reader(one)
    const readOther = reader(other)
    return (document) => {
      const value = read(document)
      if (!(typeof value === "number" && value >= low && value <= high)) return false
      const next = readOther(document)
      return typeof next === "number" && next >= least && next <= most
    }
  }
}

/** A predicate over documents as they are: JSON values, twins among them. */
export const documentPredicate = (condition: BoundCondition): ((document: unknown) => boolean) =>
  compile(condition, documentAccess)

/** Reads the values of a row out of a document. */
export const rowReader = (paths: ReadonlyArray<BoundPath>): ((document: unknown) => Row) => {
  const readers = paths.map(reader)
  return (document) => readers.map((read) => read(document))
}
