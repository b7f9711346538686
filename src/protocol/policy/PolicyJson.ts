/** Reads a policy from JSON. */
import { Result, Schema } from "effect"
import { Malformed } from "../Errors.ts"
import { misfitOf } from "../Misfit.ts"
import { nearest } from "../Nearest.ts"
import { Policy, priorityDefault, Statement } from "./Policy.ts"

const decode = Schema.decodeUnknownResult(Policy, { onExcessProperty: "error" })
const tags: ReadonlyArray<string> = Statement.members.map(({ fields }) => fields._tag.schema.literal)

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)
const listOf = (value: unknown): ReadonlyArray<unknown> => (Array.isArray(value) ? value : [])

/** The first statement that is of no kind, which the decoder would tell of as one that is not any of five. */
const strangeStatement = (rules: unknown): Malformed | undefined => {
  for (const [at, rule] of listOf(rules).entries())
    for (const [index, statement] of listOf(isObject(rule) ? rule["statements"] : []).entries()) {
      const tag = isObject(statement) ? statement["_tag"] : undefined
      if (typeof tag === "string" && tags.includes(tag)) continue
      const near = typeof tag === "string" && tag.length < 40 ? nearest(tag, tags) : []
      const hint = near.length === 0 ? "" : `; did you mean ${near.join(" or ")}?`
      return new Malformed({
        path: `rules.${at}.statements.${index}._tag`,
        reason: `a statement is one of ${tags.join(", ")}${hint}`
      })
    }
  return undefined
}

/**
 * A policy from JSON. `class` and `priority` may be left out. Fails with `Malformed`, which names the first field that does
 * not fit; what the policy says is not checked yet.
 */
export const policyOfJson = (value: unknown): Result.Result<Policy, Malformed> => {
  if (!isObject(value))
    return Result.fail(new Malformed({ path: "", reason: "a policy is an object with `name` and `rules`" }))
  const strange = strangeStatement(value["rules"])
  if (strange !== undefined) return Result.fail(strange)
  return Result.mapError(decode({ class: "access", priority: priorityDefault, ...value }), (error) => {
    const { path, reason } = misfitOf(error)
    return new Malformed({ path: path.join("."), reason })
  })
}
