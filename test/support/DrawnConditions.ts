/** Conditions that the checker lets pass, and twins for them, from a seed. */
import { Result } from "effect"
import { bindTree } from "../../src/protocol/condition/Bind.ts"
import type { BoundCondition } from "../../src/protocol/condition/Bound.ts"
import { format } from "../../src/protocol/condition/Format.ts"
import { twins } from "../../src/protocol/condition/Source.ts"
import { Conditions } from "./Conditions.ts"

/** A condition over a twin, as somebody would write it and as it is decided. */
export interface DrawnCondition {
  readonly text: string
  readonly bound: BoundCondition
}

/** The seed of the tests that hold engines to one meaning. */
export const conditionSeed = Number(process.env["CONDITION_SEED"] ?? 20261121)

/** So many of each; the checker refuses about half of the conditions. */
export const drawnConditions = (seed: number, conditionCount: number, documentCount: number) => {
  const source = new Conditions(seed)
  const cases: Array<DrawnCondition> = []
  while (cases.length < conditionCount) {
    const tree = source.tree()
    const bound = bindTree(tree, twins)
    if (Result.isSuccess(bound)) cases.push({ text: format(tree), bound: bound.success })
  }
  return { cases, documents: Array.from({ length: documentCount }, () => source.document()) }
}
