/** What a kind of pattern does for one key; which events come to it, when, and what becomes of its matches is not its part. */
import type { HolonEvent } from "../../protocol/Event.ts"
import type { Found } from "./Answers.ts"
import type { KeyRecord } from "./Keys.ts"

/** What surrounds an operator. */
export interface Surroundings<S> {
  readonly tell: (record: KeyRecord<S>, found: Found) => void
  /** What a match carries of an event, or of a pair of them; nothing where the pattern asks for nothing. */
  readonly carry: ((document: unknown) => Readonly<Record<string, unknown>>) | undefined
  /** What a match carries of the last event of a key. */
  readonly carried: (record: KeyRecord<S>) => Readonly<Record<string, unknown>>
  /** So many beginnings or waiting events were given up. */
  readonly drop: (count: number) => void
}

/** `S` is what it keeps of one key. */
export interface Operator<S> {
  /** How long it looks back, ms. */
  readonly spanMillis: number
  /** How long after the watermark it still takes events, ms. */
  readonly lateMillis: number
  begin(): S
  /** Whether an event that fulfils these interests makes a key that is not known. */
  opens(hits: number): boolean
  /**
   * Takes an event that fulfils these interests. All that was due before the watermark of the key is done; the event may
   * be older than one that came before, by less than events may come out of order.
   */
  take(record: KeyRecord<S>, event: HolonEvent, hits: number, around: Surroundings<S>): void
  /** Does what is due up to the clock of the record, each at its own time, in the order of those times. */
  advance(record: KeyRecord<S>, around: Surroundings<S>): void
  /** When there is something to do though nothing comes, event time, ms. */
  due(state: S): number
  /** Whether a key that begins now would be the same. */
  isIdle(state: S): boolean
  /** About how many bytes it holds. */
  bytes(state: S): number
  encode(state: S): unknown
  decode(value: unknown): S
}
