/** What people ask about policies over HTTP and `/rpc`, beside the messages of their keepers. */
import { Effect, Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { HolonError, NotFound, ZoneDenied } from "../../protocol/Errors.ts"
import { ImpactReport } from "../../protocol/policy/Impact.ts"
import { sourceMax } from "../../protocol/vsm/PolicyKeeper.ts"
import { rootId, VsmId } from "../../protocol/vsm/VsmId.ts"
import { ExplainedDecision, PolicyDesk, Would } from "../../systems/policy/rule/PolicyDesk.ts"
import { maySee } from "../../systems/policy/rule/ZoneAccess.ts"
import { Authorization } from "./Authorization.ts"
import { TraceId } from "./EventQueries.ts"
import { CurrentAsker, Gatekeeper } from "./Gatekeeper.ts"
import { Needs } from "./Needs.ts"

/** A policy that is not staged yet. */
export const Draft = Schema.Struct({
  /** Whose policy it would be; the root's when absent. */
  vsm: Schema.optionalKey(VsmId),
  source: Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(sourceMax))
})
type Draft = typeof Draft.Type

/** The group of the API. */
export const policyGroup = HttpApiGroup.make("policies")
  .add(
    HttpApiEndpoint.get("explainDecision", "/api/policies/decisions/:id", {
      params: { id: TraceId },
      success: ExplainedDecision,
      error: HolonError.members
    })
      .annotate(Needs, "policy.read")
      .annotate(
        OpenApi.Description,
        "Why an act was denied, or let through with a duty: each rule of the epoch that decided it, what of it held, and what would have lifted each obstacle. The id stands in the refusal and in the event."
      ),
    HttpApiEndpoint.post("explainRequest", "/api/policies/explain", {
      payload: Would,
      success: ExplainedDecision,
      error: HolonError.members
    })
      .annotate(Needs, "policy.read")
      .annotate(
        OpenApi.Description,
        "What the policies that are in force would decide of a request, and why. Nothing is done and nothing is counted."
      ),
    HttpApiEndpoint.post("impactOfPolicy", "/api/policies/impact", {
      payload: Draft,
      success: ImpactReport,
      error: HolonError.members
    })
      .annotate(Needs, "policy.read")
      .annotate(
        OpenApi.Description,
        "What a policy, in the place of the one of its name, would have made of the acts of the last hour. Nothing is staged."
      )
  )
  .middleware(Authorization)

/** What the operations do. */
export const policyReads = Effect.gen(function* () {
  const desk = yield* PolicyDesk
  const gatekeeper = yield* Gatekeeper
  return {
    decision: Effect.fnUntraced(function* (id: string) {
      const found = yield* desk.decision(id)
      const { zone } = found.request
      if (zone !== undefined && !maySee(yield* CurrentAsker, zone)) return yield* new ZoneDenied({ zone })
      return found
    }),
    would: Effect.fnUntraced(function* (asked: Would) {
      const reader = yield* CurrentAsker
      const asker = asked.who === undefined ? reader : gatekeeper.named(asked.who)
      if (asker === undefined) return yield* new NotFound({ what: `operator ${asked.who}` })
      return yield* desk.would(asker, asked, reader)
    }),
    impact: ({ vsm = rootId, source }: Draft) => desk.impact(vsm, source)
  }
})
