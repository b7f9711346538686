/** Policies that the checker lets pass, and requests for them, from a seed: few names and values, so that they meet. */
import { Result } from "effect"
import type { Comparison, ConditionTree, FieldPath, Term } from "../../src/protocol/condition/Condition.ts"
import type { BoundPolicy } from "../../src/protocol/policy/BoundPolicy.ts"
import type { Policy, Statement } from "../../src/protocol/policy/Policy.ts"
import { policyClasses } from "../../src/protocol/policy/Policy.ts"
import { checkPolicy } from "../../src/protocol/policy/PolicyCheck.ts"
import type { PolicyRequest } from "../../src/protocol/policy/Request.ts"
import { randomFrom } from "./Random.ts"

/** The seed of the tests that hold the engine to one meaning. */
export const policySeed = Number(process.env["POLICY_SEED"] ?? 20261122)

const capabilities = ["motor.duty.set", "motor.stop", "led.set", "device.read", "audit.read", "stop"]
const zones = ["ops", "ops.line3", "ops.line3.cell-1", "ops.line30", "lab"]
const people = ["ada", "bob", "press-1"]
const scopes = ["invoke:motor", "read"]
const numbers = [0, 0.5, 0.6, 1, 2, 85]
const comparisons = ["<", "<=", "==", "!=", ">=", ">"] as const

const spared = (when: ConditionTree): ConditionTree => ({
  _tag: "All",
  of: [
    when,
    {
      _tag: "Compare",
      operator: "==",
      left: { _tag: "Field", path: ["protected"] },
      right: { _tag: "Boolean", value: false }
    }
  ]
})

export class DrawnPolicies {
  readonly #random: () => number

  constructor(seed: number) {
    this.#random = randomFrom(seed)
  }

  pick<A>(all: readonly [A, ...ReadonlyArray<A>] | ReadonlyArray<A>): A {
    const found = all[Math.floor(this.#random() * all.length)]
    if (found === undefined) throw new Error("nothing to pick from")
    return found
  }
  #chance(share: number): boolean {
    return this.#random() < share
  }

  #field(): FieldPath {
    return this.pick<FieldPath>([
      ["fact", "temp"],
      ["arg", "duty"],
      ["load"],
      ["fact", "mode"],
      ["clearance"],
      ["fact", "list"]
    ])
  }

  #term(): Term {
    const roll = this.#random()
    if (roll < 0.5) return { _tag: "Field", path: this.#field() }
    if (roll < 0.85) return { _tag: "Number", value: this.pick(numbers) }
    if (roll < 0.92) return { _tag: "Text", value: this.pick(["auto", ""]) }
    const field = (): Term => ({ _tag: "Field", path: this.#field() })
    return { _tag: "Arithmetic", operator: this.pick(["+", "-", "*", "/"] as const), left: field(), right: field() }
  }

  #atom(): ConditionTree {
    const field = (...path: FieldPath): Term => ({ _tag: "Field", path })
    const text = (value: string): { readonly _tag: "Text"; readonly value: string } => ({ _tag: "Text", value })
    const operator: Comparison = this.pick(comparisons)
    const equality = this.pick(["==", "!="] as const)
    switch (Math.floor(this.#random() * 12)) {
      case 0:
        return { _tag: "Compare", operator: equality, left: field("capability"), right: text(this.pick(capabilities)) }
      case 1:
        return {
          _tag: "Matches",
          operator: "glob",
          term: field("capability"),
          pattern: text(this.pick(["motor.*", "*.set", "*"]))
        }
      case 2:
        return { _tag: "Among", term: field("capability"), items: [text("led.set"), text(this.pick(capabilities))] }
      case 3:
        return { _tag: "Has", path: this.pick<FieldPath>([["scope"], ["fact", "list"]]), item: text(this.pick(scopes)) }
      case 4:
        return { _tag: "Inside", term: field("zone"), zone: text(this.pick(zones)) }
      case 5:
        return { _tag: "Exists", path: this.#field() }
      case 6:
        return { _tag: "Compare", operator: equality, left: field("principal", "id"), right: text(this.pick(people)) }
      case 7:
        return { _tag: "Within", term: this.#term(), low: this.#term(), high: this.#term() }
      case 8:
        return this.pick<ConditionTree>([
          { _tag: "Contains", term: field("fact", "mode"), part: text("u") },
          { _tag: "Bit", term: field("fact", "temp"), bit: 0 },
          { _tag: "Compare", operator: equality, left: field("protected"), right: { _tag: "Boolean", value: false } }
        ])
      default:
        return { _tag: "Compare", operator, left: this.#term(), right: this.#term() }
    }
  }

  #condition(depth = 2): ConditionTree {
    if (depth === 0 || this.#chance(0.3)) return this.#chance(0.05) ? { _tag: "Always", value: true } : this.#atom()
    const roll = this.#random()
    const inner = () => this.#condition(depth - 1)
    if (roll < 0.2) return { _tag: "Not", of: inner() }
    const of: readonly [ConditionTree, ConditionTree, ...Array<ConditionTree>] = this.#chance(0.3)
      ? [inner(), inner(), inner()]
      : [inner(), inner()]
    return { _tag: roll < 0.65 ? "All" : "Any", of }
  }

  #statement(): Statement {
    switch (Math.floor(this.#random() * 8)) {
      case 0:
      case 1:
      case 2:
        return { _tag: "Allow" }
      case 3:
      case 4:
        return {
          _tag: "Deny",
          reason: this.pick(["too hot", "not now"]),
          ...(this.#chance(0.5) && { guidance: "wait" })
        }
      case 5:
        return { _tag: "Require", condition: this.#condition(1) }
      case 6:
        return {
          _tag: "Limit",
          count: this.pick([1, 2, 3]),
          millis: this.pick([100, 1000]),
          by: this.#chance(0.5) ? [["principal", "id"]] : [["fact", "mode"], ["capability"]]
        }
      default:
        return { _tag: "Oblige", duty: "audit", ...(this.#chance(0.5) && { detail: "actuation" }) }
    }
  }

  /** A policy, whatever the checker says of it. */
  policy(name: string): Policy {
    const rule = () => {
      const statements = [this.#statement(), ...(this.#chance(0.3) ? [this.#statement()] : [])] as const
      const when = this.#condition()
      // The checker lets few denials pass that do not say so.
      const isSpared = statements.some(({ _tag }) => _tag === "Deny" || _tag === "Require") && this.#chance(0.8)
      return { when: isSpared ? spared(when) : when, statements }
    }
    return {
      name,
      ...(this.#chance(0.6) && { zone: this.pick(zones) }),
      class: this.pick(policyClasses),
      priority: this.pick([10, 50, 90]),
      ...(this.#chance(0.2) && { ttlMillis: this.pick([1000, 3_600_000, 86_400_000]) }),
      rules: [rule(), ...(this.#chance(0.5) ? [rule()] : [])]
    }
  }

  /** A policy that passes. */
  sound(name: string): BoundPolicy {
    for (;;) {
      const bound = checkPolicy(this.policy(name))
      if (Result.isSuccess(bound)) return bound.success
    }
  }

  request(): PolicyRequest {
    const value = () => this.pick<number | string | boolean | null>([...numbers, ...numbers, "auto", true, null])
    return {
      principal: {
        kind: "user",
        id: this.pick(people),
        zones: [],
        clearance: this.pick([0, 1, 2, 4]),
        scopes: scopes.filter(() => this.#chance(0.5))
      },
      capability: this.pick(capabilities),
      isActuating: this.#chance(0.5),
      ...(this.#chance(0.8) && { zone: this.pick(zones) }),
      args: this.#chance(0.7) ? { duty: value() } : {},
      facts: {
        ...(this.#chance(0.7) && { temp: value() }),
        ...(this.#chance(0.5) && { load: value() }),
        ...(this.#chance(0.5) && { mode: value() }),
        ...(this.#chance(0.3) && { list: this.pick([["read"], [], "read"]) })
      }
    }
  }
}
