/** What walking an audit chain found. */
import { Schema } from "effect"

const count = Schema.Int

/** The first thing in a chain that is not as it was written. */
export const Broken = Schema.Struct({
  what: Schema.Literals(["record", "segment", "head"]),
  /** Of the record or the segment. */
  number: count,
  reason: Schema.String
})
export type Broken = typeof Broken.Type

/** See the file. */
export const Verdict = Schema.Struct({
  vsm: Schema.String,
  isWhole: Schema.Boolean,
  broken: Schema.optionalKey(Broken),
  /** Records that were walked, and the numbers of the first and the last of them; the ones before were archived. */
  records: count,
  first: count,
  last: count,
  /** Segments that are sealed. */
  segments: count,
  /** The tail that is in no segment yet: only the journal, and nothing that was sealed, speaks for it. */
  unsealed: Schema.optionalKey(Schema.Struct({ first: count, last: count })),
  /** Records whose events the journal still has, and says the same of. */
  compared: count,
  /** Records whose events the journal does not keep any more. */
  older: count,
  /** Payloads that were taken away, each because a record of the chain says so. */
  erased: count,
  /** The first segment whose head is signed, where one is: those before are older than the keys. */
  signedFrom: Schema.optionalKey(count),
  /** Ids of the first keys of those who signed. */
  signers: Schema.Array(Schema.String),
  /** Whether the auditor's own row remembers the last segments that the tables have. */
  isWitnessed: Schema.Boolean,
  /** Whether the node that walked the chain holds a head of it in its data folder. */
  isHeld: Schema.Boolean
})
export type Verdict = typeof Verdict.Type
