/**
 * All policies of an epoch. Most are in force wherever they speak of; one that is tried is in force in some zones only, and the
 * version before it everywhere else. What is in force in a zone is compiled when it is asked for first.
 */

import type { BoundPath } from "../../../protocol/condition/Bound.ts"
import { pathsOf } from "../../../protocol/condition/Bound.ts"
import type { BoundPolicy, BoundRule } from "../../../protocol/policy/BoundPolicy.ts"
import type { Decision, Level } from "../../../protocol/policy/Decision.ts"
import type { AskedRequest } from "../../../protocol/policy/Request.ts"
import { contains } from "../../../protocol/Zone.ts"
import type { Limits } from "./Limits.ts"
import type { Decider } from "./PolicyCache.ts"
import { PolicySet } from "./PolicySet.ts"

/** A policy that is in force. */
export interface InForce {
  readonly vsm: string
  readonly version: number
  readonly bound: BoundPolicy
  /** It is tried, in these zones only. */
  readonly zones?: ReadonlyArray<string> | undefined
  /** A newer version is tried in these zones. */
  readonly except?: ReadonlyArray<string> | undefined
}

/** One that is tried. */
export interface Tried extends InForce {
  readonly zones: ReadonlyArray<string>
}

const isTried = (each: InForce): each is Tried => each.zones !== undefined

const conditionsOf = ({ when, statements }: BoundRule) => [
  when,
  ...statements.flatMap((each) => (each._tag === "Require" ? [each.condition] : []))
]

/** The facts that policies ask for, as paths below `fact`. */
const factsOf = (policies: ReadonlyArray<InForce>): ReadonlyArray<BoundPath> => {
  const found = new Map<string, BoundPath>()
  for (const { bound } of policies)
    for (const rule of bound.rules) {
      const limits = rule.statements.flatMap((each) => (each._tag === "Limit" ? each.by : []))
      for (const path of [...conditionsOf(rule).flatMap(pathsOf), ...limits])
        if (path[0] === "fact" && path.length > 1) found.set(path.join("."), path)
    }
  return [...found.values()]
}

/** Whether a policy lets everything through and says nothing else. */
const isOpen = ({ bound: { policy, rules } }: InForce): boolean =>
  policy.zone === undefined &&
  rules.every(
    ({ when, statements }) => when._tag === "Always" && when.value && statements.every(({ _tag }) => _tag === "Allow")
  )

/** Levels of these policies, the root's first. */
export const levelsOf = (policies: ReadonlyArray<InForce>): ReadonlyArray<Level<BoundPolicy>> => {
  const levels = new Map<string, Array<BoundPolicy>>()
  for (const { vsm, bound } of policies) {
    const known = levels.get(vsm)
    if (known === undefined) levels.set(vsm, [bound])
    else known.push(bound)
  }
  return Array.from(levels, ([vsm, bounds]) => ({ vsm, policies: bounds }))
}

export class EpochPolicies implements Decider {
  readonly epoch: number
  readonly policies: ReadonlyArray<InForce>
  /** Those that are tried somewhere. */
  readonly tried: ReadonlyArray<Tried>
  /** The facts that some of them ask for. */
  readonly facts: ReadonlyArray<BoundPath>
  /** Whether everything is let through without a condition, so that nothing need be looked at. */
  readonly isOpen: boolean
  readonly #limits: Limits
  readonly #sets = new Map<string, PolicySet>()
  readonly #trialZones: ReadonlyArray<string>

  /** `limits` are those of the node, and go on counting from one epoch to the next. */
  constructor(epoch: number, policies: ReadonlyArray<InForce>, limits: Limits) {
    this.epoch = epoch
    this.policies = policies
    this.tried = policies.filter(isTried)
    this.facts = factsOf(policies)
    this.isOpen = policies.length > 0 && policies.every(isOpen) && this.tried.length === 0
    this.#limits = limits
    this.#trialZones = [...new Set(this.tried.flatMap(({ zones }) => zones))]
    limits.keep(this.#set(undefined).limitNames)
  }

  /** Which VSMs have policies. */
  get vsms(): ReadonlySet<string> {
    return new Set(this.policies.map(({ vsm }) => vsm))
  }

  /** The policies that a request in this zone is decided by. */
  inZone(zone: string | undefined): ReadonlyArray<InForce> {
    const isIn = (zones: ReadonlyArray<string> | undefined) =>
      zone !== undefined && zones?.some((each) => contains(each, zone)) === true
    return this.policies.filter(({ zones, except }) => (zones === undefined || isIn(zones)) && !isIn(except))
  }

  decide(request: AskedRequest, path: ReadonlyArray<string>, now: number, asks = false): Decision {
    return this.#set(request.zone).decide(request, path, now, asks)
  }

  /** What would be decided if nothing was tried. Nothing is counted. */
  decideAsBefore(request: AskedRequest, path: ReadonlyArray<string>, now: number): Decision {
    return this.#set(undefined).decide(request, path, now, true)
  }

  /** Zones of which the same trials are in force have one set. */
  #set(zone: string | undefined): PolicySet {
    const trials = zone === undefined ? [] : this.#trialZones.filter((each) => contains(each, zone))
    const key = trials.join(" ")
    const known = this.#sets.get(key)
    if (known !== undefined) return known
    const policies = trials.length === 0 ? this.policies.filter((each) => !isTried(each)) : this.inZone(zone)
    const made = new PolicySet(levelsOf(policies), this.#limits, this.epoch)
    this.#sets.set(key, made)
    return made
  }
}
