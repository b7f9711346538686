/** A rule of the grammar: ways of saying something, and what they mean. */
import type { Bindings } from "./Bindings.ts"
import type { CapabilityName } from "./Capabilities.ts"
import { type Pattern, patternOf } from "./Grammar.ts"
import type { Arguments } from "./Intent.ts"
import type { Outcome } from "./Meaning.ts"
import type { Vocabulary } from "./Vocabulary.ts"

/** What a rule makes of its slots. `args` are those that its words say. */
export type Mean = (
  bound: Bindings,
  vocabulary: Vocabulary,
  rule: { readonly capability: CapabilityName; readonly args: Arguments }
) => ReadonlyArray<Outcome>

/** One way of saying something. */
export interface Rule {
  readonly capability: CapabilityName
  readonly args: Arguments
  readonly pattern: Pattern
  readonly mean: Mean
}

/** Rules of one capability. Exceptions may stand at the end of whatever is about devices. */
export const rules = (
  capability: CapabilityName,
  mean: Mean,
  notations: ReadonlyArray<string>,
  args: Arguments = {}
): ReadonlyArray<Rule> =>
  notations.map((notation) => ({
    capability,
    args,
    mean,
    pattern: patternOf(/<(?:targets|devices)>/u.test(notation) ? `${notation} [<except>]` : notation)
  }))

/** Words in front of what stands behind a thing: "of", and what is said instead. */
export const of = "of|on|at|in|for|from"
/** How people ask to be told. */
export const tell =
  "what_is|what_are|read|read_out|show|show_me|tell_me|give_me|get|get_me|display|check|print|look_up|tell_me_what_is"
