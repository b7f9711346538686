/** The register of policies on PostgreSQL. What a keeper makes known is one transaction, and epochs are made one after another. */
import { PgClient } from "@effect/sql-pg"
import { Clock, Effect, Layer, Result } from "effect"
import { checkPolicyText } from "../../protocol/policy/PolicyCheck.ts"
import type { PolicyView } from "../../protocol/vsm/PolicyView.ts"
import { PoliciesUnavailable, PolicyEpochs } from "../../systems/policy/rule/PolicyEpochs.ts"
import {
  type Forced,
  leadMillis,
  PolicyRegister,
  type Published,
  type PublishOutcome
} from "../../systems/policy/rule/PolicyRegister.ts"
import { sqlReason } from "./SqlReason.ts"

/** Any constant that nothing else of ours locks. */
const advisoryLock = 7_455_970
const epochsMax = 1000
/** Nobody wants a later instant than this: a node whose clock is ahead must not put off all that comes after it, ms. */
const aheadMax = 60_000

interface ForceRow {
  readonly vsm: string
  readonly name: string
  readonly version: number
  readonly zones: ReadonlyArray<string>
  readonly except: ReadonlyArray<string>
}

const forcedOf = ({ name, version, zones, except }: ForceRow): Forced => ({
  name,
  version,
  ...(zones.length > 0 && { zones }),
  ...(except.length > 0 && { except })
})

const keyOf = ({ name, version, zones = [], except = [] }: Forced): string =>
  JSON.stringify([name, version, zones, except])

/** One that an older release has checked, and this one cannot read, is written as it stands: it must be possible to end it. */
const definitionOf = ({ source }: PolicyView): { readonly text: string; readonly ttlMillis: number | null } => {
  const checked = checkPolicyText(source)
  if (Result.isFailure(checked)) return { text: "null", ttlMillis: null }
  const { policy } = checked.success
  return { text: JSON.stringify(policy), ttlMillis: policy.ttlMillis ?? null }
}

const make = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  const instant = (millis: number | undefined) => (millis === undefined ? null : new Date(millis))

  /** Who is in force no more comes first: a name has one version that is. */
  const writeRows = (vsm: string, rows: ReadonlyArray<PolicyView>, now: number) =>
    Effect.forEach(
      rows.toSorted((one, other) => Number(one.state === "active") - Number(other.state === "active")),
      (view) => {
        const { trial, expiresAt, approvals, reason = null, stagedAt } = view
        const canary = trial === undefined ? null : JSON.stringify({ ...trial })
        return sql`insert into policies (vsm, name, version, type, zone, source, definition, state, canary, expires_at,
            author, approvals, reason, created_at, updated_at)
          values (${vsm}, ${view.name}, ${view.version}, ${view.class}, ${view.zone ?? null}, ${view.source},
            ${definitionOf(view).text}::jsonb, ${view.state}, ${canary}::jsonb, ${instant(expiresAt)}, ${view.author},
            ${JSON.stringify(approvals)}::jsonb, ${reason}, ${instant(stagedAt)}, ${instant(now)})
          on conflict (vsm, name, version) do update set state = excluded.state, canary = excluded.canary,
            expires_at = coalesce(excluded.expires_at, policies.expires_at), approvals = excluded.approvals,
            reason = excluded.reason, updated_at = excluded.updated_at`
      },
      { discard: true }
    )

  const beginEpoch = Effect.fnUntraced(function* ({ vsm, at: wanted, force, rows }: Published, now: number) {
    const inForce = yield* sql<ForceRow>`select vsm, name, version, zones, except_zones as "except" from policy_force
      where vsm = ${vsm} and until_epoch is null`
    const before = new Set(inForce.map((row) => keyOf(forcedOf(row))))
    const after = new Set(force.map(keyOf))
    if (before.size === after.size && [...before].every((key) => after.has(key))) return undefined
    const [last] = yield* sql<{ readonly epoch: number; readonly at: number }>`
      select epoch::float8, at_ms as at from policy_epochs order by epoch desc limit 1`
    const epoch = (last?.epoch ?? 0) + 1
    const at = Math.max(wanted, now + leadMillis, (last?.at ?? 0) + 1)
    yield* sql`insert into policy_epochs (epoch, at_ms, vsm) values (${epoch}, ${at}, ${vsm})`
    for (const row of inForce)
      if (!after.has(keyOf(forcedOf(row))))
        yield* sql`update policy_force set until_epoch = ${epoch}
          where vsm = ${vsm} and name = ${row.name} and version = ${row.version} and until_epoch is null`
    for (const each of force) {
      if (before.has(keyOf(each))) continue
      const { name, version, zones = [], except = [] } = each
      yield* sql`insert into policy_force (vsm, name, version, zones, except_zones, from_epoch)
        values (${vsm}, ${name}, ${version}, ${zones}::text[], ${except}::text[], ${epoch})`
    }
    for (const view of rows) {
      if (view.publishing === undefined) continue
      const { ttlMillis } = definitionOf(view)
      const ends = view.expiresAt ?? (ttlMillis === null ? undefined : at + ttlMillis)
      yield* sql`update policies set epoch = ${epoch}, activate_at = ${instant(at)}, expires_at = ${instant(ends)}
        where vsm = ${vsm} and name = ${view.name} and version = ${view.version}`
    }
    return { epoch, at }
  })

  const publish = Effect.fnUntraced(function* (published: Published) {
    const { vsm, revision } = published
    const own = yield* Clock.currentTimeMillis
    yield* sql`select pg_advisory_xact_lock(${advisoryLock})`
    const [clock] = yield* sql<{ readonly latest: number }>`
      select trunc(extract(epoch from clock_timestamp()) * 1000)::float8 + ${aheadMax}::float8 as latest`
    const latest = clock?.latest ?? own
    const now = Math.min(Math.max(own, latest - aheadMax), latest)
    const [known] = yield* sql<{
      readonly revision: number
      readonly epoch: number | null
      readonly at: number | null
    }>`
      select revision::float8, epoch::float8, at_ms as at from policy_keepers where vsm = ${vsm}`
    const last = known?.epoch == null || known.at == null ? undefined : { epoch: known.epoch, at: known.at }
    if (known !== undefined && known.revision >= revision)
      return { _tag: "Known", revision, ...last } satisfies PublishOutcome
    yield* writeRows(vsm, published.rows, now)
    const begun = (yield* beginEpoch({ ...published, at: Math.min(published.at, latest) }, now)) ?? last
    yield* sql`insert into policy_keepers (vsm, revision, epoch, at_ms)
      values (${vsm}, ${revision}, ${begun?.epoch ?? null}, ${begun?.at ?? null})
      on conflict (vsm) do update set revision = excluded.revision, epoch = excluded.epoch, at_ms = excluded.at_ms`
    return { _tag: "Known", revision, ...begun } satisfies PublishOutcome
  })

  const unavailable: PublishOutcome = { _tag: "Unavailable" }
  return {
    register: {
      publish: (published: Published): Effect.Effect<PublishOutcome> =>
        Effect.catchTag(sql.withTransaction(publish(published)), "SqlError", (error) =>
          Effect.as(
            Effect.logWarning(`policies of ${published.vsm} are not known yet: ${sqlReason(error)}`),
            unavailable
          )
        )
    },
    epochs: PolicyEpochs.of({
      behind: (epoch) =>
        Effect.mapError(
          sql<{ readonly epoch: number; readonly at: number }>`select epoch, at from (
            select epoch::float8, at_ms as at from policy_epochs where epoch > ${epoch} order by epoch desc limit ${epochsMax}
          ) newest order by epoch`,
          (error) => new PoliciesUnavailable({ reason: sqlReason(error) })
        ),
      policiesOf: (epoch) =>
        Effect.mapBoth(
          sql<ForceRow & { readonly source: string }>`select vsm, name, version, zones, except_zones as "except", source
            from policy_force join policies using (vsm, name, version)
            where from_epoch <= ${epoch} and (until_epoch is null or until_epoch > ${epoch}) order by vsm, name, version`,
          {
            onSuccess: (rows) => rows.map((row) => ({ ...forcedOf(row), vsm: row.vsm, source: row.source })),
            onFailure: (error) => new PoliciesUnavailable({ reason: sqlReason(error) })
          }
        )
    })
  }
})

/** Needs a migrated database. */
export const layer: Layer.Layer<PolicyEpochs, never, PgClient.PgClient> = Layer.unwrap(
  Effect.map(make, ({ register, epochs }) =>
    Layer.merge(Layer.succeed(PolicyRegister, register), Layer.succeed(PolicyEpochs, epochs))
  )
)
