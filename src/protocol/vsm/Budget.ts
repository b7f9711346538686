/** What a VSM may use, by resource, and the arithmetic of its ledger. */
import { Schema } from "effect"

/** Units of a resource: not negative, and counted in millionths, so that sums are exact. */
const Units = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000_000 }))

/** The resources: ms of processor a second, MB, messages a second, actuations a minute, kB, J, tokens, VSMs below. */
export const resources = [
  "cpu_ms_s",
  "mem_mb",
  "msgs_s",
  "actuations_min",
  "flash_kb",
  "energy_j",
  "llm_tokens",
  "spawn"
] as const
export type Resource = (typeof resources)[number]

/** Amounts by resource; what is absent is none. */
export const Budget = Schema.Struct({
  cpu_ms_s: Schema.optionalKey(Units),
  mem_mb: Schema.optionalKey(Units),
  msgs_s: Schema.optionalKey(Units),
  actuations_min: Schema.optionalKey(Units),
  flash_kb: Schema.optionalKey(Units),
  energy_j: Schema.optionalKey(Units),
  llm_tokens: Schema.optionalKey(Units),
  spawn: Schema.optionalKey(Units)
})
export type Budget = typeof Budget.Type

/** What is left of one; below zero where it was made smaller than what was given. */
export const Left = Schema.Record(Schema.Literals(resources), Schema.optionalKey(Schema.Finite))

const scale = 1_000_000

const combined = (left: Budget, right: Budget, sign: 1 | -1): Budget => {
  const sum: { -readonly [resource in Resource]?: number } = {}
  for (const resource of resources) {
    const units = Math.round((left[resource] ?? 0) * scale) + sign * Math.round((right[resource] ?? 0) * scale)
    if (units !== 0) sum[resource] = units / scale
  }
  return sum
}

/** Both together. */
export const plus = (left: Budget, right: Budget): Budget => combined(left, right, 1)

/** What is left of the first when the second is taken away; below zero where it did not suffice. */
export const minus = (left: Budget, right: Budget): Budget => combined(left, right, -1)

/** The first without the second, and never below zero: what a budget may be. */
export const lessened = (left: Budget, right: Budget): Budget =>
  Object.fromEntries(Object.entries(minus(left, right)).filter(([, units]) => units > 0))

/** The first resource of which there is not enough, with what was asked for and what there is. */
export const lacking = (
  available: Budget,
  requested: Budget
): { readonly resource: Resource; readonly requested: number; readonly available: number } | undefined => {
  for (const resource of resources) {
    const wanted = requested[resource] ?? 0
    const there = available[resource] ?? 0
    if (Math.round(wanted * scale) > Math.round(there * scale))
      return { resource, requested: wanted, available: Math.max(0, there) }
  }
  return undefined
}
