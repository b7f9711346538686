/** What placement rests on, stored by the first node of a cluster and the same for ever after. */

import { PgClient } from "@effect/sql-pg"
import { Effect, Schema } from "effect"
import type { SqlError } from "effect/sql"
import { NodeTable } from "./NodeTable.ts"

/** Where an actor lives and how its row is read: a node that differs would wake a second copy of it elsewhere. */
export interface Placement {
  readonly shardsPerGroup: number
  /** In this order. */
  readonly groups: ReadonlyArray<string>
  readonly lockPrefix: string
}

/** This node is configured unlike the cluster it would join. Permanent: take the stored value, or another database. */
export class PlacementChanged extends Schema.TaggedError<PlacementChanged>()("PlacementChanged", {
  setting: Schema.String,
  stored: Schema.String,
  configured: Schema.String
}) {
  override get message() {
    return `this cluster was started with ${this.setting} = ${this.stored}, this node has ${this.configured}; set it to ${this.stored}, or give the new cluster a database of its own`
  }
}

/** The members write a row format this node cannot read. Permanent: start the release that can. */
export class FormatUnknown extends Schema.TaggedError<FormatUnknown>()("FormatUnknown", {
  inForce: Schema.Int,
  highest: Schema.Int
}) {
  override get message() {
    return `the rows of this cluster have format ${this.inForce}, this release reads up to ${this.highest}; start a newer one`
  }
}

/** Stores the placement at the first start; later fails with {@link PlacementChanged} when `placement` differs. */
export const settle = (
  placement: Placement
): Effect.Effect<void, SqlError.SqlError | PlacementChanged, PgClient.PgClient> =>
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    const settings: ReadonlyArray<readonly [name: string, value: string]> = [
      ["shardsPerGroup", String(placement.shardsPerGroup)],
      ["groups", placement.groups.join(",")],
      ["lockPrefix", placement.lockPrefix]
    ]
    for (const [name, value] of settings) {
      yield* sql`insert into cluster_setting (name, value) values (${name}, ${value}) on conflict (name) do nothing`
      const rows = yield* sql<{ readonly value: string }>`select value from cluster_setting where name = ${name}`
      const stored = rows[0]?.value ?? value
      if (stored !== value) {
        return yield* new PlacementChanged({ setting: name, stored, configured: value })
      }
    }
  })

/**
 * The row format to write: the lowest of the highest that every living member reads, never below what was once in
 * force. Raises the stored one when all can; fails with {@link FormatUnknown} when this node cannot read it.
 */
export const raiseFormat = (formats: {
  readonly lowest: number
  readonly highest: number
}): Effect.Effect<number, SqlError.SqlError | FormatUnknown, PgClient.PgClient | NodeTable> =>
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    const table = yield* NodeTable
    const members = yield* table.formatInForce
    const rows = yield* sql<{ readonly inForce: number }>`
      insert into cluster_setting as s (name, value) values ('rowFormat', ${String(members)})
      on conflict (name) do update set value = greatest(s.value::int, ${members})::text
      returning value::int as "inForce"`
    const inForce = rows[0]?.inForce ?? formats.lowest
    if (inForce > formats.highest) return yield* new FormatUnknown({ inForce, highest: formats.highest })
    return inForce
  })
