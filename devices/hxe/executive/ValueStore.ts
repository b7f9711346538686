/** Where values outlive a restart: a seam. Keys 0 and 0xFFFF are reserved. */

/** What lies under a key: the bits of a half, nothing, or a record that no longer reads well. */
export type StoredValue = number | "stale" | undefined

/** Values by key, as bits of halves. Neither call waits. */
export interface ValueStore {
  readonly load: (key: number) => StoredValue
  readonly save: (key: number, bits: number) => void
}
