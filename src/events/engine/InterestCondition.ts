/** What an index over many patterns is made of: each interest as one condition. */
import { Result } from "effect"
import { bindTree } from "../../protocol/condition/Bind.ts"
import type { BoundCondition } from "../../protocol/condition/Bound.ts"
import { events } from "../../protocol/condition/Source.ts"
import type { Interest } from "../temporal/Interest.ts"

const typeField = { _tag: "Field", path: ["type"] } as const

/** The condition of an interest, its types included. Throws where it was not checked. */
export const conditionOf = ({ types, condition }: Interest): BoundCondition => {
  const bound = Result.getOrThrow(bindTree(condition, events))
  if (types === undefined) return bound
  const literal = types.filter((type) => !type.includes("*"))
  const globs = types.filter((type) => type.includes("*"))
  const [first, ...others] = literal
  const alternatives = [
    ...(first === undefined
      ? []
      : [
          {
            _tag: "Among",
            term: typeField,
            items: [{ _tag: "Text", value: first }, ...others.map((value) => ({ _tag: "Text", value }) as const)]
          } as const
        ]),
    ...globs.map((glob) => {
      const pattern = { _tag: "Text", value: glob } as const
      return Result.getOrThrow(
        bindTree({ _tag: "Matches", operator: "glob", term: { _tag: "Field", path: ["type"] }, pattern }, events)
      )
    })
  ]
  return { _tag: "All", of: [{ _tag: "Any", of: alternatives }, bound] }
}
