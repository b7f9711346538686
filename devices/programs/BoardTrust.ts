/** Whose images a board takes, from what its owner has put beside it. */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { Result } from "effect"
import { rawPublicKey, readPublicKey } from "../../src/protocol/image/SigningKey.ts"
import type { TrustedSigner } from "../../src/protocol/image/Trust.ts"
import { type BoardTrust, trustsAll } from "./ImageChecks.ts"

/** Ending of the files that hold a public key. */
const ending = ".pem"

/** A cluster on this machine: `localhost` by RFC 6761, section 6.3, and the loopback addresses of RFC 1122 and RFC 4291. */
const isLoopback = (url: string): boolean => {
  const host = URL.parse(url)?.hostname ?? ""
  return host === "localhost" || host === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(host)
}

/**
 * The trust of a board: only these signers where there are any. Without any it takes unsigned images from a cluster on its
 * own machine, and from no other.
 */
export const trustOf = (url: string, signers: ReadonlyArray<TrustedSigner>): BoardTrust =>
  signers.length === 0 && isLoopback(url) ? trustsAll : { policy: "any", signers }

/**
 * The public keys in a folder, one PEM file each; none where there is no folder. Files that hold no such key are named to
 * `report` and trusted by nobody.
 */
export const signersIn = (
  folder: string,
  report: (what: string, cause: unknown) => void
): ReadonlyArray<TrustedSigner> => {
  let names: ReadonlyArray<string>
  try {
    names = readdirSync(folder).filter((name) => name.endsWith(ending))
  } catch (cause) {
    const isMissing = cause instanceof Error && "code" in cause && cause.code === "ENOENT"
    if (!isMissing) report(`the keys in ${folder} cannot be read`, cause)
    return []
  }
  return [...names].sort().flatMap((name) => {
    try {
      const key = readPublicKey(readFileSync(join(folder, name), "utf8"))
      if (Result.isSuccess(key)) return [{ key: rawPublicKey(key.success) }]
      report(`${join(folder, name)} is no public key`, key.failure)
    } catch (cause) {
      report(`${join(folder, name)} cannot be read`, cause)
    }
    return []
  })
}
