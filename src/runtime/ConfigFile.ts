/** Reads a user's `cluster.config.ts`. */
import { existsSync } from "node:fs"
import { resolve } from "node:path"
import { pathToFileURL } from "node:url"
import { Effect, Option, Schema } from "effect"
import { misfitOf, sentenceOf } from "../protocol/Misfit.ts"
import { type BindRefused, checkBinds } from "./Binds.ts"
import { applyOverrides, ClusterConfig, findPortConflict, type Overrides } from "./Config.ts"
import { registry } from "./Registry.ts"
import { findUnknownRight, rightsOf } from "./Rights.ts"

/** The config cannot be used. Permanent until the file is changed. */
export class ConfigUnreadable extends Schema.TaggedError<ConfigUnreadable>()("ConfigUnreadable", {
  path: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `cannot use the config ${this.path}: ${this.reason}. Correct it, or name another file with --config.`
  }
}

/** The name that is looked for in the working folder. */
export const configFileName = "cluster.config.ts"

const firstLine = (text: string): string => (text.split("\n", 1)[0] ?? "").replace(/\.$/, "")

const decode = Schema.decodeUnknownEffect(ClusterConfig, { onExcessProperty: "error" })

const importDefault = (path: string) =>
  Effect.tryPromise({
    try: async (): Promise<unknown> => {
      const loaded: { readonly default?: unknown } = await import(pathToFileURL(path).href)
      return loaded.default
    },
    catch: (cause) =>
      new ConfigUnreadable({ path, reason: firstLine(cause instanceof Error ? cause.message : `${cause}`) })
  }).pipe(
    Effect.filterOrFail(
      (value) => value !== undefined,
      () => new ConfigUnreadable({ path, reason: "it has no default export (`export default defineCluster({ … })`)" })
    )
  )

const decoded = (file: string, input: unknown) =>
  Effect.mapError(decode(input), (error) => new ConfigUnreadable({ path: file, reason: sentenceOf(misfitOf(error)) }))

/** The fields whose values are secrets, or lead to one. */
const secretFields: ReadonlySet<string> = new Set(["storage", "tokens"])

/**
 * The config of the working folder for who only looks for its cluster. Its secrets are not read: an operator who has a token
 * of their own need not have those of all the others in the environment.
 */
export const loadConfigInPublic: Effect.Effect<ClusterConfig, ConfigUnreadable> = Effect.suspend(() => {
  const file = resolve(configFileName)
  if (!existsSync(file)) return decoded(file, {})
  return Effect.flatMap(importDefault(file), (input) =>
    decoded(
      file,
      typeof input === "object" && input !== null
        ? Object.fromEntries(Object.entries(input).filter(([name]) => !secretFields.has(name)))
        : input
    )
  )
})

/**
 * The config of `path`, with what the command line changes. Without a path, `cluster.config.ts` of the working folder,
 * or the defaults when there is none. Fails with `ConfigUnreadable` or, when a listener would be open to other machines
 * without protection, with `BindRefused`.
 */
export const loadConfig = (
  overrides: Overrides = {},
  path?: string
): Effect.Effect<ClusterConfig, ConfigUnreadable | BindRefused> =>
  Effect.gen(function* () {
    const file = resolve(path ?? configFileName)
    const isThere = existsSync(file)
    if (path !== undefined && !isThere) {
      return yield* new ConfigUnreadable({ path: file, reason: "there is no such file" })
    }
    const input = isThere ? yield* importDefault(file) : {}
    const config = applyOverrides(yield* decoded(file, input), overrides)
    const conflict = findPortConflict(config)
    if (Option.isSome(conflict)) return yield* new ConfigUnreadable({ path: file, reason: conflict.value })
    const { nodes, shards } = config
    // A node that gets no shard serves nobody, and waits for one for ever.
    if (shards.perGroup < nodes) {
      const reason = `shards.perGroup: ${shards.perGroup} shards are too few for ${nodes} nodes`
      return yield* new ConfigUnreadable({ path: file, reason })
    }
    const unknown = findUnknownRight(config, rightsOf(registry))
    if (Option.isSome(unknown)) return yield* new ConfigUnreadable({ path: file, reason: unknown.value })
    yield* checkBinds(config)
    return config
  })
