/** A whole node in the process of the test: real sockets on free ports, a PostgreSQL of its own, a temp folder. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { PgClient } from "@effect/sql-pg"
import { Context, Effect, Layer, Redacted, References, Schedule, Schema } from "effect"
import { startSimulatedBoards } from "../../devices/simulated/SimulatedBoards.ts"
import { Actors } from "../../src/actors/Actors.ts"
import { Engine } from "../../src/actors/Engine.ts"
import { ClusterConfig, type ClusterInput, portsOf } from "../../src/runtime/Config.ts"
import * as Node from "../../src/runtime/Node.ts"
import { PostgresUrl } from "../../src/runtime/storage/PostgresUrl.ts"
import { tokenPath } from "../../src/runtime/Token.ts"
import { Postgres } from "./Postgres.ts"

/** Free ports, no demo boards. */
export const freePorts: ClusterInput = {
  http: { port: 0 },
  mqtt: { port: 0 },
  peers: { runnerPort: 0, relayPort: 0 },
  demo: { isOn: false },
  shards: { perGroup: 30 }
}

/** A folder that is gone with the scope. */
export const tempFolder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "holon-node-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

/** Looks again until it is so; the test's own timeout ends a wait in vain. */
export const until = <A, E, R>(look: Effect.Effect<A, E, R>, isSo: (found: A) => boolean) =>
  look.pipe(Effect.repeat({ until: isSo, schedule: Schedule.spaced("50 millis") }))

/** What a test asks of the node over HTTP. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly json: unknown
}

const isJson = (text: string): boolean => text.startsWith("{") || text.startsWith("[")

export const ask = (url: string, init: RequestInit = {}): Effect.Effect<Answer> =>
  Effect.promise(async () => {
    const response = await fetch(url, { redirect: "manual", ...init })
    const text = await response.text()
    return {
      status: response.status,
      headers: response.headers,
      text,
      json: isJson(text) ? JSON.parse(text) : undefined
    }
  })

/** The node under test. */
export class RunningNode extends Context.Service<
  RunningNode,
  {
    /** As `http://127.0.0.1:7700`. */
    readonly url: string
    readonly mqttPort: number
    /** Its data folder. */
    readonly data: string
    readonly token: string
    readonly engine: Engine["Service"]
    readonly actors: Actors["Service"]
    readonly sql: PgClient.PgClient
    readonly get: (path: string, init?: RequestInit) => Effect.Effect<Answer>
    readonly post: (path: string, body: unknown, headers?: Readonly<Record<string, string>>) => Effect.Effect<Answer>
  }
>()("holon/test/RunningNode") {
  /** One node with its PostgreSQL; before the first test it says that it is ready, and `boards` heaters are online. */
  static readonly layer = ({
    boards = 0,
    config: input = freePorts
  }: {
    boards?: number
    config?: ClusterInput
  } = {}) =>
    Layer.effect(
      RunningNode,
      Effect.gen(function* () {
        const postgres = yield* Postgres
        const data = yield* tempFolder
        const database = yield* Effect.promise(() => postgres.createDatabase())
        const config = { ...(yield* Schema.decodeUnknownEffect(ClusterConfig)(input)), data }
        const built = yield* Layer.build(
          Node.layer({ config, ports: portsOf(config, 0) }).pipe(
            Layer.provide(PostgresUrl.layer(Redacted.make(database)))
          )
        )
        const { http, mqtt: mqttPort } = Context.get(built, Node.Listening)
        const url = `http://127.0.0.1:${http}`
        const get = (path: string, init?: RequestInit) => ask(`${url}${path}`, init)
        if (boards > 0) {
          yield* startSimulatedBoards({
            url: `mqtt://127.0.0.1:${mqttPort}`,
            count: boards,
            intervalMillis: 500,
            spreadMillis: 0
          })
          const last = get(`/api/devices/heater-${boards}`)
          yield* until(last, ({ text }) => text.includes('"online"') && text.includes('"temp"'))
        }
        // The list of members learns with the next heartbeat what the node knows of itself.
        yield* until(get("/api/nodes"), ({ text }) => text.includes('"isReady":true'))
        return RunningNode.of({
          url,
          mqttPort,
          data,
          token: readFileSync(tokenPath(data), "utf8").trim(),
          engine: Context.get(built, Engine),
          actors: Context.get(built, Actors),
          sql: Context.get(built, PgClient.PgClient),
          get,
          post: (path, body, headers = {}) =>
            get(path, {
              method: "POST",
              headers: { "content-type": "application/json", ...headers },
              body: typeof body === "string" ? body : JSON.stringify(body)
            })
        })
      })
    ).pipe(
      Layer.provideMerge(Postgres.layer()),
      Layer.provide(Layer.succeed(References.MinimumLogLevel, "Error")),
      Layer.orDie
    )
}
