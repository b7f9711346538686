/** What a pattern waits for, one thing beside the other, and whether an event that a pattern brings about is one of them. */
import { Result } from "effect"
import { bindTree } from "../condition/Bind.ts"
import { type BoundCondition, type BoundPath, pathKey, pathsOf } from "../condition/Bound.ts"
import type { Condition, FieldPath, Term } from "../condition/Condition.ts"
import { events, resolvePath } from "../condition/Source.ts"
import type { Brought } from "./Brought.ts"
import { conjuncts, moved } from "./Moved.ts"
import { isNever } from "./Never.ts"
import { holds, lacks } from "./PartlyKnown.ts"
import type { Aggregate, EventTypes, Pattern, Step } from "./Pattern.ts"
import { isOfTypes } from "./TypeMatch.ts"

/** One thing that a pattern waits for. */
export type Need =
  | {
      readonly _tag: "Event"
      readonly types: EventTypes | undefined
      readonly condition: BoundCondition | undefined
      /** Fields without which an event does not count. */
      readonly fields: ReadonlyArray<BoundPath>
    }
  /** A match of another pattern. */
  | { readonly _tag: "Match"; readonly pattern: string }

/** A pattern matches again when so many of its needs are met again. */
export interface Appetite {
  readonly needs: ReadonlyArray<Need>
  readonly atLeast: number
}

/** Who speaks of matches are actors with small numbers; whoever means one by its number means these events. */
const speakers = Array.from({ length: 16 }, (_, id) => String(id))
const speakerKey = pathKey(["source", "id"])

const fieldsOf = (term: Term): ReadonlyArray<BoundPath> => {
  if (term._tag === "Field") return [resolvePath(events, term.path)]
  return term._tag === "Arithmetic" ? [...fieldsOf(term.left), ...fieldsOf(term.right)] : []
}

const aggregated = (aggregate: Aggregate): ReadonlyArray<BoundPath> => {
  if (aggregate._tag === "Count" || aggregate._tag === "Rate") return []
  return aggregate._tag === "Distinct" ? [resolvePath(events, aggregate.of)] : fieldsOf(aggregate.of)
}

/** What a pattern waits for. */
export const appetiteOf = ({ from, by, body }: Pattern): Appetite => {
  // An event without a field of the key is of no key.
  const keys = by.map((path: FieldPath) => resolvePath(events, path))
  const need = (
    types: EventTypes | undefined,
    where: Condition | undefined,
    fields: ReadonlyArray<BoundPath> = []
  ): Need => ({
    _tag: "Event",
    types,
    condition:
      where === undefined
        ? undefined
        : Result.getOrElse(bindTree(where, events), () => ({ _tag: "Always", value: false }) as const),
    fields: [...keys, ...fields]
  })
  const step = (each: Step) => need(each.from ?? from, each.where)
  switch (body._tag) {
    case "Where":
      return { needs: [need(from, body.condition)], atLeast: 1 }
    case "When":
      return { needs: [need(from, body.where, aggregated(body.aggregate))], atLeast: 1 }
    case "Sequence": {
      // As long as one step must be somebody else's event, there are not more matches than of those.
      const needs = [body.first, ...body.rest.map((each) => each.step)].map(step)
      return { needs, atLeast: needs.length }
    }
    case "Absence":
      return { needs: [step(body.trigger)], atLeast: 1 }
    case "Silence":
      return { needs: [step(body.step)], atLeast: 1 }
    case "Join":
      // What one side remembers meets each new event of the other.
      return { needs: [need(body.left.from, undefined), need(body.right.from, undefined)], atLeast: 1 }
    case "Combined":
      return { needs: body.patterns.map((pattern) => ({ _tag: "Match", pattern })), atLeast: body.atLeast }
  }
}

/** Whether what made the match excludes what is asked of its event: `level < 3` was carried on, and `values.level > 5` is asked. */
const contradicts = ({ held, origins, type }: Brought, condition: BoundCondition): boolean => {
  if (held.length === 0 || !pathsOf(condition).some((path) => origins.has(pathKey(path)))) return false
  const asked = moved(condition, (path) => origins.get(pathKey(path)) ?? path)
  return isNever({ _tag: "All", of: [...held, ...conjuncts(asked)] }, [type])
}

/** Whether the event may be what is needed. `isTyped` is false where its type is not known. */
export const isMet = (need: Need, brought: Brought, isTyped = true): boolean => {
  if (need._tag === "Match") return false
  const { types, condition, fields } = need
  if (isTyped && !isOfTypes(types, brought.type)) return false
  const [first = ""] = speakers
  const document = brought.document(first)
  if (fields.some((path) => lacks(document, path))) return false
  if (condition === undefined) return true
  const isBySpeaker = pathsOf(condition).some((path) => pathKey(path) === speakerKey)
  const mayHold = isBySpeaker
    ? speakers.some((speaker) => holds(condition, brought.document(speaker)) !== false)
    : holds(condition, document) !== false
  return mayHold && !contradicts(brought, condition)
}
