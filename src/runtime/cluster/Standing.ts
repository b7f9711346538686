/**
 * Who is in service. Nodes say with their heartbeats what they think of each other, and the database decides: a zombie goes out when
 * most observers agree and enough nodes are left, and comes back when nobody has had anything against it for a time. A person may
 * do both at any time. A node that is out has no lease and gets no shards; it lives on, and so is seen to have become well.
 */
import { PgClient } from "@effect/sql-pg"
import { Context, Effect, Layer } from "effect"
import type { SqlError } from "effect/sql"
import { InvalidTransition, NotFound } from "../../protocol/Errors.ts"
import type { NodeStanding } from "../../protocol/vsm/Vitals.ts"
import { handOverMillis, probationMillis, unwellMillis } from "./MembershipTiming.ts"
import { standsInService } from "./NodeTable.ts"

/** A change of how a node stands, with the vitals that the node had. */
export interface Judged {
  /** Changes are told in this order. */
  readonly number: number
  readonly node: string
  readonly address: string
  readonly standing: NodeStanding
  /** Ms since 1970, by the clock of the database. */
  readonly since: number
  readonly why: ReadonlyArray<string>
  /** The person; empty where nodes have judged. */
  readonly by: string
  readonly vitals: unknown
}

/** What a person says about a node. */
export interface Exclusion {
  readonly address: string
  readonly reason: string
  readonly by: string
  /** Also when fewer than more than half of the nodes are left. */
  readonly isBelowQuorum: boolean
}

/** All statements go over the connections of membership, which work while those of the actors may not. */
export class Standing extends Context.Service<
  Standing,
  {
    /** Takes a zombie out of service and ends its lock session; where too few would be left it is only called one. */
    readonly condemn: (node: string, why: ReadonlyArray<string>) => Effect.Effect<void, SqlError.SqlError>
    /** Brings back whom nobody doubts any more, a step at a time, and takes shards from those who do not give them. */
    readonly review: Effect.Effect<void, SqlError.SqlError>
    readonly exclude: (exclusion: Exclusion) => Effect.Effect<void, SqlError.SqlError | NotFound | InvalidTransition>
    /** Puts a node into service at once, whatever it was taken out for. */
    readonly readmit: (
      address: string,
      by: string
    ) => Effect.Effect<void, SqlError.SqlError | NotFound | InvalidTransition>
    /** Changes that the coordinator of the root has not heard of. */
    readonly untold: Effect.Effect<ReadonlyArray<Judged>, SqlError.SqlError>
    /** The coordinator has heard of it. */
    readonly told: (judged: Judged) => Effect.Effect<void, SqlError.SqlError>
  }
>()("holon/runtime/Standing") {
  static readonly layer: Layer.Layer<Standing, never, PgClient.PgClient> = Layer.effect(
    Standing,
    Effect.suspend(() => make)
  )
}

/** Members that are healthy and in service, and how many of all there have to be: more than half. */
const countsSql = `select count(*) filter (where healthy and ${standsInService("cluster_node")})::int as serving,
  (count(*) / 2 + 1)::int as needed from cluster_node`

/** Nodes whose word counts on the node of a row. */
const observersSql = (row: string): string => `from cluster_node observer where observer.healthy
  and ${standsInService("observer")} and observer.address <> ${row}.address and observer.vitals is not null`

const isDoubted = `exists (select ${observersSql("n")} and jsonb_exists(observer.vitals -> 'doubts', n.node))`
const isCalledZombie = `exists (select ${observersSql("n")} and observer.vitals -> 'doubts' ->> n.node = 'zombie')`

const sinceIsOver = (millis: number): string => `n.standing_since < now() - interval '${millis} milliseconds'`

/** What a review makes of each row; null where it stays as it is. */
const nextSql = `case
  when n.standing = 'quarantined' and n.healthy and ${sinceIsOver(unwellMillis)} and not ${isDoubted} then 'probation'
  when n.standing = 'probation' and ${isDoubted} then 'quarantined'
  when n.standing = 'probation' and n.healthy and ${sinceIsOver(probationMillis)} then 'serving'
  when n.standing = 'zombie' and ${sinceIsOver(unwellMillis)} and not ${isCalledZombie} then 'serving' end`

const make = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  const literal = sql.literal
  /** Columns of a node whose standing changes, and what is to be told of that. */
  const anew = literal("standing_since = now()")
  const changed = literal("n.node, n.address, n.standing, n.standing_since, n.standing_why, n.standing_by, n.vitals")
  const note = literal(`insert into cluster_judgement (node, address, standing, since, why, by, vitals)
    select node, address, standing, standing_since, standing_why, standing_by, vitals from changed`)
  /** One after another: two nodes that are condemned at once must not both go where only one may. */
  const inTurn = <A, E>(work: Effect.Effect<A, E>) =>
    sql
      .withTransaction(
        Effect.andThen(sql`select pg_advisory_xact_lock(hashtextextended('holon standing of nodes', 0))`, work)
      )
      .pipe(Effect.withTracerEnabled(false))

  const rowOf = Effect.fnUntraced(function* (address: string) {
    const [row] = yield* sql<{
      readonly standing: NodeStanding
      readonly isServing: boolean
      readonly isHeeding: boolean
    }>`
      select n.standing, n.healthy and ${literal(standsInService("n"))} as "isServing",
        not n.healthy or n.vitals is not null as "isHeeding"
      from cluster_node n where n.address = ${address}`
    if (row === undefined) return yield* new NotFound({ what: `node ${address}` })
    return row
  })

  return Standing.of({
    condemn: (node, why) =>
      inTurn(sql`
        with counts as (${literal(countsSql)}), changed as (
          update cluster_node n set standing = case when serving > needed then 'quarantined' else 'zombie' end,
            standing_why = ${why}, standing_by = '', ${anew}
          from counts where n.node = ${node} and n.healthy and ${literal(standsInService("n"))}
            and n.standing <> case when serving > needed then 'quarantined' else 'zombie' end
            and (select count(*) filter (where observer.vitals -> 'doubts' ->> n.node = 'zombie') > count(*) / 2
              ${literal(observersSql("n"))})
          returning ${changed}, n.backend_pid, n.session),
        noted as (${note}),
        ended as materialized (
          select a.pid from changed join pg_stat_activity a on a.pid = changed.backend_pid
            and a.application_name = changed.session where changed.standing = 'quarantined')
        select pg_terminate_backend(pid) from ended`).pipe(Effect.asVoid),
    review: Effect.gen(function* () {
      yield* inTurn(sql`
        with next as (select n.address, ${literal(nextSql)} as standing from cluster_node n where n.standing <> 'serving'),
        changed as (
          update cluster_node n set standing = next.standing, ${anew},
            standing_why = case when next.standing = 'quarantined' then array['doubted on probation'] else n.standing_why end
          from next where n.address = next.address and next.standing is not null
          returning ${changed})
        ${note}`)
      yield* sql`
        with late as materialized (
          select a.pid from cluster_node n join pg_stat_activity a on a.pid = n.backend_pid and a.application_name = n.session
            where n.standing in ('quarantined', 'excluded') and ${literal(sinceIsOver(handOverMillis))}
              and exists (select from cluster_node o where o.address <> n.address and o.healthy and ${literal(standsInService("o"))})
              and exists (select from pg_locks l where l.pid = a.pid and l.locktype = 'advisory' and l.granted))
        select pg_terminate_backend(pid) from late`
    }).pipe(Effect.withTracerEnabled(false)),
    exclude: ({ address, reason, by, isBelowQuorum }) =>
      inTurn(
        Effect.gen(function* () {
          const { standing, isServing, isHeeding } = yield* rowOf(address)
          const event = "an exclusion"
          if (standing === "excluded") return yield* new InvalidTransition({ from: standing, event })
          if (!isHeeding)
            return yield* new InvalidTransition({
              from: standing,
              event,
              reason: "its release does not know that it can be out of service; stop it instead"
            })
          const [{ serving, needed } = { serving: 0, needed: 1 }] = yield* sql<{
            readonly serving: number
            readonly needed: number
          }>`${literal(countsSql)}`
          const left = isServing ? serving - 1 : serving
          if (left < 1)
            return yield* new InvalidTransition({ from: standing, event, reason: "no other node would serve" })
          if (left < needed && isServing && !isBelowQuorum)
            return yield* new InvalidTransition({
              from: standing,
              event,
              reason: `${left} nodes would serve, and ${needed} are more than half of all; it is done all the same with belowQuorum`
            })
          yield* sql`with changed as (
            update cluster_node n set standing = 'excluded', standing_why = ${[reason]}, standing_by = ${by}, ${anew}
            where address = ${address} returning ${changed}) ${note}`
        })
      ),
    readmit: (address, by) =>
      inTurn(
        Effect.gen(function* () {
          const { standing } = yield* rowOf(address)
          if (standing === "serving") return yield* new InvalidTransition({ from: "it serves", event: "a readmission" })
          yield* sql`with changed as (
            update cluster_node n set standing = 'serving', standing_by = ${by}, ${anew}
            where address = ${address} returning ${changed}) ${note}`
        })
      ),
    untold: sql<Judged>`
      select number::float8 as number, node, address, standing, (extract(epoch from since) * 1000)::float8 as since, why, by,
        vitals from cluster_judgement order by number`.pipe(Effect.withTracerEnabled(false)),
    told: ({ number }) =>
      sql`delete from cluster_judgement where number = ${number}`.pipe(Effect.withTracerEnabled(false), Effect.asVoid)
  })
})
