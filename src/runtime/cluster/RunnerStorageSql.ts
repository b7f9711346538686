/** The engine's view of membership: runners are rows of the node table, shard locks are locks of the lock session. */
import { Array as Arr, Effect, Layer, Option, Schema } from "effect"
import { ClusterError, MachineId, Runner, RunnerStorage } from "effect/cluster"
import { LockSession } from "./LockSession.ts"
import { lockExpirationMillis } from "./MembershipTiming.ts"
import { NodeTable } from "./NodeTable.ts"
import { ShardLocks } from "./ShardLocks.ts"
import { Verdict } from "./Verdict.ts"

const decodeRunner = Schema.decodeUnknownOption(Schema.fromJsonString(Runner.Runner))

/** Who takes over from a silent node asks for its locks this often, until its session is ended. */
const takeoverPollMillis = 100
/** The engine's loop does nothing else meanwhile. */
const takeoverWaitMillis = 1500

/** `RunnerStorage` of this node; other nodes' rows are read, never written, but by a verdict. */
export const layer: Layer.Layer<RunnerStorage.RunnerStorage, never, LockSession | NodeTable | ShardLocks | Verdict> =
  Layer.effect(
    RunnerStorage.RunnerStorage,
    Effect.gen(function* () {
      const lock = yield* LockSession
      const table = yield* NodeTable
      const locks = yield* ShardLocks
      const verdict = yield* Verdict
      const { refail } = ClusterError.PersistenceError

      const isTakeover = () => table.cached().some((row) => !row.healthy && row.silentMillis < lockExpirationMillis)

      return RunnerStorage.RunnerStorage.of({
        register: (runner) =>
          lock.announce({ runner: Runner.Runner.encodeSync(runner) }).pipe(Effect.map(MachineId.make), refail),
        unregister: () => refail(lock.announce({ runner: null })),
        getRunners: table.read.pipe(
          Effect.map(
            // A row that this release cannot read belongs to one that it cannot work with.
            Arr.flatMap((row) =>
              Option.match(decodeRunner(row.runner), {
                onNone: () => [],
                onSome: (runner) => [[runner, row.healthy] as const]
              })
            )
          ),
          refail
        ),
        // A healthy node says so itself with its heartbeat; an unhealthy one is judged, whoever suspects it.
        setRunnerHealth: (_address, healthy) => (healthy ? Effect.void : verdict.judge),
        acquire: (_address, shardIds) => {
          const wanted = Array.from(shardIds)
          return refail(
            Effect.gen(function* () {
              for (let waited = 0; ; waited += takeoverPollMillis) {
                const acquired = yield* locks.acquire(wanted)
                if (acquired.length > 0 || waited >= takeoverWaitMillis || !isTakeover()) return acquired
                yield* Effect.sleep(takeoverPollMillis)
              }
            })
          )
        },
        refresh: (_address, shardIds) => refail(locks.refresh(Array.from(shardIds))),
        release: (_address, shardId) => refail(locks.release([shardId])),
        releaseAll: () => refail(locks.releaseAll)
      })
    })
  )
