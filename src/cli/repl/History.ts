/** Lines that were typed, kept for the next session of their owner. */
import { readFileSync, writeFileSync } from "node:fs"

/** Lines that are kept. */
export const historyMax = 1000

/** The lines of a file, newest first, as readline wants them; none when it cannot be read. */
export const readHistory = (path: string): Array<string> => {
  try {
    const lines = readFileSync(path, "utf8").split("\n")
    return lines.filter((line) => line !== "").reverse()
  } catch {
    // The first session, or a file of somebody else: the REPL works without.
    return []
  }
}

/** Keeps lines, newest first, in a file. The first failure is told, and nothing is tried after it. */
export const keepHistory = (path: string, tell: (sentence: string) => void) => {
  let isKept = true
  return (lines: ReadonlyArray<string>): void => {
    if (!isKept) return
    try {
      writeFileSync(path, `${[...lines].reverse().join("\n")}\n`, { mode: 0o600 })
    } catch (cause) {
      isKept = false
      tell(`what you type is not kept: ${cause instanceof Error ? cause.message : String(cause)}`)
    }
  }
}
