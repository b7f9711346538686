/** How the master at the other end of a line comes to a higher level: by a proof that it has the key of a role. */
import { Result } from "effect"
import type { Refused } from "../Refused.ts"
import { type AccessGuard, type AccessLevel, isProof, proofOf } from "./Access.ts"
import { refusal } from "./ErrorCodes.ts"

/** What the proofs of a line rest on. */
export interface RoleProofOptions {
  readonly access: AccessGuard
  /** Whose failures are counted. */
  readonly client: string
  readonly node: number
  /** Keys of the roles, by their level; a role without one cannot be had. */
  readonly roleKeys: ReadonlyMap<number, Uint8Array>
  /** Eight bytes that nobody can foresee. Without it nobody can prove a role. */
  readonly nonce: (() => Uint8Array) | undefined
}

const isLevel = (role: number): role is AccessLevel => role === 0 || role === 1 || role === 2 || role === 3

/** One challenge at a time. */
export class RoleProof {
  readonly #options: RoleProofOptions
  #challenge: { readonly role: AccessLevel; readonly nonce: Uint8Array } | undefined

  constructor(options: RoleProofOptions) {
    this.#options = options
  }

  /** A nonce for a role. ENOKEY where nobody can have it, EPERM for a client that is blocked. */
  challenge(role: number): Result.Result<Uint8Array, Refused> {
    const { access, client, nonce, roleKeys } = this.#options
    if (access.isBlocked(client)) return Result.fail(refusal("EPERM", "blocked"))
    if (nonce === undefined || !isLevel(role) || !roleKeys.has(role))
      return Result.fail(refusal("ENOKEY", `role:${role}`))
    this.#challenge = { role, nonce: nonce() }
    return Result.succeed(this.#challenge.nonce)
  }

  /** The level that was proved, or EPERM. A nonce serves once, whether the proof is right or not. */
  prove(mac: Uint8Array): Result.Result<AccessLevel, Refused> {
    const { access, client, node, roleKeys } = this.#options
    const challenge = this.#challenge
    this.#challenge = undefined
    if (challenge === undefined || access.isBlocked(client)) return Result.fail(refusal("EPERM", "no_challenge"))
    const key = roleKeys.get(challenge.role)
    if (key !== undefined && isProof(mac, proofOf(key, node, challenge.role, challenge.nonce))) {
      return Result.succeed(challenge.role)
    }
    access.failed(client)
    return Result.fail(refusal("EPERM", "proof"))
  }
}
