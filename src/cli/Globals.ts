/** Flags that every command understands. */
import { Effect, Option, SchemaIssue } from "effect"
import { Flag } from "effect/cli"
import { Malformed } from "../protocol/Errors.ts"
import { misfitIn } from "../protocol/Misfit.ts"
import * as Client from "./Client.ts"
import { toggle } from "./Defaults.ts"
import { here } from "./Here.ts"

export const json = toggle("json", "Print JSON for scripts instead of a table")

export const data = Flag.String("data").pipe(
  Flag.withDescription("Data folder of the cluster (default: that of cluster.config.ts, else .holon)"),
  Flag.optional
)

const url = Flag.String("url").pipe(
  Flag.withDescription("Address of a node (default: that of cluster.config.ts, else http://127.0.0.1:7700)"),
  Flag.optional
)

/** What commands that talk to a node take. */
export const connection = { url, data, json }

/** Where the flags say that a node is; what they leave out is read from the config. */
export const placeOf = Effect.fnUntraced(function* (flags: {
  readonly url: Option.Option<string>
  readonly data: Option.Option<string>
}) {
  if (Option.isSome(flags.url) && Option.isSome(flags.data)) return { url: flags.url.value, data: flags.data.value }
  const found = yield* here
  const folder = Option.getOrElse(flags.data, () => found.data)
  if (Option.isSome(flags.url)) return { url: flags.url.value, data: folder }
  return { url: found.url, data: folder, source: found.source }
})

/** The data folder that the flag or the config names. */
export const dataFolder = (given: Option.Option<string>) =>
  Option.isSome(given) ? Effect.succeed(given.value) : Effect.map(here, (found) => found.data)

/** What was given fits no message to a node, as a condition of a megabyte: the client throws before it sends it. */
const misfitsSaid = <A, E, R>(run: Effect.Effect<A, E, R>): Effect.Effect<A, E | Malformed, R> =>
  Effect.catchDefect(run, (defect) => {
    const issue = defect instanceof Error ? defect.cause : undefined
    if (!SchemaIssue.isIssue(issue)) return Effect.die(defect)
    const { path, reason } = misfitIn(issue)
    return Effect.fail(new Malformed({ path: path.join("."), reason }))
  })

/** Runs with a connection to the node that the flags, or else the config, name. */
export const connected =
  (flags: { readonly url: Option.Option<string>; readonly data: Option.Option<string> }) =>
  <A, E, R>(run: Effect.Effect<A, E, R | Client.Client>) =>
    Effect.flatMap(placeOf(flags), (place) => Effect.provide(misfitsSaid(run), Client.layer(place)))
