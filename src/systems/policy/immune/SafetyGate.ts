/**
 * What may be done against somebody at all, and what only when people approve it. The cure must never be worse than the attack:
 * whoever can make the immune system act must not be able to make it lock out the fleet, or those who look after it.
 */
import { Result, Schema } from "effect"
import type { ConditionTree } from "../../../protocol/condition/Condition.ts"
import { formatPath } from "../../../protocol/condition/Format.ts"
import type { Rule } from "../../../protocol/policy/Policy.ts"
import { checkPolicyText } from "../../../protocol/policy/PolicyCheck.ts"
import {
  approvedMillisMax,
  automaticMillisMax,
  type Mitigation,
  partsOf,
  type Subject,
  type Template,
  ttlMillisMin
} from "../../../protocol/vsm/Threat.ts"
import { fits, isStronger } from "./Templates.ts"

/** Devices of a zone, and of the fleet, that may be kept apart without a person; and with one. */
const shareWithoutPerson = 0.1
const shareMax = 0.5
/** Addresses that may be barred at a time without a person. */
const barsMax = 256

/** What is about to be done. */
export interface Draft {
  readonly subject: Subject
  readonly template: Template
  readonly ttlMillis: number
  /** Text of the policy that does it, where one does. */
  readonly policy?: string
  readonly zone?: string
}

/** What must be known of the fleet to judge it. */
export const Fleet = Schema.Struct({
  /** Accounts, and those among them that have all rights. */
  accounts: Schema.Array(Schema.String),
  keepers: Schema.Array(Schema.String),
  /** Devices of the fleet that are not retired, and of each zone, with those of the zones within it. */
  devices: Schema.Int,
  byZone: Schema.Record(Schema.String, Schema.Int)
})
export type Fleet = typeof Fleet.Type

/** What it is judged by. */
export interface Circumstances {
  /** Absent where it was not counted yet: then the rules that ask for it say nothing. */
  readonly fleet: Fleet | undefined
  /** What is done now. */
  readonly active: ReadonlyArray<Mitigation>
  /** Others who come in from the same address. */
  readonly others: number
}

/** Whether it may be done: `ask` if so many people approve; `forbidden` never. */
export type Judgement =
  | { readonly _tag: "Safe" }
  | { readonly _tag: "Ask"; readonly rule: string; readonly people: number }
  | { readonly _tag: "Forbidden"; readonly rule: string }

const safe: Judgement = { _tag: "Safe" }
const forbidden = (rule: string): Judgement => ({ _tag: "Forbidden", rule })
const ask = (rule: string, people = 1): Judgement => ({ _tag: "Ask", rule, people })

type Rules = (draft: Draft, circumstances: Circumstances) => Judgement

const isOwn: Rules = ({ template, subject }) =>
  fits(template, subject) ? safe : forbidden(`${template} is no remedy against ${partsOf(subject).kind}`)

const isShort: Rules = ({ ttlMillis }) => {
  if (ttlMillis > approvedMillisMax || !(ttlMillis >= ttlMillisMin)) return forbidden("it lasts a second to a day")
  return ttlMillis > automaticMillisMax ? ask("it lasts longer than an hour", 2) : safe
}

/** Whether a condition holds only where this field is this text. */
const pins = (tree: ConditionTree, path: string, value: string): boolean =>
  (tree._tag === "All" && tree.of.some((part) => pins(part, path, value))) ||
  (tree._tag === "Compare" &&
    tree.operator === "==" &&
    tree.left._tag === "Field" &&
    formatPath(tree.left.path) === path &&
    tree.right._tag === "Text" &&
    tree.right.value === value)

const isProtectedLeftOut = (tree: ConditionTree): boolean =>
  (tree._tag === "All" && tree.of.some(isProtectedLeftOut)) ||
  (tree._tag === "Compare" &&
    tree.operator === "==" &&
    tree.left._tag === "Field" &&
    formatPath(tree.left.path) === "protected" &&
    tree.right._tag === "Boolean" &&
    !tree.right.value)

const speaksOfSubject = ({ when }: Rule, subject: Subject): boolean => {
  const { kind, id } = partsOf(subject)
  return pins(when, "principal.kind", kind) && pins(when, "principal.id", id)
}

/** Whoever wrote the text: what counts is what it says. */
const isNarrow: Rules = ({ policy, subject, ttlMillis }) => {
  if (policy === undefined) return safe
  const checked = checkPolicyText(policy)
  if (Result.isFailure(checked)) return forbidden(`the policy is none: ${checked.failure.problems[0]?.sentence ?? ""}`)
  const { rules, class: about, ttlMillis: life } = checked.success.policy
  if (about !== "immune") return forbidden("the policy is of class immune")
  if (life === undefined || life > ttlMillis) return forbidden("the policy ends with the mitigation")
  if (!rules.every((rule) => speaksOfSubject(rule, subject))) return forbidden("it touches its subject and nobody else")
  if (!rules.every(({ when }) => isProtectedLeftOut(when)))
    return forbidden("to stop, to drain, to go to a safe state, audit and the algedonic channel stay open")
  return rules.some(({ statements }) => statements.some(({ _tag }) => _tag === "Allow" || _tag === "Oblige"))
    ? forbidden("it takes away and gives nothing")
    : safe
}

const takesAccount = ({ template }: { readonly template: Template }): boolean =>
  template === "deny" || template === "revoke"

const keepsPeople: Rules = ({ template, subject }, { fleet, active }) => {
  const { kind, id } = partsOf(subject)
  if (kind !== "user" || fleet === undefined) return safe
  const apart = new Set(active.filter(takesAccount).map((mitigation) => partsOf(mitigation.subject).id))
  const keepers = fleet.keepers.filter((keeper) => keeper !== id && !apart.has(keeper))
  // Also to throttle the last one: nobody would be left to decide on it.
  if (fleet.keepers.includes(id) && keepers.length === 0) return forbidden("somebody with all rights must be left")
  const taken = new Set([...apart, id]).size
  return takesAccount({ template }) && taken > Math.floor(fleet.accounts.length * shareMax)
    ? forbidden("half of the accounts must be left")
    : safe
}

const keepsFleet: Rules = ({ template, zone, subject }, { fleet, active }) => {
  if (template !== "isolate" || fleet === undefined) return safe
  const apart = active.filter((mitigation) => mitigation.template === "isolate" && mitigation.subject !== subject)
  const isWithin = (mitigation: Mitigation): boolean =>
    mitigation.zone === zone || mitigation.zone?.startsWith(`${zone}.`) === true
  const bounds = [
    { what: "the fleet", devices: fleet.devices, taken: apart.length + 1 },
    ...(zone === undefined
      ? []
      : [{ what: `zone ${zone}`, devices: fleet.byZone[zone] ?? 0, taken: apart.filter(isWithin).length + 1 }])
  ]
  for (const { what, devices, taken } of bounds)
    if (taken > 1 && taken > devices * shareMax) return forbidden(`half of ${what} must be left`)
  const wide = bounds.find(({ devices, taken }) => taken > devices * shareWithoutPerson)
  return wide === undefined ? safe : ask(`it is more than a tenth of ${wide.what}`)
}

const keepsOthers: Rules = ({ template }, { others, active }) => {
  if (template !== "bar") return safe
  if (others > 0) return ask("others come in from the same address")
  const bars = active.filter((mitigation) => mitigation.template === "bar").length
  return bars >= barsMax ? ask(`${bars} addresses are barred`) : safe
}

const isOnlyOne: Rules = ({ subject, template }, { active }) => {
  const other = active.find((mitigation) => mitigation.subject === subject)
  return other === undefined || isStronger(template, other.template)
    ? safe
    : forbidden(`${other.id} is done against it already`)
}

const rules: ReadonlyArray<Rules> = [isOwn, isShort, isNarrow, isOnlyOne, keepsPeople, keepsFleet, keepsOthers]

/** Judges by every rule: the first that forbids it counts, else the one that asks most people. */
export const judge = (draft: Draft, circumstances: Circumstances): Judgement => {
  let worst: Judgement = safe
  for (const rule of rules) {
    const judgement = rule(draft, circumstances)
    if (judgement._tag === "Forbidden") return judgement
    if (judgement._tag === "Ask" && (worst._tag !== "Ask" || judgement.people > worst.people)) worst = judgement
  }
  return worst
}
