/** The events that a pattern brings about: every match is one, and an action may publish another. */
import { Result } from "effect"
import { bindTree } from "../condition/Bind.ts"
import { type BoundCondition, type BoundPath, pathKey } from "../condition/Bound.ts"
import type { Condition, Term } from "../condition/Condition.ts"
import { formatPath } from "../condition/Format.ts"
import { events, resolvePath } from "../condition/Source.ts"
import { PatternPartition } from "../PatternPartition.ts"
import { conjuncts, moved } from "./Moved.ts"
import { some } from "./PartlyKnown.ts"
import type { Pattern } from "./Pattern.ts"

/** Every match is told as this. */
export const matchedType = "pattern.matched"
/** A match is told as this where patterns feed each other for too long. */
export const loopType = "pattern.loop"
/** A signal is told as this. */
export const raisedType = "algedonic.raised"

const severityOf = { low: "info", normal: "info", high: "warn", critical: "critical" } as const

/** What a match carries beside what is computed or named by its pattern. */
const facts = ["id", "version", "kind", "at", "windowEnd", "events", "isWarm", "depth"]
const known = (names: ReadonlyArray<string>) => Object.fromEntries(names.map((each) => [each, some]))

/** Types of the events that a pattern brings about. */
export const typesOf = ({ actions }: Pattern): ReadonlyArray<string> => [
  matchedType,
  ...actions.flatMap((action) =>
    action._tag === "Event" ? [action.type] : action._tag === "Raise" ? [raisedType] : []
  )
]

/** Names of the values that a match of the pattern carries. */
export const valueNames = ({ emit, body }: Pattern): ReadonlyArray<string> => [
  ...Object.keys(emit ?? {}),
  ...(body._tag === "When" ? ["value"] : [])
]

/** The value itself where it is written into the pattern, and the same in each match. */
const emitted = (term: Term): unknown => {
  if (term._tag === "Text" || term._tag === "Boolean") return term.value
  return term._tag === "Number" && term.unit === undefined ? term.value : some
}

/** One event that a pattern brings about, as far as it is known before it happens. */
export interface Brought {
  readonly type: string
  /** Of the actor that speaks with this number. */
  readonly document: (speaker: unknown) => object
  /** What held of that from which the match was made. */
  readonly held: ReadonlyArray<BoundCondition>
  /** Where what the event carries was taken from, as `held` speaks of it. By {@link pathKey}. */
  readonly origins: ReadonlyMap<string, BoundPath>
}

/** An event of which only that some pattern brought it about is known. */
export const anyBrought: Brought = {
  type: "",
  document: (speaker) => ({
    type: some,
    severity: some,
    source: { actor: PatternPartition.kind, id: speaker },
    data: { pattern: some, signal: some, by: some, values: some, ...known(facts) }
  }),
  held: [],
  origins: new Map()
}

/** Under this stand the fields of the event from which a match takes what it carries. No event has a field of this name. */
const taken = (path: ReadonlyArray<string>): BoundPath => ["\u0000from", ...path]
const computed: BoundPath = ["\u0000computed"]

const bound = (condition: Condition | undefined): BoundCondition | undefined =>
  condition === undefined ? undefined : Result.getOrUndefined(bindTree(condition, events))

/** What holds of the event whose fields a match carries. */
const conditionOf = ({ body }: Pattern): Condition | undefined => {
  switch (body._tag) {
    case "Where":
      return body.condition
    case "When":
      return body.where
    case "Sequence":
      return body.rest.at(-1)?.step.where
    case "Absence":
      return body.trigger.where
    case "Silence":
      return body.step.where
    case "Combined":
    case "Join":
      return undefined
  }
}

/** What is computed is beyond the threshold, where a match says so once and never that it is over. */
const passed = ({ body }: Pattern): ReadonlyArray<BoundCondition> => {
  if (body._tag !== "When" || body.clear !== undefined || body.forMillis !== undefined) return []
  const { operator, value } = body.threshold
  return [
    { _tag: "Compare", operator, left: { _tag: "Field", path: computed }, right: { _tag: "Number", value } } as const
  ]
}

const originsOf = ({ by, emit, body }: Pattern): ReadonlyMap<string, BoundPath> => {
  const origins = new Map<string, BoundPath>()
  if (body._tag === "Combined" || body._tag === "Join") return origins
  for (const path of by) origins.set(pathKey(["data", "by", formatPath(path)]), taken(resolvePath(events, path)))
  for (const [name, term] of Object.entries(emit ?? {}))
    if (term._tag === "Field") origins.set(pathKey(["data", "values", name]), taken(resolvePath(events, term.path)))
  if (body._tag === "When") origins.set(pathKey(["data", "values", "value"]), computed)
  return origins
}

/** All events that a pattern brings about. */
export const broughtBy = (pattern: Pattern): ReadonlyArray<Brought> => {
  const { name, priority, by, emit } = pattern
  const condition = bound(conditionOf(pattern))
  const held = [...(condition === undefined ? [] : conjuncts(moved(condition, taken))), ...passed(pattern)]
  const origins = originsOf(pattern)
  const data = {
    pattern: name,
    ...known(facts),
    by: known(by.map((path) => formatPath(path))),
    values: {
      ...known(valueNames(pattern)),
      ...Object.fromEntries(Object.entries(emit ?? {}).map(([each, term]) => [each, emitted(term)]))
    }
  }
  return typesOf(pattern).map((type) => ({
    type,
    document: (speaker) => ({
      type,
      severity: severityOf[priority],
      source: { actor: PatternPartition.kind, id: speaker },
      data: type === raisedType ? { ...data, signal: some } : data
    }),
    held,
    origins
  }))
}
