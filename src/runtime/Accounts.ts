/** Secrets and operators' accounts as `cluster.config.ts` has them. */
import { Config, Effect, Redacted, Schema, SchemaGetter, SchemaIssue } from "effect"

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

const Rights = Schema.optionalKey(Schema.Array(Schema.NonEmptyString))

/**
 * What an operator shows, and what that entitles to. One struct for both forms, not a union, so that what is wrong with an
 * entry is said of its own fields.
 */
export const OperatorAccount = Schema.Struct({
  env: Schema.optionalKey(Schema.NonEmptyString),
  /** The bearer token of an operator with fewer rights. */
  token: Schema.optionalKey(Secret),
  /** What that operator may do: names of rights, `"device.read"`, and globs over them, `"program.*"`. Default everything. */
  may: Rights
}).pipe(
  Schema.decodeTo(Schema.Struct({ token: Schema.Redacted(Schema.NonEmptyString), may: Rights }), {
    decode: SchemaGetter.transformEffect(({ env, token, may }) => {
      if (token !== undefined && env === undefined) return Effect.succeed({ token, ...(may !== undefined && { may }) })
      if (env !== undefined && token === undefined && may === undefined)
        return Effect.map(secretOf(env), (plain) => ({ token: plain }))
      const message = 'Expected { env: "NAME" }, or { token: { env: "NAME" }, may: ["device.read", "program.*"] }'
      return Effect.fail(new SchemaIssue.InvalidValue({ message }, { env, may }))
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
