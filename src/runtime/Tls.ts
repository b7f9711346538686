/** The TLS of a listener, from the files that the config names. */
import { readFileSync } from "node:fs"
import { createSecureContext } from "node:tls"
import { Effect, Schema } from "effect"
import type { ClusterConfig } from "./Config.ts"

/** A certificate or key cannot be used. Permanent until the files or the config are changed. */
export class TlsUnreadable extends Schema.TaggedError<TlsUnreadable>()("TlsUnreadable", {
  listener: Schema.Literals(["http", "mqtt"]),
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

/** Reads the files and sees that they belong together; nothing for a plain listener. */
export const readTls = (
  listener: "http" | "mqtt",
  { [listener]: { tls } }: ClusterConfig
): Effect.Effect<TlsFiles | undefined, TlsUnreadable> => {
  if (tls === undefined) return Effect.succeed(undefined)
  return Effect.try({
    try: () => {
      const { certificate, key, clientAuthority } = tls
      const files = {
        cert: readFileSync(certificate, "utf8"),
        key: readFileSync(key, "utf8"),
        ...(clientAuthority !== undefined && { ca: readFileSync(clientAuthority, "utf8") })
      }
      createSecureContext(files)
      return files
    },
    catch: (cause) => new TlsUnreadable({ listener, reason: cause instanceof Error ? cause.message : String(cause) })
  })
}
