/**
 * Joins a node to the immune system of the root: it says once a second what it saw at its doors, and hears at once who is turned
 * away there.
 */
import { randomBytes } from "node:crypto"
import { Context, Effect, Layer, Schedule, Schema, Stream } from "effect"
import { Actors } from "../actors/Actors.ts"
import { makeSuspicions, Suspicions } from "../actors/Suspicions.ts"
import { Doors, makeDoors } from "../gateways/Doors.ts"
import { runtimeAsker } from "../protocol/Asker.ts"
import { Expired } from "../protocol/Errors.ts"
import { uuidV7 } from "../protocol/Ids.ts"
import { Immune } from "../protocol/vsm/Immune.ts"
import { Bar, type Sign } from "../protocol/vsm/Threat.ts"
import { rootId } from "../protocol/vsm/VsmId.ts"
import { ProcessHost } from "./ProcessHost.ts"

const reportEvery = "1 second"
const retry = Schedule.spaced("1 second")
const by = { asker: runtimeAsker }

/** What is counted, and who is turned away, on this node: below all that look at it. */
export const layerSeams: Layer.Layer<never, never, ProcessHost> = Layer.effectContext(
  Effect.map(ProcessHost, ({ now }) => {
    const suspicions = makeSuspicions()
    return Context.make(Suspicions, suspicions).pipe(Context.add(Doors, makeDoors(now, suspicions)))
  })
)

/** They are too old to be told: whoever goes on shows new ones. */
const isExpired = Schema.is(Expired)
const barsOf = Schema.decodeUnknownEffect(Schema.Array(Bar))

/** Brings the immune system of the root into being, and keeps this node joined to it. Whoever has its shard wakes it from then on. */
export const layer: Layer.Layer<never, never, Actors | ProcessHost> = Layer.effectDiscard(
  Effect.gen(function* () {
    const actors = yield* Actors
    const suspicions = yield* Suspicions
    const doors = yield* Doors
    const { now } = yield* ProcessHost
    /** What is not known to have arrived goes again under its own id, so that it weighs once. */
    let unsaid: { readonly signs: ReadonlyArray<Sign>; readonly requestId: string } | undefined
    const report = Effect.gen(function* () {
      if (unsaid === undefined) {
        const signs = suspicions.take()
        if (signs.length === 0) return
        unsaid = { signs, requestId: uuidV7(now(), randomBytes) }
      }
      const { signs, requestId } = unsaid
      yield* actors
        .ask(Immune, rootId, "Evidence", { signs }, { ...by, requestId })
        .pipe(Effect.catchIf(isExpired, () => Effect.void))
      unsaid = undefined
    })
    const watch = actors.watch({ kind: Immune.kind, id: rootId }, "WatchBars", {}, by).pipe(
      Stream.mapEffect((item) => barsOf(item)),
      Stream.runForEach((bars) => Effect.sync(() => doors.bar(bars)))
    )
    yield* Effect.forkScoped(
      Effect.retry(actors.ask(Immune, rootId, "Begin", {}, by), retry).pipe(
        Effect.andThen(Effect.retry(Effect.forever(watch), retry))
      )
    )
    yield* Effect.forkScoped(Effect.repeat(Effect.ignore(report), Schedule.spaced(reportEvery)))
  })
)
