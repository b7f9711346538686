/** What can stand in the slots of rules: each takes what it knows from a place in the utterance, or nothing. */
import type { Bindings, Taken } from "./Bindings.ts"
import { rolloutClausesAt, spawnClausesAt } from "./Clauses.ts"
import { quantityAt } from "./Measures.ts"
import type { Found } from "./Names.ts"
import { childAt } from "./NewName.ts"
import { devicesAt, exceptionsAt, narrowAt, targetsAt } from "./NounPhrase.ts"
import { stateAt } from "./Places.ts"
import type { Reading } from "./Reading.ts"
import { writtenAs } from "./Token.ts"

type Slot = (reading: Reading, at: number) => ReadonlyArray<Taken>

const named = <A>(found: Found<A> | undefined, bind: (values: ReadonlyArray<A>) => Bindings): ReadonlyArray<Taken> =>
  found === undefined ? [] : [{ end: found.end, bound: bind(found.values) }]

const onOff: ReadonlyMap<string, boolean> = new Map([
  ["on", true],
  ["off", false]
])
const newest = new Set(["latest", "newest"])

/** "1.2", "v1.2", "version 1.2". Words before the program say the newest one. */
const versionAt = (reading: Reading, start: number): ReadonlyArray<Taken> => {
  const isNamed = reading.isWord(start, "version") || reading.isWord(start, "release")
  const at = isNamed ? start + 1 : start
  if (reading.isOneOf(at, newest)) {
    const end = !isNamed && reading.isWord(at + 1, "version") ? at + 2 : at + 1
    return [{ end, bound: { version: "latest" } }]
  }
  const from = reading.tokens[at]?.text === "v" ? at + 1 : at
  const number = reading.tokens[from]
  if (number?.kind !== "number" || (number.value !== undefined && number.value < 0)) return []
  // `1.2.0-rc.1` was cut at its hyphen.
  let end = from + 1
  while (reading.tokens[end - 1]?.endsRun === false) end++
  const version = writtenAs(reading.tokens.slice(from, end))
  return [{ end, bound: { version } }]
}

/** "blink 1.2", "blink@1.2", "version 1.2 of blink", "the newest blink". */
const imageAt = (reading: Reading, start: number): ReadonlyArray<Taken> => {
  const before = versionAt(reading, start)[0]
  const of = before !== undefined && reading.isWord(before.end, "of") ? before.end + 1 : before?.end
  const at = reading.skip(of ?? start)
  const isNamed = reading.isWord(at, "program") || reading.isWord(at, "image")
  const found = longestProgram(reading, isNamed ? at + 1 : at)
  if (found === undefined) return []
  const behind = reading.isWord(found.end, "program") || reading.isWord(found.end, "image") ? found.end + 1 : found.end
  const bound = { programs: found.values }
  if (before !== undefined) return [{ end: behind, bound: { ...before.bound, ...bound } }]
  const after = versionAt(reading, behind)[0]
  return after === undefined ? [{ end: behind, bound }] : [{ end: after.end, bound: { ...after.bound, ...bound } }]
}

/** A program whose version may be glued to it: `blink@1.2`, `blink-1.2`. */
const longestProgram = (reading: Reading, at: number): Found<NonNullable<Bindings["programs"]>[number]> | undefined => {
  const whole = reading.vocabulary.programs.at(reading.tokens, at)
  if (whole !== undefined) return whole
  const token = reading.tokens[at]
  const values =
    token?.startsRun === true && reading.tokens[at + 1]?.kind === "number"
      ? reading.vocabulary.programs.of(token.text)
      : []
  return values.length > 0 ? { end: at + 1, values } : undefined
}

const programAt: Slot = (reading, start) => {
  const at = reading.isWord(start, "program") ? start + 1 : start
  const found = reading.vocabulary.programs.at(reading.tokens, at)
  if (found === undefined) return []
  const end = at === start && reading.isWord(found.end, "program") ? found.end + 1 : found.end
  return [{ end, bound: { programs: found.values } }]
}

const vsmAt = (reading: Reading, start: number): Found<string> | undefined => {
  const at = reading.isWord(start, "vsm") ? reading.skip(start + 1) : start
  const found = reading.vocabulary.vsms.at(reading.tokens, at)
  if (found === undefined || !reading.isWord(found.end, "vsm") || at > start) return found
  return { ...found, end: found.end + 1 }
}
const vsmSlot =
  (bind: (id: string) => Bindings): Slot =>
  (reading, at) => {
    const found = vsmAt(reading, at)
    const [id] = found?.values ?? []
    return found === undefined || id === undefined ? [] : [{ end: found.end, bound: bind(id) }]
  }

/** Words that would say more than a reason: when, whether and what else. */
const notOfReasons = new Set([
  ...["and", "then", "or", "but", "not", "never", "if", "unless", "until", "when", "once", "after", "before", "while"],
  ...["tomorrow", "tonight", "later", "otherwise", "instead"]
])

/** Why somebody does something, to the end of the utterance: one clause, so that no second order hides in it. */
const reasonAt: Slot = (reading, at) => {
  const rest = reading.tokens.slice(at)
  const [first] = rest
  if (first?.kind === "quoted" && rest.length === 1) return [{ end: at + 1, bound: { reason: first.raw } }]
  const isOneClause = rest.every(({ kind, text }) => (kind === "word" && !notOfReasons.has(text)) || kind === "number")
  if (first === undefined || first.text === "of" || !isOneClause || rest.length > 12) return []
  const reason = rest
    .map(({ joint, raw, startsRun }, at) => `${at === 0 ? "" : startsRun ? " " : joint}${raw}`)
    .join("")
  return [{ end: reading.tokens.length, bound: { reason } }]
}

/** All slots by name. */
export const slots = {
  targets: targetsAt,
  devices: devicesAt,
  except: exceptionsAt,
  narrow: narrowAt,
  onoff: (reading, at) => {
    const on = onOff.get(reading.tokens[at]?.text ?? "")
    return on === undefined || !(reading.isWord(at, "on") || reading.isWord(at, "off"))
      ? []
      : [{ end: at + 1, bound: { on } }]
  },
  field: (reading, at) => named(reading.vocabulary.fields.at(reading.tokens, at), (fields) => ({ fields })),
  ask: (reading, at) => named(reading.vocabulary.asks.at(reading.tokens, at), (fields) => ({ fields })),
  period: (reading, at) => named(reading.vocabulary.periods.at(reading.tokens, at), (fields) => ({ fields })),
  verb: (reading, at) => named(reading.vocabulary.verbs.at(reading.tokens, at), (fields) => ({ fields })),
  quantity: (reading, at) => {
    const found = quantityAt(reading, at)
    return found === undefined ? [] : [{ end: found.end, bound: { quantity: found.value } }]
  },
  number: (reading, at) => {
    const token = reading.tokens[at]
    const number = token?.value
    return number === undefined || token?.startsRun !== true || !token.endsRun
      ? []
      : [{ end: at + 1, bound: { number } }]
  },
  word: (reading, at) => {
    const token = reading.tokens[at]
    const isWord = token?.kind === "word" && token.startsRun && token.endsRun
    return isWord ? [{ end: at + 1, bound: { word: token.text } }] : []
  },
  state: (reading, at) => {
    const state = stateAt(reading, at)
    return state === undefined ? [] : [{ end: at + 1, bound: { state } }]
  },
  zone: (reading, start) => {
    const at = reading.isWord(start, "zone") ? reading.skip(start + 1) : start
    return named(reading.vocabulary.zones.at(reading.tokens, at), (zones) => ({ zones }))
  },
  command: (reading, at) =>
    named(reading.vocabulary.commands.at(reading.tokens, at), ([command]) =>
      command === undefined ? {} : { command }
    ),
  program: programAt,
  image: imageAt,
  version: versionAt,
  value: (reading, at) =>
    named(reading.vocabulary.values.at(reading.tokens, at), ([value]) => (value === undefined ? {} : { value })),
  rollout: (reading, at) =>
    named(reading.vocabulary.rollouts.at(reading.tokens, at), ([rollout]) =>
      rollout === undefined ? {} : { rollout: rollout.id }
    ),
  vsm: vsmSlot((vsm) => ({ vsm })),
  from: vsmSlot((from) => ({ from })),
  parent: vsmSlot((parent) => ({ parent })),
  child: childAt,
  reason: reasonAt,
  rolloutclauses: rolloutClausesAt,
  spawnclauses: spawnClausesAt
} as const satisfies Readonly<Record<string, Slot>>

export type SlotName = keyof typeof slots

/** Whether there is a slot of this name. */
export const isSlot = (name: string): name is SlotName => Object.hasOwn(slots, name)
