/** Where effects of actors reach beyond the cluster: a seam, so that a behaviour knows no sockets. */
import { Context, Effect, Schema } from "effect"

/** Nothing got out: nobody answers there, or this process has no such way. Transient. */
export class OutletUnavailable extends Schema.TaggedError<OutletUnavailable>()("OutletUnavailable", {
  reason: Schema.String
}) {
  override get message() {
    return this.reason
  }
}

/** A POST. The body is JSON. */
export interface Post {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** The ways out of this node. */
export interface OutletMethods {
  /** Answers the status of the response; redirects are not followed. Interruption ends the request. */
  readonly post: (post: Post) => Effect.Effect<number, OutletUnavailable>
  /**
   * Hands a message to the clients of the embedded brokers of all nodes that subscribe to the topic now. Fails while a member
   * is not reached; a repeat of that id then goes to those alone that do not have it yet.
   */
  readonly publish: (topic: string, payload: string, id: string) => Effect.Effect<void, OutletUnavailable>
}

const nowhere = Effect.fail(new OutletUnavailable({ reason: "there is no way out of this process" }))

/** The ways out of this node. A process without any, such as a simulation, fails each use. */
export const Outlets = Context.Reference<OutletMethods>("holon/actors/Outlets", {
  defaultValue: () => ({ post: () => nowhere, publish: () => nowhere })
})
