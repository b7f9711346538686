/** Nodes in processes of their own, as `holon up --nodes` runs them. */
import { spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { Console, Effect, Redacted, Schedule, Schema } from "effect"
import type { Listening } from "../../runtime/Node.ts"

/** Environment variable in which the address of PostgreSQL is handed on: a command line is for everybody to read. */
export const postgresVariable = "HOLON_POSTGRES"

const stopMillis = 10_000
/** Before a node that ended is started again: time to see that the others have taken over. */
const restartMillis = 3000
const restartsMax = 5

/** A node of this cluster ended by itself. */
export class NodeEnded extends Schema.TaggedError<NodeEnded>()("NodeEnded", { node: Schema.Int, how: Schema.String }) {
  override get message() {
    return `node ${this.node} ended (${this.how}); what it said stands above`
  }
}

/** Where a node's listeners are. */
export type Listened = Listening["Service"]

/** What a node says on its standard output when it serves. */
export const readyLine = ({ http, mqtt }: Listened): string => `holon node is ready: http ${http}, mqtt ${mqtt}`
const readyPattern = /^holon node is ready: http (\d+), mqtt (\d+)$/

const main = fileURLToPath(new URL("../main.ts", import.meta.url))

/** A node that serves. */
export interface NodeProcess extends Listened {
  readonly ended: Effect.Effect<never, NodeEnded>
}

/** Starts a node until the scope ends. Its standard input is held open: a node whose parent dies ends too. */
export const spawnNode = (index: number, argv: ReadonlyArray<string>, url: Redacted.Redacted) =>
  Effect.gen(function* () {
    const args = [...process.execArgv, main, "node", "--index", String(index), "--leashed", ...argv]
    const child = yield* Effect.acquireRelease(
      Effect.sync(() => {
        const spawned = spawn(process.execPath, args, {
          stdio: ["pipe", "pipe", "inherit"],
          env: { ...process.env, [postgresVariable]: Redacted.value(url) }
        })
        const exit = new Promise<string>((resolve) => {
          spawned.once("exit", (code, signal) => resolve(signal ?? `exit code ${code}`))
          spawned.once("error", (error) => resolve(error.message))
        })
        return { stdout: spawned.stdout, kill: (signal: NodeJS.Signals) => spawned.kill(signal), exit }
      }),
      ({ kill, exit }) =>
        Effect.sync(() => kill("SIGTERM")).pipe(
          Effect.andThen(Effect.promise(() => exit)),
          Effect.timeoutOrElse({ duration: stopMillis, orElse: () => Effect.sync(() => kill("SIGKILL")) })
        )
    )
    const ended = Effect.flatMap(
      Effect.promise(() => child.exit),
      (how) => Effect.fail(new NodeEnded({ node: index + 1, how }))
    )
    const runFork = Effect.runForkWith(yield* Effect.context())
    const ready = Effect.callback<Listened>((resume) => {
      createInterface(child.stdout).on("line", (line) => {
        const [, http, mqtt] = readyPattern.exec(line) ?? []
        if (http === undefined || mqtt === undefined) runFork(Console.log(line))
        else resume(Effect.succeed({ http: Number(http), mqtt: Number(mqtt) }))
      })
    })
    const listened = yield* Effect.raceFirst(ready, ended)
    const node: NodeProcess = { ...listened, ended }
    return node
  })

/** A cluster outlives its nodes: one that ends by itself is started again, unless it cannot start any more. */
export const keepUp = <R>(first: NodeProcess, start: Effect.Effect<NodeProcess, NodeEnded, R>) =>
  Effect.gen(function* () {
    let running = first
    for (;;) {
      const end = yield* Effect.flip(running.ended)
      yield* Console.error(`holon: ${end.message}; it starts again in ${restartMillis / 1000} s`)
      running = yield* Effect.delay(start, restartMillis).pipe(
        Effect.retry({ times: restartsMax, schedule: Schedule.spaced(restartMillis) })
      )
      yield* Console.error(`holon: node ${end.node} is back`)
    }
  })

/** Ends with the process that started this one, however that ended. */
export const inputEnded = Effect.callback<void>((resume) => {
  process.stdin.once("close", () => resume(Effect.void)).resume()
  return Effect.sync(() => process.stdin.destroy())
})
