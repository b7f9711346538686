/** What words are made of, from the tables of devices, images and actors, through the node's general pool. */
import { PgClient } from "@effect/sql-pg"
import { Clock, Effect, Layer, Schema } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import type { Kind, Registry } from "../../actors/Registry.ts"
import { lookAt, type StoredRow } from "../../actors/StoredState.ts"
import { runtimeAsker } from "../../protocol/Asker.ts"
import { ConnectionState } from "../../protocol/Device.ts"
import { Program, ProgramView, programOf } from "../../protocol/Program.ts"
import { Rollout, RolloutSummary } from "../../protocol/Rollout.ts"
import { TwinSectionSchema } from "../../protocol/TwinSchema.ts"
import { Vsm } from "../../protocol/vsm/Vsm.ts"
import { VsmView } from "../../protocol/vsm/VsmState.ts"
import {
  FleetRows,
  FleetUnread,
  type KnownImage,
  type KnownProgram
} from "../../systems/operations/asking/FleetRows.ts"
import { rowFormat } from "./DeviceRows.ts"

/** Boards of one profile whose twins are looked at: the others have the same fields, or hardly anybody knows of them. */
const twinsOfProfile = 50
/** Profiles, images and names of programs that are spoken of: a fleet has few, and more would be no words any more. */
const profilesMax = 100
const imagesMax = 5000
const programsMax = 200
/** Boards whose word about one program is looked at: not each of them has told what it offers. */
const copiesOfProgram = 3

const isDevice = Schema.is(
  Schema.Struct({
    id: Schema.String,
    profile: Schema.String,
    zone: Schema.optionalKey(Schema.String),
    vsm: Schema.optionalKey(Schema.String),
    state: ConnectionState
  })
)
const isTwin = Schema.is(
  Schema.Struct({ profile: Schema.String, reported: TwinSectionSchema, desired: TwinSectionSchema })
)
const isVsm = Schema.is(VsmView)
const isRollout = Schema.is(RolloutSummary)
const isProgram = Schema.is(ProgramView)
const ended: ReadonlySet<string> = new Set(["idle", "succeeded", "stopped", "cancelled"])

interface Head {
  readonly id: string
  readonly format: number
  readonly head: Uint8Array | null
}

interface Whole extends Head {
  readonly keys: ReadonlyArray<string> | null
  readonly values: ReadonlyArray<Uint8Array> | null
}

interface DeviceRow {
  readonly id: string
  readonly profile: string
  readonly zone: string | null
  readonly vsm: string | null
  readonly state: string
}

const noParts: ReadonlyMap<string, Uint8Array> = new Map()
/** Actors that are looked at by one statement. */
const lookedMax = 100

const partsOf = ({ keys, values }: Whole): ReadonlyMap<string, Uint8Array> =>
  new Map(
    (keys ?? []).flatMap((key, index) => {
      const value = values?.[index]
      return value === undefined ? [] : [[key, value] as const]
    })
  )

/** Nothing for a row of a newer release. */
const answersOf = (
  type: Kind,
  row: StoredRow & { readonly id: string },
  queries: ReadonlyArray<string>,
  now: number
): ReadonlyArray<unknown> | undefined => {
  try {
    const answer = lookAt(type, { kind: type.behaviour.contract.kind, id: row.id }, row, { now, asker: runtimeAsker })
    return queries.map(answer)
  } catch {
    return undefined
  }
}

const make = (registry: Registry) =>
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    const answer = <A>(effect: Effect.Effect<A, SqlError>): Effect.Effect<A, FleetUnread> =>
      Effect.mapError(effect, (cause) => new FleetUnread({ cause })).pipe(Effect.withTracerEnabled(false))

    /** What actors answer to a query of their heads alone: their parts, such as the boards of a rollout, are left where they are. */
    const asked = (kind: Kind | undefined, query: string, heads: Effect.Effect<ReadonlyArray<Head>, SqlError>) =>
      Effect.gen(function* () {
        if (kind === undefined) return []
        const now = yield* Clock.currentTimeMillis
        const rows = yield* answer(heads)
        return rows.flatMap((row): ReadonlyArray<readonly [id: string, answer: unknown]> => {
          const answers = answersOf(kind, { ...row, parts: noParts }, [query], now)
          return answers === undefined ? [] : [[row.id, answers[0]]]
        })
      })
    const heads = (kind: string) =>
      sql<Head>`select id, format, head from actor where kind = ${kind} and head is not null order by id`

    const look = Effect.fnUntraced(function* (
      kind: string,
      ids: ReadonlyArray<string>,
      queries: ReadonlyArray<string>
    ) {
      const found = new Map<string, ReadonlyArray<unknown>>()
      const type = registry.get(kind)
      if (type === undefined) return found
      const now = yield* Clock.currentTimeMillis
      for (let from = 0; from < ids.length; from += lookedMax) {
        const rows = yield* answer(
          sql<Whole>`select a.id, a.format, a.head, p.keys, p.values from actor a
            left join lateral (
              select array_agg(key) as keys, array_agg(value) as values from actor_part where kind = a.kind and id = a.id) p on true
            where a.kind = ${kind} and a.id = any(${ids.slice(from, from + lookedMax)}::text[]) and a.head is not null`
        )
        for (const row of rows) {
          const answers = answersOf(type, { ...row, parts: partsOf(row) }, queries, now)
          if (answers !== undefined) found.set(row.id, answers)
        }
      }
      return found
    })

    const devices = Effect.map(
      answer(
        sql<DeviceRow>`select id, profile, zone, state, status->>'vsm' as vsm from device_search
          where format = ${rowFormat} order by id`
      ),
      (rows) =>
        rows.flatMap(({ id, profile, state, vsm, zone }) => {
          const device = { id, profile, state, ...(zone !== null && { zone }), ...(vsm !== null && { vsm }) }
          return isDevice(device) ? [device] : []
        })
    )

    const images = answer(
      sql<KnownImage>`select name, version, sha256 from image order by name, pushed_at desc limit ${imagesMax}`
    )

    return FleetRows.of({
      look,
      mark: Effect.gen(function* () {
        const [row] = yield* answer(
          sql<{ readonly mark: string; readonly isThere: boolean }>`
            select count(*)::text || ' ' || coalesce(bit_xor(hashtextextended(
                concat_ws(E'\n', id, profile, state, coalesce(zone, ''), coalesce(status->>'vsm', '')), 0)), 0)::text as mark,
              exists (select from device_search_progress where as_of is not null and format = ${rowFormat}) as "isThere"
            from device_search where format = ${rowFormat}`
        )
        if (row?.isThere !== true) return yield* new FleetUnread({ cause: "the index of devices is being built" })
        return row.mark
      }),
      devices,
      twins: (profiles) =>
        Effect.map(
          answer(
            sql<object>`select t.profile, t.reported, t.desired from unnest(${profiles.slice(0, profilesMax)}::text[]) as p(profile)
              cross join lateral (select profile, reported, desired from device_search s
                where s.profile = p.profile and s.format = ${rowFormat} order by s.id limit ${twinsOfProfile}) t`
          ),
          (rows: ReadonlyArray<unknown>) => rows.filter(isTwin)
        ),
      images,
      programs: Effect.map(
        asked(
          registry.get(Program.kind),
          "GetProgram",
          sql<Head>`select a.id, a.format, a.head from (
              select id, format, head, row_number() over (partition by split_part(id, ':', 2) order by id desc) as n
              from actor where kind = ${Program.kind} and head is not null) a
            where a.n <= ${copiesOfProgram} order by a.id limit ${programsMax * copiesOfProgram}`
        ),
        (found) => {
          const values = new Map<string, Set<string>>()
          for (const [id, view] of found) {
            const { name } = programOf(id)
            const known = values.get(name) ?? new Set<string>()
            values.set(name, known)
            if (isProgram(view)) for (const value of view.offers?.values ?? []) if (value.name) known.add(value.name)
          }
          return [...values].map(([name, known]): KnownProgram => ({ name, values: [...known] }))
        }
      ),
      rollouts: Effect.gen(function* () {
        const found = yield* asked(registry.get(Rollout.kind), "GetRollout", heads(Rollout.kind))
        const open = found.flatMap(([id, view]) => (isRollout(view) && !ended.has(view.state) ? [{ id, view }] : []))
        if (open.length === 0) return []
        const names = yield* answer(
          sql<{ readonly sha256: string; readonly name: string }>`select sha256, name from image
            where sha256 = any(${open.map(({ view }) => view.sha256)}::text[])`
        )
        return open.map(({ id, view }) => {
          const image = names.find(({ sha256 }) => sha256 === view.sha256)?.name
          return { id, ...(image !== undefined && { image }) }
        })
      }),
      vsms: Effect.map(asked(registry.get(Vsm.kind), "Describe", heads(Vsm.kind)), (found) =>
        found.flatMap(([id, view]) => {
          if (!isVsm(view) || view.status === "absent" || view.status === "retired") return []
          const { parent, zone } = view
          return [{ id, ...(parent !== undefined && { parent }), ...(zone !== undefined && { zone }) }]
        })
      )
    })
  })

/** Needs a migrated database, and somebody who keeps what is searched. */
export const layerPgFleetRows = (registry: Registry): Layer.Layer<FleetRows, never, PgClient.PgClient> =>
  Layer.effect(FleetRows, make(registry))
