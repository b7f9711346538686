/** Counts the devices of the fleet, whole and by zone, in the table that they are searched in. */
import { PgClient } from "@effect/sql-pg"
import { Effect, Layer } from "effect"
import { Census } from "../../systems/policy/immune/Census.ts"
import type { ClusterConfig } from "../Config.ts"

/** The zone, and all that it lies in. */
const zonesAround = (zone: string): ReadonlyArray<string> => {
  const parts = zone.split(".")
  return parts.map((_, index) => parts.slice(0, index + 1).join("."))
}

/** Accounts are those of the config, and the node's own, which has all rights. */
export const layer = ({ tokens: { operators } }: ClusterConfig): Layer.Layer<Census, never, PgClient.PgClient> =>
  Layer.effect(
    Census,
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const accounts = [...Object.keys(operators), "local"]
      // Who is kept to zones cannot decide on anybody.
      const keepers = accounts.filter(
        (name) => operators[name]?.may === undefined && operators[name]?.zones === undefined
      )
      const fleet = sql<{ readonly zone: string | null; readonly count: number }>`
        select zone, count(*)::int as count from device_search where state <> 'retired' group by zone`.pipe(
        Effect.map((rows) => {
          const byZone: Record<string, number> = {}
          for (const { zone, count } of rows)
            for (const around of zone === null ? [] : zonesAround(zone)) byZone[around] = (byZone[around] ?? 0) + count
          return { accounts, keepers, devices: rows.reduce((sum, { count }) => sum + count, 0), byZone }
        })
      )
      return Census.of({ fleet })
    })
  )
