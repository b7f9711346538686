/** The table of nodes: who is a member, who is healthy, where the relay of a node listens. */

import { PgClient } from "@effect/sql-pg"
import { Context, Effect, Layer } from "effect"
import type { SqlError } from "effect/sql"
import type { NodeStanding } from "../../protocol/vsm/Vitals.ts"

/** One member as last read. */
export interface NodeRow {
  readonly address: string
  readonly node: string
  /** What the engine needs to place shards, as it encoded it; `null` while the node is not registered. */
  readonly runner: string | null
  readonly healthy: boolean
  /** Age of the last heartbeat by the clock of the database. */
  readonly silentMillis: number
  readonly relayHost: string
  readonly relayPort: number
  readonly ready: boolean
  /** What its release knows, as JSON; `null` from a release that does not say. */
  readonly vocabulary: string | null
  /** As JSON of `Vitals`; `null` from a release that does not say. */
  readonly vitals: unknown
  readonly standing: NodeStanding
  /** Whether it serves actors, as it stands. */
  readonly serves: boolean
  /** There are changes of how nodes stand, of this one or another, that the coordinator of the root has not heard of. */
  readonly hasNews: boolean
}

/** A node for people: what `holon nodes ls` shows. */
export interface NodeStatus {
  readonly node: string
  readonly address: string
  readonly healthy: boolean
  readonly heartbeatAgeMillis: number
  readonly ready: boolean
  /** Shard locks its session holds at this moment. */
  readonly shards: number
  readonly startedAt: Date
  readonly standing: NodeStanding
  /** What speaks against it; empty for one that serves. */
  readonly why: ReadonlyArray<string>
}

const inService = "('serving', 'zombie')"

/** Condition: a row of the table stands so that the node acts for actors. */
export const standsInService = (row: string): string => `${row}.standing in ${inService}`

/** Condition: a node serves actors. One that is out of service does all the same where nobody else is left. */
export const servesSql = (row: string): string =>
  `(${standsInService(row)} or not exists (select from cluster_node other
    where other.address <> ${row}.address and other.healthy and ${standsInService("other")}))`

/** Members as the database has them, and the copy read last. */
export class NodeTable extends Context.Service<
  NodeTable,
  {
    /** As of the last read; the engine reads every 250 ms. */
    readonly cached: () => ReadonlyArray<NodeRow>
    readonly read: Effect.Effect<ReadonlyArray<NodeRow>, SqlError.SqlError>
    /** Every node known, by address. */
    readonly list: Effect.Effect<ReadonlyArray<NodeStatus>, SqlError.SqlError>
  }
>()("holon/runtime/NodeTable") {
  static readonly layer: Layer.Layer<NodeTable, never, PgClient.PgClient> = Layer.effect(
    NodeTable,
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      let rows: ReadonlyArray<NodeRow> = []
      const read = sql<NodeRow>`
        select address, node, runner, healthy, ready, vocabulary, relay_host as "relayHost", relay_port as "relayPort",
          vitals, standing, ${sql.literal(servesSql("n"))} as serves,
          exists (select from cluster_judgement) as "hasNews",
          (extract(epoch from now() - last_heartbeat) * 1000)::float8 as "silentMillis"
        from cluster_node n order by address`.pipe(
        Effect.tap((found) =>
          Effect.sync(() => {
            rows = found
          })
        ),
        Effect.withTracerEnabled(false)
      )
      // The lock session holds advisory locks of one 64-bit key (objsubid 1) and nothing else.
      const list = sql<NodeStatus>`
        select n.node, n.address, n.healthy, n.ready, n.started_at as "startedAt", n.standing,
          case when n.standing = 'serving' then array[]::text[] else n.standing_why end as why,
          (extract(epoch from now() - n.last_heartbeat) * 1000)::float8 as "heartbeatAgeMillis",
          (select count(*)::int from pg_locks l join pg_stat_activity a on a.pid = l.pid
            where l.pid = n.backend_pid and a.application_name = n.session and l.locktype = 'advisory'
              and l.objsubid = 1 and l.granted) as shards
        from cluster_node n order by n.address`
      return NodeTable.of({ cached: () => rows, read, list })
    })
  )
}

/**
 * Makes the tables of membership if they are missing. Nodes that start together wait for each other: two
 * `create table if not exists` at once collide in the catalogue.
 */
export const createTables: Effect.Effect<void, SqlError.SqlError, PgClient.PgClient> = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  yield* sql.withTransaction(
    Effect.gen(function* () {
      yield* sql`select pg_advisory_xact_lock(hashtextextended('holon cluster tables', 0))`
      yield* sql`
        create table if not exists cluster_node (
          address text primary key,
          node text not null,
          incarnation text not null,
          machine_id integer generated by default as identity,
          runner text,
          healthy boolean not null,
          ready boolean not null,
          backend_pid integer not null,
          session text not null,
          last_heartbeat timestamptz not null,
          beats timestamptz[] not null,
          relay_host text not null,
          relay_port integer not null,
          vocabulary text,
          started_at timestamptz not null
        )`
      // The table of an older release lacks the column. Looked up first: altering waits for every statement under way.
      const [column] = yield* sql`select 1 from information_schema.columns
        where table_schema = current_schema() and table_name = 'cluster_node' and column_name = 'vocabulary'`
      if (column === undefined)
        yield* sql`alter table cluster_node add column vocabulary text,
          alter column format_lowest drop not null, alter column format_highest drop not null`
      const [standing] = yield* sql`select 1 from information_schema.columns
        where table_schema = current_schema() and table_name = 'cluster_node' and column_name = 'standing'`
      if (standing === undefined)
        yield* sql`alter table cluster_node add column vitals jsonb, add column standing text not null default 'serving',
          add column standing_since timestamptz not null default now(), add column standing_why text[] not null default '{}',
          add column standing_by text not null default ''`
      yield* sql`create table if not exists cluster_judgement (
        number bigint primary key generated always as identity, node text not null, address text not null, standing text not null,
        since timestamptz not null, why text[] not null, by text not null, vitals jsonb)`
      yield* sql`create table if not exists cluster_setting (name text primary key, value text not null)`
    })
  )
})
