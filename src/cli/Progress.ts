/** How far long work has come: one line of a terminal, drawn again as it moves. */
import { Effect } from "effect"

const barWidth = 24

/** A bar for a part of a whole, 0 to 1. */
export const bar = (share: number): string => {
  const part = Math.min(1, Math.max(0, share))
  const filled = Math.round(barWidth * part)
  return `${"█".repeat(filled)}${"░".repeat(barWidth - filled)} ${String(Math.floor(100 * part)).padStart(3)} %`
}

/** Bytes as people say them: `376 B`, `16.0 MiB`. */
export const size = (bytes: number): string => {
  if (bytes < 1024) return `${bytes} B`
  return bytes < 1_048_576 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1_048_576).toFixed(1)} MiB`
}

/** Where the line is written. */
interface ProgressScreen {
  readonly isTTY?: boolean
  /** Characters a row has; a line that took two could not be cleared. */
  readonly columns?: number
  readonly write: (text: string) => unknown
}

/** The line. */
interface Progress {
  /** Shows this instead of what stands there. */
  readonly draw: (line: string) => Effect.Effect<void>
  /** Takes the line away. */
  readonly finish: Effect.Effect<void>
}

/** To the begin of the line, and clear it (ECMA-48, EL 2). */
const clear = "\r\u001b[2K"

/** Draws on standard error where somebody watches that, unless it is to be quiet; nowhere else. */
export const makeProgress = (isQuiet: boolean, screen: ProgressScreen = process.stderr): Progress => {
  const isShown = !isQuiet && screen.isTTY === true
  let shown = ""
  const write = (line: string) =>
    Effect.sync(() => {
      if (!isShown || line === shown) return
      shown = line
      // Some terminals say 0, and mean that they do not know.
      const room = (screen.columns ?? 0) > 0 ? Number(screen.columns) - 1 : Number.POSITIVE_INFINITY
      screen.write(`${clear}${line.slice(0, room)}`)
    })
  return { draw: write, finish: Effect.suspend(() => (shown === "" ? Effect.void : write(""))) }
}
