/** From a bearer token to who asks. Loopback in development needs no token for the API; `/rpc` always does. */
import { Context, Effect, Layer, Redacted } from "effect"
import { timingSafeEqual } from "node:crypto"
import type { Asker } from "../../protocol/Asker.ts"
import { Unauthenticated } from "../../protocol/Errors.ts"

/** Who sent the request at hand. */
export class CurrentAsker extends Context.Service<CurrentAsker, Asker>()("holon/gateways/http/CurrentAsker") {}

export class Gatekeeper extends Context.Service<
  Gatekeeper,
  {
    /** For the API: an empty credential is an operator where that is allowed. */
    readonly askerOf: (credential: Redacted.Redacted) => Effect.Effect<Asker, Unauthenticated>
    /** For `/rpc`: never without a token. */
    readonly operatorOf: (credential: Redacted.Redacted) => Effect.Effect<Asker, Unauthenticated>
  }
>()("holon/gateways/http/Gatekeeper") {}

export interface GatekeeperOptions {
  /** Tokens by operator's name; the node's own is named `local`. */
  readonly operators: ReadonlyMap<string, Redacted.Redacted>
  /** Whether the API takes requests without a token: loopback in development. */
  readonly isOpen: boolean
}

const areEqual = (left: string, right: string): boolean => {
  const a = Buffer.from(left)
  const b = Buffer.from(right)
  return a.length === b.length && timingSafeEqual(a, b)
}

const operator = (id: string): Asker => ({ kind: "user", id, role: "operator" })

export const layer = ({ operators, isOpen }: GatekeeperOptions): Layer.Layer<Gatekeeper> => {
  const operatorOf = (credential: Redacted.Redacted): Effect.Effect<Asker, Unauthenticated> => {
    const shown = Redacted.value(credential)
    for (const [name, token] of operators) if (areEqual(shown, Redacted.value(token))) return Effect.succeed(operator(name))
    return Effect.fail(new Unauthenticated({}))
  }
  return Layer.succeed(
    Gatekeeper,
    Gatekeeper.of({
      operatorOf,
      askerOf: (credential) =>
        isOpen && Redacted.value(credential) === "" ? Effect.succeed(operator("local")) : operatorOf(credential)
    })
  )
}
