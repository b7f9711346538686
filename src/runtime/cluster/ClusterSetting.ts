/** What placement rests on, stored by the first node of a cluster and the same for ever after. */

import { PgClient } from "@effect/sql-pg"
import { Effect, Schema } from "effect"
import type { SqlError } from "effect/sql"
import type { Vocabulary } from "../../actors/Agreement.ts"
import { decodeVocabulary } from "./MemberVocabularies.ts"

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

/** The members write a row format this node cannot read, or read none it can write. Permanent: start another release. */
export class FormatUnknown extends Schema.TaggedError<FormatUnknown>()("FormatUnknown", {
  kind: Schema.String,
  inForce: Schema.Int,
  lowest: Schema.Int,
  highest: Schema.Int
}) {
  override get message() {
    const { kind, inForce, lowest, highest } = this
    return inForce > highest
      ? `rows of ${kind} are written in format ${inForce}, this release reads up to ${highest}; start a newer one`
      : `rows of ${kind} are written in format ${inForce} as long as older nodes run, this release writes from ${lowest} on; stop them, or start the release between`
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

const prefix = "format/"

/** What members read and what is in force, as the database has it now: the format to write by kind, and which of them to raise. */
const readFormats = Effect.fnUntraced(function* (own: Vocabulary) {
  const sql = yield* PgClient.PgClient
  const members = yield* sql<{ readonly vocabulary: string }>`
    select vocabulary from cluster_node where healthy and vocabulary is not null`
  const settings = yield* sql<{ readonly name: string; readonly value: number }>`
    select name, value::int as value from cluster_setting where name like ${`${prefix}%`}`
  const known = members.map(({ vocabulary }) => decodeVocabulary(vocabulary))
  const stored = new Map(settings.map(({ name, value }) => [name.slice(prefix.length), value]))
  const inForce = new Map<string, number>()
  const raised: Array<string> = []
  for (const [kind, { highest }] of Object.entries(own)) {
    const all = Math.min(highest, ...known.map((theirs) => theirs[kind]?.highest ?? highest))
    const before = stored.get(kind) ?? 0
    inForce.set(kind, Math.max(before, all))
    if (all > before) raised.push(kind)
  }
  return { inForce, raised }
})

/** A node that joins has its row in the table before it asks: it sees what was raised here, or it is seen here. */
const raise = Effect.fnUntraced(function* (own: Vocabulary) {
  const sql = yield* PgClient.PgClient
  return yield* sql.withTransaction(
    Effect.gen(function* () {
      yield* sql`select pg_advisory_xact_lock(hashtextextended('holon row formats', 0))`
      const { inForce, raised } = yield* readFormats(own)
      for (const kind of raised)
        yield* sql`insert into cluster_setting (name, value) values (${prefix + kind}, ${String(inForce.get(kind))})
          on conflict (name) do update set value = excluded.value`
      return inForce
    })
  )
})

const refuseUnknown = (own: Vocabulary, inForce: ReadonlyMap<string, number>): Effect.Effect<void, FormatUnknown> =>
  Effect.forEach(
    Object.entries(own),
    ([kind, { lowest, highest }]) => {
      const format = inForce.get(kind) ?? highest
      const isKnown = format >= lowest && format <= highest
      return isKnown ? Effect.void : Effect.fail(new FormatUnknown({ kind, inForce: format, lowest, highest }))
    },
    { discard: true }
  )

/**
 * The row format to write, by kind: the lowest of the highest that every living member reads, never below what was once
 * in force. Raises the stored one when all can; fails with {@link FormatUnknown} when this node cannot do with it. For a
 * node that joins, after its row stands in the table.
 */
export const joinFormats = (
  own: Vocabulary
): Effect.Effect<ReadonlyMap<string, number>, SqlError.SqlError | FormatUnknown, PgClient.PgClient> =>
  Effect.tap(raise(own), (inForce) => refuseUnknown(own, inForce))

/** As {@link joinFormats}, again and again: takes the lock, and a transaction, only when there is something to raise. */
export const followFormats = (
  own: Vocabulary
): Effect.Effect<ReadonlyMap<string, number>, SqlError.SqlError | FormatUnknown, PgClient.PgClient> =>
  readFormats(own).pipe(
    Effect.flatMap(({ inForce, raised }) => (raised.length === 0 ? Effect.succeed(inForce) : raise(own))),
    Effect.tap((inForce) => refuseUnknown(own, inForce)),
    Effect.withTracerEnabled(false)
  )
