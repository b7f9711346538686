import { execFileSync } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { below, end, type Holon, isAlive, start } from "../support/HolonProcess.ts"
import { takenPort } from "../support/Ports.ts"
import { ask, tempFolder, until } from "../support/RunningNode.ts"

const configOf = (ports: Readonly<Record<"http" | "mqtt" | "runner" | "relay", number>>) =>
  `export default {
    http: { port: ${ports.http} }, mqtt: { port: ${ports.mqtt} },
    peers: { runnerPort: ${ports.runner}, relayPort: ${ports.relay} },
    demo: { isOn: false }, shards: { perGroup: 30 }
  }`

const freeConfig = configOf({ http: 0, mqtt: 0, runner: 0, relay: 0 })

/** Members that serve, as the node at that address lists them. */
const serving = (url: string) =>
  Effect.map(
    ask(`${url}/api/nodes`),
    ({ json }) => decodeNodes(json).filter(({ isHealthy, isReady }) => isHealthy && isReady).length
  )

const decodeNodes = Schema.decodeUnknownSync(
  Schema.Array(Schema.Struct({ isHealthy: Schema.Boolean, isReady: Schema.Boolean }))
)

const urlOf = ({ out }: Holon): string => /http:\/\/127\.0\.0\.1:\d+(?=\/docs)/.exec(out)?.[0] ?? "no address"

describe("holon up", () => {
  it.live(
    "starts a cluster, starts a node again that dies, and leaves nothing behind after Ctrl-C twice",
    () =>
      Effect.gen(function* () {
        const folder = yield* tempFolder
        writeFileSync(join(folder, "cluster.config.ts"), freeConfig)
        const holon = yield* start(folder, "up", "--nodes", "2")
        yield* holon.says("holon is ready")
        assert.include(holon.out, "2 nodes")
        const url = urlOf(holon)
        assert.include(holon.out, `npx holon repl --url ${url}`)
        yield* until(serving(url), (count) => count === 2)

        const [node] = below(holon.pid).filter((pid) =>
          execFileSync("ps", ["-o", "args=", "-p", String(pid)], { encoding: "utf8" }).includes("--index 1")
        )
        assert.isDefined(node)
        if (node !== undefined) process.kill(node, "SIGKILL")
        yield* holon.says("node 2 ended (SIGKILL)")
        yield* holon.says("node 2 is back")
        yield* until(serving(url), (count) => count === 2)

        const tree = below(holon.pid)
        assert.isAbove(tree.length, 2)
        holon.kill("SIGINT")
        holon.kill("SIGINT")
        assert.strictEqual(yield* end(holon), 130)
        assert.match(holon.out, /^holon is stopping$/m)
        yield* until(
          Effect.sync(() => tree.filter(isAlive)),
          (left) => left.length === 0
        )
      }),
    120_000
  )

  it.live(
    "takes over what a killed one left, and ends by SIGTERM within seconds",
    () =>
      Effect.gen(function* () {
        const folder = yield* tempFolder
        writeFileSync(join(folder, "cluster.config.ts"), freeConfig)
        const first = yield* start(folder, "up")
        yield* first.says("holon is ready")
        first.kill("SIGKILL")
        yield* end(first)
        const second = yield* start(folder, "up")
        yield* second.says("holon is ready")
        assert.notInclude(second.out, "stopping")
        assert.strictEqual((yield* ask(`${urlOf(second)}/health/ready`)).status, 200)
        const tree = below(second.pid)
        const began = performance.now()
        second.kill("SIGTERM")
        yield* end(second)
        assert.isBelow(performance.now() - began, 10_000)
        assert.deepStrictEqual(tree.filter(isAlive), [])
      }),
    120_000
  )

  const refusals: ReadonlyArray<
    readonly [name: string, config: string, argv: ReadonlyArray<string>, sentence: RegExp]
  > = [
    ["a config that cannot be read", "export default { http: { prot: 1 } }", [], /cannot use the config .*http\.prot/],
    ["a config that is no TypeScript", "export default {", [], /cannot use the config/],
    [
      "an address that others reach",
      'export default { http: { host: "0.0.0.0" } }',
      [],
      /refuses to listen on 0\.0\.0\.0/
    ],
    [
      "a PostgreSQL that does not answer",
      freeConfig,
      ["--postgres", "postgres://holon:x@127.0.0.1:9/holon", "--postgres-wait", "1"],
      /PostgreSQL does not answer for 1 s \(.*ECONNREFUSED/
    ],
    [
      "a PostgreSQL whose address is none",
      freeConfig,
      ["--postgres", "localhost:5432"],
      /is no URL of one; it looks like/
    ],
    ["a node without a shared PostgreSQL", freeConfig, ["node"], /a node that joins a cluster needs its PostgreSQL/]
  ]
  it.live(
    "refuses what cannot work in one line, with nothing started",
    () =>
      Effect.forEach(
        refusals,
        ([name, config, argv, sentence]) =>
          Effect.gen(function* () {
            const folder = yield* tempFolder
            writeFileSync(join(folder, "cluster.config.ts"), config)
            const holon = yield* start(folder, ...(argv[0] === "node" ? argv : ["up", ...argv]))
            assert.strictEqual(yield* end(holon), 1, name)
            assert.strictEqual(holon.out, "", name)
            const said = holon.err.split("\n").filter((line) => line.startsWith("holon: "))
            assert.lengthOf(said, 1, holon.err)
            assert.match(said[0] ?? "", sentence, name)
          }),
        { concurrency: "unbounded", discard: true }
      ),
    120_000
  )

  it.live(
    "names the port that is taken, stops its PostgreSQL, and fails",
    () =>
      Effect.gen(function* () {
        const folder = yield* tempFolder
        const taken = yield* takenPort()
        writeFileSync(join(folder, "cluster.config.ts"), configOf({ http: taken, mqtt: 0, runner: 0, relay: 0 }))
        const holon = yield* start(folder, "up")
        const tree = yield* until(
          Effect.sync(() => below(holon.pid)),
          (found) => found.length > 0
        )
        assert.strictEqual(yield* end(holon), 1)
        assert.match(holon.err, new RegExp(`^holon: HTTP cannot listen on 127\\.0\\.0\\.1:${taken}: [^\\n]*\\n$`))
        assert.deepStrictEqual(tree.filter(isAlive), [])
      }),
    120_000
  )
})
