/** Whether a node lives and is ready, as load balancers and people ask. */
import { Context, type Effect, Schema } from "effect"

/** `durability` says what an acknowledgement is worth with the settings of the store. */
export const HealthReport = Schema.Struct({
  status: Schema.Literals(["ready", "not ready"]),
  node: Schema.String,
  shards: Schema.Int,
  isStoreReachable: Schema.Boolean,
  isLeaseFresh: Schema.Boolean,
  durability: Schema.String
})
export type HealthReport = typeof HealthReport.Type

/** Not ready until shards are held and the store answers. */
export class NotReady extends Schema.TaggedError<NotReady>()(
  "NotReady",
  { report: HealthReport },
  { httpApiStatus: 503 }
) {
  override get message() {
    return "the node is not ready"
  }
}

/** The node's own report, made anew each time. */
export class Health extends Context.Service<Health, { readonly report: Effect.Effect<HealthReport> }>()(
  "holon/gateways/http/Health"
) {}
