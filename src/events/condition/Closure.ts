/**
 * Compiles a condition into functions that decide it at once, without code made from text. There are two: one over rows, in
 * which every field has a place of its own, for streams where many conditions look at each event; one over documents as
 * they are.
 */
import type { BoundCondition, BoundPath } from "../../protocol/condition/Bound.ts"
import { among, compare, finite, type Read, type ReaderOf, type Test, termReader } from "./Compare.ts"
import { documentTests, isPlain, reader } from "./DocumentTests.ts"
import { fixedValue, type Sorted, sorted } from "./Fixed.ts"
import { type Row, rowTests } from "./RowTests.ts"
import { textTest } from "./TextTest.ts"

/** Where rows and documents differ: how a field is read, and how fixed tests are put together. */
interface Access<Input> {
  readonly read: ReaderOf<Input>
  /** Whether fixed tests of this field can be put together. */
  readonly isPlain: (path: BoundPath) => boolean
  /** All of them, and then `last`. */
  readonly all: (tests: Sorted<BoundPath>, last: Test<Input> | undefined) => Test<Input>
}

const any = <Input>(tests: ReadonlyArray<Test<Input>>): Test<Input> => {
  const [one, two, ...rest] = tests
  if (one === undefined) return () => false
  if (two === undefined) return one
  if (rest.length === 0) return (input) => one(input) || two(input)
  const others = any(rest)
  return (input) => one(input) || two(input) || others(input)
}

const isFalse =
  <Input>(test: Test<Input>): Test<Input> =>
  (input) =>
    !test(input)

/** A field that is, or is not, a fixed text or boolean. */
const fixedTest = <Input>(condition: BoundCondition, read: ReaderOf<Input>): Test<Input> | undefined => {
  const fixed = fixedValue(condition)
  if (fixed === undefined) return undefined
  const field = read(fixed.path)
  const { value } = fixed
  if (!fixed.isDenied) return (input) => field(input) === value
  const type = typeof value
  return (input) => {
    const found = field(input)
    return typeof found === type && found !== value
  }
}

/** A condition that is not put together with others. */
const single = <Input>(condition: BoundCondition, access: Access<Input>): Test<Input> => {
  const { read } = access
  switch (condition._tag) {
    case "Always": {
      const { value } = condition
      return () => value
    }
    case "Compare": {
      const { operator, left, right } = condition
      return fixedTest(condition, read) ?? compare(operator, termReader(left, read), termReader(right, read))
    }
    case "Among":
      return among(termReader(condition.term, read), condition.items, read)
    case "Within": {
      const value = termReader(condition.term, read)
      const low = compare(">=", value, termReader(condition.low, read))
      const high = compare("<=", value, termReader(condition.high, read))
      return (input) => low(input) && high(input)
    }
    case "Exists": {
      const field = read(condition.path)
      return (input) => {
        const value = field(input)
        return value !== undefined && (typeof value !== "number" || value - value === 0)
      }
    }
    case "Matches": {
      const field = termReader(condition.term, read)
      const test = textTest(condition)
      return (input) => {
        const value = field(input)
        return typeof value === "string" && test(value)
      }
    }
    case "Bit":
      return hasBit(termReader(condition.term, read), 2 ** condition.bit)
    case "Contains":
      return contains(termReader(condition.term, read), termReader(condition.part, read))
    case "Has":
      return has(read(condition.path), termReader(condition.item, read))
    case "Not":
      return isFalse(compile(condition.of, access))
    case "All":
      return compile(condition, access)
    case "Any":
      return alternatives(condition, access)
  }
}

const hasBit =
  <Input>(number: Read<Input>, step: number): Test<Input> =>
  (input) => {
    const value = number(input)
    if (!(typeof value === "number" && value >= 0 && value <= Number.MAX_SAFE_INTEGER && value % 1 === 0)) return false
    return Math.floor(value / step) % 2 === 1
  }

const contains =
  <Input>(text: Read<Input>, part: Read<Input>): Test<Input> =>
  (input) => {
    const value = text(input)
    const sought = part(input)
    return typeof value === "string" && typeof sought === "string" && value.includes(sought)
  }

const has =
  <Input>(elements: Read<Input>, item: Read<Input>): Test<Input> =>
  (input) => {
    const list = elements(input)
    if (!Array.isArray(list)) return false
    const sought = item(input)
    const isComparable = typeof sought === "string" || typeof sought === "boolean" || finite(sought) === sought
    return isComparable && list.includes(sought)
  }

/** Alternatives that are fixed tests are one function when it is asked whether none of them holds. */
const alternatives = <Input>(
  condition: Extract<BoundCondition, { readonly _tag: "Any" }>,
  access: Access<Input>
): Test<Input> => {
  const denied: BoundCondition = { _tag: "Not", of: condition }
  const { others } = sorted(denied)
  const isMostlyFixed = others.length * 2 < condition.of.length
  return isMostlyFixed ? isFalse(compile(denied, access)) : any(condition.of.map((each) => compile(each, access)))
}

const compile = <Input>(condition: BoundCondition, access: Access<Input>): Test<Input> => {
  const { within, same, outside, others } = sorted(condition)
  const isFixed = ({ at }: { readonly at: BoundPath }) => access.isPlain(at)
  const isOther = ({ at }: { readonly at: BoundPath }) => !access.isPlain(at)
  const read = (path: BoundPath) => access.read(path)
  const odd: ReadonlyArray<Test<Input>> = [
    ...within.filter(isOther).map(({ at, low, high }) => between(read(at), low, high)),
    ...outside.filter(isOther).map(({ at, low, high }) => isFalse(between(read(at), low, high))),
    ...same.filter(isOther).map(({ at, text, isWanted }): Test<Input> => {
      const field = read(at)
      return (input) => (field(input) === text) === isWanted
    })
  ]
  const last = [...odd, ...others.map((each) => single(each, access))].reduceRight<Test<Input> | undefined>(
    (rest, test) => (rest === undefined ? test : (input) => test(input) && rest(input)),
    undefined
  )
  const tests = { within: within.filter(isFixed), same: same.filter(isFixed), outside: outside.filter(isFixed) }
  return access.all(tests, last)
}

const between =
  <Input>(field: Read<Input>, low: number, high: number): Test<Input> =>
  (input) => {
    const value = field(input)
    return typeof value === "number" && value >= low && value <= high
  }

const always = (): boolean => true

/**
 * A predicate over rows. `placeOf` says where the value at a path stands in a row, and is asked while compiling only.
 * Values of a row are what stands at the path in the document, maps and lists included.
 */
export const rowPredicate = (
  condition: BoundCondition,
  placeOf: (path: BoundPath) => number
): ((row: Row) => boolean) => {
  const placed = <Each extends { readonly at: BoundPath }>(all: ReadonlyArray<Each>) =>
    all.map((each) => ({ ...each, at: placeOf(each.at) }))
  return compile<Row>(condition, {
    read: (path) => {
      const place = placeOf(path)
      return (row) => row[place]
    },
    isPlain: always,
    all: ({ within, same, outside }, last) =>
      rowTests({ within: placed(within), same: placed(same), outside: placed(outside) }, last)
  })
}

const documentAccess: Access<unknown> = { read: reader, isPlain, all: documentTests }

/** A predicate over documents as they are: JSON values, twins among them. */
export const documentPredicate = (condition: BoundCondition): ((document: unknown) => boolean) =>
  compile(condition, documentAccess)

/** Reads the values of a row out of a document. */
export const rowReader = (paths: ReadonlyArray<BoundPath>): ((document: unknown) => Row) => {
  const readers = paths.map(reader)
  return (document) => {
    // A list that begins with numbers is kept in another way, and whoever reads both kinds reads more slowly.
    const row: Array<unknown> = []
    for (let place = 0; place < readers.length; place++) row.push(undefined)
    for (let place = 0; place < readers.length; place++) row[place] = readers[place]?.(document)
    return row
  }
}
