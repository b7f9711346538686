/** The statement of a claim: steps the rows of many actors, names the owner, and loads what they hold. */
import type { Claimed, ClaimRequest } from "../../actors/Store.ts"
import { booleans, integers, text, texts } from "./Parameters.ts"
import type { Values } from "./PgSession.ts"

/**
 * The update waits for a commit under way and then sees its head, but parts and quarantine are read as of the statement's
 * begin. `seen` is the version at that begin: a row stepped from another one is torn and has to be looked at again.
 */
export const claimText = `with wanted as (
    select * from unnest($1::text[], $2::text[], $3::int4[], $4::bool[]) with ordinality as w(kind, id, shard, creates, row)),
  standing as (
    select w.row, q.since, q.cause from wanted w join quarantine q on q.kind = w.kind and q.id = w.id
    where q.released_at is null),
  stepped as (
    update actor a set version = a.version + 1, owner = $5, shard = w.shard
    from wanted w join actor b on b.kind = w.kind and b.id = w.id
    where a.kind = w.kind and a.id = w.id and not exists (
      select from quarantine q where q.kind = w.kind and q.id = w.id and q.released_at is null)
    returning a.kind, a.id, a.version, a.format, a.head, b.version as seen),
  created as (
    insert into actor (kind, id, shard, version, owner, format, takeover)
    select w.kind, w.id, w.shard, 1, $5, 0, false from wanted w
    where w.creates
      and not exists (select from actor a where a.kind = w.kind and a.id = w.id)
      and not exists (select from quarantine q where q.kind = w.kind and q.id = w.id and q.released_at is null)
    on conflict (kind, id) do nothing
    returning kind, id)
  select w.row::int4, s.version::float8, s.seen::float8, s.format, s.head, p.keys, p.values, c.id is not null, q.since::float8, q.cause
  from wanted w
    left join stepped s on s.kind = w.kind and s.id = w.id
    left join created c on c.kind = w.kind and c.id = w.id
    left join standing q on q.row = w.row
    left join lateral (
      select array_agg(key) as keys, array_agg(value) as values from actor_part
      where kind = s.kind and id = s.id) p on true`

export const claimParameters = (requests: ReadonlyArray<ClaimRequest>, owner: string): ReadonlyArray<unknown> => [
  texts(requests.map((request) => request.kind)),
  texts(requests.map((request) => request.id)),
  integers(requests.map((request) => request.shard)),
  booleans(requests.map((request) => request.creates)),
  text(owner)
]

/**
 * Looks at rows that a claim has stepped and found torn, all of it as of one moment. It waits for nobody: two nodes that
 * claimed again and again instead could keep each other from ever seeing a row at rest. A row that has moved on is left out.
 */
export const lookText = `select w.row::int4, a.version::float8, a.format, a.head, p.keys, p.values, q.since::float8, q.cause
  from unnest($1::text[], $2::text[], $3::float8[]) with ordinality as w(kind, id, version, row)
    join actor a on a.kind = w.kind and a.id = w.id and a.version = w.version::bigint
    left join quarantine q on q.kind = a.kind and q.id = a.id and q.released_at is null
    left join lateral (
      select array_agg(key) as keys, array_agg(value) as values from actor_part
      where kind = a.kind and id = a.id) p on true`

/** `Torn` was stepped to `version`, but what was read of it is a mixture. `Again` was neither stepped nor absent. */
export type ClaimAnswer = Claimed | { readonly _tag: "Torn"; readonly version: number } | { readonly _tag: "Again" }

type Place = readonly [index: number, answer: ClaimAnswer]

const rowOf = (version: number, format: unknown, head: unknown, keys: unknown, values: unknown): Claimed => {
  const parts = new Map<string, Uint8Array>()
  if (Array.isArray(keys) && Array.isArray(values)) {
    for (const [index, key] of keys.entries()) parts.set(key, values[index])
  }
  return { _tag: "Row", version, format: Number(format), head: head instanceof Uint8Array ? head : null, parts }
}

/** Reads one row of {@link claimText}: its place among the requests, from 0, and what the claim found. */
export const claimAnswer = (row: Values, requests: ReadonlyArray<ClaimRequest>): Place => {
  const [ordinal, version, seen, format, head, keys, values, isCreated, since, cause] = row
  const index = Number(ordinal) - 1
  if (typeof since === "number") return [index, { _tag: "Quarantined", since, cause: String(cause) }]
  if (isCreated === true) return [index, rowOf(1, 0, null, null, null)]
  if (typeof version === "number" && typeof seen === "number") {
    return [index, version === seen + 1 ? rowOf(version, format, head, keys, values) : { _tag: "Torn", version }]
  }
  // Somebody else has created the row since the statement began.
  return [index, { _tag: requests[index]?.creates === true ? "Again" : "Absent" }]
}

/** Reads one row of {@link lookText}. */
export const lookAnswer = ([ordinal, version, format, head, keys, values, since, cause]: Values): Place => {
  const index = Number(ordinal) - 1
  if (typeof since === "number") return [index, { _tag: "Quarantined", since, cause: String(cause) }]
  return [index, rowOf(Number(version), format, head, keys, values)]
}
