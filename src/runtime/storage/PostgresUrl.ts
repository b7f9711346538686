/** Where the cluster's PostgreSQL is reached. */
import { Context, Effect, Layer, Redacted, Schema } from "effect"

/** The address of the PostgreSQL that holds the states, with user and password. */
export class PostgresUrl extends Context.Service<PostgresUrl, Redacted.Redacted>()("holon/PostgresUrl") {
  /** One that stands elsewhere. */
  static readonly layer = (url: Redacted.Redacted): Layer.Layer<PostgresUrl> => Layer.succeed(PostgresUrl, url)
}

/** What was given as the address of PostgreSQL is none. Permanent. It is not shown: it may hold a password. */
export class PostgresUrlMalformed extends Schema.TaggedError<PostgresUrlMalformed>()("PostgresUrlMalformed", {}) {
  override get message() {
    return "the address of PostgreSQL is no URL of one; it looks like postgres://USER:PASSWORD@HOST:5432/DATABASE"
  }
}

/** Fails with {@link PostgresUrlMalformed} unless it is the URL of a PostgreSQL. */
export const checkUrl = (url: Redacted.Redacted): Effect.Effect<void, PostgresUrlMalformed> => {
  const parsed = URL.parse(Redacted.value(url))
  const isOne = parsed?.protocol === "postgres:" || parsed?.protocol === "postgresql:"
  return isOne ? Effect.void : Effect.fail(new PostgresUrlMalformed())
}
