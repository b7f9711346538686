/** Ways of starting rollouts, controlling them, and asking how far they are. */
import type { Bindings } from "./Bindings.ts"
import type { CapabilityName } from "./Capabilities.ts"
import { anyDevice, meaningsAt, type Outcome, type Problem, problem } from "./Meaning.ts"
import { isForMany, versionOf } from "./ProgramRules.ts"
import { type Mean, type Rule, rules, tell } from "./Rule.ts"
import type { Vocabulary } from "./Vocabulary.ts"

const starting: Mean = (bound, vocabulary, { capability }) => {
  if (bound.isRepeated === true) return []
  return (bound.programs ?? []).flatMap((program) => {
    const found = versionOf(capability, program, bound.version)
    const version = "problem" in found ? {} : { version: found.version }
    const args = { image: program.name, ...version, ...bound.clauses }
    return meaningsAt(bound, { ...anyDevice, capability }, args, vocabulary).map((outcome): Outcome => {
      if ("problem" in found) return found
      return "problem" in outcome ? outcome : { ...outcome, doubts: [...outcome.doubts, ...found.doubts] }
    })
  })
}
const startingMany: Mean = (bound, vocabulary, rule) => (isForMany(bound) ? starting(bound, vocabulary, rule) : [])

/** The rollout that is meant: by its id, by its image, or the only one there is. */
const rolloutOf = (
  capability: CapabilityName,
  bound: Bindings,
  { fleet }: Vocabulary
): { readonly rollout: string; readonly doubts: ReadonlyArray<string> } | Problem => {
  if (bound.rollout !== undefined) return { rollout: bound.rollout, doubts: [] }
  const image = bound.programs?.map(({ name }) => name)
  const found = fleet.rollouts.filter(
    (each) => image === undefined || (each.image !== undefined && image.includes(each.image))
  )
  const [first] = found
  if (first === undefined)
    return problem(
      capability,
      "nothing",
      `No rollout${image === undefined ? "" : ` of ${image.join()}`} is under way. Which one do you mean?`
    )
  if (found.length > 1) {
    const ids = found.map(({ id }) => id)
    return problem(capability, "ambiguous", `Which rollout: ${ids.slice(0, 3).join(", ")}?`, {
      suggestions: ids.slice(0, 3)
    })
  }
  return { rollout: first.id, doubts: image === undefined ? [`${first.id} is the only rollout under way`] : [] }
}

const controlling: Mean = (bound, vocabulary, { args, capability }) => {
  const found = rolloutOf(capability, bound, vocabulary)
  return ["problem" in found ? found : { capability, args: { ...args, rollout: found.rollout }, doubts: found.doubts }]
}

const plain: Mean = (_bound, _vocabulary, { args, capability }) => [{ capability, args, doubts: [] }]

const across = "to|on|onto|across|over|in|for|throughout|at"
const clauses = "[,] [<rolloutclauses>]"

/** A rollout, the ways of naming it. */
const named = ["rollout <rollout>", "<rollout> [rollout]", "<program> rollout", "rollout of <program>", "rollout"]
const control = (act: string, ways: (rollout: string) => ReadonlyArray<string>): ReadonlyArray<Rule> =>
  rules("rollout.run.control@1", controlling, named.flatMap(ways), { act })

/** All of them. */
export const rolloutRules: ReadonlyArray<Rule> = [
  ...rules("rollout.run.start@1", starting, [
    `[start|begin] roll_out|rollout|rolling_out <image> ${across} <targets> ${clauses}`,
    `[start|begin] roll_out|rollout|rolling_out <image> <rolloutclauses> ${across} <targets>`,
    `roll <image> out ${across} <targets> ${clauses}`,
    `start|begin|launch|make|do rollout of <image> ${across} <targets> ${clauses}`,
    `start|begin|launch <image> rollout ${across} <targets> ${clauses}`
  ]),
  ...rules("rollout.run.start@1", startingMany, [
    `deploy|release|ship|distribute|push|send|bring <image> ${across} <targets> ${clauses}`
  ]),
  ...control("pause", (rollout) => [`pause|suspend|hold|freeze ${rollout}`, `put ${rollout} on_hold`]),
  ...control("resume", (rollout) => [`resume|continue|unpause|go_on_with|carry_on_with ${rollout}`]),
  ...control("approve", (rollout) => [
    `approve [[next] wave of] ${rollout}`,
    `go_ahead_with|open|start [next] wave of ${rollout}`,
    `approve ${rollout} 's [next] wave`
  ]),
  ...control("cancel", (rollout) => [`cancel|abort|call_off ${rollout}`, `call ${rollout} off`]),
  ...control("retry", (rollout) => [`retry|try_again|repeat [failed_boards|failures] [of|in] ${rollout}`]),
  // Who stops a rollout may want to go on later, or not.
  ...control("pause", (rollout) => [`stop|halt|end ${rollout}`]),
  ...control("cancel", (rollout) => [`stop|halt|end ${rollout}`]),
  ...rules(
    "rollout.state.read@1",
    controlling,
    named.flatMap((rollout) => [
      `how far [along|on] is ${rollout}`,
      `how far has ${rollout} come|got|gotten`,
      `how is ${rollout} [going|doing|coming_along|getting_on]`,
      `[${tell}] status|progress|state of ${rollout}`,
      `${rollout} status|progress|state`,
      `show|show_me|describe ${rollout}`,
      `is ${rollout} [still] running|done|finished|over|paused`
    ])
  ),
  ...rules("rollout.list.read@1", plain, [
    `[${tell}|list] [all] [running|open|current] rollouts`,
    "what|which rollouts are there|running|under_way|open|going_on",
    "what|which rollouts do we|you have",
    "are there any rollouts [running|under_way|open]",
    "is any rollout running|under_way|open"
  ])
]
