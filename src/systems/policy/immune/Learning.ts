/** What the immune system learns: which remedies help against what, what was a false alarm, and what incidents look like. */
import type { Efficacy, Incident, Mitigation, Suspect } from "../../../protocol/vsm/Threat.ts"
import { partsOf } from "../../../protocol/vsm/Threat.ts"
import { kindsOf } from "./Weighing.ts"

/** Evidence so old still tells what an incident looks like, ms. */
const vectorMillis = 300_000
/** From here on two incidents are of one kind. */
const likenessMin = 0.8
/** Incidents that are remembered; the newest. */
const incidentsMax = 64
/** Signatures about which something is remembered. */
const learnedMax = 256
/** A signature that was a false alarm so often counts for no less than this. */
const factorMin = 1 / 16
const usesMin = 5
const efficacyMin = 0.3

/** What speaks against somebody, as one word. */
export const signatureOf = (suspect: Suspect): string =>
  `${partsOf(suspect.subject).kind}:${kindsOf(suspect).join("+")}`

const keyOf = ({ template, signature }: Pick<Mitigation, "template" | "signature">): string =>
  `${template} ${signature}`

/** With one more entry; the oldest gives way. */
const put = <Value>(
  record: Readonly<Record<string, Value>>,
  key: string,
  value: Value
): Readonly<Record<string, Value>> => {
  const { [key]: _, ...others } = record
  return Object.fromEntries([...Object.entries(others).slice(1 - learnedMax), [key, value]])
}

const found = <Value>(record: Readonly<Record<string, Value>>, key: string): Value | undefined =>
  Object.hasOwn(record, key) ? record[key] : undefined

/** Efficacies after a mitigation did good, or none. */
export const learned = (
  known: Readonly<Record<string, Efficacy>>,
  mitigation: Mitigation,
  isGood: boolean
): Readonly<Record<string, Efficacy>> => {
  const { good, bad } = found(known, keyOf(mitigation)) ?? { good: 0, bad: 0 }
  return put(known, keyOf(mitigation), isGood ? { good: good + 1, bad } : { good, bad: bad + 1 })
}

/** Whether a remedy has helped so rarely that a person has to ask for it: the mean of Beta(1 + good, 1 + bad). */
export const isFutile = (
  known: Readonly<Record<string, Efficacy>>,
  mitigation: Pick<Mitigation, "template" | "signature">
): boolean => {
  const { good, bad } = found(known, keyOf(mitigation)) ?? { good: 0, bad: 0 }
  return good + bad >= usesMin && (good + 1) / (good + bad + 2) < efficacyMin
}

/** What is left of the weight of evidence of a signature. */
export const factorOf = (discounts: Readonly<Record<string, number>>, signature: string): number =>
  found(discounts, signature) ?? 1

/** Factors after a false alarm. */
export const discounted = (
  discounts: Readonly<Record<string, number>>,
  signature: string
): Readonly<Record<string, number>> =>
  put(discounts, signature, Math.max(factorMin, factorOf(discounts, signature) / 2))

/** What an incident looks like: how often each kind was found in the last five minutes, whom it is of, and where. */
export const vectorOf = (suspect: Suspect, now: number): Incident["vector"] => {
  const vector: Record<string, number> = { [`of ${partsOf(suspect.subject).kind}`]: 1 }
  if (suspect.zone !== undefined) vector[`in ${suspect.zone}`] = 1
  for (const { kind, at } of suspect.evidence)
    if (kind !== "known" && at > now - vectorMillis) vector[kind] = (vector[kind] ?? 0) + 1
  return vector
}

const lengthOf = (vector: Incident["vector"]): number =>
  Math.sqrt(Object.values(vector).reduce((sum, value) => sum + value * value, 0))

/** Cosine of the angle between two incidents. */
export const likeness = (one: Incident["vector"], other: Incident["vector"]): number => {
  const lengths = lengthOf(one) * lengthOf(other)
  if (lengths === 0) return 0
  return Object.entries(one).reduce((sum, [key, value]) => sum + value * (found(other, key) ?? 0), 0) / lengths
}

/** Whether it looks like an incident of before: whom it is of, and where, is not enough. */
export const isKnown = (incidents: ReadonlyArray<Incident>, suspect: Suspect, now: number): boolean => {
  const vector = vectorOf(suspect, now)
  const kinds = kindsOf(suspect)
  return incidents.some(
    (incident) =>
      kinds.some((kind) => found(incident.vector, kind) !== undefined) &&
      likeness(incident.vector, vector) >= likenessMin
  )
}

/** Incidents with one more. */
export const remembered = (
  incidents: ReadonlyArray<Incident>,
  suspect: Suspect,
  now: number
): ReadonlyArray<Incident> => [...incidents, { at: now, vector: vectorOf(suspect, now) }].slice(-incidentsMax)
