/** What it costs to speak with a large fleet: keeping its words, and reading a sentence by them. fsync is on. */
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { PgClient } from "@effect/sql-pg"
import { Effect, Layer, ManagedRuntime, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { readIntent } from "../../src/protocol/intent/ReadIntent.ts"
import { ProcessHost } from "../../src/runtime/ProcessHost.ts"
import { registry } from "../../src/runtime/Registry.ts"
import { rowFormat } from "../../src/runtime/storage/DeviceRows.ts"
import { migrate } from "../../src/runtime/storage/Migrations.ts"
import { layerPgFleetRows } from "../../src/runtime/storage/PgFleetRows.ts"
import { FleetRows } from "../../src/systems/operations/asking/FleetRows.ts"
import { houseBoards } from "../../src/systems/operations/asking/HouseBoards.ts"
import { makeLiveWords } from "../../src/systems/operations/asking/LiveWords.ts"
import { startPostgres } from "../support/Postgres.ts"
import { type BenchOptions, figure } from "./Rounds.ts"

const sentence = "turn off the heaters of line 7 except heater-77"
const rounds = 9

setFlagsFromString("--expose-gc")
const collect: unknown = runInNewContext("gc")
const heapBytes = (): number => {
  if (typeof collect === "function") collect()
  return process.memoryUsage().heapUsed
}

/** Devices in the table that words are read from: what their actors would have said of them. */
const fill = (sql: PgClient.PgClient, count: number) =>
  Effect.gen(function* () {
    yield* sql`insert into device_search (id, zone, profile, state, format, version, status, desired, reported)
      select 'heater-' || n, 'hall.line-' || n % 500, 'sim-heater', 'online', ${rowFormat}::integer, 1,
        jsonb_build_object('vsm', 'line-' || n % 500, 'epoch', 1, 'boot', 1, 'link', 1, 'profile', 'sim-heater',
          'firmware', '1.0.0', 'version', 9, 'desiredVersion', 3, 'applied', 3, 'commands', 0, 'connection',
          jsonb_build_object('state', 'online', 'since', 1, 'reason', 'attach', 'lastSeen', 1)),
        '{"target": 60, "on": true}', jsonb_build_object('temp', n % 100, 'on', true, 'fan', false, 'target', 60,
          'power', 120, 'interval', 2000, 'fault', 'none')
      from generate_series(1, ${count}::integer) n`
    yield* sql`insert into device_search_progress
        (is_only, format, epoch, txid, position, read_to, walked, as_of, keeper, kept_until)
      values (true, ${rowFormat}::integer, 1, '1', 0, now(), null, now(), 'bench', now())
      on conflict (is_only) do update set as_of = now()`
    yield* sql`vacuum analyze device_search`
  })

const millisOf = async (run: () => Promise<unknown>): Promise<number> => {
  const begun = performance.now()
  await run()
  return performance.now() - begun
}

/** `npm run bench -- words`. */
export const fleetWords = async ({ isQuick }: BenchOptions): Promise<void> => {
  const count = isQuick ? 5000 : 50_000
  const server = await startPostgres()
  const database = await server.createDatabase()
  const client = PgClient.layer({ url: Redacted.make(database) })
  const runtime = ManagedRuntime.make(
    layerPgFleetRows(registry).pipe(
      Layer.provideMerge(client),
      Layer.provideMerge(Layer.merge(ProcessHost.layer, TestClock.layer({ warningDelay: "1 hour" })))
    )
  )
  const sql = await runtime.runPromise(PgClient.PgClient)
  await runtime.runPromise(migrate())
  await runtime.runPromise(fill(sql, count))
  const rows = await runtime.runPromise(FleetRows)
  const described = { boards: [houseBoards], units: new Map<string, string>(), zones: [] }

  const anew: Array<number> = []
  const unchanged: Array<number> = []
  const changed: Array<number> = []
  const reading: Array<number> = []
  const memory: Array<number> = []
  for (let round = 0; round < rounds; round++) {
    const before = heapBytes()
    const live = makeLiveWords(rows, described)
    // Words are new for a while: by this clock that is over before each look.
    const look = () => runtime.runPromise(Effect.andThen(TestClock.adjust("1 second"), live.vocabulary))
    anew.push(await millisOf(look))
    unchanged.push(await millisOf(look))
    const flip = sql`update device_search set state = case state when 'online' then 'silent' else 'online' end
      where id = 'heater-1'`
    await runtime.runPromise(flip)
    changed.push(await millisOf(look))
    const vocabulary = await look()
    // Those of the rounds before are only replaced.
    if (round === 0) memory.push((heapBytes() - before) / 1_000_000)
    reading.push(await millisOf(async () => readIntent(sentence, vocabulary)))
  }
  console.log(`\nthe words of ${count} devices  (${rounds} rounds)`)
  figure("made for the first time", "ms", anew)
  figure("looked after, with nothing changed", "ms", unchanged)
  figure("looked after, with one device that went silent", "ms", changed)
  figure(`"${sentence}"`, "ms", reading)
  figure("memory that they take", "MB", memory)
  await runtime.dispose()
  await server.stop()
}
