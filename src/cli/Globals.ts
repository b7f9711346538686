/** Flags that every command understands. */
import { Effect, Option } from "effect"
import { Flag } from "effect/cli"
import * as Client from "./Client.ts"
import { dataFolder } from "./Files.ts"

export const json = Flag.Boolean("json").pipe(
  Flag.withDescription("Print JSON for scripts instead of a table"),
  Flag.withDefault(false)
)

export const data = Flag.String("data").pipe(
  Flag.withDescription("Data folder of the cluster (default: that of cluster.config.ts, else .holon)"),
  Flag.optional
)

export const url = Flag.String("url").pipe(
  Flag.withDescription("Address of a node"),
  Flag.withDefault("http://127.0.0.1:7700")
)

/** What commands that talk to a node take. */
export const connection = { url, data, json }

/** Runs with a connection to the node that the flags name. */
export const connected =
  (flags: { readonly url: string; readonly data: Option.Option<string> }) =>
  <A, E, R>(run: Effect.Effect<A, E, R | Client.Client>) =>
    Effect.gen(function* () {
      const folder = Option.isSome(flags.data) ? flags.data.value : yield* dataFolder
      return yield* run.pipe(Effect.provide(Client.layer({ url: flags.url, data: folder })))
    })
