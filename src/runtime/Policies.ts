/** The policies of a node: reads each epoch before it begins, judges by the one that is in force, and tells keepers what it found. */
import { Clock, Context, Effect, Layer, Option, Schedule, Schema } from "effect"
import { ActorRecords } from "../actors/ActorRecords.ts"
import { Actors } from "../actors/Actors.ts"
import { Judge } from "../actors/Judge.ts"
import { NodePorts } from "../actors/NodePorts.ts"
import type { Registry } from "../actors/Registry.ts"
import { decodeRow } from "../actors/StoredState.ts"
import { askerOf } from "../gateways/http/Gatekeeper.ts"
import { runtimeAsker } from "../protocol/Asker.ts"
import { uuidV7 } from "../protocol/Ids.ts"
import type { NotedDecision } from "../protocol/policy/NotedDecision.ts"
import { decisionsMax, PolicyKeeper } from "../protocol/vsm/PolicyKeeper.ts"
import { Vsm } from "../protocol/vsm/Vsm.ts"
import { rootId } from "../protocol/vsm/VsmId.ts"
import { VsmState } from "../protocol/vsm/VsmState.ts"
import { EpochPolicies, type InForce } from "../systems/policy/engine/EpochPolicies.ts"
import { Limits } from "../systems/policy/engine/Limits.ts"
import { PolicyCache } from "../systems/policy/engine/PolicyCache.ts"
import { foundingSource } from "../systems/policy/rule/Keeper.ts"
import { makeDesk, PolicyDesk } from "../systems/policy/rule/PolicyDesk.ts"
import { type ForcedPolicy, type KnownEpoch, PolicyEpochs } from "../systems/policy/rule/PolicyEpochs.ts"
import { PolicyJudge } from "../systems/policy/rule/PolicyJudge.ts"
import { PastActs } from "../systems/policy/rule/PolicyRegister.ts"
import { makeReplay, pathOr, quietly } from "../systems/policy/rule/Replay.ts"
import { readFor } from "../systems/policy/rule/Staging.ts"
import { boundOrShut } from "../systems/policy/rule/Unreadable.ts"
import type { ClusterConfig } from "./Config.ts"
import { Lease } from "./cluster/Lease.ts"
import { ProcessHost } from "./ProcessHost.ts"

/** Time between two looks at the register: shorter than an epoch is made known before it begins, ms. */
const lookMillis = 200
/** Time after which a VSM that is known is looked for again, ms. */
const placeMillis = 5000
const tellMillis = 500

/** Bound policies by their text: an epoch shares nearly all of them with the one before. */
class Bindings {
  #known = new Map<string, ReturnType<typeof boundOrShut>>()

  /** Names of those that this release cannot read. */
  get shut(): ReadonlyArray<string> {
    return [...this.#known.values()].flatMap(({ bound, isShut }) => (isShut ? [bound.policy.name] : []))
  }

  /** Only what these have is kept. */
  bind(policies: ReadonlyArray<ForcedPolicy>): ReadonlyArray<InForce> {
    const known = new Map<string, ReturnType<typeof boundOrShut>>()
    const bound = policies.map(({ vsm, name, source, version, zones, except }) => {
      const each = this.#known.get(source) ?? boundOrShut(name, source)
      known.set(source, each)
      return { vsm, version, bound: each.bound, zones, except }
    })
    this.#known = known
    return bound
  }
}

/** The judge of this node, whose notes somebody takes to the keepers. */
class NodeJudge extends Context.Service<NodeJudge, PolicyJudge>()("holon/runtime/Policies/NodeJudge") {}

const hasPath = Schema.is(Schema.Struct({ path: VsmState.fields.path, status: VsmState.fields.status }))

const make = (registry: Registry) =>
  Effect.gen(function* () {
    const { node } = yield* Lease
    const epochs = yield* PolicyEpochs
    const records = yield* ActorRecords
    const host = yield* ProcessHost
    const limits = new Limits()
    const bindings = new Bindings()
    const randomBytes = (count: number) => Uint8Array.from({ length: count }, () => Math.floor(host.random() * 256))

    const founding = { vsm: rootId, name: "founding", version: 0, source: foundingSource }
    const cache = new PolicyCache(new EpochPolicies(0, bindings.bind([founding]), limits))
    const judge = new PolicyJudge(cache, { node, now: host.now, newId: () => uuidV7(host.now(), randomBytes) })
    let newest = 0

    const install = Effect.fnUntraced(function* ({ epoch, at }: KnownEpoch) {
      const policies = bindings.bind(yield* epochs.policiesOf(epoch))
      if (bindings.shut.length > 0)
        yield* Effect.logError(`policies that this release cannot read deny what they may: ${bindings.shut.join(", ")}`)
      cache.install(new EpochPolicies(epoch, policies, limits), at)
      newest = epoch
    })

    const look = Effect.gen(function* () {
      const now = host.now()
      const coming = yield* epochs.behind(newest)
      const last = coming.at(-1)
      if (last !== undefined) cache.heard(last.epoch)
      // Of those that have begun only the last one counts.
      const begun = coming.filter(({ at }) => at <= now).slice(-1)
      for (const epoch of [...begun, ...coming.filter(({ at }) => at > now)]) yield* install(epoch)
      cache.asked(now)
    })

    const vsms = registry.get(Vsm.kind)
    const learn = Effect.fnUntraced(function* (id: string) {
      const record = yield* records.read({ kind: Vsm.kind, id })
      const state = Option.isSome(record) && vsms !== undefined ? decodeRow(vsms, id, record.value).state : undefined
      judge.places.learn(id, hasPath(state) && state.status !== "absent" ? state.path : [rootId])
    })
    const learnAll = (ids: ReadonlyArray<string>) => Effect.forEach(ids, learn, { discard: true })

    const warned =
      (what: string) =>
      <A, E>(effect: Effect.Effect<A, E>) =>
        Effect.catchCause(effect, (cause) => Effect.logDebug(what, cause))
    // What is in force now is known before anything is judged.
    const waits = (reason: unknown) => Effect.logWarning("waits for the register of policies", reason)
    yield* Effect.orDie(Effect.retry(Effect.tapError(look, waits), Schedule.spaced("1 second")))
    yield* Effect.forkScoped(
      Effect.repeat(
        look.pipe(
          warned("the register of policies could not be read"),
          Effect.andThen(warned("VSMs could not be looked for")(Effect.suspend(() => learnAll(judge.places.wanted))))
        ),
        Schedule.spaced(lookMillis)
      )
    )
    yield* Effect.forkScoped(
      Effect.repeat(
        warned("VSMs could not be looked for")(Effect.suspend(() => learnAll(judge.places.known))),
        Schedule.spaced(placeMillis)
      )
    )
    return judge
  })

/** The judge of this node for all that asks one, and what people ask about policies. Stands below the actors. */
export const layer = ({ tokens: { operators } }: Pick<ClusterConfig, "tokens">, registry: Registry) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const { now } = yield* ProcessHost
      const judge = yield* make(registry)
      const accountOf = (name: string) => {
        const account = Object.hasOwn(operators, name) ? operators[name] : undefined
        return account === undefined ? undefined : askerOf(name, account)
      }
      const pathOf = (vsm: string) => pathOr(judge.places.pathOf(vsm), vsm)
      const replay = yield* makeReplay({ registry, now, current: () => judge.cache.at(now()), pathOf, accountOf })
      return Layer.mergeAll(
        Layer.succeed(NodeJudge, judge),
        Layer.succeed(Judge, judge),
        Layer.succeed(PastActs, { impactOf: quietly(replay, readFor) }),
        Layer.effect(PolicyDesk, makeDesk({ registry, judge, now, replay }))
      )
    })
  )

const chunked = <A>(all: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  Array.from({ length: Math.ceil(all.length / decisionsMax) }, (_, at) =>
    all.slice(at * decisionsMax, (at + 1) * decisionsMax)
  )

/** Takes what was decided and counted to the keepers, while the node runs and once more when it stops. */
export const layerTelling = Layer.effectDiscard(
  Effect.gen(function* () {
    const actors = yield* Actors
    const judge = yield* NodeJudge
    const { node } = yield* NodePorts
    const by = { asker: runtimeAsker }

    const tellDecisions = Effect.fnUntraced(function* (notes: ReadonlyArray<NotedDecision>) {
      const byVsm = Map.groupBy(notes, ({ path }) => path.at(-1) ?? rootId)
      for (const [vsm, decisions] of byVsm)
        for (const some of chunked(decisions))
          yield* Effect.ignore(actors.ask(PolicyKeeper, vsm, "NoteDecisions", { decisions: some }, by))
    })
    const tell = Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      for (const { vsm, ...counted } of judge.trials.take(judge.cache.at(now)))
        yield* Effect.ignore(actors.ask(PolicyKeeper, vsm, "NoteTrial", { node, ...counted }, by))
      yield* tellDecisions(judge.notes.take(now))
    })
    yield* Effect.forkScoped(Effect.repeat(tell, Schedule.spaced(tellMillis)))
    yield* Effect.addFinalizer(() =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => tellDecisions(judge.notes.take(now, true))).pipe(
        Effect.timeoutOption(1000)
      )
    )
    yield* Effect.forkScoped(
      Effect.retry(actors.ask(PolicyKeeper, rootId, "Found", {}, by), Schedule.spaced("1 second"))
    )
  })
)
