/** Reads of an event what a pattern needs of it: conditions, values, the key, what a match carries. */
import { Result } from "effect"
import { bindTerm, bindTree } from "../../protocol/condition/Bind.ts"
import type { BoundPath, BoundTerm } from "../../protocol/condition/Bound.ts"
import type { Condition, FieldPath, Term } from "../../protocol/condition/Condition.ts"
import { formatPath } from "../../protocol/condition/Format.ts"
import { calculate } from "../../protocol/condition/Interpret.ts"
import { events, type Source as Kind, resolvePath } from "../../protocol/condition/Source.ts"
import { valueAt } from "../../protocol/condition/Values.ts"
import type { HolonEvent } from "../../protocol/Event.ts"
import { pairOf } from "../../protocol/pattern/PairSource.ts"
import type { Pattern, PatternBody } from "../../protocol/pattern/Pattern.ts"
import { documentPredicate } from "../condition/Closure.ts"
import { documentOf } from "../matching/Document.ts"
import type { Scalar } from "./Match.ts"

/** Throws `ConditionInvalid` where the condition was not checked. */
export const predicateOf = (condition: Condition, kind: Kind = events): ((document: unknown) => boolean) =>
  documentPredicate(Result.getOrThrow(bindTree(condition, kind)))

const isMap = (value: unknown): value is object => typeof value === "object" && value !== null && !Array.isArray(value)

const readBound = (term: BoundTerm): ((document: unknown) => unknown) => {
  if (term._tag === "Field") return readPath(term.path)
  if (term._tag !== "Arithmetic") return () => term.value
  const { operator } = term
  const left = readBound(term.left)
  const right = readBound(term.right)
  return (document) => {
    const one = left(document)
    const other = right(document)
    return typeof one === "number" && typeof other === "number" ? calculate(operator, one, other) : undefined
  }
}

const readPath = (path: BoundPath): ((document: unknown) => unknown) => {
  const [first, ...below] = path
  if (first !== "reported") return (document) => valueAt(document, path)
  // What a board reports is the data of its telemetry, under another name.
  return (document) => valueAt(isTelemetry(document) ? document.data : valueAt(document, [first]), below)
}

/** The value of a term; undefined where it is missing. Throws `ConditionInvalid` where the term was not checked. */
export const readTerm = (term: Term, kind: Kind = events): ((document: unknown) => unknown) => {
  if (term._tag === "Field") return readPath(resolvePath(kind, term.path))
  return readBound(Result.getOrThrow(bindTerm({ text: "", term, spans: new Map() }, kind)))
}

/** A finite number; undefined for anything else. */
export const readNumber = (term: Term): ((document: unknown) => number | undefined) => {
  const read = readTerm(term)
  return (document) => {
    const value = read(document)
    return typeof value === "number" ? value : undefined
  }
}

const isTelemetry = (document: unknown): document is { readonly data: unknown } =>
  isMap(document) && "type" in document && document.type === "board.telemetry" && "data" in document

const isScalar = (value: unknown): value is Scalar =>
  typeof value === "string" || typeof value === "number" || typeof value === "boolean"

/** A text, number or boolean; undefined for anything else. */
export const readScalar = (path: FieldPath): ((document: unknown) => Scalar | undefined) => {
  const read = readPath(resolvePath(events, path))
  return (document) => {
    const value = read(document)
    return isScalar(value) ? value : undefined
  }
}

/** Comes before what is no plain text, and before texts that begin with it. */
const mark = "\u0000"

/** The key of an event as text, or undefined where a field of it is missing: such events are of no key. */
export const readKey = (by: ReadonlyArray<FieldPath>): ((event: HolonEvent) => string | undefined) => {
  const [one, ...more] = by.map(readScalar)
  if (one === undefined) return () => ""
  if (more.length > 0) {
    const all = [one, ...more]
    return (event) => {
      const values = all.map((read) => read(event))
      return values.includes(undefined) ? undefined : JSON.stringify(values)
    }
  }
  return (event) => {
    const value = one(event)
    return typeof value === "string" && !value.startsWith(mark)
      ? value
      : value === undefined
        ? undefined
        : mark + JSON.stringify(value)
  }
}

/** Tells the fields of a key, by their names in the pattern. */
export const fieldsOfKeys = (by: ReadonlyArray<FieldPath>): ((key: string) => Readonly<Record<string, Scalar>>) => {
  const names = by.map((path) => formatPath(path))
  const [one, ...more] = names
  if (one === undefined) return () => ({})
  if (more.length === 0)
    return (key) => {
      const value: unknown = key.startsWith(mark) ? JSON.parse(key.slice(mark.length)) : key
      return isScalar(value) ? { [one]: value } : {}
    }
  return (key) => {
    const values: unknown = JSON.parse(key)
    const fields: Record<string, Scalar> = {}
    if (!Array.isArray(values)) return fields
    names.forEach((name, index) => {
      const value: unknown = values[index]
      if (isScalar(value)) fields[name] = value
    })
    return fields
  }
}

export type Join = Extract<PatternBody, { readonly _tag: "Join" }>

/** What the condition of a join speaks about: two events, each under its name, with its data's fields right below. */
export const pairKind = ({ left, right }: Join): Kind =>
  pairOf({ as: left.as, source: events }, { as: right.as, source: events })

/** An event as the condition of a join sees it. Where a name of its data is also one of its own, its own wins. */
export const sideOf = (event: HolonEvent): Readonly<Record<string, unknown>> => ({
  ...(isMap(event.data) ? event.data : {}),
  ...documentOf(event)
})

/** What a match carries of a document, beside its facts; nothing where the pattern asks for nothing. */
export const readEmit = ({
  emit,
  body
}: Pattern): ((document: unknown) => Readonly<Record<string, unknown>>) | undefined => {
  if (emit === undefined) return undefined
  const kind = body._tag === "Join" ? pairKind(body) : events
  const terms = Object.entries(emit).map(([name, term]) => [name, readTerm(term, kind)] as const)
  return (document) => {
    const values: Record<string, unknown> = {}
    for (const [name, read] of terms) {
      const value = read(document)
      if (value !== undefined) values[name] = value
    }
    return values
  }
}
