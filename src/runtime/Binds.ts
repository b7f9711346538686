/** Which addresses a node may listen on: loopback as it is, anything else only with TLS and tokens. */
import { Effect, Result, Schema } from "effect"
import { NetAddress } from "effect/net"
import type { ClusterConfig } from "./Config.ts"

/** A listener would be open to others without protection. Permanent for this config. */
export class BindRefused extends Schema.TaggedError<BindRefused>()("BindRefused", {
  listener: Schema.Literals(["http", "mqtt", "peers"]),
  host: Schema.String,
  missing: Schema.String
}) {
  override get message(): string {
    return `refuses to listen on ${this.host} (${this.listener}): ${this.missing}. Set it, or listen on 127.0.0.1.`
  }
}

/** `localhost` is the loopback address by RFC 6761, section 6.3. */
export const isLoopback = (host: string): boolean =>
  host === "localhost" ||
  Result.match(NetAddress.ipFromString(host), { onFailure: () => false, onSuccess: NetAddress.isLoopback })

const listLacks = (lacks: ReadonlyArray<readonly [isThere: boolean, name: string]>) =>
  lacks.filter(([isThere]) => !isThere).map(([, name]) => name)

/** Fails with `BindRefused` for the first listener that other machines could reach unprotected. */
export const checkBinds = (config: ClusterConfig): Effect.Effect<void, BindRefused> =>
  Effect.gen(function* () {
    const hasBoardTokens = Object.keys(config.tokens.boards).length > 0
    const hasOperatorTokens = Object.keys(config.tokens.operators).length > 0
    const { http, mqtt, peers } = config
    const needs = [
      [
        "http",
        http.host,
        listLacks([
          [http.tls !== undefined, "http.tls"],
          [hasOperatorTokens, "tokens.operators"]
        ])
      ],
      [
        "mqtt",
        mqtt.host,
        listLacks([
          [mqtt.tls !== undefined, "mqtt.tls"],
          [hasBoardTokens, "tokens.boards"]
        ])
      ],
      ["peers", peers.host, listLacks([[peers.tls !== undefined, "peers.tls"]])]
    ] as const
    for (const [listener, host, lacks] of needs) {
      if (isLoopback(host) || lacks.length === 0) continue
      return yield* new BindRefused({
        listener,
        host,
        missing: `other machines could reach it without ${lacks.join(" and ")}`
      })
    }
  })
