import { PgClient } from "@effect/sql-pg"
import { assert, layer } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, Result } from "effect"
import { device } from "../../../src/actors/device/Device.ts"
import * as Registry from "../../../src/actors/Registry.ts"
import { isLookedUp } from "../../../src/events/condition/SqlContainment.ts"
import { DeviceSearch } from "../../../src/events/DeviceSearch.ts"
import { bindText, bindTree } from "../../../src/protocol/condition/Bind.ts"
import type { BoundCondition } from "../../../src/protocol/condition/Bound.ts"
import type { Parameters } from "../../../src/protocol/condition/Checks.ts"
import { format } from "../../../src/protocol/condition/Format.ts"
import { interpret } from "../../../src/protocol/condition/Interpret.ts"
import { twins } from "../../../src/protocol/condition/Source.ts"
import { Device } from "../../../src/protocol/Device.ts"
import { desiredMap } from "../../../src/protocol/Twin.ts"
import { isTwinMap } from "../../../src/protocol/TwinSchema.ts"
import { mapOf } from "../../../src/protocol/TwinSection.ts"
import type { TwinMap } from "../../../src/protocol/TwinValue.ts"
import { keepOnce } from "../../../src/runtime/storage/DeviceProjection.ts"
import { rowFormat } from "../../../src/runtime/storage/DeviceRows.ts"
import { layerPgDeviceSearch, pageStatement, searchColumns } from "../../../src/runtime/storage/PgDeviceSearch.ts"
import { Conditions } from "../../support/Conditions.ts"
import { Postgres } from "../../support/Postgres.ts"
import { commitDevices, type DeviceGiven, stateOf } from "../../support/StoredDevices.ts"
import { TestDatabase } from "./TestDatabase.ts"

const seed = Number(process.env["CONDITION_SEED"] ?? 20261121)
const conditionCount = 1000
const deviceCount = 80

const type = Registry.make([device]).get(Device.kind) ?? assert.fail("no devices")
const round = keepOnce(type, "node-a")
const bound = (text: string, parameters: Parameters = {}) => Result.getOrThrow(bindText(text, twins, parameters))

/** All pages of a search. */
const idsOf = Effect.fnUntraced(function* (
  condition: BoundCondition,
  limit = 1000,
  between: Effect.Effect<void> = Effect.void
) {
  const search = yield* DeviceSearch
  const ids: Array<string> = []
  for (let after: string | undefined = ""; after !== undefined; ) {
    const page: Effect.Success<ReturnType<typeof search.find>> = yield* search.find(condition, { limit, after })
    ids.push(...page.devices.map(({ id }) => id))
    after = page.next
    yield* between
  }
  return ids
})

/** What a twin can hold of a random document: no null, no number that no board may report. */
const reportable = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.flatMap((element) => reportable(element) ?? [])
  if (typeof value === "number")
    return Number.isSafeInteger(value) || !Number.isInteger(value) ? finite(value) : undefined
  if (typeof value !== "object" || value === null) return value ?? undefined
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, below]) => {
      const kept = reportable(below)
      return kept === undefined ? [] : [[key, kept]]
    })
  )
}
const finite = (value: number): number | undefined => (Number.isFinite(value) ? value : undefined)
const section = (value: unknown): TwinMap => {
  const map = reportable(value)
  return isTwinMap(map) ? map : assert.fail(`${JSON.stringify(map)} is no section`)
}

/** A device as conditions see it. */
const documentOf = (given: DeviceGiven) => {
  const { board, connection, twin } = stateOf(given)
  const { id, zone } = given
  return {
    id,
    ...(zone !== undefined && { zone }),
    profile: board.profile,
    state: connection.state,
    desired: desiredMap(twin),
    reported: mapOf(twin.reported)
  }
}

const hostile = [
  "'; drop table device_search; --",
  "' or '1'='1",
  "\\' or true --",
  "$1::text) or (true",
  '"; drop table actor; --',
  "a'||(select current_user)||'",
  "%' escape '%",
  "x\\",
  '{"a":1}',
  "*/ or true /*",
  "😀\u2028",
  "__proto__x"
]

layer(Postgres.layer(), { timeout: "120 seconds", excludeTestServices: true })("the search of devices", (it) => {
  const fresh = <A, E>(effect: Effect.Effect<A, E, PgClient.PgClient | DeviceSearch>) =>
    Effect.provide(effect, Layer.provideMerge(layerPgDeviceSearch, TestDatabase.layer))

  it.effect(
    "finds what the interpreter finds in the same twins",
    () =>
      fresh(
        Effect.gen(function* () {
          const source = new Conditions(seed)
          const fleet = Array.from({ length: deviceCount }, (_, place): DeviceGiven => {
            const { reported, desired } = source.document()
            const state = (["online", "offline", "silent", "retired"] as const)[source.below(4)] ?? "online"
            const profile = source.text() || "generic"
            const zone = ["hall", "hall.line-3", undefined][source.below(3)]
            return {
              id: `d-${place}`,
              ...(zone !== undefined && { zone }),
              profile,
              state,
              reported: section(reported),
              desired: section(desired)
            }
          })
          yield* commitDevices(fleet)
          assert.deepStrictEqual(yield* round, { isOurs: true, written: deviceCount, left: 0 })
          const documents = fleet.map(documentOf)
          let lookedUp = 0
          let undecided = 0
          for (let count = 0; count < conditionCount; ) {
            const tree = source.tree()
            const condition = bindTree(tree, twins)
            if (Result.isFailure(condition)) continue
            count++
            const wanted = documents.filter((document) => interpret(condition.success, document)).map(({ id }) => id)
            const found = yield* idsOf(condition.success)
            assert.deepStrictEqual(found, wanted.toSorted(), `seed ${seed}: ${format(tree)}`)
            if (wanted.length > 0 && wanted.length < deviceCount) undecided++
            if (wanted.length > 0 && isLookedUp(condition.success, searchColumns)) lookedUp++
          }
          assert.isAbove(undecided, conditionCount / 4)
          assert.isAbove(lookedUp, 0, "conditions that an index looks up, and that hold somewhere")
        })
      ),
    60_000
  )

  it.effect(
    "finds by equality in every form that an index looks up what the interpreter finds",
    () =>
      fresh(
        Effect.gen(function* () {
          const values = [
            0,
            1,
            -1,
            0.1,
            1e-7,
            2 ** 53 - 1,
            0.1 + 0.2,
            "",
            "1",
            "a",
            "😀",
            'say "a"',
            "a\\b",
            true,
            false
          ]
          const fleet = values.flatMap(
            (value, place): ReadonlyArray<DeviceGiven> => [
              { id: `plain-${place}`, reported: { a: value } },
              { id: `deep-${place}`, reported: { b: { "odd key": { "3": value } } }, desired: { a: value } },
              { id: `list-${place}`, reported: { a: [value, 7], b: [[value]] } },
              { id: `both-${place}`, reported: { a: { a: value }, l: { len: value, "0": value } } }
            ]
          )
          yield* commitDevices(fleet)
          yield* round
          const documents = fleet.map(documentOf)
          const shapes = [
            "a == $v",
            "$v == a",
            "not (a == $v)",
            "a != $v",
            "a in [$v, 7]",
            "a in [$v, b.x]",
            "a has $v",
            "a.a == $v and exists a",
            "a.0 == $v",
            "l.len == $v",
            "l.0 == $v or a.0 == $v",
            "b.`odd key`.3 == $v",
            "desired.a == $v or a == $v",
            "desired.a == $v or a > 3",
            "(a == $v or a.a == $v) and (a == 1 or a.a == $v)",
            "b has $v",
            "b.0 has $v"
          ]
          for (const shape of shapes)
            for (const v of values) {
              const condition = bound(shape, { v })
              const wanted = documents.filter((document) => interpret(condition, document)).map(({ id }) => id)
              assert.deepStrictEqual(yield* idsOf(condition), wanted.toSorted(), `${shape} of ${JSON.stringify(v)}`)
            }
        })
      ),
    60_000
  )

  it.effect(
    "takes hostile texts for texts, wherever they stand",
    () =>
      fresh(
        Effect.gen(function* () {
          const fleet = hostile.map((text, place): DeviceGiven => {
            return { id: `h-${place}`, profile: text, reported: { name: text, [text]: 2, errors: [text] } }
          })
          yield* commitDevices([...fleet, { id: "plain", reported: { name: "plain" } }])
          yield* round
          const statements = new Set<string>()
          for (const [place, text] of hostile.entries()) {
            const quoted = JSON.stringify(text)
            const name = text.replaceAll("\\", "\\\\").replaceAll("`", "")
            for (const [shape, where] of [
              ["profile", `profile == ${quoted}`],
              ["equal", `name == ${quoted}`],
              ["parameter", "name == $text"],
              ["field", `\`${name}\` == 2`],
              ["among", `name in [${quoted}, "other"]`],
              ["contains", `name contains ${quoted} and name contains $text`],
              ["has", `errors has ${quoted}`]
            ] as const) {
              const condition = bound(where, { text })
              assert.deepStrictEqual(yield* idsOf(condition), [`h-${place}`], where)
              statements.add(`${shape} ${pageStatement(condition, text, 10).text}`)
            }
            const search = yield* DeviceSearch
            // As a cursor it is a text too.
            yield* search.find(bound("true"), { limit: 10, after: text })
          }
          assert.strictEqual(statements.size, 7, "the statement of a shape never depends on what stands in it")
          const sql = yield* PgClient.PgClient
          const [rows] = yield* sql<{ readonly count: number }>`select count(*)::float8 as count from device_search`
          assert.strictEqual(rows?.count, hostile.length + 1)
        })
      ),
    60_000
  )

  it.effect(
    "shows no device twice and leaves none out while they change and come",
    () =>
      fresh(
        Effect.gen(function* () {
          const fleet = (step: number) =>
            Array.from({ length: 120 }, (_, place): DeviceGiven => {
              const isSteady = place % 3 === 0
              return { id: `d-${place}`, reported: { step, on: isSteady || (place + step) % 2 === 0 } }
            })
          yield* commitDevices(fleet(0))
          yield* round
          let step = 0
          const sql = yield* PgClient.PgClient
          const change = Effect.gen(function* () {
            step++
            yield* commitDevices([...fleet(step), { id: `new-${step}`, reported: { step, on: true } }])
            yield* round
          }).pipe(Effect.provideService(PgClient.PgClient, sql), Effect.orDie)
          const ids = yield* idsOf(bound("on == true"), 7, change)
          assert.isAbove(step, 8)
          assert.deepStrictEqual(ids, [...new Set(ids)].toSorted())
          for (let place = 0; place < 120; place += 3) assert.include(ids, `d-${place}`)
        })
      ),
    60_000
  )

  it.effect(
    "looks a selective equality up in an index, among 100,000 devices",
    () =>
      fresh(
        Effect.gen(function* () {
          const sql = yield* PgClient.PgClient
          yield* round
          yield* sql`insert into device_search (id, zone, profile, state, format, version, status, desired, reported)
          select 'd-' || n, case when n % 3 > 0 then 'hall-' || n % 20 || '.line-' || n % 500 end, 'profile-' || n % 200,
            case n % 1000 when 0 then 'silent' else 'online' end, ${rowFormat}, 1, '{}',
            jsonb_build_object('target', n % 500),
            jsonb_build_object('serial', 'SN' || n, 'temp', n % 100, 'tags', jsonb_build_array('t' || n % 5000, 'all'),
              'net', jsonb_build_object('ip', '10.' || n, 'up', true))
          from generate_series(1, 100000) as n`
          yield* sql`analyze device_search`
          const planOf = Effect.fnUntraced(function* (where: string) {
            const { text, parameters } = pageStatement(bound(where), "", 100)
            const lines = yield* sql.unsafe<{ readonly "QUERY PLAN": string }>(`explain ${text}`, parameters).unprepared
            return lines.map((line) => line["QUERY PLAN"]).join("\n")
          })
          const planned = [
            ['serial == "SN4711"', "device_search_reported"],
            ['net.ip == "10.4711" and temp > 3', "device_search_reported"],
            ['serial in ["SN1", "SN2", "SN3"]', "device_search_reported"],
            ['tags has "t4711"', "device_search_reported"],
            ['serial == "SN1" or net.ip == "10.2"', "device_search_reported"],
            ["desired.target == 77 and temp == 77", "device_search_desired"],
            ['state == "silent" and temp < 50', "device_search_state"],
            ['profile == "profile-7" and temp > 3', "device_search_profile"],
            ['zone == "hall-7.line-307" and temp < 50', "device_search_zone"],
            ['zone glob "hall-7.line-3*"', "device_search_zone"],
            ['zone inside "hall-7.line-307"', "device_search_zone"],
            ['id == "d-4711"', "device_search_pkey"],
            ['id glob "d-4711*" and temp > 3', "device_search_pkey"]
          ] as const
          for (const [where, index] of planned) {
            const plan = yield* planOf(where)
            assert.include(plan, index, `${where}\n${plan}`)
            assert.notInclude(plan, "Seq Scan", where)
          }
        })
      ),
    60_000
  )

  it.effect(
    "ends a search that takes too long, and lets others through meanwhile",
    () =>
      fresh(
        Effect.gen(function* () {
          const sql = yield* PgClient.PgClient
          const search = yield* DeviceSearch
          yield* round
          yield* commitDevices([{ id: "a" }])
          yield* round
          const isLocked = yield* Deferred.make<void>()
          const mayEnd = yield* Deferred.make<void>()
          // Whoever searches waits for this lock, as for any other reason to be slow.
          const lock = yield* Effect.forkChild(
            sql.withTransaction(
              Effect.gen(function* () {
                yield* sql`lock table device_search in access exclusive mode`
                yield* Deferred.succeed(isLocked, undefined)
                yield* Deferred.await(mayEnd)
              })
            )
          )
          yield* Deferred.await(isLocked)
          const slow = yield* Effect.forkChild(
            Effect.all(
              [0, 1].map(() => Effect.flip(search.find(bound("true"), { limit: 1 }))),
              { concurrency: 2 }
            ),
            { startImmediately: true }
          )
          const crowded = yield* Effect.flip(search.find(bound("true"), { limit: 1 }))
          assert.strictEqual(crowded._tag, "SearchCrowded")
          for (const failure of yield* Fiber.join(slow))
            assert.strictEqual(failure._tag === "SearchUnavailable" && failure.reason, "Slow")
          yield* Deferred.succeed(mayEnd, undefined)
          yield* Fiber.join(lock)
          assert.strictEqual((yield* search.find(bound("true"), { limit: 1 })).devices.length, 1)
        })
      ),
    60_000
  )
})
