/** What the state machines of the actor layer get from outside: time, chance, and the turn of the event loop. */

/** Cancels what was scheduled; calling it again does nothing. */
export type Cancel = () => void

/**
 * Time, chance and scheduling. Production plugs in the process, the simulator one event queue with a seed.
 * All callbacks of one host run one after another, never inside each other.
 */
export interface Host {
  /** Wall clock, ms since 1970. May step. */
  readonly now: () => number
  /** Monotonic clock, ms. Never steps; the only clock a lease is judged by. */
  readonly monotonic: () => number
  /** Uniform in [0, 1). */
  readonly random: () => number
  /** Runs once, `delayMillis` from now. */
  readonly schedule: (delayMillis: number, run: () => void) => Cancel
  /** Runs once, at the end of this turn of the event loop: batches form by it. */
  readonly defer: (run: () => void) => void
  /** A defect of a behaviour or a broken invariant: logged with what broke it, never swallowed. */
  readonly report: (what: string, cause: unknown) => void
}

/** Where an actor is: its kind and its id. */
export interface Address {
  readonly kind: string
  readonly id: string
}

/** One text for an address, a key in maps and logs. Ids hold no `/` before the first one. */
export const addressKey = (address: Address): string => `${address.kind}/${address.id}`
