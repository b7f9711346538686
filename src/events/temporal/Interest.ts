/** Which events a pattern wants to see: what an index over many patterns is made of, and what a machine is fed by. */
import type { Condition } from "../../protocol/condition/Condition.ts"
import type { Pattern, PatternBody, Step } from "../../protocol/pattern/Pattern.ts"

/**
 * Events of these types (all, where they are absent) that fulfil the condition. A machine has up to 17 of these, and an
 * event is told to it with a bit for each that it fulfils, `1 << index`.
 */
export interface Interest {
  readonly types?: ReadonlyArray<string>
  readonly condition: Condition
}

const always: Condition = { _tag: "Always", value: true }

const interest = (types: ReadonlyArray<string> | undefined, condition: Condition = always): Interest =>
  types === undefined ? { condition } : { types, condition }

/** The steps of a sequence in their order. */
const stepsOf = ({ first, rest }: Extract<PatternBody, { readonly _tag: "Sequence" }>): ReadonlyArray<Step> => [
  first,
  ...rest.map(({ step }) => step)
]

/** Whether the very next event of a key matters, whatever it is. */
export const isStrict = (body: PatternBody): boolean =>
  body._tag === "Sequence" && body.rest.some(({ link }) => link === "next")

/** What a pattern wants to see, in the order of the bits. A step's own types take the place of the pattern's. */
export const interestsOf = ({ from, body }: Pattern): ReadonlyArray<Interest> => {
  const ofStep = (step: Step): Interest => interest(step.from ?? from, step.where)
  switch (body._tag) {
    case "Where":
      return [interest(from, body.condition)]
    case "When":
      return [interest(from, body.where)]
    case "Sequence":
      return [...stepsOf(body).map(ofStep), ...(isStrict(body) ? [interest(from)] : [])]
    case "Absence":
      return [ofStep(body.trigger), ofStep(body.absent)]
    case "Silence":
      return [ofStep(body.step)]
    case "Join":
      return [interest(body.left.from), interest(body.right.from)]
    case "Combined":
      return []
  }
}
