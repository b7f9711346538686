/** Chains of causes on PostgreSQL, through the node's general pool. */
import { PgClient } from "@effect/sql-pg"
import { Effect, Layer } from "effect"
import { ChainIndex } from "../../events/ChainIndex.ts"
import { JournalUnavailable } from "../../events/JournalReader.ts"
import { entryOf, type JournalRow } from "./PgJournal.ts"

/** How far a commit's row may be journalled from the time its actor says, ms: first what is usual, then what clocks may differ by. */
const windows = [
  { before: 1000, after: 5000 },
  { before: 60_000, after: 60_000 }
] as const

const make = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  const columns = sql.literal("j.txid::text, j.position::float8, j.kind, j.id, j.version::float8, j.at::float8, j.body")

  /** The range of times names few pages of the journal. */
  const within = (millis: number, { before, after }: (typeof windows)[number]) =>
    sql<JournalRow>`select ${columns} from journal j
      where j.time >= to_timestamp(${millis - before}::float8 / 1000)
        and j.time <= to_timestamp(${millis + after}::float8 / 1000)
        and j.at = ${millis}::bigint
      order by j.txid, j.position`

  return ChainIndex.of({
    ofRoot: (root, limit) =>
      Effect.mapBoth(
        // One look into the journal for each row that is found: joined freely, the journal might be read from end to end.
        sql<JournalRow>`select ${columns} from (
            select distinct txid, position, time from journal_chain
            where root = ${root} order by txid, position limit ${limit}
          ) c cross join lateral (
            select * from journal where lasting and time = c.time and txid = c.txid and position = c.position limit 1
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
