import { PgClient } from "@effect/sql-pg"
import { assert, describe, it, layer } from "@effect/vitest"
import { ConfigProvider, Context, Effect, Layer, Redacted, References, Schema } from "effect"
import { connectAsync } from "mqtt"
import { Engine } from "../../src/actors/Engine.ts"
import type { Asker } from "../../src/protocol/Asker.ts"
import { uuidV7 } from "../../src/protocol/Ids.ts"
import { decodeJournalBody, type JournalRecord } from "../../src/protocol/JournalBody.ts"
import { RefusedAct } from "../../src/protocol/Operator.ts"
import { encodeStored } from "../../src/protocol/Stored.ts"
import { ClusterConfig, portsOf } from "../../src/runtime/Config.ts"
import { Membership } from "../../src/runtime/cluster/ClusterLayer.ts"
import * as Node from "../../src/runtime/Node.ts"
import { PostgresUrl } from "../../src/runtime/storage/PostgresUrl.ts"
import { full } from "../protocol/hxe/Golden.ts"
import { run } from "../support/Cli.ts"
import { Postgres } from "../support/Postgres.ts"
import { freePorts, RunningNode, tempFolder, until } from "../support/RunningNode.ts"

const config = {
  ...freePorts,
  tokens: {
    operators: {
      ada: { env: "ADA" },
      bob: { token: { env: "BOB" }, may: ["device.read", "image.read"] },
      eve: { token: { env: "EVE" }, may: [] },
      dan: { token: { env: "DAN" }, may: ["deadletter.*"] },
      pam: { token: { env: "PAM" }, may: ["image.push"] },
      ron: { token: { env: "RON" }, may: ["pattern.write"] }
    }
  }
}
const env = {
  ...process.env,
  ADA: "ada's own",
  BOB: "bob's own",
  DAN: "dan's own",
  EVE: "eve's own",
  PAM: "pam's own",
  RON: "ron's own"
}
const withTokens = Layer.provide(Layer.succeed(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env })))
const as = (name: string) => ({ authorization: `Bearer ${name}'s own` })

const Refusal = Schema.Struct({ _tag: Schema.Literal("PolicyDenied"), reason: Schema.String, guidance: Schema.String })
const refusalOf = Schema.decodeUnknownSync(Refusal)

/** What the journal says that somebody was refused. */
const refusalsOf = (sql: PgClient.PgClient, name: string) =>
  Effect.map(
    sql<{
      readonly body: Uint8Array
    }>`select body from journal where kind = 'operator' and id = ${name} order by version`,
    (rows): ReadonlyArray<JournalRecord> => rows.flatMap(({ body }) => decodeJournalBody(body))
  )

layer(RunningNode.layer({ boards: 1, config }).pipe(withTokens), { timeout: "60 seconds", excludeTestServices: true })(
  "an operator of a running node with fewer rights",
  (it) => {
    it.effect("reads, and is refused what changes something, over HTTP", () =>
      Effect.gen(function* () {
        const { get, post } = yield* RunningNode
        assert.strictEqual((yield* get("/api/devices", { headers: as("bob") })).status, 200)
        assert.strictEqual((yield* post("/api/device/heater-1/GetTwin", {}, as("bob"))).status, 200)
        const refused = yield* post("/api/device/heater-1/SetDesired", { patch: { target: 5 } }, as("bob"))
        assert.strictEqual(refused.status, 403, refused.text)
        const { reason, guidance } = refusalOf(refused.json)
        assert.strictEqual(reason, "bob has no right to device.set, which SetDesired of device/heater-1 needs")
        assert.include(guidance, 'add "device.set" to tokens.operators.bob.may')
        const twin = yield* post("/api/device/heater-1/GetTwin", {}, as("bob"))
        assert.notInclude(twin.text, '"desired":{"target":5')
      })
    )

    it.effect("is refused what the node itself answers, over HTTP", () =>
      Effect.gen(function* () {
        const { get } = yield* RunningNode
        const statuses = yield* Effect.forEach(
          ["/api/devices", "/api/devices/heater-1", "/api/nodes", "/api/images"],
          (path) => Effect.map(get(path, { headers: as("eve") }), ({ status }) => status)
        )
        assert.deepStrictEqual(statuses, [403, 403, 403, 403])
        assert.strictEqual((yield* get("/health", { headers: as("eve") })).status, 200)
      })
    )

    it.effect("has all rights where the config names none, and where it shows no token on loopback", () =>
      Effect.gen(function* () {
        const { post } = yield* RunningNode
        const set = (headers: Readonly<Record<string, string>>) =>
          Effect.map(
            post("/api/device/heater-1/SetDesired", { patch: { target: 21 } }, headers),
            ({ status }) => status
          )
        assert.deepStrictEqual([yield* set(as("ada")), yield* set({})], [200, 200])
      })
    )

    it.effect("has no pattern tell what he may not tell himself", () =>
      Effect.gen(function* () {
        const { post } = yield* RunningNode
        const put = (action: string) =>
          post("/api/patterns", { text: `pattern x { where temp > 1000 do ${action} }` }, as("ron"))
        const refused = yield* put('tell(device, "heater-1", SetDesired, { "patch": { "target": 5 } })')
        assert.strictEqual(refused.status, 403, refused.text)
        assert.strictEqual(
          refusalOf(refused.json).reason,
          "ron has no right to device.set, which SetDesired of device/heater-1, by pattern x needs"
        )
        assert.strictEqual((yield* put('event("line.hot")')).status, 200)
      })
    )

    it.effect("pushes, signs and removes images only with the right to each", () =>
      Effect.gen(function* () {
        const { get } = yield* RunningNode
        const push = (name: string, headers: Readonly<Record<string, string>> = {}) =>
          get("/api/images", {
            method: "POST",
            headers: { "content-type": "application/octet-stream", ...as(name), ...headers },
            body: new Uint8Array(full)
          })
        const change = (method: string, path: string, name: string) =>
          Effect.map(
            get(path, {
              method,
              headers: { "content-type": "application/cose", ...as(name) },
              body: new Uint8Array(1)
            }),
            ({ status }) => status
          )
        assert.strictEqual((yield* push("bob")).status, 403)
        assert.strictEqual((yield* push("pam", { "holon-manifest": "oA" })).status, 403)
        assert.strictEqual((yield* push("pam")).status, 200)
        assert.strictEqual((yield* get("/api/images/gold%20full", { headers: as("bob") })).status, 200)
        assert.strictEqual(yield* change("PUT", "/api/images/gold%20full/manifest", "pam"), 403)
        assert.strictEqual(yield* change("DELETE", "/api/images/gold%20full", "pam"), 403)
        assert.strictEqual((yield* get("/api/images/gold%20full", { headers: as("ada") })).status, 200)
      })
    )

    it.effect("hears it from the command line in one sentence, with a code that says it failed", () =>
      Effect.gen(function* () {
        const { url, data } = yield* RunningNode
        const shown = ConfigProvider.fromEnv({ env: { ...env, HOLON_TOKEN: "bob's own" } })
        const holon = (...argv: ReadonlyArray<string>) =>
          Effect.provideService(run([...argv, "--url", url, "--data", data]), ConfigProvider.ConfigProvider, shown)
        const listed = yield* holon("devices", "ls")
        assert.isTrue(listed.isSuccess, listed.err)
        for (const [argv, right] of [
          [
            ["send", "device", "heater-1", "SetDesired", '{"patch":{}}'],
            "device.set, which SetDesired of device/heater-1"
          ],
          [["quarantine", "ls"], "quarantine.read, which Quarantined of the cluster"],
          [["quarantine", "release", "device", "heater-1"], "quarantine.release, which Release of device/heater-1"],
          [["dead", "retry", "1"], "deadletter.retry, which Retry of dead letter 1"],
          [["rollout", "ls"], "rollout.read, which GetRollout of every rollout"],
          [["nodes", "ls"], "node.read, which Nodes of the cluster"],
          [["image", "rm", "nothing"], "image.remove, which deleteImage of /api/images/nothing"]
        ] as const) {
          const ran = yield* holon(...argv)
          assert.isFalse(ran.isSuccess, argv.join(" "))
          assert.include(ran.err, `holon: bob has no right to ${right} needs; whoever keeps the config`, argv.join(" "))
          assert.strictEqual(ran.err.trim().split("\n").length, 1)
        }
      })
    )

    it.effect("leaves a dead letter to others when it may retry letters, but not send this one's message", () =>
      Effect.gen(function* () {
        const { url, data, sql } = yield* RunningNode
        const payload = encodeStored({ name: "reboot" })
        yield* sql`insert into dead_letter (kind, id, at, letter, message, payload, cause, trace_id)
          values ('device', 'heater-1', 1, 'l-1', 'Invoke', ${payload}, 'planted', '')`
        const shown = ConfigProvider.fromEnv({ env: { ...env, HOLON_TOKEN: "dan's own" } })
        const retried = yield* Effect.provideService(
          run(["dead", "retry", "1", "--url", url, "--data", data]),
          ConfigProvider.ConfigProvider,
          shown
        )
        assert.include(retried.err, "dan has no right to device.invoke, which Invoke of device/heater-1 needs")
        const listed = yield* run(["dead", "show", "1", "--json", "--url", url, "--data", data])
        assert.include(listed.out, '"isRetried": false')
      })
    )

    it.effect("learns over MQTT who is there only with the right to read devices", () =>
      Effect.gen(function* () {
        const { mqttPort } = yield* RunningNode
        const connectAs = (name: string) =>
          Effect.promise(() =>
            connectAsync(`mqtt://127.0.0.1:${mqttPort}`, {
              username: name,
              password: `${name}'s own`,
              reconnectPeriod: 0
            }).then(
              (client) => client.endAsync(true).then(() => "in"),
              () => "refused"
            )
          )
        assert.deepStrictEqual(
          [yield* connectAs("ada"), yield* connectAs("bob"), yield* connectAs("eve")],
          ["in", "in", "refused"]
        )
      })
    )

    it.effect("finds each act in the journal, with the right, the message and the target", () =>
      Effect.gen(function* () {
        const { sql, post } = yield* RunningNode
        const flood = Array.from({ length: 50 }, () =>
          post("/api/device/heater-1/Invoke", { name: "reboot" }, as("eve"))
        )
        yield* Effect.all(flood, { concurrency: 10 })
        const found = yield* until(refusalsOf(sql, "eve"), (events) => events.length > 0)
        assert.isBelow(found.length, 10)
        assert.strictEqual(found[0]?.type, "operator.refused")
        const counted = yield* until(refusalsOf(sql, "eve"), (events) =>
          events.some(({ data }) => JSON.stringify(data).includes("device.invoke"))
        )
        const invoked = counted.find(({ data }) => JSON.stringify(data).includes("device.invoke"))
        assert.deepInclude(invoked?.data, { message: "Invoke", target: "device/heater-1" })
      })
    )
  }
)

describe("an operator with fewer rights", () => {
  it.live(
    "is refused by the node that has the actor, whichever took the message",
    () =>
      Effect.gen(function* () {
        const postgres = yield* Postgres
        const database = yield* Effect.promise(() => postgres.createDatabase())
        const start = Effect.gen(function* () {
          const decoded = { ...(yield* Schema.decodeUnknownEffect(ClusterConfig)(freePorts)), data: yield* tempFolder }
          const node = Node.layer({ config: decoded, ports: portsOf(decoded, 0) })
          return yield* Layer.build(node.pipe(Layer.provide(PostgresUrl.layer(Redacted.make(database)))))
        })
        const first = yield* start
        const second = yield* start
        const { nodes } = Context.get(first, Membership)
        yield* until(nodes, (all) => all.length === 2 && all.every(({ ready, shards }) => ready && shards > 0))
        const { ask } = Context.get(first, Engine)
        const { residency } = Context.get(second, Engine)
        const bob: Asker = { kind: "user", id: "bob", role: "operator", may: ["operator.list"] }
        const randomBytes = (count: number) => crypto.getRandomValues(new Uint8Array(count))
        const send = (id: string, message: string, asker: Asker, payload: unknown) =>
          ask(
            { kind: "operator", id },
            { message, body: encodeStored(payload), requestId: uuidV7(Date.now(), randomBytes), asker },
            10_000
          )
        const guard: Asker = { kind: "service", id: "guard", role: "internal" }
        const before = residency.size
        // One after another, until the second node has woken one.
        let id = ""
        for (let serial = 0; residency.size === before; serial++) {
          id = `account-${serial}`
          assert.strictEqual((yield* send(id, "NoteRefusals", guard, { refusals: [] }))._tag, "Success")
        }
        const refused = yield* send(id, "GetRefusals", bob, {})
        assert.strictEqual(refused._tag === "Failed" ? refused.error._tag : refused._tag, "PolicyDenied")
        const permitted = yield* send(id, "GetRefusals", { ...bob, may: ["operator.*"] }, {})
        assert.strictEqual(permitted._tag, "Success")
      }).pipe(
        Effect.scoped,
        Effect.provideService(References.MinimumLogLevel, "Error"),
        Effect.provide(Postgres.layer())
      ),
    60_000
  )

  it.live(
    "is in the journal with all it was refused when its node stops",
    () =>
      Effect.gen(function* () {
        const postgres = yield* Postgres
        const database = yield* Effect.promise(() => postgres.createDatabase())
        const decoded = { ...(yield* Schema.decodeUnknownEffect(ClusterConfig)(freePorts)), data: yield* tempFolder }
        const at = Layer.provide(PostgresUrl.layer(Redacted.make(database)))
        yield* Effect.scoped(
          Effect.gen(function* () {
            const running = yield* Layer.build(Node.layer({ config: decoded, ports: portsOf(decoded, 0) }).pipe(at))
            const { nodes } = Context.get(running, Membership)
            yield* until(nodes, (all) => all.some(({ ready, shards }) => ready && shards > 0))
            const { residency } = Context.get(running, Engine)
            const bob: Asker = { kind: "user", id: "bob", role: "operator", may: [] }
            for (let turn = 0; turn < 5; turn++)
              residency.refusals.note(bob, { capability: "node.read", message: "Nodes", target: "the cluster" })
          })
        )
        const sql = yield* Layer.build(PgClient.layer({ url: Redacted.make(database) }))
        const found = yield* refusalsOf(Context.get(sql, PgClient.PgClient), "bob")
        assert.deepStrictEqual(
          found.map(({ data }) => Schema.decodeUnknownSync(RefusedAct)(data).count),
          [1, 4]
        )
      }).pipe(
        Effect.scoped,
        Effect.provideService(References.MinimumLogLevel, "Error"),
        Effect.provide(Postgres.layer())
      ),
    60_000
  )
})
