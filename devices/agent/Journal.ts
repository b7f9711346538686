/** What a board keeps of its commands over a restart, so that none runs twice. */
import type { TwinValue } from "../../src/protocol/TwinValue.ts"

/** End of a command as it is kept. */
export interface KeptResult {
  readonly code: number
  readonly value?: TwinValue
  readonly detail?: string
  readonly took?: number
}

/** A command that was begun; without a result it was interrupted. */
export interface JournalEntry {
  readonly id: string
  readonly name: string
  readonly idempotent: boolean
  readonly result?: KeptResult
  /** The cluster has the result. */
  readonly acknowledged: boolean
}

/** Storage of begun and ended commands. */
export interface Journal {
  /** What is kept, oldest first. Read once, when the board starts. */
  readonly load: () => ReadonlyArray<JournalEntry>
  /** Keeps this entry in place of an older one of its id; `stored` hears true when it is durable, false when it cannot be. */
  readonly put: (entry: JournalEntry, stored: (durable: boolean) => void) => void
  /** Forgets an id; it may come back after a restart. */
  readonly remove: (id: string) => void
}
