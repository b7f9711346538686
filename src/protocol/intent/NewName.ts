/** Names that nothing has yet: those of VSMs that are to be made. */
import type { Taken } from "./Bindings.ts"
import type { Reading } from "./Reading.ts"
import { writtenAs } from "./Token.ts"

/** Words that go on with the order. */
const reserved = new Set([
  ...["under", "below", "for", "with", "called", "named", "in", "of", "from", "at", "on", "to", "and", "vsm", "child"],
  ...["zone", "template", "budget", "named", "it", "that", "which", "me", "us", "new", "beneath"]
])

/** A name of one word at a place: letters, digits and hyphens. */
export const nameAt = (reading: Reading, at: number): { readonly end: number; readonly name: string } | undefined => {
  const first = reading.tokens[at]
  if (first?.startsRun !== true || (first.kind !== "word" && first.kind !== "number") || reserved.has(first.text))
    return undefined
  let end = at + 1
  while (reading.tokens[end - 1]?.endsRun === false) end++
  const name = writtenAs(reading.tokens.slice(at, end))
  return /^[a-z0-9][a-z0-9-]{0,62}$/u.test(name) ? { end, name } : undefined
}

/** The name of a VSM that is to be. */
export const childAt = (reading: Reading, at: number): ReadonlyArray<Taken> => {
  const found = nameAt(reading, at)
  return found === undefined ? [] : [{ end: found.end, bound: { child: found.name } }]
}
