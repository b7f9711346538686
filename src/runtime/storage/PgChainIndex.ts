/** Chains of causes on PostgreSQL, through the node's general pool. */
import { PgClient } from "@effect/sql-pg"
import { Effect, Layer } from "effect"
import { ChainIndex } from "../../events/ChainIndex.ts"
import { JournalUnavailable } from "../../events/JournalReader.ts"
import { entryOf, type JournalRow } from "./PgJournal.ts"

/** How far a commit's row may be journalled from the time its actor says, ms: first what is usual, then what clocks may differ by. */
const windows = [
  { before: 500, after: 2000 },
  { before: 60_000, after: 60_000 }
] as const

/** Transactions that are looked through rather than searched. */
const fewTransactions = 16n

interface Place {
  readonly txid: string
  /** When it was journalled, ms. */
  readonly time: number
}

const make = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  const columns = sql.literal("j.txid::text, j.position::float8, j.kind, j.id, j.version::float8, j.at::float8, j.body")
  const place = sql.literal("txid::text, (extract(epoch from time) * 1000)::float8 as time")

  const firstFrom = (txid: bigint) =>
    Effect.map(
      sql<Place>`select ${place} from journal j where j.txid >= ${String(txid)}::xid8
        order by j.txid, j.position limit 1`,
      ([found]) => found
    )
  const last = Effect.map(
    sql<Place>`select ${place} from journal j order by j.txid desc, j.position desc limit 1`,
    ([found]) => found
  )

  /**
   * A transaction just before the first one of this time or later. Halved again and again, as transactions are numbered in the
   * order in which they begin, and nearly in that of their time: the index by time is not yet made of what was journalled last.
   */
  const transactionAt = Effect.fnUntraced(function* (millis: number) {
    const first = yield* firstFrom(0n)
    const end = yield* last
    if (first === undefined || end === undefined) return 0n
    let low = BigInt(first.txid)
    let high = BigInt(end.txid) + 1n
    while (high - low > fewTransactions) {
      const middle = (low + high) / 2n
      const found = yield* firstFrom(middle)
      if (found === undefined || found.time >= millis) high = middle
      else low = BigInt(found.txid)
    }
    return low
  })

  const within = Effect.fnUntraced(function* (millis: number, { before, after }: (typeof windows)[number]) {
    const from = yield* transactionAt(millis - before)
    const to = (yield* transactionAt(millis + after)) + fewTransactions
    return yield* sql<JournalRow>`select ${columns} from journal j
      where j.txid >= ${String(from)}::xid8 and j.txid <= ${String(to)}::xid8 and j.at = ${millis}::bigint
      order by j.txid, j.position`
  })

  return ChainIndex.of({
    ofRoot: (root, limit) =>
      Effect.mapBoth(
        // One look into the journal for each row that is found: joined freely, the journal might be read from end to end.
        sql<JournalRow>`select ${columns} from (
            select distinct txid, position, time from journal_chain
            where root = ${root} order by txid, position limit ${limit}
          ) c cross join lateral (
            select * from journal where time = c.time and txid = c.txid and position = c.position limit 1
          ) j order by j.txid, j.position`,
        { onSuccess: (rows) => rows.map(entryOf), onFailure: (cause) => new JournalUnavailable({ cause }) }
      ),
    madeAt: Effect.fnUntraced(
      function* (millis) {
        for (const window of windows) {
          const rows = yield* within(millis, window)
          if (rows.length > 0) return rows.map(entryOf)
        }
        return []
      },
      Effect.mapError((cause) => new JournalUnavailable({ cause }))
    )
  })
})

/** Needs a migrated database. */
export const layerPgChainIndex: Layer.Layer<ChainIndex, never, PgClient.PgClient> = Layer.effect(ChainIndex, make)
