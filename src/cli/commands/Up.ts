/** `holon up` and `holon node`: the processes of a cluster. */
import { spawn } from "node:child_process"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Clock, Console, Effect, Layer, Option, Redacted, Schedule, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import { runBoards } from "../../../devices/Boards.ts"
import { applyOverrides, type ClusterConfig, type Overrides, portsOf } from "../../runtime/Config.ts"
import { loadConfig } from "../../runtime/ConfigFile.ts"
import * as Node from "../../runtime/Node.ts"
import * as EmbeddedPostgres from "../../runtime/storage/EmbeddedPostgres.ts"
import { PostgresUrl } from "../../runtime/storage/PostgresUrl.ts"

/** Environment variable in which `holon up` hands the address of PostgreSQL to the nodes it starts. */
const postgresVariable = "HOLON_POSTGRES"
const hostBoardId = "host"
const stopMillis = 10_000
/** Before a node that ended is started again: time to see that the others have taken over. */
const restartMillis = 3_000
const restartsMax = 5

/** A node of this cluster ended by itself. */
export class NodeEnded extends Schema.TaggedError<NodeEnded>()("NodeEnded", { node: Schema.Int, how: Schema.String }) {
  override get message() {
    return `node ${this.node} ended (${this.how}); what it said stands above`
  }
}

/** A node needs a PostgreSQL that all nodes share. */
export class NoSharedPostgres extends Schema.TaggedError<NoSharedPostgres>()("NoSharedPostgres", {}) {
  override get message() {
    return `a node that joins a cluster needs its PostgreSQL: set storage in cluster.config.ts, pass --postgres, or start with "holon up --nodes N"`
  }
}

const flags = {
  config: Flag.String("config").pipe(Flag.withDescription("Config file (default cluster.config.ts)"), Flag.optional),
  data: Flag.String("data").pipe(Flag.withDescription("Data folder"), Flag.optional),
  httpPort: Flag.Int("http-port").pipe(Flag.withDescription("HTTP port of the first node"), Flag.optional),
  mqttPort: Flag.Int("mqtt-port").pipe(Flag.withDescription("MQTT port of the first node"), Flag.optional),
  postgres: Flag.Redacted("postgres").pipe(
    Flag.withDescription("URL of a PostgreSQL instead of the embedded one"),
    Flag.optional
  )
}

type Given = {
  readonly [Name in "config" | "data"]: Option.Option<string>
} & {
  readonly [Name in "httpPort" | "mqttPort"]: Option.Option<number>
} & { readonly postgres: Option.Option<Redacted.Redacted> }

const overridesOf = (given: Given): Overrides => ({
  data: Option.getOrUndefined(given.data),
  httpPort: Option.getOrUndefined(given.httpPort),
  mqttPort: Option.getOrUndefined(given.mqttPort),
  postgres: Option.getOrUndefined(given.postgres)
})

const postgresOf = (config: ClusterConfig) =>
  config.storage === "embedded" ? EmbeddedPostgres.layer(config.data) : PostgresUrl.layer(config.storage.url)

/** Host and simulated boards against the first node, until interrupted. */
const demoBoards = (config: ClusterConfig) => {
  const { mqtt } = portsOf(config, 0)
  const url = `mqtt://${config.mqtt.host}:${mqtt}`
  return runBoards({
    host: { id: hostBoardId, url, folder: join(config.data, "boards", hostBoardId) },
    ...(config.demo.boards > 0 && { simulated: { count: config.demo.boards, url } })
  })
}

const announce = (config: ClusterConfig, startedAt: number) =>
  Effect.gen(function* () {
    const took = (yield* Clock.currentTimeMillis) - startedAt
    const { http, mqtt } = portsOf(config, 0)
    const nodes = config.nodes === 1 ? "1 node" : `${config.nodes} nodes`
    const boards = config.demo.isOn ? `, host board "${hostBoardId}" and ${config.demo.boards} simulated boards` : ""
    yield* Console.log(
      [
        `holon is ready after ${(took / 1000).toFixed(1)} s: ${nodes}${boards}`,
        `  API and docs   http://${config.http.host}:${http}/docs`,
        `  boards         mqtt://${config.mqtt.host}:${mqtt} and ws://${config.http.host}:${http}/attach`,
        `  look around    npx holon devices ls      npx holon repl`
      ].join("\n")
    )
  })

/** One node in this process; `ready` runs when it serves. */
const runNode = <E, R>(config: ClusterConfig, index: number, ready: Effect.Effect<never, E, R>) =>
  Effect.scoped(
    Effect.gen(function* () {
      const postgres = postgresOf(config)
      yield* Layer.build(Node.layer({ config, ports: portsOf(config, index) }).pipe(Layer.provide(postgres)))
      return yield* ready
    })
  )

const main = fileURLToPath(new URL("../main.ts", import.meta.url))

/** A node in a process of its own: it says `ready` on its standard output when it serves. */
const spawnNode = (index: number, argv: ReadonlyArray<string>, url: Redacted.Redacted) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly ended: Effect.Effect<never, NodeEnded>; readonly stop: Effect.Effect<void> }, NodeEnded>(
      (resume) => {
        const child = spawn(process.execPath, [...process.execArgv, main, "node", "--index", String(index), ...argv], {
          stdio: ["ignore", "pipe", "inherit"],
          env: { ...process.env, [postgresVariable]: Redacted.value(url) }
        })
        const exit = new Promise<string>((resolve) => {
          child.once("exit", (code, signal) => resolve(signal ?? `exit code ${code}`))
          child.once("error", (error) => resolve(error.message))
        })
        const ended = Effect.flatMap(
          Effect.promise(() => exit),
          (how) => Effect.fail(new NodeEnded({ node: index + 1, how }))
        )
        const stop = Effect.sync(() => child.kill("SIGTERM")).pipe(
          Effect.andThen(Effect.promise(() => exit)),
          Effect.timeoutOrElse({ duration: stopMillis, orElse: () => Effect.sync(() => child.kill("SIGKILL")) }),
          Effect.asVoid
        )
        child.stdout.setEncoding("utf8").on("data", (text: string) => {
          if (text.includes(readyLine)) resume(Effect.succeed({ ended, stop }))
          else process.stdout.write(text)
        })
        exit.then((how) => resume(Effect.fail(new NodeEnded({ node: index + 1, how }))))
      }
    ),
    ({ stop }) => stop
  )

const readyLine = "holon node is ready"

type RunningNode = Effect.Success<ReturnType<typeof spawnNode>>

/** A cluster outlives its nodes: one that ends by itself is started again, unless it cannot start any more. */
const keepUp = (first: RunningNode, start: ReturnType<typeof spawnNode>) =>
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

const runCluster = (config: ClusterConfig, argv: ReadonlyArray<string>, startedAt: number) =>
  Effect.scoped(
    Effect.gen(function* () {
      const url = yield* PostgresUrl
      const indexes = Array.from({ length: config.nodes }, (_, index) => index)
      const starts = indexes.map((index) => spawnNode(index, argv, url))
      const nodes = yield* Effect.all(starts, { concurrency: "unbounded" })
      yield* announce(config, startedAt)
      const kept = starts.flatMap((start, index) => {
        const node = nodes[index]
        return node === undefined ? [] : [keepUp(node, start)]
      })
      return yield* Effect.raceAllFirst(config.demo.isOn ? [...kept, demoBoards(config)] : kept)
    })
  ).pipe(Effect.provide(postgresOf(config)))

export const up = Command.make(
  "up",
  {
    ...flags,
    nodes: Flag.Int("nodes").pipe(Flag.withDescription("How many nodes, each a process of its own"), Flag.optional),
    boards: Flag.Int("boards").pipe(Flag.withDescription("How many simulated boards"), Flag.optional),
    noDemo: Flag.Boolean("no-demo").pipe(Flag.withDescription("No boards of our own"), Flag.withDefault(false))
  },
  Effect.fn(function* (given) {
    const startedAt = (yield* Clock.currentTimeMillis) - Math.round(performance.now())
    const overrides: Overrides = {
      ...overridesOf(given),
      nodes: Option.getOrUndefined(given.nodes),
      boards: Option.getOrUndefined(given.boards),
      ...(given.noDemo && { demo: false })
    }
    const config = yield* loadConfig(overrides, Option.getOrUndefined(given.config))
    if (config.nodes === 1) {
      const ready = Effect.andThen(announce(config, startedAt), config.demo.isOn ? demoBoards(config) : Effect.never)
      return yield* runNode(config, 0, ready)
    }
    const argv = [
      ...Option.match(given.config, { onNone: () => [], onSome: (path) => ["--config", path] }),
      ...["--data", config.data],
      ...["--http-port", String(config.http.port), "--mqtt-port", String(config.mqtt.port)]
    ]
    return yield* runCluster(config, argv, startedAt)
  })
).pipe(Command.withDescription("Start a cluster on this machine: PostgreSQL, nodes, listeners, demo boards"))

export const node = Command.make(
  "node",
  {
    ...flags,
    index: Flag.Int("index").pipe(
      Flag.withDescription("Which node of this machine, from 0; sets its ports"),
      Flag.withDefault(0)
    )
  },
  Effect.fn(function* (given) {
    const inherited = process.env[postgresVariable]
    const file = yield* loadConfig(overridesOf(given), Option.getOrUndefined(given.config))
    const config =
      inherited === undefined
        ? file
        : applyOverrides(file, { postgres: Redacted.make(inherited, { label: "PostgreSQL" }) })
    if (config.storage === "embedded") return yield* new NoSharedPostgres()
    return yield* runNode(config, given.index, Effect.andThen(Console.log(readyLine), Effect.never))
  })
).pipe(Command.withDescription("Start one node that joins the cluster of the config"))
