/** From a bearer token to who asks. Loopback in development needs no token for the API; `/rpc` always does. */
import { timingSafeEqual } from "node:crypto"
import { Context, Effect, Layer, Redacted } from "effect"
import type { Asker } from "../../protocol/Asker.ts"
import { Unauthenticated } from "../../protocol/Errors.ts"
import type { Subject } from "../../protocol/vsm/Threat.ts"
import { Doors, nameOf } from "../Doors.ts"

/** Who sent the request at hand. */
export class CurrentAsker extends Context.Service<CurrentAsker, Asker>()("holon/gateways/http/CurrentAsker") {}

/** Judges the tokens that requests show. */
export class Gatekeeper extends Context.Service<
  Gatekeeper,
  {
    /** For the API: an empty credential is an operator where that is allowed. The address is where it was shown, if that is known. */
    readonly askerOf: (
      credential: Redacted.Redacted,
      address: Subject | undefined
    ) => Effect.Effect<Asker, Unauthenticated>
    /** For `/rpc`: never without a token. */
    readonly operatorOf: (credential: Redacted.Redacted) => Effect.Effect<Asker, Unauthenticated>
    /** The operator of that name, for whoever asks what he may; nothing where there is none. */
    readonly named: (id: string) => Asker | undefined
    /** Whether the token is an operator's, before anything of the request is read. */
    readonly isOperator: (token: string, address: Subject | undefined) => boolean
  }
>()("holon/gateways/http/Gatekeeper") {}

/** What an operator shows, and globs over the rights it has; without them it has all. */
export interface Account {
  readonly token: Redacted.Redacted
  readonly may?: ReadonlyArray<string>
  /** Zones of what it sees and touches; all without them. */
  readonly zones?: ReadonlyArray<string>
  /** How much it is trusted with. */
  readonly clearance?: number
}

/** Who comes in with the token of an account. */
export const askerOf = (id: string, { may, zones, clearance }: Omit<Account, "token">): Asker => ({
  kind: "user",
  id,
  role: "operator",
  ...(may !== undefined && { may }),
  ...(zones !== undefined && { zones }),
  ...(clearance !== undefined && { clearance })
})

/** Which tokens are known, and whether one is needed. */
export interface GatekeeperOptions {
  /** By operator's name; the node's own is named `local`. */
  readonly operators: ReadonlyMap<string, Account>
  /** Whether the API takes requests without a token: loopback in development. */
  readonly isOpen: boolean
}

const areEqual = (left: string, right: string): boolean => {
  const a = Buffer.from(left)
  const b = Buffer.from(right)
  return a.length === b.length && timingSafeEqual(a, b)
}

/** Whoever uses the token of the data folder, or none where none is needed. */
const local: Asker = { kind: "user", id: "local", role: "operator" }

/** A gatekeeper that knows these tokens. */
export const layer = (options: GatekeeperOptions): Layer.Layer<Gatekeeper> =>
  Layer.effect(
    Gatekeeper,
    Effect.map(Doors, (doors) => make(options, doors))
  )

const make = ({ operators, isOpen }: GatekeeperOptions, doors: Doors): Gatekeeper["Service"] => {
  const known = Array.from(operators, ([id, account]) => ({ token: account.token, asker: askerOf(id, account) }))
  const admitted = (asker: Asker, address: Subject | undefined): Asker | undefined =>
    doors.isAccepted(asker.id) && doors.admit(address, nameOf(asker)) ? asker : undefined
  const find = (shown: string, address: Subject | undefined): Asker | undefined => {
    const asker = known.find(({ token }) => areEqual(shown, Redacted.value(token)))?.asker
    if (asker !== undefined) return admitted(asker, address)
    if (shown !== "") doors.wrong(address)
    return undefined
  }
  const orUnauthenticated = (asker: Asker | undefined): Effect.Effect<Asker, Unauthenticated> =>
    asker === undefined ? Effect.fail(new Unauthenticated({})) : Effect.succeed(asker)
  return Gatekeeper.of({
    operatorOf: (credential) => orUnauthenticated(find(Redacted.value(credential), undefined)),
    named: (id) => known.find(({ asker }) => asker.id === id)?.asker,
    isOperator: (token, address) => find(token, address) !== undefined,
    askerOf: (credential, address) => {
      const shown = Redacted.value(credential)
      return orUnauthenticated(isOpen && shown === "" ? admitted(local, address) : find(shown, address))
    }
  })
}
