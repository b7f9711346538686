/** The database of a node, with the tables of this release, and what keeps them small and searchable. */
import { Effect, Layer } from "effect"
import type { Registry } from "../../actors/Registry.ts"
import { Device } from "../../protocol/Device.ts"
import { keepAuditPartitions, makeAuditPartitions } from "./AuditPartitions.ts"
import { keepDeviceSearch } from "./DeviceProjection.ts"
import { keepPartitions, makePartitions } from "./JournalPartitions.ts"
import { migrate } from "./Migrations.ts"
import * as PatternStore from "./PatternStore.ts"
import { layerPgAuditLog } from "./PgAuditLog.ts"
import { layerPgChainIndex } from "./PgChainIndex.ts"
import { layerPgDeviceSearch } from "./PgDeviceSearch.ts"
import { layerPgJournal } from "./PgJournal.ts"
import * as PgPolicyRegister from "./PgPolicyRegister.ts"
import * as PostgresClient from "./PostgresClient.ts"
import { keepSampleMinutes } from "./SampleMinutes.ts"

/** Days a journal partition is kept. */
const journalDays = 30

/** Migrated when it is built. Waits this long for a PostgreSQL that does not answer, ms; half a minute by default. */
export const layer = (registry: Registry, waitMillis: number | undefined) =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      yield* migrate()
      yield* makePartitions
      yield* makeAuditPartitions
      yield* Effect.forkScoped(keepAuditPartitions)
      yield* Effect.forkScoped(keepPartitions({ eventDays: journalDays }))
      yield* Effect.forkScoped(keepSampleMinutes)
      const devices = registry.get(Device.kind)
      if (devices !== undefined) yield* Effect.forkScoped(keepDeviceSearch(devices))
    })
  ).pipe(Layer.provideMerge(PostgresClient.layer(waitMillis)))

/** What is read of the database beside the actors' own state. Needs the tables. */
export const layerReads = Layer.mergeAll(
  layerPgJournal,
  layerPgChainIndex,
  layerPgDeviceSearch,
  layerPgAuditLog,
  PgPolicyRegister.layer,
  PatternStore.layer
)
