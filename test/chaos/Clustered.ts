/** Several node processes over one PostgreSQL of their own, in a folder that is gone afterwards. */
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { Effect, type Scope } from "effect"
import { ChaosCluster } from "../../src/chaos/ChaosCluster.ts"
import * as EmbeddedPostgres from "../../src/runtime/storage/EmbeddedPostgres.ts"
import type { PostgresUrl } from "../../src/runtime/storage/PostgresUrl.ts"
import { tempFolder } from "../support/RunningNode.ts"

/** Runs `work` with a cluster whose nodes it may kill, freeze and cut; all are gone when it ends. */
export const clustered = <A, E>(
  work: (cluster: ChaosCluster, folder: string) => Effect.Effect<A, E, PostgresUrl | Scope.Scope>
) =>
  Effect.gen(function* () {
    const folder = yield* tempFolder
    const data = join(folder, "data")
    mkdirSync(data, { recursive: true })
    yield* Effect.flatMap(
      ChaosCluster.make(folder, () => {}),
      (cluster) => work(cluster, folder)
    ).pipe(Effect.provide(EmbeddedPostgres.layer(data)))
  }).pipe(Effect.scoped)
