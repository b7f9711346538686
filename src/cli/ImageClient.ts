/** The way of the command line to a node's images: its HTTP API, because an image is bytes. */
import type { ReadableStream as WebStream } from "node:stream/web"
import { Effect, type Option, Redacted, Schema } from "effect"
import { ImageLine, ImagePage, ImageView, PushedView } from "../gateways/http/ImageLibrary.ts"
import { HolonError } from "../protocol/Errors.ts"
import { ImageAmbiguous, ImageInUse, ImageRejected, UploadBroken } from "../protocol/image/ImageErrors.ts"
import { shownToken } from "../runtime/Token.ts"
import { connectionFailure } from "./Client.ts"
import { placeOf } from "./Globals.ts"

/** The node has answered with something that is none of its own errors. */
export class AnswerStrange extends Schema.TaggedError<AnswerStrange>()("AnswerStrange", {
  status: Schema.Int,
  reason: Schema.String
}) {
  override get message() {
    return this.status < 400
      ? `the node's answer does not fit this release (${this.reason})`
      : `the node refuses: ${this.reason} (HTTP ${this.status})`
  }
}

/** What endpoints of images answer instead of a success. */
const Refusal = Schema.Union([...HolonError.members, ImageRejected, ImageInUse, ImageAmbiguous, UploadBroken])

/** What is wrong with a request, as problem details say it (RFC 9457). */
const Problem = Schema.Struct({
  errors: Schema.Array(Schema.Struct({ path: Schema.optionalKey(Schema.Array(Schema.String)), message: Schema.String }))
})

const decodeRefusal = Schema.decodeUnknownResult(Refusal)
const decodeProblem = Schema.decodeUnknownResult(Problem)

const strange = (status: number, text: string, json: unknown): AnswerStrange => {
  const problem = decodeProblem(json)
  const [first] = problem._tag === "Success" ? problem.success.errors : []
  const reason = first === undefined ? text.slice(0, 200) : `${first.path?.join(".") ?? "request"}: ${first.message}`
  return new AnswerStrange({ status, reason })
}

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** A body that `fetch` takes. */
export type Body = Uint8Array<ArrayBuffer> | WebStream<Uint8Array>

interface Request {
  readonly method: "GET" | "POST" | "PUT" | "DELETE"
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Body
}

type Flags = { readonly url: Option.Option<string>; readonly data: Option.Option<string> }

/** The images of the node that the flags, or else the config, name. */
export const imageClient = Effect.fnUntraced(function* (flags: Flags) {
  const place = yield* placeOf(flags)
  const token = yield* shownToken(place.data)
  const authorization = `Bearer ${Redacted.value(token)}`

  const ask = ({ method, path, headers, body }: Request) =>
    Effect.gen(function* () {
      const response = yield* Effect.tryPromise({
        try: (signal) =>
          fetch(new URL(path, place.url), {
            method,
            signal,
            headers: { authorization, ...headers },
            // A stream is sent while it is read, whatever comes back meanwhile (Fetch standard, `duplex`).
            ...(body !== undefined && { body, duplex: "half" as const })
          }),
        catch: (cause) => connectionFailure(place, cause)
      })
      if (response.ok) return response
      const text = yield* textOf(response)
      const json = parse(text)
      const refusal = decodeRefusal(json)
      return yield* refusal._tag === "Success" ? refusal.success : strange(response.status, text, json)
    })

  const textOf = (response: Response) =>
    Effect.tryPromise({ try: () => response.text(), catch: (cause) => connectionFailure(place, cause) })

  const json = <A>(schema: Schema.Codec<A, unknown>, request: Request) =>
    Effect.gen(function* () {
      const text = yield* Effect.flatMap(ask(request), textOf)
      const decoded = Schema.decodeUnknownResult(schema)(parse(text))
      return decoded._tag === "Success"
        ? decoded.success
        : yield* new AnswerStrange({ status: 200, reason: decoded.failure.message.split("\n", 1)[0] ?? "" })
    })

  const at = (reference: string): string => `/api/images/${encodeURIComponent(reference)}`

  return {
    push: (body: Body, query: URLSearchParams, manifest: Uint8Array | undefined) =>
      json(PushedView, {
        method: "POST",
        path: `/api/images?${query}`,
        headers: {
          "content-type": "application/octet-stream",
          ...(manifest !== undefined && { "holon-manifest": Buffer.from(manifest).toString("base64url") })
        },
        body
      }),
    list: (limit: number, after?: string) =>
      json(ImagePage, {
        method: "GET",
        path: `/api/images?${new URLSearchParams({ limit: String(limit), ...(after !== undefined && { after }) })}`
      }),
    show: (reference: string) => json(ImageView, { method: "GET", path: at(reference) }),
    sign: (reference: string, manifest: Uint8Array) =>
      json(ImageLine, {
        method: "PUT",
        path: `${at(reference)}/manifest`,
        headers: { "content-type": "application/cose" },
        body: new Uint8Array(manifest)
      }),
    remove: (reference: string) => json(ImageLine, { method: "DELETE", path: at(reference) }),
    /** Hands the bytes of an image on as they come. */
    content: (reference: string, take: (part: Uint8Array) => void) =>
      Effect.flatMap(ask({ method: "GET", path: `${at(reference)}/content` }), ({ body }) =>
        Effect.tryPromise({
          try: async () => {
            for await (const part of body ?? []) take(part)
          },
          catch: (cause) => connectionFailure(place, cause)
        })
      )
  }
})
