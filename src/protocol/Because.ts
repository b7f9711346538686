/** Why something happened: what led to it, and the chain of causes that it continues. */
import { Schema } from "effect"
import { isUuid, uuidBytes, uuidText } from "./Ids.ts"

/** Causes that an event names, at most. */
export const causesMax = 8

/** Events, or requests, that led to a fact or a message. */
export interface Because {
  /** Ids of events and requests, {@link causesMax} at most. */
  readonly causes: ReadonlyArray<string>
  /** What began the chain: the id of a request or of an event. */
  readonly root?: string
  /** W3C Trace Context of who began it. */
  readonly traceparent?: string
}

/** A {@link Because} as it rests with what waits: with its chain, or not at all. */
export const Reason = Schema.Struct({
  causes: Schema.Array(Schema.String),
  root: Schema.String,
  traceparent: Schema.optionalKey(Schema.String)
})
export type Reason = typeof Reason.Type

const idBytes = 16

/** Ids one after the other. Texts that are no UUIDs name nothing, and are left out. */
const causesToBytes = (causes: ReadonlyArray<string>): Uint8Array => {
  const ids = causes.filter(isUuid).slice(0, causesMax)
  const bytes = new Uint8Array(ids.length * idBytes)
  for (const [index, id] of ids.entries()) bytes.set(uuidBytes(id) ?? [], index * idBytes)
  return bytes
}

/** Reads {@link causesToBytes}. What is left of a broken one is no cause. */
const causesFromBytes = (bytes: Uint8Array): ReadonlyArray<string> =>
  Array.from({ length: Math.min(causesMax, Math.floor(bytes.length / idBytes)) }, (_, index) =>
    uuidText(bytes, index * idBytes)
  )

/** The parts of a stored {@link Because}: `[causes, root?, traceparent?]`. */
export const becauseToStored = ({ causes, root, traceparent }: Because): ReadonlyArray<unknown> => {
  const bytes = causesToBytes(causes)
  if (traceparent !== undefined) return [bytes, root ?? null, traceparent]
  return root === undefined ? [bytes] : [bytes, root]
}

/** Reads {@link becauseToStored}; nothing where there is none. */
export const becauseFromStored = (stored: unknown): Because | undefined => {
  if (!Array.isArray(stored)) return undefined
  const [causes, root, traceparent]: ReadonlyArray<unknown> = stored
  return {
    causes: causes instanceof Uint8Array ? causesFromBytes(causes) : [],
    ...(typeof root === "string" && { root }),
    ...(typeof traceparent === "string" && { traceparent })
  }
}
