/** What is wrong with a value that does not fit its schema, as people are told. */
import { type Schema, SchemaIssue } from "effect"

/** The first thing that does not fit: where, from the outside in, and what was expected there, on one line. */
export interface Misfit {
  readonly path: ReadonlyArray<string>
  readonly reason: string
}

const issuesOf = SchemaIssue.makeFormatterStandardSchemaV1()

/** What the decoder says of a field that nobody knows. */
const excess = "Expected no excess property"

const firstLine = (text: string): string => (text.split("\n", 1)[0] ?? "").replace(/\.$/, "")

/** Reads a decoder's error. */
export const misfitOf = ({ issue }: Schema.SchemaError): Misfit => misfitIn(issue)

/** Reads what a decoder has found. */
export const misfitIn = (found: SchemaIssue.Issue): Misfit => {
  const [issue] = issuesOf(found).issues
  const said = firstLine(issue?.message ?? "it does not fit")
  return {
    path: (issue?.path ?? []).map((part) => String(typeof part === "object" ? part.key : part)),
    reason: said === excess ? "there is no such field" : said
  }
}

/** A misfit as a sentence: `patch.led: Expected string`. */
export const sentenceOf = ({ path, reason }: Misfit): string =>
  path.length === 0 ? reason : `${path.join(".")}: ${reason}`
