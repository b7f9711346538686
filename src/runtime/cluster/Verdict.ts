/**
 * Who is dead: suspicion starts the question, the database decides. A node may judge a peer only when it has stored
 * heartbeats of its own since the peer's last one, so that a stall of PostgreSQL condemns nobody.
 */

import { PgClient } from "@effect/sql-pg"
import { Context, Effect, Layer, Schedule, Semaphore } from "effect"
import { RunnerHealth } from "effect/cluster"
import { endMillis, heartbeatMillis, silentMillis, witnessBeats } from "./MembershipTiming.ts"
import { NodeIdentity } from "./NodeIdentity.ts"
import { NodeTable } from "./NodeTable.ts"

/** A node that has been silent this long has no session left to end. */
const forgottenMillis = 60_000

/** Judges the peers of this node. */
export class Verdict extends Context.Service<
  Verdict,
  {
    /** Asks the database about every peer now: marks who is silent, ends the lock session of who has been for longer. */
    readonly judge: Effect.Effect<void>
    /** Has that done soon, without waiting; a suspicion while one is looked into changes nothing. */
    readonly suspect: Effect.Effect<void>
  }
>()("holon/runtime/Verdict") {
  /** Judges by itself whenever a peer looks silent; a failed question is asked again a heartbeat later. */
  static readonly layer: Layer.Layer<Verdict, never, NodeIdentity | NodeTable | PgClient.PgClient> = Layer.effect(
    Verdict,
    Effect.suspend(() => make)
  )
}

const make = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  const table = yield* NodeTable
  const { address, incarnation } = yield* NodeIdentity
  const silent = sql.literal(`interval '${silentMillis} milliseconds'`)
  const end = sql.literal(`interval '${endMillis} milliseconds'`)
  const witness =
    sql.literal(`me.address = '${address}' and me.incarnation = '${incarnation}' and n.address <> me.address
    and me.beats[${witnessBeats}] > n.last_heartbeat`)

  const mark = sql<{ readonly address: string }>`
    update cluster_node n set healthy = false from cluster_node me
    where ${witness} and n.healthy and n.last_heartbeat < now() - ${silent} returning n.address`
  // In a `where` the planner would end every session first and join the survivors.
  const endSessions = sql<{ readonly address: string }>`
    with silent as materialized (
      select n.address, a.pid from cluster_node n
        join cluster_node me on ${witness} and n.last_heartbeat < now() - ${end}
        join pg_stat_activity a on a.pid = n.backend_pid and a.application_name = n.session)
    select address, pg_terminate_backend(pid) from silent`
  const judge = Effect.gen(function* () {
    for (const peer of yield* mark) yield* Effect.logWarning(`Node ${peer.address} is silent`)
    for (const peer of yield* endSessions) {
      yield* Effect.logWarning(`Node ${peer.address} stays silent, its lock session is ended`)
    }
  }).pipe(Effect.withTracerEnabled(false), Effect.ignore)

  yield* sql`delete from cluster_node where not healthy and last_heartbeat < now() - interval '1 hour'`.pipe(
    Effect.ignore
  )
  yield* Effect.suspend(() =>
    table
      .cached()
      .some((row) => row.address !== address && row.silentMillis > silentMillis && row.silentMillis < forgottenMillis)
      ? judge
      : Effect.void
  ).pipe(Effect.repeat(Schedule.spaced(heartbeatMillis)), Effect.forkScoped)

  const turn = Semaphore.makeUnsafe(1)
  const scope = yield* Effect.scope
  const suspect = Effect.asVoid(Effect.forkIn(turn.withPermitsIfAvailable(1)(judge), scope))
  return Verdict.of({ judge, suspect })
})

/**
 * What the engine's health check sees is the table: it never flips back a peer that only one node cannot reach, nor one that answers
 * but is out of service.
 */
export const layerHealth: Layer.Layer<RunnerHealth.RunnerHealth, never, NodeTable> = Layer.effect(
  RunnerHealth.RunnerHealth,
  Effect.map(NodeTable, (table) =>
    RunnerHealth.RunnerHealth.of({
      isAlive: (address) =>
        table.read.pipe(
          Effect.map((rows) => {
            const row = rows.find((candidate) => candidate.address === `${address.host}:${address.port}`)
            return row?.healthy === true && row.serves && row.silentMillis <= silentMillis
          }),
          // Nothing is known: no reason to condemn.
          Effect.orElseSucceed(() => true)
        )
    })
  )
)
