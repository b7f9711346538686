/** Where the list of programs to start comes from. */
import type { BootConfig, BootEntry, BootPlace, EntryCarrier } from "./BootConfig.ts"
import { bootPlaces } from "./BootConfig.ts"
import { entrySources, sourceBits } from "./Manifests.ts"
import type { NvStore } from "./NvStore.ts"

/** A place that may have a list. */
export interface BootSource {
  readonly place: BootPlace
  /**
   * The list, `waiting` while it may still come, `coming` when it has begun to, undefined when there is none. Asked again and
   * again until it is a list or none; `elapsedMillis` since it was first asked at this start.
   */
  readonly offer: (elapsedMillis: number) => ReadonlyArray<BootEntry> | "waiting" | "coming" | undefined
  /** It has waited for too long, and is not asked again at this start. */
  readonly close?: () => void
}

/** The list of the boot configuration file. Without entries it is none. */
export const hostSource = (config: BootConfig): BootSource => ({
  place: "host",
  offer: () => (config.entries.length === 0 ? undefined : config.entries)
})

const carrierOf = (source: number): EntryCarrier => {
  for (const [name, number] of Object.entries(entrySources)) {
    if (number === source) return name as EntryCarrier
  }
  return "nv"
}

/** The configuration that rules in the store. It is always a list, be it an empty one. */
export const nvSource = (store: NvStore): BootSource => ({
  place: "nv",
  offer: () =>
    store.manifest.entries.map((entry) => ({
      name: entry.name,
      place: "nv",
      carrier: entry.slot === undefined ? carrierOf(entry.source) : "nv",
      path: undefined,
      priority: entry.priority,
      autostart: entry.autostart,
      required: entry.required,
      retries: entry.retries,
      fallback: undefined,
      persist: false,
      pidHint: entry.pidHint
    }))
})

/** Places that a configuration in a store enables, the first one first. */
export const placesOf = (mask: number): ReadonlyArray<BootPlace> =>
  bootPlaces.filter((place) => (mask & sourceBits[place]) !== 0)

/** Loads in this order. */
export const inOrder = (entries: ReadonlyArray<BootEntry>): ReadonlyArray<BootEntry> =>
  [...entries].sort((a, b) => b.priority - a.priority)

/** What an earlier list named stays. */
export const merged = (lists: ReadonlyArray<ReadonlyArray<BootEntry>>): ReadonlyArray<BootEntry> => {
  const byName = new Map<string, BootEntry>()
  for (const list of lists) {
    for (const entry of list) if (!byName.has(entry.name)) byName.set(entry.name, entry)
  }
  return [...byName.values()]
}
