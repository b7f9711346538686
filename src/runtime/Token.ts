/** The token that `/rpc` asks for, kept in the data folder where only its owner can read it. */
import { randomBytes } from "node:crypto"
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Effect, Redacted, Schema } from "effect"

/** The token cannot be read or made. Permanent until somebody mends the folder. */
export class TokenUnreadable extends Schema.TaggedError<TokenUnreadable>()("TokenUnreadable", {
  path: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `${this.path} cannot be used as the token of this cluster (${this.reason}); is a node running with this data folder?`
  }
}

/** Where the token of a data folder lies. */
export const tokenPath = (dataFolder: string): string => join(dataFolder, "token")

const attempt = <A>(path: string, run: () => A) =>
  Effect.try({ try: run, catch: (cause) => new TokenUnreadable({ path, reason: String(cause) }) })

/** Reads the token. Fails when no node has made it yet. */
export const readToken = (dataFolder: string): Effect.Effect<Redacted.Redacted, TokenUnreadable> => {
  const path = tokenPath(dataFolder)
  return attempt(path, () => Redacted.make(readFileSync(path, "utf8").trim()))
}

/** Reads the token, or makes one of 256 random bits with mode 0600. Nodes that start together agree: the first one's wins. */
export const ensureToken = (dataFolder: string): Effect.Effect<Redacted.Redacted, TokenUnreadable> => {
  const path = tokenPath(dataFolder)
  return attempt(path, () => {
    mkdirSync(dataFolder, { recursive: true })
    if (!existsSync(path)) {
      try {
        writeFileSync(path, `${randomBytes(32).toString("base64url")}\n`, { mode: 0o600, flag: "wx" })
      } catch (cause) {
        if (!existsSync(path)) throw cause
      }
    }
    chmodSync(path, 0o600)
    return Redacted.make(readFileSync(path, "utf8").trim())
  })
}
