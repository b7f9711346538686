/** Who asks, and whether they may, for every group of the API. */
import { Effect, Layer } from "effect"
import { HttpServerRequest } from "effect/http"
import { HttpApiMiddleware, HttpApiSecurity } from "effect/http-api"
import { Engine } from "../../actors/Engine.ts"
import { PolicyDenied, RateLimited, Unauthenticated, ZoneDenied } from "../../protocol/Errors.ts"
import { tracedBy } from "../Traceparent.ts"
import { CurrentAsker, Gatekeeper } from "./Gatekeeper.ts"
import { demandOf } from "./Needs.ts"

/** Who asks, from the bearer token or from a loopback connection in development. */
export class Authorization extends HttpApiMiddleware.Service<Authorization, { provides: CurrentAsker }>()(
  "holon/gateways/http/Authorization",
  { error: [Unauthenticated, PolicyDenied, ZoneDenied, RateLimited], security: { bearer: HttpApiSecurity.bearer } }
) {}

/** Asks the gatekeeper of the node who it is, and the endpoint what it {@link Needs}. */
export const authorizationLayer = Layer.effect(
  Authorization,
  Effect.gen(function* () {
    const gatekeeper = yield* Gatekeeper
    const { residency } = yield* Engine
    return Authorization.of({
      bearer: Effect.fnUntraced(function* (handle, { credential, endpoint }) {
        const known = yield* gatekeeper.askerOf(credential)
        const { url, headers } = yield* HttpServerRequest.HttpServerRequest
        const asker = tracedBy(known, headers.traceparent)
        const target = url.split("?", 1)[0] ?? url
        yield* demandOf(residency, asker, { annotations: endpoint.annotations, name: endpoint.identifier, target })
        return yield* Effect.provideService(handle, CurrentAsker, asker)
      })
    })
  })
)
