/** How the gateways of this node reach device actors: attaches and losses as asks, frames by the relay, evidence to the log. */
import { Effect, Layer, Result, Schema } from "effect"
import { Actors } from "../actors/Actors.ts"
import { Engine } from "../actors/Engine.ts"
import { NodePorts } from "../actors/NodePorts.ts"
import { Attacher, type AttachOutcome } from "../gateways/link/Attacher.ts"
import { Presence } from "../gateways/link/Presence.ts"
import type { Asker } from "../protocol/Asker.ts"
import { Device, DeviceRetired, LinkStale } from "../protocol/Device.ts"
import { HolonError, Unavailable } from "../protocol/Errors.ts"

const board = (id: string): Asker => ({ kind: "device", id, role: "board" })

const isRefusal = Schema.is(Schema.Union([LinkStale, DeviceRetired, HolonError]))

/** The ports of this node's gateways. */
export const layerAttacher: Layer.Layer<Attacher, never, Actors | Engine | NodePorts> = Layer.effect(
  Attacher,
  Effect.gen(function* () {
    const actors = yield* Actors
    const { relay } = yield* Engine
    const { host } = yield* NodePorts
    const runFork = Effect.runForkWith(yield* Effect.context())
    let connections = 0
    return Attacher.of({
      host,
      links: relay,
      presence: new Presence(),
      nextConnection: () => ++connections,
      attach: (id, request, done) => {
        runFork(Effect.result(actors.ask(Device, id, "Attach", request, { asker: board(id) }))).addObserver((exit) => {
          const outcome: AttachOutcome =
            exit._tag === "Success"
              ? Result.mapError(exit.value, (error) => (isRefusal(error) ? error : new Unavailable({ cause: "attach failed" })))
              : Result.fail(new Unavailable({ cause: "the attach was interrupted" }))
          done(outcome)
        })
      },
      lost: (id, payload) => {
        runFork(Effect.ignore(actors.ask(Device, id, "Lost", payload, { asker: board(id) })))
      },
      evidence: (evidence) => {
        runFork(Effect.logWarning(evidence.type, evidence))
      }
    })
  })
)
