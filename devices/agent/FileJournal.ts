/** The command journal in a file: one line an entry, the last one of an id counts. Durable before it says so. */
import { close, closeSync, fsync, openSync, readFileSync, write } from "node:fs"
import { Schema } from "effect"
import type { TwinValue } from "../../src/protocol/TwinValue.ts"
import { replaceFile } from "../hal/FileStore.ts"
import type { Journal, JournalEntry } from "./Journal.ts"

/** A journal that ends with its board. */
export interface FileJournal extends Journal {
  /** Waits for what is being written; `done` is called once the file is closed. */
  readonly close: (done: () => void) => void
}

const isTwinValue = (value: unknown): value is TwinValue => {
  if (typeof value === "boolean" || typeof value === "string") return true
  if (typeof value === "number") return Number.isFinite(value)
  if (Array.isArray(value)) return value.every(isTwinValue)
  return typeof value === "object" && value !== null && Object.values(value).every(isTwinValue)
}

const Line = Schema.Union([
  Schema.Struct({ gone: Schema.String }),
  Schema.Struct({
    id: Schema.String,
    name: Schema.String,
    idempotent: Schema.Boolean,
    acknowledged: Schema.Boolean,
    result: Schema.optionalKey(
      Schema.Struct({
        code: Schema.Number,
        value: Schema.optionalKey(Schema.declare(isTwinValue)),
        detail: Schema.optionalKey(Schema.String),
        took: Schema.optionalKey(Schema.Number)
      })
    )
  })
])

const decodeLine = Schema.decodeUnknownOption(Schema.fromJsonString(Line))

/** A line begins with a break, too: one that was cut short, by the power or a full disk, ends before the next. */
const lineOf = (entry: JournalEntry | { readonly gone: string }): string => `\n${JSON.stringify(entry)}\n`

/** Lines beyond four times those that say something still; then the file is written anew. */
const staleMax = 1000

/** A torn line was never called durable and is left out. */
const entriesOf = (text: string): Map<string, JournalEntry> => {
  const entries = new Map<string, JournalEntry>()
  for (const json of text.split("\n")) {
    const line = decodeLine(json)
    if (line._tag === "None") continue
    if ("gone" in line.value) entries.delete(line.value.gone)
    else entries.set(line.value.id, line.value)
  }
  return entries
}

const textOf = (path: string): string => {
  try {
    return readFileSync(path, "utf8")
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return ""
    throw cause
  }
}

interface Pending {
  readonly line: string
  readonly stored: (durable: boolean) => void
}

/** Opens the journal at `path` and writes it anew without what was forgotten. Throws when the file cannot be had. */
export const fileJournal = (path: string): FileJournal => {
  const entries = entriesOf(textOf(path))
  const begin = (): number => {
    replaceFile(path, Buffer.from([...entries.values()].map(lineOf).join(""), "utf8"))
    return openSync(path, "a", 0o600)
  }
  const loaded = [...entries.values()]
  let file = begin()
  let lines = entries.size
  let linesMax = 4 * lines + staleMax
  let pending: Array<Pending> = []
  let busy = false
  let closing: (() => void) | undefined

  /** A file that cannot be written anew is still good: it grows, and is tried again when it has doubled. */
  const beginAnew = (): void => {
    try {
      const next = begin()
      closeSync(file)
      file = next
      lines = entries.size
      linesMax = 4 * lines + staleMax
    } catch {
      linesMax = 2 * lines
    }
  }

  /** All that came while the last batch was on its way goes as the next one, with one fsync. */
  const flush = (): void => {
    if (pending.length === 0) {
      busy = false
      if (closing !== undefined) close(file, closing)
      return
    }
    busy = true
    if (lines > linesMax) beginAnew()
    const batch = pending
    pending = []
    lines += batch.length
    const settle = (durable: boolean): void => {
      for (const { stored } of batch) stored(durable)
      flush()
    }
    const bytes = Buffer.from(batch.map(({ line }) => line).join(""), "utf8")
    const put = (from: number): void =>
      write(file, bytes, from, bytes.length - from, null, (error, written) => {
        if (error) return settle(false)
        if (from + written < bytes.length) return put(from + written)
        fsync(file, (fault) => settle(fault === null))
      })
    put(0)
  }
  const append = (line: string, stored: (durable: boolean) => void): void => {
    pending.push({ line, stored })
    if (!busy) flush()
  }

  return {
    load: () => loaded,
    put: (entry, stored) => {
      // The last line of an id counts, and so does its place.
      entries.delete(entry.id)
      entries.set(entry.id, entry)
      append(lineOf(entry), stored)
    },
    remove: (id) => {
      entries.delete(id)
      append(lineOf({ gone: id }), () => {})
    },
    close: (done) => {
      closing = done
      if (!busy) flush()
    }
  }
}
