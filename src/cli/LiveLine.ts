/** One line of a terminal that is drawn anew; where there is no terminal each step is a line of its own. */
import { Effect } from "effect"

const cells = 24

/** A bar of a share, 0…1. */
export const bar = (share: number): string => {
  const full = Math.round(Math.max(0, Math.min(1, share)) * cells)
  return `${"█".repeat(full)}${"░".repeat(cells - full)} ${String(Math.floor(share * 100)).padStart(3)} %`
}

/** Bytes as people say them. */
export const size = (bytes: number): string =>
  bytes < 10_000
    ? `${bytes} B`
    : bytes < 10_000_000
      ? `${Math.round(bytes / 1000)} kB`
      : `${Math.round(bytes / 1e6)} MB`

/** It goes to standard error, so that a pipe gets the outcome alone. */
export const makeLiveLine = (isQuiet: boolean) => {
  const { stderr } = process
  let last = ""
  const draw = (text: string): Effect.Effect<void> =>
    Effect.sync(() => {
      if (isQuiet || text === last) return
      last = text
      stderr.write(stderr.isTTY ? `\r\u001b[2K${text}` : `${text}\n`)
    })
  const finish: Effect.Effect<void> = Effect.sync(() => {
    if (!isQuiet && last !== "" && stderr.isTTY) stderr.write("\n")
  })
  return { draw, finish }
}
