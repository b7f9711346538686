/** Who is suspected of what: signs come in, and what nothing speaks against any more is forgotten. */
import type { ImmuneState } from "../../../protocol/vsm/Immune.ts"
import { isOpen, type Sign, type Stage, type Suspect, type ThreatView } from "../../../protocol/vsm/Threat.ts"
import { factorOf, isKnown, signatureOf } from "./Learning.ts"
import { say, type Turn, writeSuspect } from "./Turn.ts"
import { faded, isGraver, kindsOf, levelOf, signed, stageOf, unsuspected } from "./Weighing.ts"

/** Subjects that are kept apart; the least grave gives way. A flood of names must not fill the row. */
const suspectsMax = 200
/** Who has given signs and no evidence is forgotten after this, ms. */
const forgetMillis = 60_000
/** What is left of evidence after this is next to nothing, ms. */
const evidenceMillis = 3_600_000

const rounded = (level: number): number => Math.round(level * 1000) / 1000

/** Whether something is done, or proposed, against it: then it is not forgotten. */
const isAnswered = ({ mitigations }: ImmuneState, { subject }: Suspect): boolean =>
  [...mitigations.values()].some((mitigation) => mitigation.subject === subject && isOpen(mitigation))

/**
 * Who gives way to somebody new: one of whom little is known, else one against whom something is done, for that stands without him.
 * Who is watched, or whom a person is asked about, gives way to nobody.
 */
const dispensable = ({ state, now }: Turn): Suspect | undefined => {
  const kept = new Map([...state.mitigations.values()].filter(isOpen).map((each) => [each.subject, each.state]))
  let done: Suspect | undefined
  for (const suspect of state.suspects.values()) {
    const mitigation = kept.get(suspect.subject)
    if (mitigation === "active") done ??= suspect
    else if (mitigation === undefined && stageOf(levelOf(suspect.evidence, now)) === "none") return suspect
  }
  return done
}

/** Makes room for somebody new; answers whether there is some. */
const hasRoom = (turn: Turn): boolean => {
  if (turn.state.suspects.size < suspectsMax) return true
  const found = dispensable(turn)
  if (found !== undefined) writeSuspect(turn, found.subject, undefined)
  return found !== undefined
}

const tell = (turn: Turn, suspect: Suspect, level: number, stage: Stage): Suspect => {
  const { subject, ids } = suspect
  const data = { subject, level: rounded(level), stage, kinds: kindsOf(suspect), ids }
  say(turn, "immune.suspected", subject, data, { severity: "warn", ids })
  return { ...suspect, stage }
}

/** Takes a sign. */
export const suspectOf = (turn: Turn, sign: Sign): void => {
  const { state, now } = turn
  const before = state.suspects.get(sign.subject)
  if (before === undefined && !hasRoom(turn)) return
  const known = (before === undefined ? undefined : faded(before, now)) ?? unsuspected(sign.subject, now)
  const factor = (kind: Sign["kind"]): number =>
    factorOf(state.discounts, signatureOf({ ...known, evidence: [{ kind, weight: 1, at: now }] }))
  let suspect = signed(known, sign, now, factor)
  const isFirst = stageOf(levelOf(suspect.evidence, now)) !== "none" && known.stage === "none"
  if (isFirst && isKnown(state.incidents, suspect, now))
    suspect = signed(suspect, { kind: "known", subject: sign.subject, count: 1 }, now, () => 1)
  const level = levelOf(suspect.evidence, now)
  const stage = stageOf(level)
  writeSuspect(turn, sign.subject, isGraver(stage, suspect.stage) ? tell(turn, suspect, level, stage) : suspect)
}

/** When nothing speaks against somebody any more. */
const fadesAt = ({ lastAt, evidence }: Suspect): number =>
  lastAt + (evidence.length === 0 ? forgetMillis : evidenceMillis)

/** Forgets those against whom nothing speaks any more. */
export const forgetFaded = (turn: Turn): void => {
  for (const suspect of turn.state.suspects.values())
    if (turn.now >= fadesAt(suspect) && !isAnswered(turn.state, suspect)) writeSuspect(turn, suspect.subject, undefined)
}

/** When the next one is forgotten, ms; infinite for never. */
export const forgetAt = (state: ImmuneState): number => {
  let due = Number.POSITIVE_INFINITY
  for (const suspect of state.suspects.values()) if (!isAnswered(state, suspect)) due = Math.min(due, fadesAt(suspect))
  return due
}

/** Those about whom nothing was done yet, though their threat calls for it. */
export const unanswered = ({ state, now }: Turn): ReadonlyArray<Suspect> =>
  [...state.suspects.values()].filter(({ evidence, answered }) => {
    const stage = stageOf(levelOf(evidence, now))
    return (stage === "mitigate" || stage === "isolate") && isGraver(stage, answered)
  })

/** Suspects as people see them, the gravest first. */
export const threatsOf = ({ suspects }: ImmuneState, now: number): ReadonlyArray<ThreatView> =>
  [...suspects.values()]
    .map((suspect): ThreatView => {
      const { subject, zone, since, lastAt, others, ids, evidence } = suspect
      const level = levelOf(evidence, now)
      return {
        subject,
        ...(zone !== undefined && { zone }),
        level: rounded(level),
        stage: stageOf(level),
        since,
        lastAt,
        kinds: [...new Set([...evidence.map(({ kind }) => kind), ...suspect.signs.map(([kind]) => kind)])],
        ...(others !== undefined && { others }),
        ids
      }
    })
    .sort((one, other) => other.level - one.level)
