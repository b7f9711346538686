/** Secrets and operators' accounts as `cluster.config.ts` has them. */
import { Config, Effect, Redacted, Schema, SchemaGetter, SchemaIssue } from "effect"
import { Clearance } from "../protocol/Clearance.ts"
import { Zone } from "../protocol/Zone.ts"

/** The value of an environment variable, as a secret. */
const secretOf = (env: string) =>
  Config.Redacted(env).pipe(
    Effect.mapError(
      () => new SchemaIssue.InvalidValue({ message: `the environment variable ${env} is not set` }, { env })
    )
  )

/** A secret by the name of the environment variable that holds it, so that the file can be shared. */
export const Secret = Schema.Struct({ env: Schema.NonEmptyString }).pipe(
  Schema.decodeTo(Schema.Redacted(Schema.NonEmptyString), {
    decode: SchemaGetter.transformEffect(({ env }) => secretOf(env)),
    encode: SchemaGetter.forbiddenEncoding
  })
)

/** What an operator is kept to. */
const limits = {
  /** What that operator may do: names of rights, `"device.read"`, and globs over them, `"program.*"`. Default everything. */
  may: Schema.optionalKey(Schema.Array(Schema.NonEmptyString)),
  /** Zones of the devices that the operator sees and touches, `["hall.line-3"]`. Default all. */
  zones: Schema.optionalKey(Schema.Array(Zone).check(Schema.isMinLength(1), Schema.isMaxLength(64))),
  /** How much the operator is trusted with, 0 to 4, for policies to ask. Default 4, and 1 with `may`. */
  clearance: Schema.optionalKey(Clearance)
}

/**
 * What an operator shows, and what that entitles to. One struct for both forms, not a union, so that what is wrong with an
 * entry is said of its own fields.
 */
export const OperatorAccount = Schema.Struct({
  env: Schema.optionalKey(Schema.NonEmptyString),
  /** The bearer token of an operator with fewer rights. */
  token: Schema.optionalKey(Secret),
  ...limits
}).pipe(
  Schema.decodeTo(Schema.Struct({ token: Schema.Redacted(Schema.NonEmptyString), ...limits }), {
    decode: SchemaGetter.transformEffect(({ env, token, ...limited }) => {
      if (token !== undefined && env === undefined) return Effect.succeed({ token, ...limited })
      if (env !== undefined && token === undefined && Object.keys(limited).length === 0)
        return Effect.map(secretOf(env), (plain) => ({ token: plain }))
      const message = 'Expected { env: "NAME" }, or { token: { env: "NAME" }, may: ["device.read", "program.*"] }'
      return Effect.fail(new SchemaIssue.InvalidValue({ message }, { env, ...limited }))
    }),
    encode: SchemaGetter.forbiddenEncoding
  })
)

/** Names are ids of actors, which remember what the account was refused; `local` is whoever has the data folder. */
export const areNames = Schema.makeFilter((accounts: Readonly<Record<string, unknown>>) => {
  const wrong = Object.keys(accounts).find((name) => name === "local" || !/^\P{Cc}{1,128}$/u.test(name))
  return wrong === undefined
    ? undefined
    : `Expected names of at most 128 characters other than local, got ${JSON.stringify(wrong)}`
})

/** Who shows a token that two accounts have would be taken for the first of them, with rights that were meant for another. */
export const areApart = Schema.makeFilter(
  (accounts: Readonly<Record<string, { readonly token: Redacted.Redacted }>>) => {
    const names = new Map<string, string>()
    for (const [name, { token }] of Object.entries(accounts)) {
      const other = names.get(Redacted.value(token))
      if (other !== undefined) return `Expected a token of its own for each operator, got one for ${other} and ${name}`
      names.set(Redacted.value(token), name)
    }
    return undefined
  }
)
