/** The TLS of a listener, from the files that the config names. */
import { readFileSync } from "node:fs"
import { createSecureContext } from "node:tls"
import { Effect, Schema } from "effect"
import type { ClusterConfig } from "./Config.ts"
import type { TlsIdentity } from "./cluster/TlsIdentity.ts"

/** A certificate or key cannot be used. Permanent until the files or the config are changed. */
export class TlsUnreadable extends Schema.TaggedError<TlsUnreadable>()("TlsUnreadable", {
  listener: Schema.Literals(["http", "mqtt", "peers"]),
  reason: Schema.String
}) {
  override get message() {
    return `${this.listener}.tls cannot be used: ${this.reason}. Correct the files or cluster.config.ts.`
  }
}

/** PEM texts as Node's TLS takes them. */
export interface TlsFiles {
  readonly key: string
  readonly cert: string
  readonly ca?: string
}

/** Reads files and sees that they belong together. */
const attempt = <Files extends TlsFiles>(listener: TlsUnreadable["listener"], read: () => Files) =>
  Effect.try({
    try: () => {
      const files = read()
      createSecureContext(files)
      return files
    },
    catch: (cause) => new TlsUnreadable({ listener, reason: cause instanceof Error ? cause.message : String(cause) })
  })

const pem = (path: string): string => readFileSync(path, "utf8")

/** The TLS of a listener; nothing for a plain one. */
export const readTls = (
  listener: "http" | "mqtt",
  { [listener]: { tls } }: ClusterConfig
): Effect.Effect<TlsFiles | undefined, TlsUnreadable> => {
  if (tls === undefined) return Effect.succeed(undefined)
  const { certificate, key, clientAuthority } = tls
  return attempt(listener, () => ({
    cert: pem(certificate),
    key: pem(key),
    ...(clientAuthority !== undefined && { ca: pem(clientAuthority) })
  }))
}

/** What proves this node to its peers; nothing where they meet in the clear. */
export const readPeerTls = ({
  peers: { tls }
}: ClusterConfig): Effect.Effect<TlsIdentity | undefined, TlsUnreadable> => {
  if (tls === undefined) return Effect.succeed(undefined)
  const { certificate, key, authority } = tls
  return attempt("peers", () => ({ cert: pem(certificate), key: pem(key), ca: pem(authority) }))
}
