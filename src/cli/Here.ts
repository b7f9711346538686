/** The cluster of the working folder: where commands look for it when no flag names another place. */
import { existsSync } from "node:fs"
import { resolve } from "node:path"
import { Effect } from "effect"
import type { ClusterConfig } from "../runtime/Config.ts"
import { configFileName, loadConfigInPublic } from "../runtime/ConfigFile.ts"

/** Addresses of the first node, and its folder. */
export interface Place {
  readonly data: string
  /** As `http://127.0.0.1:7700`. */
  readonly url: string
  /** As `mqtt://127.0.0.1:1883`. */
  readonly boards: string
  /** What says so, for people. */
  readonly source: string
}

/** Who listens on every address of the machine is reached on its own. */
const reachable: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" }

/** Host and port as they stand in a URL (RFC 3986, section 3.2.2: IPv6 in brackets). */
export const authority = (host: string, port: number): string => {
  const name = reachable[host] ?? host
  return name.includes(":") ? `[${name}]:${port}` : `${name}:${port}`
}

/** URL of an HTTP listener. */
export const webUrl = ({ http: { host, tls } }: ClusterConfig, port: number): string =>
  `http${tls === undefined ? "" : "s"}://${authority(host, port)}`

/** URL of an MQTT listener. */
export const mqttUrl = ({ mqtt: { host, tls } }: ClusterConfig, port: number): string =>
  `mqtt${tls === undefined ? "" : "s"}://${authority(host, port)}`

/** The place that the config of the working folder names. */
export const here = Effect.map(loadConfigInPublic, (config): Place => {
  const file = resolve(configFileName)
  return {
    data: config.data,
    url: webUrl(config, config.http.port),
    boards: mqttUrl(config, config.mqtt.port),
    source: existsSync(file) ? `as ${file} says` : `the usual address, as there is no ${file}`
  }
})
