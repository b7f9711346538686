/**
 * What all members of a cluster have in common while nodes of two releases run: only messages that every member knows are
 * offered, and rows are written in a format that every member reads.
 */
import { Schema } from "effect"
import type { Contract } from "../protocol/Contract.ts"
import type { Registry } from "./Registry.ts"

/** What a release knows: by kind, its messages, and the row formats it can read and write. */
export const Vocabulary = Schema.Record(
  Schema.String,
  Schema.Struct({ lowest: Schema.Int, highest: Schema.Int, messages: Schema.Array(Schema.String) })
)
export type Vocabulary = typeof Vocabulary.Type

/** See the file. Both are asked for often and answer from memory. */
export interface Agreement {
  /** Why the message is not offered yet, as a sentence; `undefined` when every member knows it. */
  readonly heldBack: (kind: string, message: string) => string | undefined
  /** Format to write rows of the kind in. */
  readonly formatOf: (kind: string) => number
}

/** The oldest format from which on a release has all up to its own. */
const lowestOf = ({ format, former }: Contract): number => {
  let lowest = format
  while (former[lowest - 1] !== undefined) lowest--
  return lowest
}

/** What a node with these kinds knows. */
export const vocabularyOf = (registry: Registry): Vocabulary =>
  Object.fromEntries(
    Array.from(registry.values(), ({ behaviour: { contract } }) => [
      contract.kind,
      { lowest: lowestOf(contract), highest: contract.format, messages: Object.keys(contract.messages) }
    ])
  )

/** The agreement of a node with nobody but its like. */
export const alone = (registry: Registry): Agreement => ({
  heldBack: () => undefined,
  formatOf: (kind) => registry.get(kind)?.behaviour.contract.format ?? 1
})
