/**
 * Decides a pattern in one pass over the text: Glushkov's machine, whose states are the characters of the pattern, with the
 * sets of states that texts lead to remembered. No text makes it go back, so none makes it slow.
 */
import { anyCharacter, type Pattern, type Range, type Shape } from "../../protocol/condition/TextShape.ts"

/** A set of characters of the pattern; bit 0 is the start, before any of them. */
type Mask = bigint

interface Part {
  /** Characters it may begin with, and end with. */
  readonly first: Mask
  readonly last: Mask
  /** It may be empty. */
  readonly isNullable: boolean
}

const empty: Part = { first: 0n, last: 0n, isNullable: true }

/** The machine as tables, for who runs it elsewhere. */
export interface Machine {
  /** Bits of a set of states. */
  readonly states: number
  /** First code points of the classes of characters that the pattern tells apart, in order; the first is 0. */
  readonly classStarts: ReadonlyArray<number>
  /** States that take a character of the class. */
  readonly taking: ReadonlyArray<bigint>
  /** States that may come after each. */
  readonly follow: ReadonlyArray<bigint>
  /** States in which the text may end. */
  readonly accepting: bigint
}

class Builder {
  readonly ranges: Array<ReadonlyArray<Range>> = [[]]
  readonly follow: Array<Mask> = [0n]

  part(shape: Shape): Part {
    switch (shape.is) {
      case "character": {
        const bit = 1n << BigInt(this.ranges.length)
        this.ranges.push(shape.ranges)
        this.follow.push(0n)
        return { first: bit, last: bit, isNullable: false }
      }
      case "sequence":
        return shape.of.reduce<Part>((before, each) => this.followed(before, this.part(each)), empty)
      case "choice": {
        const parts = shape.of.map((each) => this.part(each))
        return {
          first: parts.reduce((mask, { first }) => mask | first, 0n),
          last: parts.reduce((mask, { last }) => mask | last, 0n),
          isNullable: parts.some(({ isNullable }) => isNullable)
        }
      }
      case "repeat":
        return this.repeat(shape.of, shape.minimum, shape.maximum)
    }
  }

  private repeat(of: Shape, minimum: number, maximum: number | undefined): Part {
    let all = empty
    for (let time = 0; time < minimum - 1; time++) all = this.followed(all, this.part(of))
    if (maximum === undefined) {
      const again = this.part(of)
      this.link(again.last, again.first)
      return this.followed(all, minimum === 0 ? { ...again, isNullable: true } : again)
    }
    if (minimum > 0) all = this.followed(all, this.part(of))
    for (let time = minimum; time < maximum; time++) all = this.followed(all, { ...this.part(of), isNullable: true })
    return all
  }

  private followed(before: Part, after: Part): Part {
    this.link(before.last, after.first)
    return {
      first: before.isNullable ? before.first | after.first : before.first,
      last: after.isNullable ? before.last | after.last : after.last,
      isNullable: before.isNullable && after.isNullable
    }
  }

  private link(from: Mask, to: Mask): void {
    for (let state = 1; state < this.follow.length; state++)
      if ((from >> BigInt(state)) & 1n) this.follow[state] = (this.follow[state] ?? 0n) | to
  }
}

const anything: Shape = { is: "repeat", of: anyCharacter, minimum: 0, maximum: undefined }

/** Builds the machine of a pattern. */
export const machineOf = (pattern: Pattern): Machine => {
  const builder = new Builder()
  const of = pattern.map(({ shape, isAtStart, isAtEnd }): Shape => {
    return { is: "sequence", of: [...(isAtStart ? [] : [anything]), shape, ...(isAtEnd ? [] : [anything])] }
  })
  const whole = builder.part({ is: "choice", of })
  builder.follow[0] = whole.first
  const starts = new Set([0])
  for (const ranges of builder.ranges) for (const [low, high] of ranges) starts.add(low).add(high + 1)
  const classStarts = [...starts].toSorted((a, b) => a - b)
  const taking = classStarts.map((start) =>
    builder.ranges.reduce((mask, ranges, state) => {
      return ranges.some(([low, high]) => low <= start && start <= high) ? mask | (1n << BigInt(state)) : mask
    }, 0n)
  )
  return {
    states: builder.ranges.length,
    classStarts,
    taking,
    follow: builder.follow,
    accepting: whole.isNullable ? whole.last | 1n : whole.last
  }
}

/** A set of states that some text led to. */
interface Reached {
  readonly states: Mask
  readonly isAccepting: boolean
  /** By class of the next character. */
  readonly next: Array<Reached | undefined>
}

/** Sets that are remembered; beyond it they are forgotten and found again. */
const reachedMax = 1024
const asciiCount = 128

/** Whether texts have the pattern. */
export const tester = (pattern: Pattern): ((text: string) => boolean) => {
  const { classStarts, taking, follow, accepting } = machineOf(pattern)
  const classOf = (point: number): number => {
    let low = 0
    let high = classStarts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((classStarts[middle] ?? 0) <= point) low = middle
      else high = middle - 1
    }
    return low
  }
  const ascii = Uint16Array.from({ length: asciiCount }, (_, point) => classOf(point))
  const known = new Map<Mask, Reached>()
  const reachedBy = (states: Mask): Reached => {
    const before = known.get(states)
    if (before !== undefined) return before
    const made: Reached = { states, isAccepting: (states & accepting) !== 0n, next: [] }
    known.set(states, made)
    return made
  }
  const step = (from: Reached, character: number): Reached => {
    let after = 0n
    for (let state = 0; state < follow.length; state++)
      if ((from.states >> BigInt(state)) & 1n) after |= follow[state] ?? 0n
    if (known.size > reachedMax) {
      // What is under way keeps the sets it has; they are found again when another text leads to them.
      known.clear()
      start = reachedBy(1n)
    }
    const next = reachedBy(after & (taking[character] ?? 0n))
    from.next[character] = next
    return next
  }
  let start = reachedBy(1n)
  return (text) => {
    let reached = start
    for (let at = 0; at < text.length; at++) {
      let point = text.charCodeAt(at)
      if (point >= 0xd800 && point < 0xdc00) point = text.codePointAt(at++) ?? point
      const character = point < asciiCount ? (ascii[point] ?? 0) : classOf(point)
      reached = reached.next[character] ?? step(reached, character)
      if (reached.states === 0n) return false
    }
    return reached.isAccepting
  }
}
