import { mkdirSync, writeFileSync } from "node:fs"
import { request } from "node:https"
import { join } from "node:path"
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it, layer } from "@effect/vitest"
import {
  Cause,
  ConfigProvider,
  Context,
  Effect,
  Exit,
  Fiber,
  Layer,
  Logger,
  Redacted,
  References,
  Schema
} from "effect"
import { connectAsync } from "mqtt"
import { JournalHint } from "../../src/events/JournalHint.ts"
import { beginning, JournalReader } from "../../src/events/JournalReader.ts"
import { ClusterConfig, type ClusterInput, portsOf } from "../../src/runtime/Config.ts"
import * as Node from "../../src/runtime/Node.ts"
import { layerPgJournal } from "../../src/runtime/storage/PgJournal.ts"
import { PostgresUrl } from "../../src/runtime/storage/PostgresUrl.ts"
import { freePort, takenPort } from "../support/Ports.ts"
import { Postgres } from "../support/Postgres.ts"
import { freePorts, RunningNode, tempFolder, until } from "../support/RunningNode.ts"
import { certificate, key } from "../support/TestCertificate.ts"

/** Nodes start and end here, beside whatever else the machine does. */
const patient = 60_000

/** Builds a node in the scope at hand; answers its error as a sentence. */
const build = (url: string, input: ClusterInput, storageWaitMillis?: number) =>
  Effect.gen(function* () {
    const data = input.data ?? (yield* tempFolder)
    const config = { ...(yield* Schema.decodeUnknownEffect(ClusterConfig)(input)), data }
    const node = Node.layer({ config, ports: portsOf(config, 0), storageWaitMillis })
    return yield* Layer.build(node.pipe(Layer.provide(PostgresUrl.layer(Redacted.make(url)))))
  }).pipe(Effect.provideService(References.MinimumLogLevel, "Warn"))

const sentenceOf = (exit: Exit.Exit<unknown, unknown>): string => {
  if (Exit.isSuccess(exit)) return "no error"
  const error = Cause.squash(exit.cause)
  return error instanceof Error && !Cause.hasDies(exit.cause) ? error.message : `a defect: ${Cause.pretty(exit.cause)}`
}

const failureOf = (url: string, input: ClusterInput, storageWaitMillis?: number) =>
  Effect.map(Effect.exit(Effect.scoped(build(url, input, storageWaitMillis))), sentenceOf)

layer(RunningNode.layer({ boards: 2 }), { timeout: "60 seconds", excludeTestServices: true })("a node", (it) => {
  it.effect(
    "puts what its gateways saw on the device's stream of events, once in a while",
    () =>
      Effect.gen(function* () {
        const { mqttPort, sql } = yield* RunningNode
        const client = yield* Effect.acquireRelease(
          Effect.promise(() =>
            connectAsync(`mqtt://127.0.0.1:${mqttPort}`, { clientId: "heater-2", reconnectPeriod: 0 })
          ),
          (open) => Effect.promise(() => open.endAsync(true))
        )
        for (let time = 0; time < 3; time++)
          yield* Effect.promise(() =>
            client.publishAsync("holon/v1/d/another/up", "x", { qos: 1 }).catch(() => undefined)
          )
        const journal = layerPgJournal.pipe(
          Layer.provide(JournalHint.layer),
          Layer.provide(Layer.succeed(PgClient.PgClient, sql))
        )
        const denied = Effect.gen(function* () {
          const { read } = yield* JournalReader
          const entries = yield* read(beginning, 1000)
          return entries.flatMap(({ id, records }) =>
            records.flatMap((record) => (record.type === "link.denied" ? [{ id, severity: record.severity }] : []))
          )
        }).pipe(Effect.provide(journal))
        const found = yield* until(denied, (events) => events.length > 0)
        assert.deepStrictEqual(found, [{ id: "heater-2", severity: "warn" }])
      }),
    patient
  )

  it.effect(
    "makes no device of a stranger that is denied",
    () =>
      Effect.gen(function* () {
        const { get, mqttPort } = yield* RunningNode
        const client = yield* Effect.acquireRelease(
          Effect.promise(() =>
            connectAsync(`mqtt://127.0.0.1:${mqttPort}`, { clientId: "stranger", reconnectPeriod: 0 })
          ),
          (open) => Effect.promise(() => open.endAsync(true))
        )
        yield* Effect.promise(() =>
          client.publishAsync("holon/v1/d/another/up", "x", { qos: 1 }).catch(() => undefined)
        )
        assert.strictEqual((yield* get("/api/devices/stranger")).status, 404)
      }),
    patient
  )

  it.effect(
    "is not ready and acknowledges nothing while PostgreSQL stands still; then goes on by itself",
    () =>
      Effect.gen(function* () {
        const { get, post } = yield* RunningNode
        const postgres = yield* Postgres
        postgres.freeze()
        const asked = yield* Effect.forkChild(post("/api/device/heater-1/SetDesired", { patch: { target: 33 } }))
        const sick = yield* until(get("/health/ready"), ({ status }) => status !== 200)
        assert.strictEqual(sick.status, 503)
        assert.deepNestedInclude(sick.json, { "report.status": "not ready", "report.isLeaseFresh": false })
        assert.strictEqual((yield* get("/health/live")).status, 200)
        assert.isUndefined(asked.pollUnsafe(), "answered before it was durable")
        postgres.thaw()
        yield* until(get("/health/ready"), ({ status }) => status === 200)
        const answer = yield* Fiber.join(asked)
        const twin = yield* until(post("/api/device/heater-1/GetTwin", {}), ({ status }) => status === 200)
        if (answer.status === 200) assert.include(twin.text, '"desired":{"target":33}')
        else assert.oneOf(answer.status, [503, 504])
      }),
    patient
  )

  it.effect(
    "recovers without a restart when PostgreSQL ends and comes back",
    () =>
      Effect.gen(function* () {
        const { get, post } = yield* RunningNode
        const postgres = yield* Postgres
        assert.strictEqual((yield* post("/api/device/heater-1/SetDesired", { patch: { target: 44 } })).status, 200)
        yield* Effect.promise(() => postgres.end())
        yield* until(get("/health/ready"), ({ status }) => status === 503)
        assert.strictEqual((yield* get("/api/devices")).status, 503)
        yield* Effect.promise(() => postgres.start())
        yield* until(get("/health/ready"), ({ status }) => status === 200)
        const twin = yield* until(post("/api/device/heater-1/GetTwin", {}), ({ text }) =>
          text.includes('"state":"online"')
        )
        assert.include(twin.text, '"target":44')
        // The board's reports go on where they stopped.
        const version = /"version":(\d+)/.exec(twin.text)?.[1]
        yield* until(
          post("/api/device/heater-1/GetTwin", {}),
          ({ text }) => /"version":(\d+)/.exec(text)?.[1] !== version
        )
      }),
    patient
  )
})

layer(Postgres.layer(), { timeout: "60 seconds", excludeTestServices: true })("a node that cannot start", (it) => {
  const database = Effect.flatMap(Postgres, (server) => Effect.promise(() => server.createDatabase()))

  it.effect(
    "names the listener whose port is taken, and leaves nothing behind",
    () =>
      Effect.gen(function* () {
        const port = yield* takenPort()
        const url = yield* database
        const taken = { port, host: "127.0.0.1" }
        const where = `127.0.0.1:${port}`
        const peers = { runnerPort: 0, relayPort: 0 }
        assert.include(
          yield* failureOf(url, { ...freePorts, http: taken }),
          `HTTP cannot listen on ${where}: another program`
        )
        assert.include(
          yield* failureOf(url, { ...freePorts, mqtt: taken }),
          `MQTT cannot listen on ${where}: another program`
        )
        assert.include(
          yield* failureOf(url, { ...freePorts, peers: { ...peers, runnerPort: port } }),
          `runner cannot listen on ${where}`
        )
        assert.include(
          yield* failureOf(url, { ...freePorts, peers: { ...peers, relayPort: port } }),
          `relay cannot listen on ${where}`
        )
        const others = Effect.gen(function* () {
          const sql = yield* PgClient.PgClient
          return yield* sql`select application_name from pg_stat_activity
          where datname = current_database() and pid <> pg_backend_pid()`
        }).pipe(Effect.provide(PgClient.layer({ url: Redacted.make(url), maxConnections: 1 })))
        assert.deepStrictEqual(yield* until(others, (rows) => rows.length === 0), [])
      }),
    patient
  )

  it.effect(
    "refuses a config that would place actors elsewhere than the rows say",
    () =>
      Effect.gen(function* () {
        const url = yield* database
        yield* Effect.scoped(build(url, freePorts))
        const sentence = yield* failureOf(url, { ...freePorts, shards: { perGroup: 31 } })
        assert.match(sentence, /30.*31|31.*30/)
      }),
    patient
  )

  it.effect(
    "says why TLS cannot be used",
    () =>
      Effect.gen(function* () {
        const url = yield* database
        const folder = yield* tempFolder
        writeFileSync(join(folder, "cert.pem"), certificate)
        writeFileSync(join(folder, "key.pem"), "no key")
        const tls = { certificate: join(folder, "cert.pem"), key: join(folder, "key.pem") }
        assert.include(yield* failureOf(url, { ...freePorts, http: { port: 0, tls } }), "http.tls cannot be used")
        assert.include(yield* failureOf(url, { ...freePorts, mqtt: { port: 0, tls } }), "mqtt.tls cannot be used")
      }),
    patient
  )

  it.effect(
    "refuses a data folder whose token is empty: everybody would have it",
    () =>
      Effect.gen(function* () {
        const url = yield* database
        const data = yield* tempFolder
        mkdirSync(data, { recursive: true })
        writeFileSync(join(data, "token"), "")
        assert.include(yield* failureOf(url, { ...freePorts, data }), "is no token of a cluster")
      }),
    patient
  )

  it.effect(
    "serves HTTPS and MQTT over TLS where the config says so, and then asks for tokens",
    () =>
      Effect.gen(function* () {
        const url = yield* database
        const folder = yield* tempFolder
        writeFileSync(join(folder, "cert.pem"), certificate)
        writeFileSync(join(folder, "key.pem"), key)
        const tls = { certificate: join(folder, "cert.pem"), key: join(folder, "key.pem") }
        const tokens = { operators: { ada: { env: "ADA" } }, boards: { "board-1": { env: "BOARD" } } }
        const env = { ADA: "ada's own", BOARD: "board's own" }
        const built = yield* build(url, { ...freePorts, http: { port: 0, tls }, mqtt: { port: 0, tls }, tokens }).pipe(
          Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env }))
        )
        const { http, mqtt } = Context.get(built, Node.Listening)
        const statusWith = (headers: Readonly<Record<string, string>>) =>
          Effect.callback<number | undefined>((resume) => {
            request({ host: "127.0.0.1", port: http, path: "/api/devices", ca: certificate, headers }, (response) => {
              response.resume()
              resume(Effect.succeed(response.statusCode))
            }).end()
          })
        assert.strictEqual(yield* statusWith({}), 401)
        assert.strictEqual(yield* statusWith({ authorization: "Bearer board's own" }), 401)
        assert.strictEqual(yield* statusWith({ authorization: "Bearer ada's own" }), 200)
        const connectWith = (password: string) =>
          Effect.promise(() =>
            connectAsync(`mqtts://127.0.0.1:${mqtt}`, {
              clientId: "board-1",
              username: "board-1",
              password,
              ca: certificate,
              reconnectPeriod: 0
            }).then(
              (client) => client.endAsync(true).then(() => "in"),
              () => "refused"
            )
          )
        assert.strictEqual(yield* connectWith("board's own"), "in")
        assert.strictEqual(yield* connectWith("ada's own"), "refused")
      }),
    patient
  )
})

describe("a node without PostgreSQL", () => {
  it.live(
    "tries again, says so once, and gives up after a bound",
    () =>
      Effect.gen(function* () {
        const port = yield* Effect.promise(freePort)
        const lines: Array<string> = []
        const logger = Logger.make<unknown, void>(({ message }) => {
          lines.push(String(message))
        })
        const exit = yield* Effect.exit(
          Effect.scoped(build(`postgres://holon:x@127.0.0.1:${port}/holon`, freePorts, 1200))
        ).pipe(Effect.provide(Logger.layer([logger])))
        assert.strictEqual(lines.filter((line) => /trying again: .*ECONNREFUSED/.test(line)).length, 1, lines.join())
        assert.match(sentenceOf(exit), /PostgreSQL does not answer for \d s .*ECONNREFUSED.*; check that it runs/)
      }),
    patient
  )
})
