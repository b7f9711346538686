/** A policy that is checked and bound: whatever decides by it starts here. */
import type { BoundCondition, BoundPath } from "../condition/Bound.ts"
import type { Policy, Statement } from "./Policy.ts"

export type BoundStatement =
  | Extract<Statement, { readonly _tag: "Allow" | "Deny" | "Oblige" }>
  | { readonly _tag: "Require"; readonly condition: BoundCondition; readonly written: string }
  | {
      readonly _tag: "Limit"
      readonly count: number
      readonly millis: number
      readonly by: ReadonlyArray<BoundPath>
      readonly written: string
    }

export interface BoundRule {
  readonly when: BoundCondition
  /** The condition as the formatter writes it. */
  readonly written: string
  readonly statements: ReadonlyArray<BoundStatement>
}

export interface BoundPolicy {
  readonly policy: Policy
  readonly rules: ReadonlyArray<BoundRule>
}
