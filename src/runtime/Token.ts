/** The token that `/rpc` asks for, kept in the data folder where only its owner can read it. */
import { randomBytes } from "node:crypto"
import { chmodSync, existsSync, linkSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Config, Effect, Option, Redacted, Schema } from "effect"
import { hasCode, makeFolder, reasonOf } from "./storage/DataFolder.ts"

/** The token cannot be read or made. Permanent until somebody mends the folder. */
export class TokenUnreadable extends Schema.TaggedError<TokenUnreadable>()("TokenUnreadable", {
  path: Schema.String,
  /** Nobody has made it yet. */
  isMissing: Schema.Boolean,
  reason: Schema.String
}) {
  override get message() {
    return this.isMissing
      ? `no node has run with this data folder: there is no ${this.path}; start one with "holon up", or name the folder of one with --data`
      : `${this.path} is no token of a cluster (${this.reason}); name the data folder of a node with --data`
  }
}

/** Where the token of a data folder lies. */
export const tokenPath = (dataFolder: string): string => join(dataFolder, "token")

const tokenBytes = 32
/** What `tokenBytes` make as base64url. Anything else is no token: an empty one would let everybody in. */
const tokenPattern = /^[\w-]{43}$/

const attempt = (path: string, run: () => void) =>
  Effect.try({
    try: () => {
      run()
      const token = readFileSync(path, "utf8").trim()
      if (!tokenPattern.test(token)) throw new Error("it does not hold 256 bits as base64url")
      return Redacted.make(token)
    },
    catch: (cause) => new TokenUnreadable({ path, isMissing: hasCode(cause, "ENOENT"), reason: reasonOf(cause) })
  })

/** Reads the token. Fails when no node has made it yet. */
export const readToken = (dataFolder: string): Effect.Effect<Redacted.Redacted, TokenUnreadable> =>
  attempt(tokenPath(dataFolder), () => {})

/** The environment variable that holds the token of who has no data folder of the cluster. */
const tokenVariable = "HOLON_TOKEN"

/** The token to show a node: that of {@link tokenVariable}, else that of the data folder. */
export const shownToken = (dataFolder: string): Effect.Effect<Redacted.Redacted, TokenUnreadable> =>
  Config.option(Config.Redacted(tokenVariable)).pipe(
    Effect.orDie,
    Effect.flatMap(Option.match({ onNone: () => readToken(dataFolder), onSome: Effect.succeed }))
  )

/** Reads the token, or makes one with mode 0600. Nodes that start together agree: the first one's wins. */
export const ensureToken = (dataFolder: string): Effect.Effect<Redacted.Redacted, TokenUnreadable> => {
  const path = tokenPath(dataFolder)
  return attempt(path, () => {
    makeFolder(dataFolder)
    if (!existsSync(path)) make(path)
    chmodSync(path, 0o600)
  })
}

/** The file appears whole or not at all: another node may read it at any moment. */
const make = (path: string): void => {
  const draft = `${path}.${process.pid}`
  writeFileSync(draft, `${randomBytes(tokenBytes).toString("base64url")}\n`, { mode: 0o600 })
  try {
    linkSync(draft, path)
  } catch (cause) {
    if (!existsSync(path)) throw cause
  } finally {
    rmSync(draft, { force: true })
  }
}
