/** How messages and states of a contract travel and rest: each schema's JSON form as CBOR, compiled once per contract. */
import { Result, Schema } from "effect"
import type { Contract, PlainSchema } from "../protocol/Contract.ts"
import { misfitOf, sentenceOf } from "../protocol/Misfit.ts"
import { decodeStored, encodeStored } from "../protocol/Stored.ts"

/** A value that does not fit its schema. `reason` is for people and says where. */
export interface Misfit {
  readonly reason: string
}

/** Both directions of one schema. */
export interface Codec {
  readonly encode: (value: unknown) => unknown
  readonly decode: (value: unknown) => Result.Result<unknown, Misfit>
}

const codecOf = (schema: PlainSchema, onExcessProperty: "error" | "ignore"): Codec => {
  const json = Schema.toCodecJson(schema)
  const encode = Schema.encodeUnknownSync(json, { onExcessProperty })
  const decode = Schema.decodeUnknownResult(json, { onExcessProperty })
  return {
    encode,
    decode: (value) => Result.mapError(decode(value), (error) => ({ reason: sentenceOf(misfitOf(error)) }))
  }
}

/** The codecs of one message. */
export interface MessageCodec {
  readonly payload: Codec
  readonly success: Codec
  readonly error: Codec
}

/** The codecs of one contract. */
export interface ContractCodec {
  /** Of the contract's own format. */
  readonly state: Codec
  /** Of the state as rows of a format have it; `undefined` for one that this release does not know. */
  readonly stateOf: (format: number) => Codec | undefined
  readonly messages: ReadonlyMap<string, MessageCodec>
}

/** Compiles the codecs of a contract. */
export const compile = (contract: Contract): ContractCodec => {
  const state = codecOf(contract.state, "ignore")
  const former = new Map<number, Codec>()
  for (const [format, schema] of Object.entries(contract.former)) former.set(Number(format), codecOf(schema, "ignore"))
  return {
    state,
    stateOf: (format) => (format === contract.format ? state : former.get(format)),
    messages: new Map(
      Object.entries(contract.messages).map(([tag, message]) => [
        tag,
        {
          payload: codecOf(message.payload, "error"),
          success: codecOf(message.success, "ignore"),
          error: codecOf(message.error, "ignore")
        }
      ])
    )
  }
}

/** Bytes of an encoded value. `undefined` travels as null: it is the success of a message without one. */
export const toBytes = (codec: Codec, value: unknown): Uint8Array => {
  const encoded = codec.encode(value)
  return encodeStored(encoded === undefined ? null : encoded)
}

/** The value of bytes that {@link toBytes} made. */
export const fromBytes = (codec: Codec, bytes: Uint8Array): Result.Result<unknown, Misfit> =>
  codec.decode(decodeStored(bytes))

type Keys = { readonly [key: string]: unknown }

const isMap = (value: unknown): value is Keys =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)

/** What a stored value holds that its schema does not know: a newer node wrote it, and the next commit must not erase it. */
export const unknownKeys = (stored: unknown, known: unknown): Keys | undefined => {
  if (!isMap(stored) || !isMap(known)) return undefined
  let kept: Record<string, unknown> | undefined
  for (const key of Object.keys(stored)) {
    const rest = key in known ? unknownKeys(stored[key], known[key]) : stored[key]
    if (rest === undefined) continue
    kept ??= {}
    kept[key] = rest
  }
  return kept
}

/** Puts kept keys back beside the known ones, which win. */
export const withKept = (encoded: unknown, kept: Keys | undefined): unknown => {
  if (kept === undefined || !isMap(encoded)) return encoded
  const merged: Record<string, unknown> = { ...kept, ...encoded }
  for (const key of Object.keys(kept)) {
    const below = kept[key]
    if (key in encoded && isMap(below)) merged[key] = withKept(encoded[key], below)
  }
  return merged
}
