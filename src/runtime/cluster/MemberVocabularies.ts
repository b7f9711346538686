/** What the members of the cluster know, from the table of nodes as last read. */
import { Option, Schema } from "effect"
import { type Agreement, Vocabulary } from "../../actors/Agreement.ts"
import type { NodeRow } from "./NodeTable.ts"

const decode = Schema.decodeUnknownOption(Schema.fromJsonString(Vocabulary))

/** How a vocabulary stands in the row of its node. */
export const encodeVocabulary = Schema.encodeSync(Schema.fromJsonString(Vocabulary))

/** A member whose vocabulary is not readable knows nothing: what it may not know is not offered. */
export const decodeVocabulary = (text: string): Vocabulary => Option.getOrElse(decode(text), () => ({}))

const wordOf = (kind: string, message: string): string => `${kind} ${message}`

/** Our words that another member lacks, with its address. */
const lackedBy = (own: Vocabulary, members: ReadonlyArray<NodeRow>): ReadonlyMap<string, string> => {
  const lacked = new Map<string, string>()
  for (const { address, vocabulary } of members) {
    if (vocabulary === null) continue
    const theirs = decodeVocabulary(vocabulary)
    for (const [kind, { messages }] of Object.entries(own)) {
      const known = new Set(theirs[kind]?.messages)
      for (const message of messages) if (!known.has(message)) lacked.set(wordOf(kind, message), address)
    }
  }
  return lacked
}

/** Answers from the rows that `cached` has now. A member that is silent does not count: it may never come back. */
export const heldBackBy = (own: Vocabulary, cached: () => ReadonlyArray<NodeRow>): Agreement["heldBack"] => {
  const ours = encodeVocabulary(own)
  let seen: ReadonlyArray<NodeRow> = []
  let texts = ""
  let lacked: ReadonlyMap<string, string> = new Map()
  return (kind, message) => {
    const rows = cached()
    if (rows !== seen) {
      seen = rows
      // The table is read four times a second and nearly always says the same.
      const others = rows.filter(({ healthy, vocabulary }) => healthy && vocabulary !== ours)
      const now = others.map(({ address, vocabulary }) => `${address} ${vocabulary}`).join("\n")
      if (now !== texts) {
        texts = now
        lacked = lackedBy(own, others)
      }
    }
    if (lacked.size === 0) return undefined
    const address = lacked.get(wordOf(kind, message))
    return address === undefined
      ? undefined
      : `message ${message} of ${kind} is offered once every node knows it; the one at ${address} does not`
  }
}
