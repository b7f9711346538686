/** Who asks, and whether they may, for every group of the API. */
import { Cause, Effect, Layer, Option } from "effect"
import { HttpServerRequest } from "effect/http"
import { HttpApiError, HttpApiMiddleware, HttpApiSecurity } from "effect/http-api"
import { Engine } from "../../actors/Engine.ts"
import { Suspicions } from "../../actors/Suspicions.ts"
import { PolicyDenied, RateLimited, Unauthenticated, ZoneDenied } from "../../protocol/Errors.ts"
import { nameOf } from "../Doors.ts"
import { peerOf } from "../PeerAddress.ts"
import { tracedBy } from "../Traceparent.ts"
import { CurrentAsker, Gatekeeper } from "./Gatekeeper.ts"
import { demandOf } from "./Needs.ts"

/** Who asks, from the bearer token or from a loopback connection in development. */
export class Authorization extends HttpApiMiddleware.Service<Authorization, { provides: CurrentAsker }>()(
  "holon/gateways/http/Authorization",
  { error: [Unauthenticated, PolicyDenied, ZoneDenied, RateLimited], security: { bearer: HttpApiSecurity.bearer } }
) {}

/** What a handler failed with: the layer around it wraps that. */
const failureOf = (error: unknown): unknown =>
  typeof error === "object" && error !== null && "error" in error ? error.error : error

/** A request whose path, query or body is not what its endpoint takes. */
const isUnreadable = (cause: Cause.Cause<unknown>): boolean =>
  cause.reasons.some(
    (reason) => Cause.isFailReason(reason) && HttpApiError.HttpApiSchemaError.is(failureOf(reason.error))
  )

/** Asks the gatekeeper of the node who it is, and the endpoint what it {@link Needs}. */
export const authorizationLayer = Layer.effect(
  Authorization,
  Effect.gen(function* () {
    const gatekeeper = yield* Gatekeeper
    const { residency } = yield* Engine
    const suspicions = yield* Suspicions
    return Authorization.of({
      bearer: Effect.fnUntraced(function* (handle, { credential, endpoint }) {
        const { url, headers, remoteAddress } = yield* HttpServerRequest.HttpServerRequest
        const known = yield* gatekeeper.askerOf(credential, peerOf(Option.getOrUndefined(remoteAddress)))
        const asker = tracedBy(known, headers.traceparent)
        const target = url.split("?", 1)[0] ?? url
        yield* demandOf(residency, asker, { annotations: endpoint.annotations, name: endpoint.identifier, target })
        return yield* handle.pipe(
          Effect.tapCause((cause) =>
            Effect.sync(() => isUnreadable(cause) && suspicions.note("bad-input", nameOf(asker)))
          ),
          Effect.provideService(CurrentAsker, asker)
        )
      })
    })
  })
)
