import { PgClient } from "@effect/sql-pg"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import type { CommitRow } from "../../../src/actors/Store.ts"
import { ProcessHost } from "../../../src/runtime/ProcessHost.ts"
import { PgStore } from "../../../src/runtime/storage/PgStore.ts"
import { randomOf } from "../../../src/simulation/Random.ts"
import { callsOf, requestOf, rowOf } from "../../conformance/store.ts"
import { Postgres } from "../../support/Postgres.ts"
import { TestDatabase } from "./TestDatabase.ts"

const actors = Array.from({ length: 12 }, (_, index) => `r-${String(index).padStart(2, "0")}`)
const nodes = ["a", "b", "c"]
const rounds = 60

/** Four bytes that no other commit writes. */
const stampOf = (count: number): Uint8Array => {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, count)
  return bytes
}

layer(Layer.merge(Postgres.layer(), ProcessHost.layer), { timeout: "60 seconds", excludeTestServices: true })(
  "three nodes that fight over the same actors",
  (it) => {
    for (const seed of [1, 2, 3]) {
      it.effect(`lose no write and let no fenced one through, seed ${seed}`, () =>
        Effect.gen(function* () {
          const { url } = yield* TestDatabase
          const sql = yield* PgClient.PgClient
          const host = yield* ProcessHost
          /** What each commit that was answered as written has stepped its actor to. */
          const wrote = new Map<string, Uint8Array>()
          let stamps = 0

          const live = async (node: string): Promise<void> => {
            const store = new PgStore({ url, host })
            const random = randomOf(seed, node)
            const calls = callsOf({
              store,
              answer: (start) => new Promise((resolve) => start(resolve)),
              journal: async () => [],
              deadLetters: async () => [],
              row: async () => undefined,
              release: async () => {}
            })
            /** Version and part that this node believes each actor to have. */
            const held = new Map<string, { readonly version: number; readonly part: Uint8Array | undefined }>()
            for (let round = 0; round < rounds; round++) {
              const chosen = actors.filter(() => random() < 0.4)
              const unknown = chosen.filter((id) => !held.has(id) || random() < 0.1)
              const claimed = await calls.claim(node, ...unknown.map((id) => requestOf(id)))
              for (const [index, outcome] of claimed.entries()) {
                const id = unknown[index]
                if (outcome._tag !== "Row" || id === undefined) throw new Error(`claim of ${id}: ${outcome._tag}`)
                // Head and part are always written together: a mixture of two commits shows here.
                assert.deepStrictEqual(outcome.head ?? undefined, outcome.parts.get("p"))
                held.set(id, { version: outcome.version, part: outcome.parts.get("p") })
              }
              const rows: Array<CommitRow> = []
              for (const id of chosen) {
                const stamp = stampOf(++stamps)
                const changes = { head: stamp, put: [["p", stamp]] as const, journal: stamp }
                rows.push(rowOf(id, held.get(id)?.version ?? 0, changes))
              }
              const outcome = await calls.commit(node, ...rows)
              if (outcome._tag !== "Written") throw new Error(`commit: ${outcome._tag}`)
              for (const [index, row] of rows.entries()) {
                if (outcome.fenced.has(index)) held.delete(row.id)
                else {
                  wrote.set(`${row.id} ${row.expected + 1}`, row.head)
                  held.set(row.id, { version: row.expected + 1, part: row.head })
                }
              }
            }
            store.close()
          }
          yield* Effect.promise(() => Promise.all(nodes.map(live)))

          const journal = yield* sql<{ readonly id: string; readonly version: number; readonly body: Uint8Array }>`
            select id, version::float8, body from journal order by txid, position`
          const journalled = new Map(journal.map(({ id, version, body }) => [`${id} ${version}`, body]))
          assert.isAbove(wrote.size, rounds)
          assert.isBelow(wrote.size, stamps)
          assert.strictEqual(journal.length, wrote.size)
          assert.deepStrictEqual(journalled, wrote)
          const last = new Map<string, number>()
          for (const { id, version } of journal) {
            assert.isAbove(version, last.get(id) ?? 0)
            last.set(id, version)
          }
          const heads = yield* sql<{ readonly id: string; readonly head: Uint8Array; readonly part: Uint8Array }>`
            select a.id, a.head, p.value as part from actor a join actor_part p on p.kind = a.kind and p.id = a.id`
          for (const { id, head, part } of heads) {
            assert.deepStrictEqual(head, wrote.get(`${id} ${last.get(id)}`))
            assert.deepStrictEqual(part, head)
          }
        }).pipe(Effect.provide(TestDatabase.layer))
      )
    }
  }
)
