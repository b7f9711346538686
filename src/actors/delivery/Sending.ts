/** One attempt to bring a letter to its target, as an effect. It may run twice: the target knows a repeat by the match's id. */
import { createHash } from "node:crypto"
import { Cause, Effect, Metric, Schema } from "effect"
import { DeliveryTarget } from "../../protocol/Delivery.ts"
import { isUuid } from "../../protocol/Ids.ts"
import { Outlets } from "../Outlets.ts"

/** How long a target may take to answer. */
const answerWithin = "10 seconds"
/** What boards and the cluster say to each other: nobody may speak in their place. */
const linkTopics = "holon/"
/** As long as a sentence of a target may be, characters. */
const errorMax = 500

/** What an attempt came to: `Refused` is final, `Failed` is tried again, `Away` says that nobody is there to take anything. */
export const Sent = Schema.Union([
  Schema.TaggedStruct("Delivered", {}),
  Schema.TaggedStruct("Refused", { error: Schema.String }),
  Schema.TaggedStruct("Failed", { error: Schema.String }),
  Schema.TaggedStruct("Away", { error: Schema.String })
])
export type Sent = typeof Sent.Type

const Input = Schema.Struct({
  target: DeliveryTarget,
  matchId: Schema.String,
  envelope: Schema.Json,
  /** The chain of causes that the match is in: what began it, and in which trace that was. */
  root: Schema.optionalKey(Schema.String),
  traceparent: Schema.optionalKey(Schema.String)
})
/** What an attempt needs. */
export type SendInput = typeof Input.Type
const decodeInput = Schema.decodeUnknownSync(Input)

const delivered: Sent = { _tag: "Delivered" }
const failed = (error: string): Sent => ({ _tag: "Failed", error: error.slice(0, errorMax) })
const away = (error: string): Sent => ({ _tag: "Away", error: error.slice(0, errorMax) })

/** 4xx says that the request is wrong, and so will be its repeat; these two ask for a repeat. */
const again: ReadonlySet<number> = new Set([408, 425])
/** A gateway without its server, one that is closed or out of breath: nothing of that is about this request (RFC 9110, 6585). */
const nobody: ReadonlySet<number> = new Set([429, 502, 503, 504])

/** What a status says. */
export const sentBy = (status: number): Sent => {
  if (status >= 200 && status < 300) return delivered
  const error = `the server answers ${status}`
  if (nobody.has(status)) return away(error)
  const isFinal = status >= 400 && status < 500 && !again.has(status)
  return isFinal ? { _tag: "Refused", error } : failed(error)
}

/** An account in the address travels as RFC 7617 says: no request may be made of an address that has one. */
const accountOf = ({ username, password }: URL): { readonly authorization?: string } => {
  if (username === "" && password === "") return {}
  const account = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { authorization: `Basic ${Buffer.from(account).toString("base64")}` }
}

/**
 * The trace of the chain (W3C Trace Context): that of whoever began it. A chain that began in no trace is one of its own, whose id
 * is that of what began it.
 */
const traceOf = ({ root, traceparent, matchId }: SendInput): { readonly traceparent?: string } => {
  if (traceparent !== undefined) return { traceparent }
  if (root === undefined || !isUuid(root)) return {}
  const span = createHash("sha256").update(matchId).digest("hex").slice(0, 16)
  return { traceparent: `00-${root.replaceAll("-", "")}-${span}-01` }
}

const attempt = (input: SendInput) =>
  Effect.gen(function* () {
    const outlets = yield* Outlets
    const { target, matchId, envelope } = input
    const body = JSON.stringify(envelope)
    if (target._tag === "Mqtt") {
      if (target.topic.startsWith(linkTopics))
        return { _tag: "Refused", error: `topics below ${linkTopics} are those of boards` } satisfies Sent
      yield* outlets.publish(target.topic, body, matchId)
      return delivered
    }
    const url = URL.parse(target.url)
    if (url === null) return { _tag: "Refused", error: "the address is none" } satisfies Sent
    const own = { "content-type": "application/json", "idempotency-key": matchId }
    const headers = { ...own, ...traceOf(input), ...accountOf(url) }
    url.username = ""
    url.password = ""
    return sentBy(yield* outlets.post({ url: url.href, headers, body }))
  })

const attempts = Metric.counter("holon_delivery_attempts_total", {
  description: "Attempts to bring a match to a target",
  incremental: true
})

const counted = ({ target }: SendInput, { _tag: ended }: Sent): Effect.Effect<void> =>
  Metric.update(Metric.withAttributes(attempts, { to: target._tag.toLowerCase(), ended: ended.toLowerCase() }), 1)

/** Answers {@link Sent}, whatever happens. */
export const send = (input: unknown): Effect.Effect<Sent> =>
  Effect.suspend(() => {
    const decoded = decodeInput(input)
    return Effect.tap(answered(decoded), (sent) => counted(decoded, sent))
  }).pipe(
    // A bug here must not leave the letter in flight for ever.
    Effect.catchCause((cause) =>
      Cause.hasInterruptsOnly(cause) ? Effect.interrupt : Effect.succeed(failed(String(Cause.squash(cause))))
    )
  )

const answered = (input: SendInput): Effect.Effect<Sent> =>
  attempt(input).pipe(
    Effect.timeoutOrElse({
      duration: answerWithin,
      orElse: () => Effect.succeed(away(`no answer in ${answerWithin}`))
    }),
    Effect.catchTag("OutletUnavailable", ({ reason }) => Effect.succeed(away(reason)))
  )
