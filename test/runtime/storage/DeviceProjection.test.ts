import { readFileSync } from "node:fs"
import { join } from "node:path"
import { PgClient } from "@effect/sql-pg"
import { assert, layer } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, Option, References, Result } from "effect"
import { device } from "../../../src/actors/device/Device.ts"
import * as Registry from "../../../src/actors/Registry.ts"
import { DeviceSearch } from "../../../src/events/DeviceSearch.ts"
import { bindText } from "../../../src/protocol/condition/Bind.ts"
import { twins } from "../../../src/protocol/condition/Source.ts"
import { Device } from "../../../src/protocol/Device.ts"
import { keepDeviceSearch, keepOnce } from "../../../src/runtime/storage/DeviceProjection.ts"
import { rowFormat } from "../../../src/runtime/storage/DeviceRows.ts"
import { layerPgDeviceSearch } from "../../../src/runtime/storage/PgDeviceSearch.ts"
import { Postgres } from "../../support/Postgres.ts"
import { until } from "../../support/RunningNode.ts"
import { commitDevices } from "../../support/StoredDevices.ts"
import { TestDatabase } from "./TestDatabase.ts"

const type = Registry.make([device]).get(Device.kind) ?? assert.fail("no devices")
const round = keepOnce(type, "node-a")

const find = (where: string, limit = 1000) =>
  Effect.flatMap(DeviceSearch, (search) => search.find(Result.getOrThrow(bindText(where, twins)), { limit }))
const idsOf = (where: string) => Effect.map(find(where), ({ devices }) => devices.map(({ id }) => id))

const fresh = <A, E>(effect: Effect.Effect<A, E, PgClient.PgClient | DeviceSearch | Postgres>) =>
  Effect.provide(effect, Layer.provideMerge(layerPgDeviceSearch, TestDatabase.layer))

layer(Postgres.layer(), { timeout: "60 seconds", excludeTestServices: true })("what devices are searched in", (it) => {
  it.effect("says in which zone each device is, and follows it out of it again", () =>
    fresh(
      Effect.gen(function* () {
        yield* commitDevices([{ id: "a", zone: "hall.line-3" }, { id: "b", zone: "hall" }, { id: "c" }])
        yield* round
        assert.deepStrictEqual(yield* idsOf('zone == "hall"'), ["b"])
        assert.deepStrictEqual(yield* idsOf('zone glob "hall.*"'), ["a"])
        assert.deepStrictEqual(yield* idsOf("not exists zone"), ["c"])
        const { devices } = yield* find("exists zone")
        assert.deepStrictEqual(
          devices.map(({ status }) => [status.zone, status.zoneBy]),
          [
            ["hall.line-3", "people"],
            ["hall", "people"]
          ]
        )
        yield* commitDevices([{ id: "a" }, { id: "b", zone: "yard" }])
        yield* round
        assert.deepStrictEqual(yield* idsOf("exists zone"), ["b"])
      })
    )
  )

  it.effect("is built from the rows of the actors, and then follows the journal", () =>
    fresh(
      Effect.gen(function* () {
        yield* commitDevices([
          { id: "a", reported: { temp: 20 } },
          { id: "b", reported: { temp: 90 }, desired: { led: "on" }, profile: "sim-press", state: "silent" }
        ])
        assert.deepStrictEqual(yield* round, { isOurs: true, written: 2, left: 0 })
        const { devices, next } = yield* find("temp > 50")
        assert.deepStrictEqual(
          devices.map(({ id, desired, reported, status }) => [
            id,
            desired,
            reported,
            status.profile,
            status.connection
          ]),
          [
            [
              "b",
              { led: "on" },
              { temp: 90 },
              "sim-press",
              { state: "silent", since: 1000, reason: "attach", lastSeen: 2000 }
            ]
          ]
        )
        assert.isUndefined(next)
        yield* commitDevices([{ id: "a", reported: { temp: 91 } }, { id: "c" }])
        assert.deepStrictEqual(yield* round, { isOurs: true, written: 2, left: 0 })
        assert.deepStrictEqual(yield* idsOf("temp > 50"), ["a", "b"])
        assert.deepStrictEqual(yield* idsOf("not exists temp"), ["c"])
        assert.deepStrictEqual(yield* round, { isOurs: true, written: 0, left: 0 })
      })
    )
  )

  it.effect("says that there is nothing to search in until it is whole", () =>
    fresh(
      Effect.gen(function* () {
        yield* commitDevices([{ id: "a" }])
        const before = yield* Effect.flip(find("state == 'online'"))
        assert.strictEqual(before._tag === "SearchUnavailable" && before.reason, "Building")
        yield* round
        assert.deepStrictEqual(yield* idsOf("state == 'online'"), ["a"])
      })
    )
  )

  it.effect("keeps a retired device as retired", () =>
    fresh(
      Effect.gen(function* () {
        yield* commitDevices([{ id: "a", reported: { temp: 20 } }])
        yield* round
        yield* commitDevices([{ id: "a", reported: { temp: 20 }, state: "retired" }])
        yield* round
        assert.deepStrictEqual(yield* idsOf("temp == 20 and state != 'retired'"), [])
        assert.deepStrictEqual(yield* idsOf("temp == 20 and state == 'retired'"), ["a"])
      })
    )
  )

  it.effect("does nothing twice: of one device many commits are one row, and its row is not written for old news", () =>
    fresh(
      Effect.gen(function* () {
        yield* round
        for (let temp = 0; temp < 20; temp++) yield* commitDevices([{ id: "a", reported: { temp } }])
        assert.strictEqual((yield* round).written, 1)
        const sql = yield* PgClient.PgClient
        // As if the last word on how far it is had been lost.
        yield* sql`update device_search_progress set txid = '0', position = 0`
        assert.strictEqual((yield* round).written, 0)
        assert.deepStrictEqual(yield* idsOf("temp == 19"), ["a"])
      })
    )
  )

  it.effect("is kept by one node; another one goes on where that one ends or falls silent, and none goes back", () =>
    fresh(
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const other = keepOnce(type, "node-b")
        yield* round
        yield* commitDevices([{ id: "a", reported: { temp: 1 } }])
        assert.strictEqual((yield* other).isOurs, false)
        assert.deepStrictEqual(yield* idsOf("temp == 1"), [])
        yield* sql`update device_search_progress set kept_until = now()`
        assert.deepStrictEqual(yield* other, { isOurs: true, written: 1, left: 0 })
        assert.strictEqual((yield* round).isOurs, false)
        // Both believe that it is theirs, all the time, while the fleet changes.
        const fight = (keeper: string) =>
          Effect.forEach(Array.from({ length: 30 }), () =>
            Effect.andThen(sql`update device_search_progress set kept_until = now()`, keepOnce(type, keeper))
          )
        const change = Effect.forEach(Array.from({ length: 40 }), (_, step) =>
          commitDevices(
            Array.from({ length: 5 }, (_, place) => ({ id: `d-${(step * 3 + place) % 20}`, reported: { step } }))
          )
        )
        yield* Effect.all([fight("node-a"), fight("node-b"), change], { concurrency: "unbounded" })
        yield* sql`update device_search_progress set kept_until = now()`
        yield* round
        const differing = yield* sql`select a.id from actor a left join device_search s on s.id = a.id
          where a.version is distinct from s.version`
        assert.deepStrictEqual(differing, [])
        assert.strictEqual((yield* idsOf("exists step")).length, 20)
      })
    )
  )

  it.effect("says honestly as of when, also while a commit is under way", () =>
    fresh(
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const clock = Effect.map(
          sql<{ readonly now: number }>`select (extract(epoch from clock_timestamp()) * 1000)::float8 as now`,
          ([row]) => row?.now ?? 0
        )
        yield* commitDevices([{ id: "a", reported: { temp: 1 } }])
        const before = yield* clock
        yield* round
        const quiet = yield* find("temp == 1")
        assert.isAtLeast(quiet.asOf.at, Math.floor(before))
        assert.isAtLeast(quiet.asOf.behindMillis, 0)
        // A commit that holds back all that began after it: what it is as of must not go past what was left out.
        const begun = yield* Deferred.make<void>()
        const mayEnd = yield* Deferred.make<void>()
        const slow = yield* Effect.forkChild(
          sql.withTransaction(
            Effect.gen(function* () {
              yield* sql`select pg_current_xact_id()`
              yield* Deferred.succeed(begun, undefined)
              yield* Deferred.await(mayEnd)
            })
          ),
          { startImmediately: true }
        )
        yield* Deferred.await(begun)
        yield* commitDevices([{ id: "a", reported: { temp: 2 } }])
        const committed = yield* clock
        yield* round
        const held = yield* find("temp == 1")
        assert.deepStrictEqual(
          held.devices.map(({ id }) => id),
          ["a"]
        )
        assert.isBelow(held.asOf.at, committed)
        yield* Deferred.succeed(mayEnd, undefined)
        yield* Fiber.join(slow)
        yield* round
        const after = yield* find("temp == 2")
        assert.strictEqual(after.devices.length, 1)
        assert.isAtLeast(after.asOf.at, Math.floor(committed))
        // Nobody keeps it any more: it says so ever more.
        const first = (yield* find("temp == 2")).asOf
        const { asOf } = yield* until(find("temp == 2"), (later) => later.asOf.behindMillis > first.behindMillis)
        assert.strictEqual(asOf.at, first.at)
      })
    )
  )

  it.effect(
    "is built anew when the journal was dropped before it was read, and finds what it was as of then until it is whole",
    () =>
      fresh(
        Effect.gen(function* () {
          const sql = yield* PgClient.PgClient
          yield* commitDevices([
            { id: "a", reported: { temp: 1 } },
            { id: "b", reported: { temp: 1 } }
          ])
          yield* round
          const { asOf } = yield* find("temp == 1")
          yield* commitDevices([{ id: "a", reported: { temp: 2 } }], { isJournalled: false })
          yield* round
          assert.deepStrictEqual(yield* idsOf("temp == 2"), [], "nothing says that it has changed")
          yield* sql`update device_search_progress set read_to = now() - interval '3 days', kept_until = now()`
          assert.deepStrictEqual(yield* round, { isOurs: true, written: 1, left: 0 })
          const found = yield* find("temp == 2")
          assert.deepStrictEqual(
            found.devices.map(({ id }) => id),
            ["a"]
          )
          assert.isAtLeast(found.asOf.at, asOf.at)
        })
      )
  )

  it.effect("is built anew by a release that writes another form, and left alone by the one before", () =>
    fresh(
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        yield* commitDevices([{ id: "a", reported: { temp: 1 } }])
        yield* round
        // As the release before has left it.
        yield* sql`update device_search set format = 0, reported = '{}'`
        yield* sql`update device_search_progress set format = 0`
        const refused = yield* Effect.flip(find("temp == 1"))
        assert.strictEqual(refused._tag === "SearchUnavailable" && refused.reason, "Building")
        assert.strictEqual((yield* round).written, 1)
        assert.deepStrictEqual(yield* idsOf("temp == 1"), ["a"])
        // As a newer release has made it.
        yield* sql`update device_search_progress set format = ${rowFormat + 1}, kept_until = now()`
        assert.strictEqual((yield* round).isOurs, false)
        const newer = yield* Effect.flip(find("temp == 1"))
        assert.strictEqual(newer._tag === "SearchUnavailable" && newer.reason, "Newer")
      })
    )
  )

  it.effect("is built anew after a restore into a server whose transactions count from below", () =>
    fresh(
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        yield* commitDevices([{ id: "a", reported: { temp: 1 } }])
        yield* round
        yield* sql`update device_search_progress set txid = '9000000000'`
        yield* commitDevices([{ id: "a", reported: { temp: 2 } }])
        assert.strictEqual((yield* round).written, 1)
        assert.deepStrictEqual(yield* idsOf("temp == 2"), ["a"])
        yield* commitDevices([{ id: "a", reported: { temp: 3 } }])
        yield* round
        assert.deepStrictEqual(yield* idsOf("temp == 3"), ["a"])
      })
    )
  )

  it.effect("leaves out a row that nobody can read, and no other", () =>
    fresh(
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        yield* commitDevices(["a", "b", "c"].map((id) => ({ id, reported: { temp: 1 } })))
        yield* sql`update actor set head = '\\x01' where id = 'b'`
        assert.deepStrictEqual(yield* round, { isOurs: true, written: 2, left: 1 })
        assert.deepStrictEqual(yield* idsOf("temp == 1"), ["a", "c"])
      })
    )
  )

  it.effect(
    "goes through many devices and many commits page by page",
    () =>
      fresh(
        Effect.gen(function* () {
          const fleet = Array.from({ length: 2500 }, (_, place) => ({ id: `d-${place}`, reported: { place } }))
          yield* commitDevices(fleet)
          assert.deepStrictEqual(yield* round, { isOurs: true, written: 2500, left: 0 })
          for (let time = 0; time < 9; time++) yield* commitDevices(fleet)
          assert.deepStrictEqual(yield* round, { isOurs: true, written: 2500, left: 0 })
          assert.deepStrictEqual(yield* idsOf("place in [7, 2499]"), ["d-2499", "d-7"])
        })
      ),
    60_000
  )
})

// With fsync it would look at every file of the server before it is there again.
layer(Postgres.layer({ settings: ["fsync=off"] }), { timeout: "60 seconds", excludeTestServices: true })(
  "what devices are searched in, when PostgreSQL ends",
  (it) => {
    it.effect(
      "is built anew after a crash of the database server, which empties it",
      () =>
        fresh(
          Effect.gen(function* () {
            const server = yield* Postgres
            yield* commitDevices([{ id: "a", reported: { temp: 1 } }])
            yield* round
            const [pid] = readFileSync(join(server.dataDirectory, "postmaster.pid"), "utf8").split("\n")
            process.kill(Number(pid), "SIGQUIT")
            yield* Effect.promise(server.end)
            yield* Effect.promise(server.start)
            yield* until(
              Effect.flip(find("temp == 1")),
              (failure) => failure._tag === "SearchUnavailable" && failure.reason === "Building"
            )
            yield* Effect.eventually(round)
            assert.deepStrictEqual(yield* idsOf("temp == 1"), ["a"])
          })
        ),
      60_000
    )

    it.effect(
      "catches up by itself after PostgreSQL was away",
      () =>
        fresh(
          Effect.gen(function* () {
            const server = yield* Postgres
            const keeping = yield* Effect.forkChild(
              Effect.provideService(keepDeviceSearch(type), References.MinimumLogLevel, "None"),
              { startImmediately: true }
            )
            yield* commitDevices([{ id: "a", reported: { temp: 1 } }])
            yield* until(
              Effect.orElseSucceed(idsOf("temp == 1"), () => []),
              ({ length }) => length === 1
            )
            yield* Effect.promise(server.end)
            yield* Effect.promise(server.start)
            yield* Effect.eventually(commitDevices([{ id: "a", reported: { temp: 2 } }]))
            yield* until(
              Effect.orElseSucceed(idsOf("temp == 2"), () => []),
              ({ length }) => length === 1
            )
            yield* Fiber.interrupt(keeping)
            // Another node goes on at once.
            assert.isTrue((yield* keepOnce(type, "node-b")).isOurs)
          })
        ),
      60_000
    )

    it.effect(
      "does not hold up a node that stops while PostgreSQL does not answer",
      () =>
        fresh(
          Effect.gen(function* () {
            const server = yield* Postgres
            const keeping = yield* Effect.forkChild(keepDeviceSearch(type), { startImmediately: true })
            yield* until(
              Effect.orElseSucceed(
                Effect.map(find("true"), () => true),
                () => false
              ),
              (isThere) => isThere
            )
            server.freeze()
            const ended = yield* Effect.timeoutOption(Effect.interruptible(Fiber.interrupt(keeping)), "10 seconds")
            server.thaw()
            assert.isTrue(Option.isSome(ended))
          })
        ),
      60_000
    )
  }
)
