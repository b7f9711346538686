/** Whom a board without a link trusts: what its owner has put into the folder `trust` beside its memories. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { Result } from "effect"
import { ed25519Key } from "../../src/protocol/hxe/Signature.ts"
import { signersIn } from "../programs/BoardTrust.ts"
import type { AccessLevel } from "./Access.ts"
import type { SignatureTrust } from "./SignaturePolicy.ts"

/** Roles that a master can prove, by their level. */
export const roleLevels = { user: 1, admin: 2, factory: 3 } as const satisfies Readonly<Record<string, AccessLevel>>

/** Name of such a role. */
export type RoleName = keyof typeof roleLevels

/** Names of the roles. */
export const roleNames = ["user", "admin", "factory"] as const satisfies ReadonlyArray<RoleName>

/** A shorter key could be guessed. */
const keyBytesMin = 16

/** The key of a role from its file: hexadecimal digits, white space around them. Fails with a sentence. */
export const readRoleKey = (text: string): Result.Result<Uint8Array, string> => {
  const digits = text.trim()
  if (!/^([0-9a-fA-F]{2})+$/.test(digits)) return Result.fail("it holds no hexadecimal digits, two for each byte")
  if (digits.length < 2 * keyBytesMin) return Result.fail(`its key is shorter than ${keyBytesMin} bytes`)
  return Result.succeed(new Uint8Array(Buffer.from(digits, "hex")))
}

/** What the folder says. */
export interface FieldTrust {
  /** With keys of signers one of them must have signed; without any, whoever reaches the board may bring an image. */
  readonly trust: Pick<SignatureTrust, "policy" | "keys">
  /** Keys of the roles, by their level; empty where nobody need prove anything. */
  readonly roleKeys: ReadonlyMap<number, Uint8Array>
}

const isMissing = (cause: unknown): boolean => cause instanceof Error && "code" in cause && cause.code === "ENOENT"

/**
 * Reads the folder: public keys of signers as `*.pem`, keys of roles as `user.key`, `admin.key` and `factory.key`. Fails with
 * a sentence where anything of it cannot be used: a board that left it out would trust more than its owner meant.
 */
export const fieldTrustIn = (folder: string): Result.Result<FieldTrust, string> => {
  const wrong: Array<string> = []
  const signers = signersIn(folder, (what) => void wrong.push(what))
  const roleKeys = new Map<number, Uint8Array>()
  for (const name of roleNames) {
    const path = join(folder, `${name}.key`)
    try {
      const key = readRoleKey(readFileSync(path, "utf8"))
      if (Result.isSuccess(key)) roleKeys.set(roleLevels[name], key.success)
      else wrong.push(`${path}: ${key.failure}`)
    } catch (cause) {
      if (!isMissing(cause)) wrong.push(`${path} cannot be read`)
    }
  }
  const [first] = wrong
  if (first !== undefined) return Result.fail(first)
  const keys = signers.map(({ key }) => ed25519Key(key))
  return Result.succeed({ trust: { policy: keys.length === 0 ? "none" : "any", keys }, roleKeys })
}
