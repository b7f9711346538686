/**
 * Reads a pattern from JSON: its tree, or the short form in which `conditions` is a list of `{ field, operator, value }` that
 * must all hold. In the list three tests are not conditions: `event_type` names the types of events, a value `"same"` makes
 * its field a key, and `time_window` less than so many seconds, with a `count`, asks how often within such a time.
 */
import { Result, Schema } from "effect"
import type { Comparison, ConditionTree, FieldPath } from "../condition/Condition.ts"
import { type ConditionItem, ConditionList, treeOfList } from "../condition/ConditionList.ts"
import { Malformed } from "../Errors.ts"
import { misfitOf } from "../Misfit.ts"
import { nearest } from "../Nearest.ts"
import { EventTypes, Pattern, PatternBody, spanMillisMax } from "./Pattern.ts"

const exact = { onExcessProperty: "error" } as const
const decodePattern = Schema.decodeUnknownResult(Pattern, exact)
const decodeList = Schema.decodeUnknownResult(ConditionList, exact)
const isTypes = Schema.is(EventTypes)

const windowField = "time_window"
const countField = "count"
const typeField = "event_type"
const same = "same"

const comparisonOf: Readonly<Record<string, Comparison>> = {
  lt: "<",
  lte: "<=",
  eq: "==",
  neq: "!=",
  gte: ">=",
  gt: ">"
}

/** What a list says, taken apart. */
interface Taken {
  readonly conditions: ReadonlyArray<ConditionItem>
  readonly by: ReadonlyArray<FieldPath>
  readonly from: unknown
  readonly window: ConditionItem | undefined
  readonly count: ConditionItem | undefined
}

const malformed = (path: string, reason: string) => Result.fail(new Malformed({ path, reason }))

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** The path of a field as the list writes it: that of a test on it. */
const pathOf = (item: ConditionItem): Result.Result<FieldPath, string> =>
  Result.flatMap(treeOfList([{ field: item.field, operator: "exists" }]), (tree) =>
    tree._tag === "Exists" ? Result.succeed(tree.path) : Result.fail("no field")
  )

const takeApart = (items: ConditionList): Result.Result<Taken, Malformed> => {
  const hasWindow = items.some(({ field }) => field === windowField)
  const conditions: Array<ConditionItem> = []
  const by: Array<FieldPath> = []
  let taken: { from?: unknown; window?: ConditionItem; count?: ConditionItem } = {}
  for (const [index, item] of items.entries()) {
    const { field, operator, value } = item
    const path = `conditions.${index}`
    if (value === same && operator === "eq") {
      const key = pathOf(item)
      if (Result.isFailure(key)) return malformed(path, key.failure)
      by.push(key.success)
    } else if (field === typeField && (operator === "eq" || operator === "in")) {
      const from = Array.isArray(value) ? value : [value]
      if (taken.from !== undefined) return malformed(path, `${typeField} stands here twice; write one test with \`in\``)
      if (!isTypes(from)) return malformed(path, "no types of events, such as device.offline")
      taken = { ...taken, from }
    } else if (field === windowField) {
      if (taken.window !== undefined) return malformed(path, `${windowField} stands here twice`)
      taken = { ...taken, window: item }
    } else if (field === countField && hasWindow) {
      if (taken.count !== undefined) return malformed(path, `${countField} stands here twice`)
      taken = { ...taken, count: item }
    } else conditions.push(item)
  }
  return Result.succeed({ conditions, by, from: taken.from, window: taken.window, count: taken.count })
}

const bodyOf = ({ conditions, window, count }: Taken): Result.Result<PatternBody, Malformed> =>
  Result.flatMap(
    Result.mapError(treeOfList(conditions), (reason) => new Malformed({ path: "conditions", reason })),
    (condition) =>
      window === undefined
        ? Result.succeed<PatternBody>({ _tag: "Where", condition })
        : countedBody(window, count, conditions.length === 0 ? undefined : condition)
  )

const countedBody = (
  window: ConditionItem,
  count: ConditionItem | undefined,
  where: ConditionTree | undefined
): Result.Result<PatternBody, Malformed> => {
  const seconds = window.value
  if (typeof seconds !== "number" || (window.operator !== "lt" && window.operator !== "lte"))
    return malformed("conditions", `${windowField} is \`lt\` a number of seconds`)
  const millis = Math.round(seconds * 1000)
  if (!(millis >= 1 && millis <= spanMillisMax))
    return malformed("conditions", `${windowField} is above 0 and at most ${spanMillisMax / 1000} seconds`)
  if (count === undefined)
    return malformed(
      "conditions",
      `${windowField} says within which time, but nothing says how often; add { "field": "${countField}", "operator": "gte", "value": 3 }`
    )
  const operator = comparisonOf[count.operator]
  if (operator === undefined || typeof count.value !== "number")
    return malformed("conditions", `${countField} is compared with a number: lt, lte, eq, neq, gte or gt`)
  return Result.succeed({
    _tag: "When",
    aggregate: { _tag: "Count" },
    threshold: { operator, value: count.value },
    over: { _tag: "Sliding", millis },
    ...(where !== undefined && { where })
  })
}

/** The tree, as JSON, of a pattern in the short form. */
const treeOfShort = (short: Readonly<Record<string, unknown>>): Result.Result<unknown, Malformed> => {
  const { conditions, ...rest } = short
  if (rest["body"] !== undefined) return malformed("", "a pattern has `conditions` or a `body`, not both")
  const list = decodeList(conditions)
  if (Result.isFailure(list)) {
    const { path, reason } = misfitOf(list.failure)
    return malformed(["conditions", ...path].join("."), reason)
  }
  return Result.flatMap(takeApart(list.success), (taken) =>
    Result.flatMap(bodyOf(taken), (body) => {
      const { by = [], from = taken.from } = rest
      if (!Array.isArray(by)) return malformed("by", "Expected array")
      if (rest["from"] !== undefined && taken.from !== undefined)
        return malformed("from", `the types of events stand under \`from\` or as ${typeField}, not both`)
      return Result.succeed({ ...rest, ...(from !== undefined && { from }), by: [...by, ...taken.by], body })
    })
  )
}

const bodyTags: ReadonlyArray<string> = PatternBody.members.map(({ fields }) => fields._tag.schema.literal)

const tagSentence = (tag: unknown): string => {
  const near = typeof tag === "string" && tag.length < 40 ? nearest(tag, bodyTags) : []
  const hint = near.length === 0 ? "" : `; did you mean ${near.join(" or ")}?`
  return `a pattern asks one of ${bodyTags.join(", ")}${hint}`
}

/**
 * A pattern from JSON. `priority`, `by` and `actions` may be left out. Fails with `Malformed`, which names the first field
 * that does not fit; what the pattern says is not checked yet.
 */
export const patternOfJson = (value: unknown): Result.Result<Pattern, Malformed> => {
  if (!isObject(value)) return malformed("", "a pattern is an object with `name` and `body` or `conditions`")
  const tree = value["conditions"] === undefined ? Result.succeed(value) : treeOfShort(value)
  return Result.flatMap(tree, (given) => {
    const body = isObject(given) ? given["body"] : undefined
    const tag = isObject(body) ? body["_tag"] : undefined
    if (typeof tag !== "string" || !bodyTags.includes(tag)) return malformed("body._tag", tagSentence(tag))
    const decoded = decodePattern({ priority: "normal", by: [], actions: [], ...(isObject(given) ? given : {}) })
    if (Result.isSuccess(decoded)) return Result.succeed(decoded.success)
    const { path, reason } = misfitOf(decoded.failure)
    return malformed(path.join("."), reason)
  })
}
