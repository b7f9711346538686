/** The client of a node for everything but the hot path. */
import { PgClient } from "@effect/sql-pg"
import { Clock, Effect, Layer, Option, Schema } from "effect"
import { Reactivity } from "effect/reactivity"
import { checkUrl, PostgresUrl, type PostgresUrlMalformed } from "./PostgresUrl.ts"
import { sqlReason } from "./SqlReason.ts"

/** PostgreSQL did not answer at the start, and not for as long as the node was told to try. */
export class StorageUnreachable extends Schema.TaggedError<StorageUnreachable>()("StorageUnreachable", {
  seconds: Schema.Finite,
  reason: Schema.String
}) {
  override get message() {
    const tried = this.seconds > 0 ? ` for ${this.seconds} s` : ""
    return `PostgreSQL does not answer${tried} (${this.reason}); check that it runs and that the URL is right`
  }
}

const queryConnections = 4
const retryMillis = 500
const attemptMillisMax = 5000

/** Half a minute: at the start of a machine everything starts at once. */
export const waitMillisDefault = 30_000

/** Connects while it is built, trying again for at most `waitMillis`. Fails with {@link StorageUnreachable}. */
export const layer = (
  waitMillis = waitMillisDefault
): Layer.Layer<PgClient.PgClient, StorageUnreachable | PostgresUrlMalformed, PostgresUrl> =>
  Layer.unwrap(
    Effect.gen(function* () {
      const url = yield* PostgresUrl
      yield* checkUrl(url)
      const client = PgClient.layer({ url, maxConnections: queryConnections, applicationName: "holon" })
      const unreachable = (reason: string, seconds = 0) => new StorageUnreachable({ reason, seconds })
      const attempt = Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        yield* sql`select 1`
        return undefined
      }).pipe(
        Effect.provide(client),
        Effect.timeoutOption(attemptMillisMax),
        Effect.map(Option.getOrElse(() => ({ reason: "no answer", isFinal: false }))),
        Effect.catch((error) =>
          Effect.succeed({ reason: sqlReason(error), isFinal: error.reason._tag === "AuthenticationError" })
        )
      )
      const begin = yield* Clock.currentTimeMillis
      let said = ""
      for (;;) {
        const failed = yield* attempt
        if (failed === undefined)
          return Layer.catch(client, (error) => Layer.effectContext(Effect.fail(unreachable(sqlReason(error)))))
        const { reason, isFinal } = failed
        const now = yield* Clock.currentTimeMillis
        if (isFinal) return yield* unreachable(reason)
        if (now - begin + retryMillis > waitMillis) return yield* unreachable(reason, Math.round((now - begin) / 1000))
        // Once for each reason, not for each attempt.
        if (reason !== said) yield* Effect.logWarning(`PostgreSQL does not answer yet, trying again: ${reason}`)
        said = reason
        yield* Effect.sleep(retryMillis)
      }
    })
  ).pipe(Layer.provide(Reactivity.layer))
