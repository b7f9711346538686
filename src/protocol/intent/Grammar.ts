/**
 * The notation that the rules of utterances are written in, and how a rule is matched. A rule takes an utterance whole or not
 * at all: nothing that was not understood is passed over but words that mean nothing anywhere.
 *
 * `turn|switch` one of these words, `set_to` words behind each other, `<slot>` what a slot takes, `[ … ]` may be absent.
 */
import type { Bindings, Taken } from "./Bindings.ts"
import type { Reading } from "./Reading.ts"
import { isSlot, type SlotName, slots } from "./Slots.ts"

type Element =
  | { readonly kind: "words"; readonly choices: ReadonlyArray<ReadonlyArray<string>> }
  | { readonly kind: "slot"; readonly slot: SlotName }
  | { readonly kind: "optional"; readonly inner: ReadonlyArray<Element> }

/** A rule's pattern, cut once. */
export type Pattern = ReadonlyArray<Element>

/** Cuts the notation. Dies on a slot that does not exist: rules are part of the program. */
export const patternOf = (notation: string): Pattern => {
  const stack: Array<Array<Element>> = [[]]
  for (const piece of notation.match(/\[|\]|<\w+>|[^\s[\]<>]+/gu) ?? []) {
    const open = stack.at(-1) ?? []
    if (piece === "[") stack.push([])
    else if (piece === "]") {
      stack.pop()
      stack.at(-1)?.push({ kind: "optional", inner: open })
    } else if (piece.startsWith("<")) {
      const slot = piece.slice(1, -1)
      if (!isSlot(slot)) throw new Error(`there is no slot ${piece} in ${notation}`)
      open.push({ kind: "slot", slot })
    } else open.push({ kind: "words", choices: piece.split("|").map((choice) => choice.split("_")) })
  }
  const [pattern, ...unclosed] = stack
  if (pattern === undefined || unclosed.length > 0) throw new Error(`brackets do not pair in ${notation}`)
  return pattern
}

/** How far a rule came: where it stopped, and what should have stood there. */
export interface Stopped {
  readonly at: number
  readonly wanted: Element
}

/** Follows one pattern through an utterance. `stopped` is told of each place where it did not go on. */
export const follow = (
  reading: Reading,
  pattern: Pattern,
  start: number,
  stopped: (place: Stopped) => void
): ReadonlyArray<Taken> => {
  const go = (elements: Pattern, at: number, bound: Bindings): ReadonlyArray<Taken> => {
    const [element, ...rest] = elements
    if (element === undefined) return [{ end: at, bound }]
    if (!reading.spend()) return []
    if (element.kind === "optional") return [...go([...element.inner, ...rest], at, bound), ...go(rest, at, bound)]
    const ends = element.kind === "words" ? wordsAt(reading, element.choices, at) : slotAt(reading, element.slot, at)
    if (ends.length === 0) stopped({ at: reading.skip(at), wanted: element })
    return ends.flatMap((taken) => go(rest, taken.end, { ...bound, ...taken.bound }))
  }
  return go(pattern, start, {})
}

/** Where each choice of words ends that stands at a place; fillers may stand before it. */
const wordsAt = (reading: Reading, choices: ReadonlyArray<ReadonlyArray<string>>, at: number): ReadonlyArray<Taken> => {
  const ends = new Set<number>()
  for (const from of reading.starts(at))
    for (const choice of choices)
      if (choice.every((word, index) => reading.isWord(from + index, word))) ends.add(from + choice.length)
  return [...ends].map((end) => ({ end, bound: {} }))
}

const slotAt = (reading: Reading, slot: SlotName, at: number): ReadonlyArray<Taken> =>
  reading.once(`${slot} ${at}`, () => {
    const ends = new Map<number, Taken>()
    for (const from of reading.starts(at))
      for (const taken of slots[slot](reading, from)) if (!ends.has(taken.end)) ends.set(taken.end, taken)
    return [...ends.values()]
  })
