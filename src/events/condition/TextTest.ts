/** The quickest test of a text that a pattern allows: most globs are a start, an end or a part. */
import type { BoundCondition } from "../../protocol/condition/Bound.ts"
import { tester } from "./Automaton.ts"

type Written = Pick<Extract<BoundCondition, { readonly _tag: "Matches" }>, "operator" | "text" | "pattern">

/** Whether a text has the pattern. */
export const textTest = ({ operator, text, pattern }: Written): ((text: string) => boolean) => {
  if (operator === "matches" || /[?\\]/.test(text)) return tester(pattern)
  const pieces = text.split("*")
  const [first = "", second, third, ...rest] = pieces
  if (second === undefined) return (value) => value === first
  if (third === undefined)
    return (value) => value.length >= first.length + second.length && value.startsWith(first) && value.endsWith(second)
  if (first === "" && third === "" && rest.length === 0) return (value) => value.includes(second)
  return tester(pattern)
}
