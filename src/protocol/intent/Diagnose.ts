/** Why no rule takes an utterance, as well as that can be told, and what to ask. */
import { nearest } from "../Nearest.ts"
import { unclear } from "./Asking.ts"
import type { Stopped } from "./Grammar.ts"
import type { Unclear } from "./Intent.ts"
import { lastPlaces } from "./Politeness.ts"
import type { Reading } from "./Reading.ts"
import type { Rule } from "./Rule.ts"
import type { SlotName } from "./Slots.ts"
import { writtenAs } from "./Token.ts"

type Stop = Stopped & { readonly rule: Rule }

const set = (words: string): ReadonlySet<string> => new Set(words.split(" "))

const hypothetical = set("suppose imagine hypothetically assume happens happen whether wonder possible allowed safe")
const modal = set("should may might could would shall can")
const negative = set("not never no nobody none neither nor nothing avoid refrain cannot forbid don dont")
const conditional = set("if unless until till once whenever while after before otherwise when as")
const timed = set(
  "tomorrow tonight later o'clock noon midnight yesterday daily hourly soon monday friday weekend morning evening"
)
const past = set("did was were had has have been why who")
const pronouns = set("it them that this those these one")
const joints = set("and then or , ; . ! ? but also")

const any = (reading: Reading, words: ReadonlySet<string>): boolean =>
  reading.tokens.some((_, at) => reading.isOneOf(at, words))

/** Words that orders begin with. */
const verbsOf = (stops: ReadonlyArray<Stop>): ReadonlySet<string> =>
  new Set(
    stops.flatMap(({ rule }) => {
      const [first] = rule.pattern
      return first?.kind === "words" ? first.choices.flatMap(([word]) => word ?? []) : []
    })
  )

/** Whether an order follows what joins two of them. */
const isSeveral = (reading: Reading, stops: ReadonlyArray<Stop>): boolean => {
  const verbs = verbsOf(stops)
  return reading.tokens.some((_, at) => {
    const next = reading.skip(at + 1)
    return reading.isOneOf(at, joints) && at > 0 && (reading.isOneOf(next, verbs) || commandAt(reading, next))
  })
}
const commandAt = (reading: Reading, at: number): boolean =>
  reading.vocabulary.commands.at(reading.tokens, at) !== undefined

const questions: Partial<Readonly<Record<SlotName, string>>> = {
  targets: "Which devices?",
  devices: "Which devices?",
  field: "Which field of them?",
  onoff: "On or off?",
  quantity: "How much?",
  number: "How many?",
  zone: "Which zone?",
  vsm: "Which VSM?",
  from: "From which VSM?",
  parent: "Under which VSM?",
  program: "Which program?",
  image: "Which program, and which version of it?",
  version: "Which version?",
  value: "Which value of the program?",
  rollout: "Which rollout?",
  reason: "For which reason?",
  child: "What is it called?",
  spawnclauses: "Under which VSM?"
}

/** A rule that all words fit to, and that wants more. The one that took the most is asked for. */
const missingIn = (reading: Reading, stops: ReadonlyArray<Stop>): Unclear | undefined => {
  const ends = lastPlaces(reading)
  const open = stops.flatMap(({ at, wanted }) => (at > 0 && ends.has(at) ? [wanted] : []))
  const slot = open.flatMap((wanted) => (wanted.kind === "slot" ? [wanted.slot] : []))[0]
  if (slot === undefined) {
    const [next] = open.flatMap((wanted) => (wanted.kind === "words" ? wanted.choices : []))
    if (next === undefined) return
    const question = `That ends too early; ${JSON.stringify(next.join(" "))} could follow. How does it go on?`
    return unclear("missing", next[0] === "'s" ? "What of it, or on it, is meant?" : question, { missing: ["end"] })
  }
  return unclear("missing", questions[slot] ?? "What is missing?", { missing: [slot === "devices" ? "targets" : slot] })
}

const namesFor = ({ vocabulary }: Reading, slot: SlotName): ReadonlyArray<ReadonlySet<string>> => {
  const { devices, fields, kinds, programs, rollouts, vsms, zones } = vocabulary
  if (slot === "targets") return [devices.all(), zones.all(), kinds.all(), vsms.all()]
  if (slot === "devices") return [devices.all(), kinds.all()]
  if (slot === "zone") return [zones.all()]
  if (slot === "field") return [fields.all()]
  if (slot === "program" || slot === "image") return [programs.all()]
  if (slot === "rollout") return [rollouts.all()]
  if (slot === "vsm" || slot === "from" || slot === "parent") return [vsms.all()]
  return []
}

/** Names that are compared with one that is not known. */
const comparedMax = 2000

/** Names like the one that is written, among those that begin alike. */
const alike = (written: string, names: ReadonlyArray<ReadonlySet<string>>): ReadonlyArray<string> => {
  const near = new Set<string>()
  for (const all of names)
    for (const name of all) {
      if (near.size >= comparedMax) return nearest(written, [...near])
      const isNear = Math.abs(name.length - written.length) <= 2 && (name[0] === written[0] || name[1] === written[1])
      if (isNear) near.add(name)
    }
  return nearest(written, [...near])
}

/** The place that rules came to and no further, where they wanted a name. */
const unknownIn = (reading: Reading, stops: ReadonlyArray<Stop>): Unclear | undefined => {
  const furthest = stops.reduce((most, { at }) => Math.max(most, at), 0)
  const there = stops.flatMap(({ at, wanted }) => (at === furthest && wanted.kind === "slot" ? [wanted.slot] : []))
  const token = reading.tokens[furthest]
  if (furthest === 0 || token === undefined || (token.kind !== "word" && token.kind !== "number")) return undefined
  const names = [...new Set(there)].flatMap((slot) => namesFor(reading, slot))
  let end = furthest + 1
  while (reading.tokens[end - 1]?.endsRun === false) end++
  const written = writtenAs(reading.tokens.slice(furthest, end))
  const suggestions = alike(written, names)
  const hint = suggestions.length === 0 ? "What do you mean?" : `Do you mean ${suggestions.join(" or ")}?`
  return unclear("unknown", `${JSON.stringify(written)} is not known there. ${hint}`, { suggestions })
}

/** What is told of an utterance that no rule takes; `stops` are the places where rules went no further. */
export const diagnose = (reading: Reading, stops: ReadonlyArray<Stop>): Unclear => {
  const { tokens } = reading
  const has = (words: ReadonlySet<string>): boolean => any(reading, words)
  if (tokens.some(({ kind, text }) => kind === "quoted" || text === '"' || text === "`"))
    return unclear("quoted", "What stands in quotes is not followed. What do you want done, in words of your own?")
  const isWhatIf = reading.isWord(0, "what") && (reading.isWord(1, "if") || reading.isWord(1, "about"))
  if (isWhatIf || has(hypothetical) || (reading.isOneOf(0, modal) && !reading.isWord(1, "you")))
    return unclear("hypothetical", "Nothing was ordered. What would happen is not known here; what should be done?")
  if (has(negative)) return unclear("negated", "What must not be done is not done. What should be done instead?")
  if (isSeveral(reading, stops)) return unclear("several", "That is more than one order. Which one comes first?")
  if (has(conditional))
    return unclear(
      "conditional",
      "Orders are followed at once or not at all; for those under conditions write a pattern. Do it now?"
    )
  if (has(timed)) return unclear("timed", "Orders are followed at once and not at another time. Do it now?")
  const missing = missingIn(reading, stops)
  if (missing !== undefined) return missing
  if (has(past))
    return unclear(
      "reported",
      "What has been is not known here; the events and the audit tell it. What should be done?"
    )
  if (has(pronouns))
    return unclear("missing", "Nothing said before is remembered. Which devices?", { missing: ["targets"] })
  const unknown = unknownIn(reading, stops)
  if (unknown !== undefined) return unknown
  const isName = reading.vocabulary.devices.at(tokens, reading.skip(0)) !== undefined
  return isName
    ? unclear("missing", "What should be done there?", { missing: ["capability"] })
    : unclear("strange", 'That was not understood. Say, for example, "list the devices" or "turn off heater-1".')
}
