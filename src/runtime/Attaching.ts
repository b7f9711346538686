/** How the gateways of this node reach device actors: attaches and losses as asks, frames by the relay, evidence as events. */
import { Effect, Layer, Result, Schema } from "effect"
import { Actors } from "../actors/Actors.ts"
import { Engine } from "../actors/Engine.ts"
import { NodePorts } from "../actors/NodePorts.ts"
import { Suspicions } from "../actors/Suspicions.ts"
import { Attacher, type AttachOutcome, type Evidence } from "../gateways/link/Attacher.ts"
import { Presence } from "../gateways/link/Presence.ts"
import type { Asker } from "../protocol/Asker.ts"
import { Device, DeviceRetired, LinkStale } from "../protocol/Device.ts"
import { HolonError, Unavailable } from "../protocol/Errors.ts"
import { subjectOf } from "../protocol/vsm/Threat.ts"
import { PublicationHub } from "./Outlets.ts"
import { type ZoneRule, zoneByRules } from "./ZoneRules.ts"

/** Evidence of one type about one board is noted once in this time: it must not cost more than what it tells of. */
const evidenceMillis = 10_000
/** Boards about which evidence is remembered. */
const notedMax = 10_000

const board = (id: string): Asker => ({ kind: "device", id, role: "board" })
const gateway: Asker = { kind: "service", id: "gateway", role: "internal" }

const isRefusal = Schema.is(Schema.Union([LinkStale, DeviceRetired, HolonError]))

/** Lets the first of a kind through, and again after a while. */
export const makeNoted = (monotonic: () => number) => {
  const noted = new Map<string, number>()
  return ({ type, id }: Pick<Evidence, "type" | "id">): boolean => {
    const key = `${type} ${id}`
    const now = monotonic()
    if (now - (noted.get(key) ?? Number.NEGATIVE_INFINITY) < evidenceMillis) return false
    // In order of the last note: the first entries are the oldest.
    noted.delete(key)
    noted.set(key, now)
    for (const oldest of noted.keys()) {
      if (noted.size <= notedMax) break
      noted.delete(oldest)
    }
    return true
  }
}

/** The ports of this node's gateways. Each board attaches with what the rules say of its zone. */
export const layerAttacher = (
  zones: ReadonlyArray<ZoneRule>
): Layer.Layer<Attacher, never, Actors | Engine | NodePorts> =>
  Layer.effect(
    Attacher,
    Effect.gen(function* () {
      const actors = yield* Actors
      const { relay } = yield* Engine
      const { host } = yield* NodePorts
      const publications = yield* PublicationHub
      const suspicions = yield* Suspicions
      const runFork = Effect.runForkWith(yield* Effect.context())
      const isNew = makeNoted(host.monotonic)
      let connections = 0
      return Attacher.of({
        host,
        links: relay,
        presence: new Presence(),
        publications,
        nextConnection: () => ++connections,
        attach: (id, request, done) => {
          const zoneByRule = zoneByRules(zones, id)
          const ruled = zoneByRule === undefined ? request : { ...request, zoneByRule }
          runFork(Effect.result(actors.ask(Device, id, "Attach", ruled, { asker: board(id) }))).addObserver((exit) => {
            const outcome: AttachOutcome =
              exit._tag === "Success"
                ? Result.mapError(exit.value, (error) =>
                    isRefusal(error) ? error : new Unavailable({ cause: "attach failed" })
                  )
                : Result.fail(new Unavailable({ cause: "the attach was interrupted" }))
            done(outcome)
          })
        },
        lost: (id, payload) => {
          runFork(Effect.ignore(actors.ask(Device, id, "Lost", payload, { asker: board(id) })))
        },
        evidence: (evidence) => {
          if (evidence.type === "link.replayed") return suspicions.note("replay", subjectOf("device", evidence.id))
          if (!isNew(evidence)) return
          const { id, ...what } = evidence
          // Somebody who is no device of ours has no stream of events: the log is all there is.
          const noted = actors
            .ask(Device, id, "NoteEvidence", what, { asker: gateway })
            .pipe(Effect.catch(() => Effect.logWarning(evidence.type, evidence)))
          runFork(noted)
        }
      })
    })
  )
