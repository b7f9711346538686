/** Two pseudo-terminals joined to a line, by `socat`; or with this process between them, which may spoil what passes. */
import { spawn, spawnSync } from "node:child_process"
import { existsSync } from "node:fs"
import { join } from "node:path"
import type { Duplex } from "node:stream"
import { Effect } from "effect"
import { until } from "./RunningNode.ts"

/** Whether `socat` can be run. */
export const hasSocat = spawnSync("socat", ["-V"]).error === undefined

/** A line: the files of its ends. */
export interface PtyPair {
  readonly ends: readonly [string, string]
  /** Takes the line away, as when a plug is pulled. */
  readonly pull: () => void
}

const socat = (args: ReadonlyArray<string>, stdio: "ignore" | "pipe") =>
  Effect.acquireRelease(
    Effect.sync(() => spawn("socat", args, { stdio: [stdio, stdio, "ignore"] })),
    (child) =>
      Effect.callback<void>((resume) => {
        if (child.exitCode !== null || child.signalCode !== null) return resume(Effect.void)
        child.once("close", () => resume(Effect.void))
        child.kill("SIGKILL")
      })
  )

const terminal = (path: string): string => `pty,raw,echo=0,link=${path}`

const appears = (path: string) =>
  until(
    Effect.sync(() => existsSync(path)),
    (isThere) => isThere
  )

/** A line without faults. */
export const ptyPair = Effect.fnUntraced(function* (folder: string) {
  const ends = [join(folder, "line-a"), join(folder, "line-b")] as const
  const child = yield* socat([terminal(ends[0]), terminal(ends[1])], "ignore")
  yield* Effect.forEach(ends, appears)
  return { ends, pull: () => void child.kill("SIGTERM") } satisfies PtyPair
})

/** What becomes of bytes on their way, in either direction. */
export type Spoil = (bytes: Uint8Array) => Uint8Array

/** A line on which bytes are lost, changed and added. */
export const noisyPair = Effect.fnUntraced(function* (folder: string, spoil: Spoil) {
  const ends = [join(folder, "line-a"), join(folder, "line-b")] as const
  const halves = yield* Effect.forEach(ends, (end) => socat(["-", terminal(end)], "pipe"))
  const [one, other] = halves
  if (one === undefined || other === undefined) throw new Error("two halves make a line")
  const carry = (from: typeof one, to: typeof one): void => {
    const into: Pick<Duplex, "write"> | null = to.stdin
    from.stdout?.on("data", (bytes: Buffer) => into?.write(spoil(bytes)))
    to.stdin?.on("error", () => {})
  }
  carry(one, other)
  carry(other, one)
  yield* Effect.forEach(ends, appears)
  return { ends, pull: () => void one.kill("SIGTERM") } satisfies PtyPair
})
