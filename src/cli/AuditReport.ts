/** Audit records and verdicts as people read them. */
import type { AuditRecordView } from "../protocol/audit/AuditView.ts"
import type { Verdict } from "../protocol/audit/Verdict.ts"
import { fields } from "./Table.ts"

const saidMax = 160

const timeOf = (at: number): string => new Date(at).toISOString().replace("T", " ").replace("Z", "")

const isRecord = (data: unknown): data is Readonly<Record<string, unknown>> =>
  typeof data === "object" && data !== null && !Array.isArray(data)

/** The catalogue of a chain names some fifty types: too many for a line. */
const saidOf = ({ type, data }: AuditRecordView): string =>
  type === "audit.catalogue" ? "which events are chained from here on" : isRecord(data) ? fields(data, saidMax) : ""

/** One line: its number, when it was chained, what kind of act, who asked, who did it, what, with what. */
export const auditLineOf = (record: AuditRecordView): string => {
  const { seq, wall, category, principal, subject, type } = record
  const said = saidOf(record)
  return `#${seq}  ${timeOf(wall)}  ${category}  ${principal} → ${subject}  ${type}${said === "" ? "" : `  ${said}`}`
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`

/** What is broken, as one sentence without its beginning. */
export const brokenOf = ({ broken }: Verdict): string => {
  if (broken === undefined) return ""
  const { what, number, reason } = broken
  return what === "head" ? `the end of the chain, behind record ${number}: ${reason}` : `${what} ${number}: ${reason}`
}

const signedLine = (signedFrom: number | undefined, signers: ReadonlyArray<string>): string => {
  if (signedFrom === undefined) return "no head is signed: the chain is older than the keys"
  const before = signedFrom > 1 ? `; segments 1 to ${signedFrom - 1} are older than the keys` : ""
  return `heads are signed by keys of ${signers.join(", ")}${before}`
}

const rememberedLine = ({ isWitnessed, isHeld }: Verdict): string => {
  if (isWitnessed && isHeld) return "the auditor remembers the last segments, and so does this node in its data folder"
  if (isWitnessed) return "the auditor remembers the last segments; this node has not seen a signed one yet"
  return "the auditor has no segment to remember yet"
}

/** A verdict, a thought a line. */
export const verdictLines = (verdict: Verdict): ReadonlyArray<string> => {
  const { vsm, records, first, last, segments, unsealed, compared, older, erased, signedFrom, signers } = verdict
  const archived = first > 1 ? [`records 1 to ${first - 1} are archived; the heads of their segments stand`] : []
  const tail =
    unsealed === undefined
      ? []
      : [
          `not sealed yet: ${unsealed.first === unsealed.last ? `record ${unsealed.first}` : `records ${unsealed.first} to ${unsealed.last}`}; only the journal speaks for ${unsealed.first === unsealed.last ? "it" : "them"}`
        ]
  return [
    records === 0
      ? `the chain of ${vsm} has no records`
      : `the chain of ${vsm} is whole: ${counted(records, "record")}, ${first} to ${last}, ${counted(segments, "segment")} sealed`,
    `${compared} of them are in the journal, which says the same${older > 0 ? `; ${older} are older than the journal` : ""}`,
    ...(erased > 0 ? [`${counted(erased, "payload")} of them were taken away, as records of the chain say`] : []),
    ...(segments === 0 ? [] : [signedLine(signedFrom, signers)]),
    rememberedLine(verdict),
    ...archived,
    ...tail
  ]
}
