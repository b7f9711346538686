/** Who may ask for what: a level for each operation, and a block for clients that keep asking for too much. */
import { createHmac, timingSafeEqual } from "node:crypto"
import type { Refused } from "../Refused.ts"
import { refusal } from "./ErrorCodes.ts"

/** 0 public, 1 user, 2 admin, 3 factory. */
export type AccessLevel = 0 | 1 | 2 | 3

/** What may be asked for. Each one needs a level. */
export const accessLevels = {
  status: 0,
  sources: 0,
  load: 1,
  begin: 1,
  write: 1,
  end: 1,
  abort: 1,
  /** The transfer of somebody else. */
  abortOther: 2,
  persist: 2,
  activate: 2,
  rollback: 2,
  kill: 2,
  /** Looks into the memory of programs, and takes what they print. */
  inspect: 1,
  /** Sends to the mailboxes of programs. */
  mail: 1,
  /** Pauses programs, gives them turns, changes their memory, stops the clock. */
  control: 2,
  keys: 3,
  format: 3,
  wearReset: 3,
  policy: 3
} as const satisfies Readonly<Record<string, AccessLevel>>

/** Something that may be asked for. */
export type Operation = keyof typeof accessLevels

/** Failures within the window that block a client. */
const failuresMax = 5
const windowMillis = 60_000
const blockMillis = 60_000

/** Clients remembered at once; the one that failed longest ago is forgotten first, so that nobody fills the memory. */
const clientsMax = 256

interface Client {
  failedAt: Array<number>
  blockedUntil: number
}

/** Checks levels and counts refusals, per client. */
export class AccessGuard {
  readonly #now: () => number
  readonly #clients = new Map<string, Client>()
  #refusals = 0

  constructor(nowMillis: () => number) {
    this.#now = nowMillis
  }

  /** Operations refused since the board started. */
  get refusals(): number {
    return this.#refusals
  }

  /** None when the level suffices and the client is not blocked; else EPERM. */
  check(client: string, level: AccessLevel, operation: Operation): Refused | undefined {
    const now = this.#now()
    const known = this.#clients.get(client)
    if (known !== undefined && now < known.blockedUntil) {
      this.#refusals++
      return refusal("EPERM", "blocked")
    }
    if (level >= accessLevels[operation]) return undefined
    this.#count(client, now)
    return refusal("EPERM", `level:${operation}:${level}/${accessLevels[operation]}`)
  }

  /** Counts a wrong proof like a refused operation. */
  failed(client: string): void {
    this.#count(client, this.#now())
  }

  /** Whether a client is blocked now. */
  isBlocked(client: string): boolean {
    const known = this.#clients.get(client)
    return known !== undefined && this.#now() < known.blockedUntil
  }

  #count(client: string, now: number): void {
    this.#refusals++
    const known = this.#clients.get(client) ?? { failedAt: [], blockedUntil: 0 }
    known.failedAt = [...known.failedAt.filter((at) => now - at < windowMillis), now]
    if (known.failedAt.length >= failuresMax) known.blockedUntil = now + blockMillis
    this.#clients.delete(client)
    this.#clients.set(client, known)
    if (this.#clients.size <= clientsMax) return
    for (const oldest of this.#clients.keys()) {
      this.#clients.delete(oldest)
      return
    }
  }
}

const proofPrefix = Buffer.from("HSX-AUTH-v1\0", "ascii")

/** Bytes of a nonce and of a proof. */
export const proofBytes = 8

/** What a master of this role answers to a nonce: the first eight bytes of an HMAC-SHA256 under the key of the role. */
export const proofOf = (key: Uint8Array, node: number, role: number, nonce: Uint8Array): Uint8Array =>
  new Uint8Array(
    createHmac("sha256", key)
      .update(proofPrefix)
      .update(Uint8Array.of(node, role))
      .update(nonce)
      .digest()
      .subarray(0, proofBytes)
  )

/** Whether a proof is right, in a time that does not tell how much of it is. */
export const isProof = (given: Uint8Array, expected: Uint8Array): boolean =>
  given.length === expected.length && timingSafeEqual(given, expected)
