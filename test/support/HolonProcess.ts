/** The `holon` command in processes of its own, as users run it. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { until } from "./RunningNode.ts"

const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url))

/** Processes of the tree below `pid`, without itself. */
export const below = (pid: number): ReadonlyArray<number> => {
  const lines = execFileSync("ps", ["-eo", "pid=,ppid="], { encoding: "utf8" }).trim().split("\n")
  const pairs = lines.map((line) => line.trim().split(/\s+/).map(Number))
  const found: Array<number> = []
  for (let parents = [pid]; parents.length > 0; ) {
    const children = pairs.flatMap(([child, parent]) =>
      child !== undefined && parent !== undefined && parents.includes(parent) ? [child] : []
    )
    found.push(...children)
    parents = children
  }
  return found
}

/** Whether a process lives. */
export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** A `holon` of its own process. */
export class Holon {
  out = ""
  err = ""
  readonly pid: number
  readonly ended: Promise<number | null>
  readonly #child: ChildProcess

  constructor(folder: string, argv: ReadonlyArray<string>) {
    const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", main, ...argv], {
      cwd: folder,
      stdio: ["ignore", "pipe", "pipe"]
    })
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.out += text
    })
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.err += text
    })
    this.#child = child
    this.pid = child.pid ?? -1
    this.ended = new Promise((resolve) => child.once("close", resolve))
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Until it has said so, or ended. */
  says(text: string) {
    return until(
      Effect.sync(() => this.out.includes(text) || this.err.includes(text) || this.#child.exitCode !== null),
      (isSo) => isSo
    ).pipe(Effect.andThen(Effect.sync(() => assert.include(this.out + this.err, text))))
  }
}

/** Starts `holon`; whatever the test does, its whole tree is gone afterwards. */
export const start = (folder: string, ...argv: ReadonlyArray<string>) =>
  Effect.acquireRelease(
    Effect.sync(() => new Holon(folder, argv)),
    (holon) =>
      Effect.promise(async () => {
        const left = [holon.pid, ...below(holon.pid)].filter(isAlive)
        for (const pid of left) process.kill(pid, "SIGKILL")
        await holon.ended
      })
  )

/** Its exit code; none when a signal ended it. */
export const end = (holon: Holon) => Effect.promise(() => holon.ended)
