/** Where the cluster's PostgreSQL is reached. */
import { Context, Layer, type Redacted } from "effect"

/** The address of the PostgreSQL that holds the states, with user and password. */
export class PostgresUrl extends Context.Service<PostgresUrl, Redacted.Redacted>()("holon/PostgresUrl") {
  /** One that stands elsewhere. */
  static readonly layer = (url: Redacted.Redacted): Layer.Layer<PostgresUrl> => Layer.succeed(PostgresUrl, url)
}
