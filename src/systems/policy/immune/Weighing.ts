/** From signs to evidence, and from evidence to how grave a threat is. */
import type { Evidence, Sign, SignKind, Stage, Suspect } from "../../../protocol/vsm/Threat.ts"
import { proofsMax } from "../../../protocol/vsm/Threat.ts"

/** Signs are counted over so long, ms. */
export const burstMillis = 60_000
/** Evidence counts for half as much after this, ms. */
const halfLifeMillis = 600_000
/** What counts for less is forgotten. */
const weightMin = 0.01
/** Pieces of evidence of one subject; the newest are kept. */
const evidenceMax = 32
/** Times of signs of one subject that are kept apart. */
const signsMax = 32
/** Pieces of evidence that one word of a node gives at most: a thousand wrong tokens in a second are no proof of a thousand attacks. */
const atOnceMax = 4

/**
 * How many within a minute are evidence, and how much it weighs. One piece of 0.75 calls for a mitigation, a second one for isolation.
 * Two boards that share an id may both be honest, and a right that somebody lacks may have been forgotten: they weigh little.
 */
const rules: Readonly<Record<SignKind, { readonly burst: number; readonly weight: number }>> = {
  "wrong-token": { burst: 3, weight: 0.75 },
  "bad-input": { burst: 5, weight: 0.75 },
  "malformed-burst": { burst: 1, weight: 0.75 },
  flood: { burst: 1, weight: 0.75 },
  replay: { burst: 3, weight: 0.75 },
  "duplicate-id": { burst: 1, weight: 0.3 },
  "denied-topic": { burst: 3, weight: 0.4 },
  "refused-act": { burst: 10, weight: 0.55 },
  "stale-fence": { burst: 5, weight: 0.5 },
  reported: { burst: 1, weight: 0.5 },
  known: { burst: 1, weight: 0.4 }
}

/** How many signs of a kind within a minute are evidence. */
export const burstOf = (kind: SignKind): number => rules[kind].burst

const weightAt = ({ weight, at }: Evidence, now: number): number =>
  weight * 0.5 ** (Math.max(0, now - at) / halfLifeMillis)

/** 0 is nothing, 1 is certain: one less what every piece of evidence leaves of doubt. */
export const levelOf = (evidence: ReadonlyArray<Evidence>, now: number): number =>
  1 - evidence.reduce((doubt, piece) => doubt * (1 - weightAt(piece, now)), 1)

/** What a threat calls for. */
export const stageOf = (level: number): Stage =>
  level >= 0.9 ? "isolate" : level >= 0.7 ? "mitigate" : level >= 0.5 ? "watch" : "none"

const orderOf: Readonly<Record<Stage, number>> = { none: 0, watch: 1, mitigate: 2, isolate: 3 }
/** Whether a stage is above another. */
export const isGraver = (one: Stage, other: Stage): boolean => orderOf[one] > orderOf[other]

/** Somebody of whom nothing is known. */
export const unsuspected = (subject: Sign["subject"], now: number): Suspect => ({
  subject,
  evidence: [],
  signs: [],
  since: now,
  lastAt: now,
  stage: "none",
  answered: "none",
  ids: []
})

const countOf = (suspect: Suspect, kind: SignKind): number =>
  suspect.signs.reduce((sum, [known, , count]) => (known === kind ? sum + count : sum), 0)

/** A suspect after a sign. `factor` is what is left of the weight of its kind after false alarms. */
export const signed = (before: Suspect, sign: Sign, now: number, factor: (kind: SignKind) => number): Suspect => {
  const { kind, count, zone, others, ids = [] } = sign
  const { burst, weight } = rules[kind]
  const recent = before.signs.filter(([, at]) => at > now - burstMillis).slice(1 - signsMax)
  const signs: Suspect["signs"] = [...recent, [kind, now, count]]
  const total = countOf({ ...before, signs }, kind)
  const pieces = Math.min(atOnceMax, Math.floor(total / burst))
  const piece = { kind, weight: (sign.weight ?? weight) * factor(kind), at: now }
  return {
    ...before,
    evidence: [...before.evidence, ...Array.from({ length: pieces }, () => piece)].slice(-evidenceMax),
    // What has become evidence is not counted again.
    signs: pieces === 0 ? signs : signs.filter(([known]) => known !== kind),
    lastAt: now,
    ...(zone !== undefined && { zone }),
    ...(others !== undefined && { others }),
    ids: [...before.ids, ...ids].slice(-proofsMax)
  }
}

/** What is left of a suspect as time goes on; nothing once nothing speaks against it any more. */
export const faded = (suspect: Suspect, now: number): Suspect | undefined => {
  const evidence = suspect.evidence.filter((piece) => weightAt(piece, now) >= weightMin)
  const signs = suspect.signs.filter(([, at]) => at > now - burstMillis)
  if (evidence.length === 0 && signs.length === 0) return undefined
  if (evidence.length === suspect.evidence.length && signs.length === suspect.signs.length) return suspect
  return { ...suspect, evidence, signs }
}

/** The kinds of what speaks against somebody, in order: by this it is known again. */
export const kindsOf = ({ evidence }: Suspect): ReadonlyArray<SignKind> =>
  [...new Set(evidence.map(({ kind }) => kind))].filter((kind) => kind !== "known").sort()
