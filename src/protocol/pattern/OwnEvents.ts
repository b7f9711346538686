/**
 * Whether a pattern looks at what it brings about itself, and so would match again without end. Every match is an event,
 * and an action may publish another: of these it is known what they carry, but not every value of it.
 */

import { Result } from "effect"
import { bindTree } from "../condition/Bind.ts"
import { type BoundCondition, type BoundPath, pathsOf } from "../condition/Bound.ts"
import type { Condition, FieldPath, Term } from "../condition/Condition.ts"
import { formatPath } from "../condition/Format.ts"
import { interpret } from "../condition/Interpret.ts"
import { events, resolvePath } from "../condition/Source.ts"
import { isKeyed, valueAt } from "../condition/Values.ts"
import { PatternPartition } from "../PatternPartition.ts"
import type { EventTypes, Pattern, Step } from "./Pattern.ts"
import { isOfTypes } from "./TypeMatch.ts"

/** Every match is told as this. */
export const matchedType = "pattern.matched"
/** A match is told as this where patterns feed each other for too long. */
export const loopType = "pattern.loop"
/** A signal is told as this. */
const raisedType = "algedonic.raised"

/** Stands for a value that is there, or may be, and is not known. */
class Some {}
const some = new Some()
const severityOf = { low: "info", normal: "info", high: "warn", critical: "critical" } as const
/** Who speaks of matches are actors with small numbers; whoever means one by its number means these events. */
const speakers = Array.from({ length: 16 }, (_, id) => String(id))

/** Types of the events that a pattern brings about. */
const typesOf = ({ actions }: Pattern): ReadonlyArray<string> => [
  matchedType,
  ...actions.flatMap((action) =>
    action._tag === "Event" ? [action.type] : action._tag === "Raise" ? [raisedType] : []
  )
]

const documentOf = (pattern: Pattern, type: string, speaker: string): object => {
  const { name, priority, by, body, emit } = pattern
  const known = (names: ReadonlyArray<string>) => Object.fromEntries(names.map((each) => [each, some]))
  const names = [...Object.keys(emit ?? {}), ...(body._tag === "When" ? ["value"] : [])]
  return {
    type,
    severity: severityOf[priority],
    source: { actor: PatternPartition.kind, id: speaker },
    data: {
      pattern: name,
      ...known(["id", "version", "kind", "at", "windowEnd", "events", "isWarm", "depth"]),
      ...(type === raisedType ? { signal: some } : {}),
      by: known(by.map((path) => formatPath(path))),
      values: known(names)
    }
  }
}

/** What is known of a field: nothing, that it is missing, or its value. */
const stateOf = (document: object, path: BoundPath): "open" | "missing" | "known" => {
  for (let length = 1; length <= path.length; length++) {
    const value = valueAt(document, path.slice(0, length))
    if (value === undefined) return "missing"
    if (value instanceof Some) return "open"
  }
  return isKeyed(valueAt(document, path)) ? "open" : "known"
}

/** Whether a condition holds of a document that is known in part; undefined where that decides it. */
const holds = (condition: BoundCondition, document: object): boolean | undefined => {
  switch (condition._tag) {
    case "Always":
      return condition.value
    case "Not": {
      const inner = holds(condition.of, document)
      return inner === undefined ? undefined : !inner
    }
    case "All":
    case "Any": {
      const decisive = condition._tag === "Any"
      const inner = condition.of.map((each) => holds(each, document))
      if (inner.includes(decisive)) return decisive
      return inner.includes(undefined) ? undefined : !decisive
    }
    default:
      return test(condition, document)
  }
}

const test = (condition: BoundCondition, document: object): boolean | undefined => {
  const states = pathsOf(condition).map((path) => stateOf(document, path))
  if (states.includes("open") && condition._tag !== "Among" && states.includes("missing")) return false
  return states.includes("open") ? undefined : interpret(condition, document)
}

/** Binds each condition once; nothing where it cannot be bound. */
type Bind = (condition: Condition) => BoundCondition | undefined

const makeBind = (): Bind => {
  const known = new Map<Condition, BoundCondition | undefined>()
  return (condition) => {
    if (!known.has(condition)) known.set(condition, Result.getOrUndefined(bindTree(condition, events)))
    return known.get(condition)
  }
}

class OwnEvent {
  private readonly type: string
  private readonly document: object
  private readonly bind: Bind

  constructor(pattern: Pattern, type: string, speaker: string, bind: Bind) {
    this.type = type
    this.document = documentOf(pattern, type, speaker)
    this.bind = bind
  }

  /** Whether it may be one of these. */
  isAmong(types: EventTypes | undefined, where: Condition | undefined): boolean {
    if (!isOfTypes(types, this.type)) return false
    if (where === undefined) return true
    const bound = this.bind(where)
    return bound !== undefined && holds(bound, this.document) !== false
  }

  lacks(path: FieldPath): boolean {
    return stateOf(this.document, resolvePath(events, path)) === "missing"
  }

  lacksOf(term: Term): boolean {
    if (term._tag === "Field") return this.lacks(term.path)
    return term._tag === "Arithmetic" && (this.lacksOf(term.left) || this.lacksOf(term.right))
  }
}

const isFedBy = (event: OwnEvent, { from, by, body }: Pattern): boolean => {
  // An event without a field of the key is of no key.
  if (by.some((path) => event.lacks(path))) return false
  const isStep = (step: Step) => event.isAmong(step.from ?? from, step.where)
  switch (body._tag) {
    case "Where":
      return event.isAmong(from, body.condition)
    case "When": {
      const { aggregate, where } = body
      if (aggregate._tag === "Distinct" && event.lacks(aggregate.of)) return false
      const of = "of" in aggregate && aggregate._tag !== "Distinct" ? aggregate.of : undefined
      return (of === undefined || !event.lacksOf(of)) && event.isAmong(from, where)
    }
    case "Sequence":
      // As long as one step must be somebody else's event, there are not more matches than of those.
      return [body.first, ...body.rest.map(({ step }) => step)].every(isStep)
    case "Absence":
      return isStep(body.trigger)
    case "Silence":
      return isStep(body.step)
    case "Join":
      return event.isAmong(body.left.from, undefined) || event.isAmong(body.right.from, undefined)
    case "Combined":
      return false
  }
}

/** The type of an event that a pattern brings about and would match again; nothing where there is none. */
export const feedingType = (pattern: Pattern): string | undefined => {
  const bind = makeBind()
  return typesOf(pattern).find((type) =>
    speakers.some((speaker) => isFedBy(new OwnEvent(pattern, type, speaker, bind), pattern))
  )
}
