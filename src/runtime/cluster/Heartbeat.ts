/** The heartbeat of a node as it stands in the table of nodes, and the sessions that a node leaves behind there. */
import { Schema } from "effect"
import { leaseMillis } from "./MembershipTiming.ts"
import { servesSql } from "./NodeTable.ts"

const Stored = Schema.Array(Schema.Struct({ machine_id: Schema.Int, serves: Schema.Boolean }))
/** What a heartbeat answers: nothing when the row belongs to another process. */
export const decodeStored = Schema.decodeUnknownSync(Stored)

/**
 * A row is written by the incarnation it names, and by a new one once nobody has beaten there for a lease: a process
 * that starts again at its old address waits for the rest of that lease.
 */
export const heartbeatSql = `
  insert into cluster_node as n (address, node, incarnation, runner, healthy, ready, backend_pid, session,
    last_heartbeat, beats, relay_host, relay_port, vocabulary, vitals, started_at)
  values ($1, $2, $3, $4, true, $5, pg_backend_pid(), $6, now(), array[now()], $7, $8, $9, $10::text::jsonb, now())
  on conflict (address) do update set node = excluded.node, incarnation = excluded.incarnation,
    runner = excluded.runner, healthy = true, ready = excluded.ready, backend_pid = excluded.backend_pid,
    session = excluded.session, last_heartbeat = now(),
    beats = case when n.incarnation = excluded.incarnation then (now() || n.beats)[1:5] else array[now()] end,
    relay_host = excluded.relay_host, relay_port = excluded.relay_port, vocabulary = excluded.vocabulary,
    vitals = excluded.vitals,
    standing = case when n.incarnation = excluded.incarnation then n.standing else 'serving' end,
    started_at = case when n.incarnation = excluded.incarnation then n.started_at else now() end
  where n.incarnation = excluded.incarnation or n.last_heartbeat < now() - interval '${leaseMillis} milliseconds'
  returning machine_id, ${servesSql("n")} as serves`

/** A process that starts anew serves, whatever the one before it was taken out for: that is told like every other change. */
export const readmitAnewSql = `
  insert into cluster_judgement (node, address, standing, since, why, by)
  select $3::text, n.address, 'serving', now(), array['it started again'], '' from cluster_node n
    where n.address = $1 and n.incarnation <> $2 and n.standing <> 'serving'
      and n.last_heartbeat < now() - interval '${leaseMillis} milliseconds'`

/** Sessions this address left behind: of this process, or of one that is silent. Ended, they free their shards now. */
export const endForerunnersSql = `
  with forerunner as materialized (
    select a.pid from cluster_node n
      join pg_stat_activity a on a.pid = n.backend_pid and a.application_name = n.session
    where n.address = $1
      and (n.incarnation = $2 or n.last_heartbeat < now() - interval '${leaseMillis} milliseconds'))
  select pg_terminate_backend(pid) from forerunner`
