/** Reads what a snapshot holds. Snapshots are our own, so a value of the wrong kind is damage and ends the reading. */
import { decodeStored } from "../../protocol/Stored.ts"

/** Bytes that are no snapshot of a form this node knows. Start empty. */
export class SnapshotMalformed extends Error {
  override readonly name = "SnapshotMalformed"
}

const malformed = (what: string): SnapshotMalformed => new SnapshotMalformed(`a snapshot of patterns: ${what}`)

export const asNumber = (value: unknown): number => {
  if (typeof value !== "number") throw malformed("no number where one should be")
  return value
}

export const asText = (value: unknown): string => {
  if (typeof value !== "string") throw malformed("no text where one should be")
  return value
}

const isList = (value: unknown): value is ReadonlyArray<unknown> => Array.isArray(value)

export const asList = (value: unknown): ReadonlyArray<unknown> => {
  if (!isList(value)) throw malformed("no list where one should be")
  return value
}

export const asNumbers = (value: unknown): ReadonlyArray<number> => asList(value).map(asNumber)
export const asTexts = (value: unknown): ReadonlyArray<string> => asList(value).map(asText)

/** A list that begins with the number of its form. */
export const listOfForm = (bytes: Uint8Array, form: number): ReadonlyArray<unknown> => {
  let value: unknown
  try {
    value = decodeStored(bytes)
  } catch {
    throw malformed("no CBOR")
  }
  const [found, ...rest] = isList(value) ? value : []
  if (found !== form) throw malformed(`form ${String(found)}, where this node knows ${form}`)
  return rest
}
