/** What the search of devices costs those who write, and what an index saves those who search. fsync is on. */
import { PgClient } from "@effect/sql-pg"
import { Effect, Fiber, Layer, ManagedRuntime, Redacted, Result } from "effect"
import { device } from "../../src/actors/device/Device.ts"
import { type Committer, Lanes } from "../../src/actors/Lanes.ts"
import * as Registry from "../../src/actors/Registry.ts"
import type { CommitRow } from "../../src/actors/Store.ts"
import { DeviceSearch } from "../../src/events/DeviceSearch.ts"
import { bindText } from "../../src/protocol/condition/Bind.ts"
import { twins } from "../../src/protocol/condition/Source.ts"
import { Device } from "../../src/protocol/Device.ts"
import { ProcessHost } from "../../src/runtime/ProcessHost.ts"
import { keepDeviceSearch, keepOnce } from "../../src/runtime/storage/DeviceProjection.ts"
import { makePartitions } from "../../src/runtime/storage/JournalPartitions.ts"
import { migrate } from "../../src/runtime/storage/Migrations.ts"
import { layerPgDeviceSearch } from "../../src/runtime/storage/PgDeviceSearch.ts"
import { PgStore } from "../../src/runtime/storage/PgStore.ts"
import { startPostgres } from "../support/Postgres.ts"
import { commitDevices, rowOf, sample } from "../support/StoredDevices.ts"
import { type BenchOptions, compare, figure, percentile } from "./Rounds.ts"

const deviceCount = 5_000
const commitsEach = 40
const searchedCount = 100_000
const searches = 20
const goals = { keptShare: 0.85, indexRatio: 0.1, buildMillis: 0.5 }

const givenOf = (place: number) => ({
  id: `d-${place}`,
  profile: `profile-${place % 20}`,
  reported: { serial: `SN${place}`, temp: (place * 37) % 100, fan: place % 2 === 0, net: { ip: `10.0.${place}` } }
})

/** A device whose board reports as fast as its commits become durable. */
class Reporting implements Committer {
  readonly key: string
  readonly #id: string
  readonly #head: Uint8Array
  readonly #lanes: Lanes
  #version = 1
  #left = 0
  #done: () => void = () => {}

  constructor(place: number, lanes: Lanes) {
    const given = givenOf(place)
    this.#id = given.id
    this.key = `${Device.kind}/${given.id}`
    this.#head = rowOf(given).head
    this.#lanes = lanes
  }

  /** Commits this often, one after another. */
  run(times: number): Promise<void> {
    this.#left = times
    return new Promise((resolve) => {
      this.#done = resolve
      this.#lanes.add(this)
    })
  }

  snapshot(): CommitRow {
    return {
      kind: Device.kind,
      id: this.#id,
      expected: this.#version,
      shard: 1,
      format: Device.format,
      head: this.#head,
      wakeAt: null,
      atTakeover: false,
      put: [],
      remove: [],
      journal: sample,
      at: 0,
      dead: []
    }
  }

  committed(): void {
    this.#version++
    if (--this.#left > 0) this.#lanes.add(this)
    else this.#done()
  }

  fenced(): void {
    throw new Error(`${this.key} was fenced`)
  }

  commitUnknown(cause: unknown): void {
    throw new Error(`${this.key} does not know its commit`, { cause })
  }

  commitRefused(cause: unknown): void {
    throw new Error(`${this.key} was refused`, { cause })
  }
}

const type = Registry.make([device]).get(Device.kind)

export const search = async ({ isQuick }: BenchOptions): Promise<void> => {
  if (type === undefined) throw new Error("no devices")
  const server = await startPostgres()
  const url = Redacted.make(server.url)
  const client = PgClient.layer({ url, maxConnections: 4 })
  const services = layerPgDeviceSearch.pipe(Layer.provideMerge(client), Layer.provideMerge(ProcessHost.layer))
  const runtime = ManagedRuntime.make(services)
  const { host, sql } = await runtime.runPromise(
    Effect.gen(function* () {
      yield* migrate()
      yield* makePartitions
      return { host: yield* ProcessHost, sql: yield* PgClient.PgClient }
    })
  )
  const places = Array.from({ length: deviceCount }, (_, place) => place)
  await runtime.runPromise(commitDevices(places.map(givenOf)))
  const store = new PgStore({ url, host })
  const lanes = new Lanes(host, store, "a-1")
  const boards = places.map((place) => new Reporting(place, lanes))
  const load = async (): Promise<number> => {
    const startedAt = performance.now()
    await Promise.all(boards.map((board) => board.run(commitsEach)))
    return (deviceCount * commitsEach * 1000) / (performance.now() - startedAt)
  }
  const kept = async (): Promise<number> => {
    const keeping = runtime.runFork(keepDeviceSearch(type))
    const rate = await load()
    await runtime.runPromise(Fiber.interrupt(keeping))
    return rate
  }
  await load()
  await compare(
    `durable reports of ${deviceCount} devices a second, as many as there can be`,
    [
      { name: "nobody searches", unit: "/s", run: load },
      { name: "what is searched is kept beside", unit: "/s", goal: { atLeast: goals.keptShare }, run: kept }
    ],
    isQuick ? 2 : 5
  )
  store.close()

  const builtAt = performance.now()
  await runtime.runPromise(Effect.andThen(sql`truncate device_search, device_search_progress`, keepOnce(type, "bench")))
  const buildMillis = (performance.now() - builtAt) / deviceCount
  figure("built anew, a device, with its rests", "ms", [buildMillis], { atMost: goals.buildMillis })

  await runtime.runPromise(sql`insert into device_search (id, profile, state, format, version, status, desired, reported)
    select 'more-' || n, s.profile, s.state, s.format, s.version, s.status, s.desired,
      s.reported || jsonb_build_object('serial', 'more' || n)
    from generate_series(1, ${searchedCount - deviceCount}::integer) n
    join device_search s on s.id = 'd-' || n % ${deviceCount}`)
  await runtime.runPromise(sql`vacuum analyze device_search`)
  const millisOf = (where: string) => async (): Promise<number> => {
    const condition = Result.getOrThrow(bindText(where, twins))
    const times: Array<number> = []
    for (let time = 0; time < searches; time++) {
      const startedAt = performance.now()
      const find = Effect.flatMap(DeviceSearch, ({ find }) => find(condition, { limit: 100 }))
      const { devices } = await runtime.runPromise(find)
      if (devices.length !== 1) throw new Error(`${where} finds ${devices.length} devices`)
      times.push(performance.now() - startedAt)
    }
    return percentile(times, 0.5)
  }
  await compare(
    `a search for one of ${searchedCount} devices, p50`,
    [
      { name: 'every row is read: serial glob "SN*4777"', unit: "ms", run: millisOf('serial glob "SN*4777"') },
      {
        name: 'an index knows it: serial == "SN4777"',
        unit: "ms",
        goal: { atMost: goals.indexRatio },
        run: millisOf('serial == "SN4777"')
      }
    ],
    isQuick ? 2 : 5
  )
  await runtime.dispose()
  await server.stop()
}
