/** `holon up` and `holon node`: the processes of a cluster. */
import { Clock, Console, Context, Effect, Layer, Option, Redacted, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import { runBoards } from "../../../devices/Boards.ts"
import { isLoopback } from "../../runtime/Binds.ts"
import { applyOverrides, type ClusterConfig, type Overrides, portsOf } from "../../runtime/Config.ts"
import { loadConfig } from "../../runtime/ConfigFile.ts"
import { Membership } from "../../runtime/cluster/ClusterLayer.ts"
import * as Node from "../../runtime/Node.ts"
import * as EmbeddedPostgres from "../../runtime/storage/EmbeddedPostgres.ts"
import { waitMillisDefault } from "../../runtime/storage/PostgresClient.ts"
import { PostgresUrl } from "../../runtime/storage/PostgresUrl.ts"
import { toggle, usually } from "../Defaults.ts"
import { examples } from "../Examples.ts"
import { here, mqttUrl, webUrl } from "../Here.ts"
import { ownHostBoardFolder } from "../HostBoardFolder.ts"
import { boardCount, finiteNumber, nodeCount, nodeIndex, port } from "../Numbers.ts"
import { inputEnded, keepUp, type Listened, postgresVariable, readyLine, spawnNode } from "./NodeProcess.ts"

const hostBoardId = "host"
/** Seconds; a machine that starts with a database that is restored. */
const postgresWaitMax = 3600

/** A node needs a PostgreSQL that all nodes share. */
export class NoSharedPostgres extends Schema.TaggedError<NoSharedPostgres>()("NoSharedPostgres", {}) {
  override get message() {
    return `a node that joins a cluster needs its PostgreSQL: set storage in cluster.config.ts, pass --postgres, or start with "holon up --nodes N"`
  }
}

const flags = {
  config: Flag.String("config").pipe(Flag.withDescription("Config file (default cluster.config.ts)"), Flag.optional),
  data: Flag.String("data").pipe(Flag.withDescription("Data folder"), Flag.optional),
  httpPort: port("http-port").pipe(Flag.withDescription("HTTP port of the first node"), Flag.optional),
  mqttPort: port("mqtt-port").pipe(Flag.withDescription("MQTT port of the first node"), Flag.optional),
  postgres: Flag.Redacted("postgres").pipe(
    Flag.withDescription("URL of a PostgreSQL instead of the embedded one"),
    Flag.optional
  ),
  postgresWait: finiteNumber("postgres-wait", 0, postgresWaitMax).pipe(
    usually("Seconds to try for a PostgreSQL that does not answer at the start", waitMillisDefault / 1000)
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

/** Demo boards carry no token and trust no certificate: they run only where a board needs neither. */
const hasDemo = ({ demo, mqtt }: ClusterConfig): boolean => demo.isOn && mqtt.tls === undefined && isLoopback(mqtt.host)

/** Host and simulated boards against the first node, until interrupted. A host board that runs already stays alone. */
const demoBoards = (config: ClusterConfig, { mqtt }: Listened) => {
  if (!hasDemo(config)) return Effect.never
  const url = mqttUrl(config, mqtt)
  return Effect.gen(function* () {
    const folder = yield* Effect.option(
      Effect.tapError(ownHostBoardFolder(config.data, hostBoardId), ({ message }) => Effect.logWarning(message))
    )
    return yield* runBoards({
      ...(Option.isSome(folder) && { host: { id: hostBoardId, url, folder: folder.value } }),
      ...(config.demo.boards > 0 && { simulated: { count: config.demo.boards, url } })
    })
  }).pipe(Effect.scoped)
}

const boardsText = (config: ClusterConfig): string => {
  if (hasDemo(config)) return `, host board "${hostBoardId}" and ${config.demo.boards} simulated boards`
  return config.demo.isOn ? ", no demo boards: MQTT wants TLS" : ""
}

const announce = (config: ClusterConfig, startedAt: number, listened: Listened) =>
  Effect.gen(function* () {
    const took = (yield* Clock.currentTimeMillis) - startedAt
    const { data, nodes } = config
    const web = webUrl(config, listened.http)
    const boards = web.replace("http", "ws")
    // What commands find by themselves need not be typed.
    const found = yield* Effect.option(here)
    const isFound = (name: "url" | "data", value: string) => Option.isSome(found) && found.value[name] === value
    const where = [
      ...(isFound("url", web) ? [] : [`--url ${web}`]),
      ...(isFound("data", data) ? [] : [`--data ${data}`])
    ]
    const npx = (command: string) => ["npx holon", command, ...where].join(" ")
    yield* Console.log(
      [
        `holon is ready after ${(took / 1000).toFixed(1)} s: ${nodes === 1 ? "1 node" : `${nodes} nodes`}${boardsText(config)}`,
        `  API and docs   ${web}/docs`,
        `  boards         ${mqttUrl(config, listened.mqtt)} and ${boards}/attach`,
        `  look around    ${npx("devices ls")}`,
        `  talk           ${npx("repl")}`
      ].join("\n")
    )
  })

/** Says at Ctrl-C that it was heard: nodes and the database take a moment to end in order. */
const sayingItStops = Effect.onInterrupt(() => Console.log("holon is stopping"))

/** One node in this process; `serve` runs while it does. */
const runNode = <E, R>(
  config: ClusterConfig,
  { index, postgresWait }: { readonly index: number; readonly postgresWait: number },
  serve: (listened: Listened) => Effect.Effect<never, E, R>
) =>
  Effect.scoped(
    Effect.gen(function* () {
      const node = Node.layer({ config, ports: portsOf(config, index), storageWaitMillis: postgresWait * 1000 })
      const built = yield* Layer.build(node.pipe(Layer.provide(postgresOf(config))))
      const { excluded } = Context.get(built, Membership)
      return yield* Effect.raceFirst(serve(Context.get(built, Node.Listening)), excluded)
    })
  )

const runCluster = (config: ClusterConfig, argv: ReadonlyArray<string>, startedAt: number) =>
  Effect.scoped(
    Effect.gen(function* () {
      const url = yield* PostgresUrl
      const indexes = Array.from({ length: config.nodes }, (_, index) => index)
      const starts = indexes.map((index) => spawnNode(index, argv, url))
      const nodes = yield* Effect.all(starts, { concurrency: "unbounded" })
      const [first] = nodes
      if (first === undefined) return yield* Effect.die("a cluster without nodes")
      yield* announce(config, startedAt, first)
      const kept = starts.flatMap((start, index) => {
        const node = nodes[index]
        return node === undefined ? [] : [keepUp(node, start)]
      })
      return yield* sayingItStops(Effect.raceAllFirst([...kept, demoBoards(config, first)]))
    })
  ).pipe(Effect.provide(postgresOf(config)))

export const up = Command.make(
  "up",
  {
    ...flags,
    nodes: nodeCount("nodes").pipe(Flag.withDescription("How many nodes, each a process of its own"), Flag.optional),
    boards: boardCount("boards", 0).pipe(Flag.withDescription("How many simulated boards"), Flag.optional),
    noDemo: toggle("no-demo", "No boards of our own")
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
      return yield* runNode(config, { index: 0, postgresWait: given.postgresWait }, (listened) =>
        sayingItStops(Effect.andThen(announce(config, startedAt, listened), demoBoards(config, listened)))
      )
    }
    const argv = [
      ...Option.match(given.config, { onNone: () => [], onSome: (path) => ["--config", path] }),
      ...["--data", config.data],
      ...["--http-port", String(config.http.port), "--mqtt-port", String(config.mqtt.port)],
      ...["--postgres-wait", String(given.postgresWait)]
    ]
    return yield* runCluster(config, argv, startedAt)
  })
).pipe(
  Command.withDescription("Start a cluster on this machine: PostgreSQL, nodes, listeners, demo boards"),
  examples(["", "One node; npm start is the same"], ["--nodes 3 --boards 20"])
)

export const node = Command.make(
  "node",
  {
    ...flags,
    index: nodeIndex("index").pipe(usually("Which node of this machine, from 0; sets its ports", 0)),
    leashed: toggle("leashed", "End when standard input does")
  },
  Effect.fn(function* (given) {
    const inherited = process.env[postgresVariable]
    const file = yield* loadConfig(overridesOf(given), Option.getOrUndefined(given.config))
    const config =
      inherited === undefined
        ? file
        : applyOverrides(file, { postgres: Redacted.make(inherited, { label: "PostgreSQL" }) })
    if (config.storage === "embedded") return yield* new NoSharedPostgres()
    const { index, postgresWait } = given
    const node = runNode(config, { index, postgresWait }, (listened) =>
      Effect.andThen(Console.log(readyLine(listened)), Effect.never)
    )
    return yield* given.leashed ? Effect.raceFirst(node, inputEnded) : node
  })
).pipe(
  Command.withDescription("Start one node that joins the cluster of the config"),
  examples(["--index 1 --config cluster.config.ts"])
)
