/** Who asks, for every group of the API. */
import { Effect, Layer } from "effect"
import { HttpApiMiddleware, HttpApiSecurity } from "effect/http-api"
import { Unauthenticated } from "../../protocol/Errors.ts"
import { CurrentAsker, Gatekeeper } from "./Gatekeeper.ts"

/** Who asks, from the bearer token or from a loopback connection in development. */
export class Authorization extends HttpApiMiddleware.Service<Authorization, { provides: CurrentAsker }>()(
  "holon/gateways/http/Authorization",
  { error: Unauthenticated, security: { bearer: HttpApiSecurity.bearer } }
) {}

/** Asks the gatekeeper of the node. */
export const authorizationLayer = Layer.effect(
  Authorization,
  Effect.gen(function* () {
    const gatekeeper = yield* Gatekeeper
    return Authorization.of({
      bearer: (handle, { credential }) =>
        Effect.flatMap(gatekeeper.askerOf(credential), (asker) => Effect.provideService(handle, CurrentAsker, asker))
    })
  })
)
