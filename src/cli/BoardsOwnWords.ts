/** Why a board takes no image, in its own words: its answer is a number alone, but what it misses stands in its event. */
import { Effect, Option, Schedule, Schema, Stream } from "effect"
import { Client } from "./Client.ts"

const Refused = Schema.Struct({ detail: Schema.String })
const detailOf = Schema.decodeUnknownOption(Refused)

/** The event may come a little after the answer; a board that tells nothing is not waited for longer. */
const patience = { schedule: Schedule.spaced("200 millis"), times: 4 } as const

/** What the board said last of an image that it refused with this code, committed since a time, ms; nothing when it has not. */
export const boardsOwnWords = (device: string, code: number, since: number) =>
  Effect.gen(function* () {
    const client = yield* Client
    const where = `type == "provisioning.error" and data.errno == ${code} and data.where == "begin"`
    const told = client.Events({ follow: false, last: 1, source: `device/${device}`, where })
    const last = yield* Stream.runLast(told)
    return yield* Effect.fromOption(
      Option.flatMap(last, ({ event }) =>
        event.ts.ms < since ? Option.none() : Option.map(detailOf(event.data), ({ detail }) => detail)
      )
    )
  }).pipe(Effect.retry(patience), Effect.option)
