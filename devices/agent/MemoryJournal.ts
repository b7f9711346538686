/** A command journal in memory, for boards whose storage is simulated: it outlives their restarts. */
import type { Journal, JournalEntry } from "./Journal.ts"

/** An empty journal. What is put is kept at once. */
export const memoryJournal = (): Journal => {
  const entries = new Map<string, JournalEntry>()
  return {
    load: () => [...entries.values()],
    put: (entry, stored) => {
      entries.set(entry.id, entry)
      stored(true)
    },
    remove: (id) => entries.delete(id)
  }
}
