/** From a bearer token to who asks. Loopback in development needs no token for the API; `/rpc` always does. */
import { timingSafeEqual } from "node:crypto"
import { Context, Effect, Layer, Redacted } from "effect"
import type { Asker } from "../../protocol/Asker.ts"
import { Unauthenticated } from "../../protocol/Errors.ts"

/** Who sent the request at hand. */
export class CurrentAsker extends Context.Service<CurrentAsker, Asker>()("holon/gateways/http/CurrentAsker") {}

/** Judges the tokens that requests show. */
export class Gatekeeper extends Context.Service<
  Gatekeeper,
  {
    /** For the API: an empty credential is an operator where that is allowed. */
    readonly askerOf: (credential: Redacted.Redacted) => Effect.Effect<Asker, Unauthenticated>
    /** For `/rpc`: never without a token. */
    readonly operatorOf: (credential: Redacted.Redacted) => Effect.Effect<Asker, Unauthenticated>
    /** Whether the token is an operator's, before anything of the request is read. */
    readonly isOperator: (token: string) => boolean
  }
>()("holon/gateways/http/Gatekeeper") {}

/** Which tokens are known, and whether one is needed. */
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

/** A gatekeeper that knows these tokens. */
export const layer = ({ operators, isOpen }: GatekeeperOptions): Layer.Layer<Gatekeeper> => {
  const find = (token: string): Asker | undefined => {
    for (const [name, known] of operators) if (areEqual(token, Redacted.value(known))) return operator(name)
    return undefined
  }
  const operatorOf = (credential: Redacted.Redacted): Effect.Effect<Asker, Unauthenticated> => {
    const asker = find(Redacted.value(credential))
    return asker === undefined ? Effect.fail(new Unauthenticated({})) : Effect.succeed(asker)
  }
  return Layer.succeed(
    Gatekeeper,
    Gatekeeper.of({
      operatorOf,
      isOperator: (token) => find(token) !== undefined,
      askerOf: (credential) =>
        isOpen && Redacted.value(credential) === "" ? Effect.succeed(operator("local")) : operatorOf(credential)
    })
  )
}
