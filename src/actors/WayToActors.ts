/** How an effect asks other actors: a seam, because the engine that runs effects is there before the way to actors is. */
import { Context, Effect, Layer, Schedule } from "effect"
import { Unavailable } from "../protocol/Errors.ts"
import { Actors } from "./Actors.ts"

type Service = Actors["Service"]

/** Empty until the node's way to actors is open, and in a process that has none, such as a simulation. */
const Way = Context.Reference<{ actors: Service | undefined }>("holon/actors/WayToActors", {
  defaultValue: () => ({ actors: undefined })
})

/** An actor that wakes while its node starts is there before the way is, ms. */
const lookMillis = 50
const looksMax = 200

/** The way to actors; fails with `Unavailable` where there is none within some seconds, transient. */
export const wayToActors: Effect.Effect<Service, Unavailable> = Effect.flatMap(Way, ({ actors }) =>
  actors === undefined
    ? Effect.fail(new Unavailable({ cause: "there is no way to actors from here" }))
    : Effect.succeed(actors)
).pipe(Effect.retry({ schedule: Schedule.spaced(lookMillis), times: looksMax }))

/** Stands below the engine, so that effects find it. */
export const layer: Layer.Layer<never> = Layer.sync(Way, () => ({ actors: undefined }))

/** Stands above {@link Actors}, and opens the way. */
export const layerOpening: Layer.Layer<never, never, Actors> = Layer.effectDiscard(
  Effect.gen(function* () {
    const way = yield* Way
    const actors = yield* Actors
    yield* Effect.acquireRelease(
      Effect.sync(() => {
        way.actors = actors
      }),
      () =>
        Effect.sync(() => {
          way.actors = undefined
        })
    )
  })
)
