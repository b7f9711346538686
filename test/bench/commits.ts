/** Durable commits of 500-byte rows by lanes and store, against one row a statement. fsync is on. */
import { spawn, spawnSync } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { PgClient } from "@effect/sql-pg"
import { Effect, Layer, ManagedRuntime, Redacted } from "effect"
import { type Committer, Lanes } from "../../src/actors/Lanes.ts"
import type { CommitRow } from "../../src/actors/Store.ts"
import { ProcessHost } from "../../src/runtime/ProcessHost.ts"
import { makePartitions } from "../../src/runtime/storage/JournalPartitions.ts"
import { migrate } from "../../src/runtime/storage/Migrations.ts"
import { PgStore } from "../../src/runtime/storage/PgStore.ts"
import { startPostgres } from "../support/Postgres.ts"
import { temporaryFolder } from "./Processes.ts"
import { type BenchOptions, compare, figure, percentile } from "./Rounds.ts"

const actorCount = 1_000
const commitsEach = 20
const aloneCount = 300
const rowBytes = 500
const connections = 8
const pgbenchSeconds = 2
const goals = { ratio: 5, aloneMillis: 0.5 }

class Actor implements Committer {
  readonly key: string
  readonly #id: string
  readonly #head = new Uint8Array(rowBytes).fill(7)
  readonly #lanes: Lanes
  #version = 1
  #left = 0
  #done: () => void = () => {}

  constructor(id: string, lanes: Lanes) {
    this.#id = id
    this.key = `bench/${id}`
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
      kind: "bench",
      id: this.#id,
      expected: this.#version,
      shard: 1,
      format: 1,
      head: this.#head,
      wakeAt: null,
      atTakeover: false,
      put: [],
      remove: [],
      journal: null,
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

const hasPgbench = spawnSync("pgbench", ["--version"]).status === 0

const perRow = `update bench_row set version = version + 1, state = $2 where id = $1 returning id`

export const commits = async ({ isQuick }: BenchOptions): Promise<void> => {
  const server = await startPostgres()
  const url = Redacted.make(server.url)
  const client = PgClient.layer({ url, maxConnections: connections })
  const runtime = ManagedRuntime.make(Layer.merge(client, ProcessHost.layer))
  const { host, sql } = await runtime.runPromise(
    Effect.gen(function* () {
      yield* migrate()
      yield* makePartitions
      return { host: yield* ProcessHost, sql: yield* PgClient.PgClient }
    })
  )
  await runtime.runPromise(
    Effect.gen(function* () {
      const bytes = new Uint8Array(rowBytes).fill(7)
      yield* sql`create table bench_row (id text primary key, version bigint not null, state bytea not null) with (fillfactor = 60)`
      yield* sql`insert into bench_row select 'row-' || n, 0, ${bytes} from generate_series(0, ${actorCount - 1}::int) n`
      yield* sql`insert into actor (kind, id, shard, version, owner, format, takeover, head)
        select 'bench', 'row-' || n, 1, 1, 'bench', 1, false, ${bytes} from generate_series(0, ${actorCount - 1}::int) n`
    })
  )
  const store = new PgStore({ url, host })
  const lanes = new Lanes(host, store, "bench")
  const actors = Array.from({ length: actorCount }, (_, index) => new Actor(`row-${index}`, lanes))

  const script = join(temporaryFolder(), "one-row.sql")
  writeFileSync(
    script,
    `\\set n random(0, ${actorCount - 1})\nupdate bench_row set version = version + 1, state = decode(repeat('07', ${rowBytes}), 'hex') where id = 'row-' || :n;\n`
  )
  const pgbench = async (): Promise<number> => {
    const argv = ["-n", "-M", "prepared", "-c", String(connections), "-j", "1", "-T", String(pgbenchSeconds)]
    // Not a synchronous call: this process would starve its own timers.
    const said = await new Promise<string>((resolve, reject) => {
      let text = ""
      const child = spawn("pgbench", [...argv, "-f", script, server.url], { stdio: ["ignore", "pipe", "ignore"] })
      child.stdout.on("data", (chunk: Buffer) => {
        text += chunk.toString("utf8")
      })
      child.once("error", reject)
      child.once("close", () => resolve(text))
    })
    return Number(/tps = ([\d.]+)/.exec(said)?.[1])
  }
  const eightConnections = async (): Promise<number> => {
    const bytes = new Uint8Array(rowBytes).fill(7)
    const rows = 4_000
    const startedAt = performance.now()
    const update = (row: number) => sql.unsafe(perRow, [`row-${row % actorCount}`, bytes])
    await runtime.runPromise(Effect.forEach(Array(rows).keys(), update, { concurrency: connections, discard: true }))
    return (rows * 1000) / (performance.now() - startedAt)
  }
  const grouped = async (): Promise<number> => {
    const startedAt = performance.now()
    await Promise.all(actors.map((actor) => actor.run(commitsEach)))
    return (actorCount * commitsEach * 1000) / (performance.now() - startedAt)
  }
  await grouped()
  await compare(
    `durable commits of ${rowBytes}-byte rows a second`,
    [
      hasPgbench
        ? { name: `pgbench, ${connections} connections, one row a statement`, unit: "/s", run: pgbench }
        : {
            name: `Node, ${connections} connections, one row a statement (no pgbench here)`,
            unit: "/s",
            run: eightConnections
          },
      { name: `lanes and store, ${actorCount} actors`, unit: "/s", goal: { atLeast: goals.ratio }, run: grouped }
    ],
    isQuick ? 2 : 5
  )
  const [lone] = actors
  const waits: Array<number> = []
  for (let commit = 0; commit < aloneCount; commit++) {
    const startedAt = performance.now()
    await lone?.run(1)
    waits.push(performance.now() - startedAt)
  }
  figure("one commit alone", "ms", waits, { atMost: goals.aloneMillis })
  figure("one commit alone, p99", "ms", [percentile(waits, 0.99)])
  store.close()
  await runtime.dispose()
  await server.stop()
}
