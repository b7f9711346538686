/** The ways out of a node: posts over HTTP, and messages to the clients of the embedded brokers. */
import { Context, Effect, Layer } from "effect"
import { Engine } from "../actors/Engine.ts"
import { type OutletMethods, Outlets, OutletUnavailable } from "../actors/Outlets.ts"
import { Publications } from "../gateways/link/Publications.ts"
import { NodeTable } from "./cluster/NodeTable.ts"

/** The messages of this node's brokers, between who publishes and who has the clients. */
export const PublicationHub = Context.Reference<Publications>("holon/runtime/PublicationHub", {
  defaultValue: () => new Publications()
})

/** `fetch` only says that it failed; what it was stands in its cause. */
const reasonOf = (cause: unknown): string => {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause
  const first: unknown = inner instanceof AggregateError ? inner.errors[0] : inner
  return first instanceof Error ? first.message : String(first)
}

const post: OutletMethods["post"] = ({ url, headers, body }) =>
  Effect.tryPromise({
    try: async (signal) => {
      const response = await fetch(url, { method: "POST", headers, body, signal, redirect: "manual" })
      // Nobody reads it, and one without end would keep its connection for ever.
      await response.body?.cancel()
      return response.status
    },
    catch: (cause) => new OutletUnavailable({ reason: `the server is not reached: ${reasonOf(cause)}` })
  })

const unreached = (nodes: ReadonlyArray<string>) =>
  new OutletUnavailable({ reason: `not reached: ${nodes.join(", ")}` })

/** Fills the seam of the actors' effects. */
export const layer: Layer.Layer<never> = Layer.effectContext(
  Effect.sync(() => {
    const hub = new Publications()
    const methods: OutletMethods = {
      post,
      publish: (topic, payload, id) =>
        Effect.callback<void, OutletUnavailable>((resume) =>
          hub.publish({ id, topic, payload: Buffer.from(payload) }, (missing) =>
            resume(missing.length === 0 ? Effect.void : Effect.fail(unreached(missing)))
          )
        )
    }
    return Context.make(PublicationHub, hub).pipe(Context.add(Outlets, methods))
  })
)

/** Brings messages under topics to the brokers of the other members, and says which of them cannot be reached. */
export const layerCarrying = Layer.effectDiscard(
  Effect.gen(function* () {
    const hub = yield* PublicationHub
    const { relay } = yield* Engine
    const table = yield* NodeTable
    relay.onPublication((topic, payload) => hub.received(topic, payload))
    hub.carryBy(({ topic, payload }, reached, done) => {
      const peers = table
        .cached()
        .filter(({ node, healthy }) => healthy && node !== relay.node && !reached.has(node))
        .map(({ node }) => node)
      const missing: Array<string> = []
      let left = peers.length
      if (left === 0) return done(missing)
      for (const node of peers)
        relay.publish(node, topic, payload, (isTaken) => {
          if (isTaken) reached.add(node)
          else missing.push(node)
          if (--left === 0) done(missing)
        })
    })
  })
)
