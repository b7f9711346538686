/** Messages whose end comes later: they are sent, and watched until they are over. */
import { Console, Effect, Option, Schema, Stream } from "effect"
import { codeEntry } from "../protocol/Codes.ts"
import { Unavailable } from "../protocol/Errors.ts"
import { Client } from "./Client.ts"
import { explained } from "./Details.ts"

/** The board did not do it. Permanent for this order. */
export class BoardRefused extends Schema.TaggedError<BoardRefused>()("BoardRefused", {
  what: Schema.String,
  code: Schema.Int,
  detail: Schema.optionalKey(Schema.String)
}) {
  override get message() {
    const { name, sentence } = codeEntry(this.code)
    return `${this.what}: ${explained(this.detail ?? sentence, name, String(this.code))}`
  }
}

/** One actor. */
export interface Place {
  readonly kind: string
  readonly id: string
}

/** Says on standard error that a board is away and what is done about it; nothing when it is there. */
export const sayAway = (device: string, consequence: string) =>
  Effect.gen(function* () {
    const client = yield* Client
    const { status } = yield* client.Device({ id: device })
    const { state } = status.connection
    const words = state === "never" ? "has never attached" : `is ${state}`
    if (state !== "online") yield* Console.error(`${device} ${words}; ${consequence}`)
  })

/** Sends a message and decodes its reply. */
export const sendTo = <A>(place: Place, message: string, payload: Schema.Json, reply: Schema.Codec<A, unknown>) =>
  Effect.gen(function* () {
    const client = yield* Client
    const value = yield* client.Send({ ...place, message, payload })
    return yield* Effect.orDie(Schema.decodeUnknownEffect(reply)(value))
  })

/** Watches an actor until what it shows is the end; each item is shown on its way. */
export const watchUntil = <A>(
  place: Place,
  message: string,
  payload: Schema.Json,
  {
    item,
    isEnd,
    show
  }: {
    readonly item: Schema.Codec<A, unknown>
    readonly isEnd: (item: A) => boolean
    readonly show?: (item: A) => Effect.Effect<void>
  }
) =>
  Effect.gen(function* () {
    const client = yield* Client
    const last = yield* client.Watch({ ...place, message, payload }).pipe(
      Stream.mapEffect((value) => Effect.orDie(Schema.decodeUnknownEffect(item)(value))),
      Stream.tap((value) => show?.(value) ?? Effect.void),
      Stream.takeUntil(isEnd),
      Stream.runLast
    )
    if (Option.isNone(last) || !isEnd(last.value))
      return yield* new Unavailable({ cause: "the node ended the watch; ask again for the outcome" })
    return last.value
  })
