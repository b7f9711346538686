/** Reads an utterance about a fleet: an intent that was understood whole, or a question back. Pure; nothing is done here. */
import { unclear } from "./Asking.ts"
import { capabilities } from "./Capabilities.ts"
import { intentLine } from "./Choose.ts"
import { deviceRules } from "./DeviceRules.ts"
import { diagnose } from "./Diagnose.ts"
import { fieldRules } from "./FieldRules.ts"
import { follow, type Stopped } from "./Grammar.ts"
import type { Intent, Unclear } from "./Intent.ts"
import { intentInWords } from "./InWords.ts"
import { isProblem, type Meaning, type Outcome, type Problem } from "./Meaning.ts"
import { firstPlaces, isQuestion, lastPlaces } from "./Politeness.ts"
import { programRules } from "./ProgramRules.ts"
import { Reading } from "./Reading.ts"
import { rolloutRules } from "./RolloutRules.ts"
import type { Rule } from "./Rule.ts"
import { tokensOf, utteranceMax } from "./Token.ts"
import type { Vocabulary } from "./Vocabulary.ts"
import { vsmRules } from "./VsmRules.ts"

/** All rules. Of two questions that say the same, the earlier one is meant. */
const grammar: ReadonlyArray<Rule> = [...vsmRules, ...rolloutRules, ...programRules, ...fieldRules, ...deviceRules]

/** Less than this is asked back. */
export const confidenceMin = 0.6

/** Readings that are told of at once. */
const readingsMax = 4

const actuates = ({ capability }: Outcome): boolean => capabilities[capability].effect === "actuates"
/** What a fleet without such devices says of a reading, so that another one may stand. */
const isSoft = ({ problem }: Problem): boolean => problem === "nothing" || problem === "inapplicable"

const intentOf = ({ args, capability, doubts, targets }: Meaning, isDoubtful: boolean): Intent => ({
  _tag: "Intent",
  capability,
  ...(targets !== undefined && { targets }),
  args,
  confidence: Number(Math.max(0, 1 - 0.1 * doubts.length - (isDoubtful ? 0.1 : 0)).toFixed(2)),
  unclear: doubts,
  source: "grammar"
})

const ambiguous = (meanings: ReadonlyArray<Meaning>): Unclear => {
  const readings = meanings.slice(0, readingsMax).map((meaning) => intentOf(meaning, true))
  const shown = readings.map((reading, index) => `(${index + 1}) ${intentInWords(reading)}`)
  return unclear("ambiguous", `That can mean ${shown.join(" or ")}. Which one?`, { readings })
}

const asked = ({ instead = [], missing = [], problem, question, suggestions = [] }: Problem): Unclear =>
  unclear(problem, question, { missing, suggestions, readings: instead.map((meaning) => intentOf(meaning, true)) })

/** Complete readings, with the tokens behind them that were passed over. */
interface Complete {
  readonly outcomes: ReadonlyArray<Outcome>
  readonly passed: number
}

const completeReadings = (reading: Reading, stopped: (place: Stopped, rule: Rule) => void): ReadonlyArray<Complete> => {
  const ends = lastPlaces(reading)
  const found: Array<Complete> = []
  for (const start of firstPlaces(reading))
    for (const rule of grammar) {
      for (const { bound, end } of follow(reading, rule.pattern, start, (place) => stopped(place, rule))) {
        const last = reading.skip(end)
        if (!ends.has(last)) continue
        found.push({ outcomes: rule.mean(bound, reading.vocabulary, rule), passed: reading.tokens.length - end })
      }
    }
  return found
}

/** What the outcomes come to. */
const judged = (outcomes: ReadonlyArray<Outcome>): Intent | Unclear | undefined => {
  const byLine = new Map<string, Meaning>()
  for (const outcome of outcomes) {
    if (isProblem(outcome)) continue
    const line = intentLine(outcome)
    if (!byLine.has(line)) byLine.set(line, outcome)
  }
  const meanings = [...byLine.values()]
  const problems = outcomes.filter(isProblem)
  const [first] = meanings
  if (first === undefined) {
    const worst = problems.find((each) => !isSoft(each)) ?? problems[0]
    return worst === undefined ? undefined : asked(worst)
  }
  if (meanings.some(actuates)) {
    // An act is done only where nothing else can be meant.
    const hard = problems.find((each) => !isSoft(each) || (actuates(each) && each.capability !== first.capability))
    if (hard !== undefined) return asked(hard)
    if (meanings.length > 1) return ambiguous(meanings)
  } else {
    const same = meanings.filter(({ capability }) => capability === first.capability)
    if (same.length > 1) return ambiguous(same)
  }
  const intent = intentOf(first, problems.length > 0)
  return intent.confidence < confidenceMin ? ambiguous([first]) : intent
}

/**
 * What an utterance means. Whatever is not understood whole, or can be meant in two ways, is asked back: an {@link Unclear}
 * has the question.
 */
export const readIntent = (text: string, vocabulary: Vocabulary): Intent | Unclear => {
  if (text.length > utteranceMax)
    return unclear(
      "long",
      `An utterance has at most ${utteranceMax} characters; this one has ${text.length}. Say it shorter?`
    )
  const tokens = tokensOf(text)
  if (tokens.length === 0) return unclear("empty", 'What should be done? Say, for example, "list the devices".')
  const reading = new Reading(tokens, vocabulary)
  const stops: Array<Stopped & { readonly rule: Rule }> = []
  const complete = completeReadings(reading, (place, rule) => stops.push({ ...place, rule }))
  if (reading.isExhausted) return unclear("strange", "That is too tangled to be read. Say it in a simpler way?")
  const meant = complete.filter(({ outcomes }) => outcomes.length > 0)
  // "Retire it now": a rule that knows what to do with the last word is before one that passes it over.
  const passed = meant.reduce((least, each) => Math.min(least, each.passed), tokens.length)
  const outcomes = meant.filter((each) => each.passed === passed).flatMap((each) => each.outcomes)
  const result = judged(outcomes) ?? diagnose(reading, stops)
  if (result._tag === "Intent" && capabilities[result.capability].effect === "actuates" && isQuestion(reading))
    return unclear("hypothetical", `Is that an order? Say it without the question mark: ${intentInWords(result)}.`, {
      readings: [result]
    })
  return result
}
