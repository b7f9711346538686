/** What a policy decides on: who wants to do what, where, with which arguments, and what is known of it. */
import { Schema } from "effect"
import { Clearance } from "../Clearance.ts"
import { Zone } from "../Zone.ts"

/** Who asks. */
export const Principal = Schema.Struct({
  kind: Schema.Literals(["user", "device", "vsm", "service", "plugin"]),
  id: Schema.String,
  zones: Schema.Array(Zone),
  clearance: Clearance,
  scopes: Schema.Array(Schema.String)
})
export type Principal = typeof Principal.Type

const Values = Schema.Record(Schema.String, Schema.Json)

/** A request. */
export const PolicyRequest = Schema.Struct({
  principal: Principal,
  capability: Schema.String,
  /** Whether it moves something in the world; of such a one a denial that cannot be judged denies. */
  isActuating: Schema.Boolean,
  /** Where what it is for is; absent where nobody has said. */
  zone: Schema.optionalKey(Zone),
  args: Values,
  facts: Values
})
export type PolicyRequest = typeof PolicyRequest.Type

/** A request as it is asked: its values are whatever came, and conditions see what they can compare. */
export interface AskedRequest extends Omit<PolicyRequest, "args" | "facts"> {
  readonly args: Readonly<Record<string, unknown>>
  readonly facts: Readonly<Record<string, unknown>>
}

/** What a condition of the source `requests` speaks about. */
export interface RequestDocument {
  readonly fact: unknown
  readonly arg: unknown
  readonly principal: { readonly kind: string; readonly id: string; readonly zones: ReadonlyArray<string> }
  readonly scope: ReadonlyArray<string>
  readonly clearance: number
  readonly capability: string
  readonly protected: boolean
  readonly zone?: string
}

/** The document of a request. */
export const requestDocument = ({ principal, capability, zone, args, facts }: AskedRequest): RequestDocument => ({
  fact: facts,
  arg: args,
  principal,
  scope: principal.scopes,
  clearance: principal.clearance,
  capability,
  protected: isProtected(capability),
  ...(zone !== undefined && { zone })
})

/** What no policy may take away: to stop, to come to rest, to be audited, to cry, and to take a policy back. */
export const protectedGlobs: ReadonlyArray<string> = [
  "stop",
  "*.stop",
  "drain",
  "*.drain",
  "safe-state",
  "*.safe-state",
  "audit",
  "audit.*",
  "algedonic",
  "algedonic.*",
  "signal",
  "signal.*",
  "policy",
  "policy.*"
]

/** The same names as the globs; asked of every request. */
const protectedNames = /(?:^|\.)(?:stop|drain|safe-state)$|^(?:audit|algedonic|signal|policy)(?:\.|$)/

/** Whether a capability is one of those that no policy may take away. */
export const isProtected = (capability: string): boolean => protectedNames.test(capability)
