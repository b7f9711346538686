/** From a stored row to the state of an actor: the head and the behaviour's own parts. */
import { decodeStored } from "../protocol/Stored.ts"
import type { TransitionContext } from "./Behaviour.ts"
import { unknownKeys } from "./Codec.ts"
import type { Address } from "./Host.ts"
import type { Kind } from "./Registry.ts"
import type { Parts } from "./Store.ts"

/** What a row holds, decoded. */
export interface StoredState {
  readonly state: unknown
  /** Number of the next fact this actor puts on the event stream. */
  readonly nextSeq: number
  /** Time of its last commit, ms; 0 where a node of an earlier release wrote it. */
  readonly clock: number
  /** The behaviour's parts as loaded. */
  readonly parts: ReadonlyMap<string, unknown>
  /** Keys of a newer node, to be written back. */
  readonly kept: { readonly [key: string]: unknown } | undefined
}

/** Parts of the layer itself begin with this; all others are the behaviour's. */
export const layerPrefix = "~"

/** The columns of a row that its state is in. */
export interface StoredRow {
  readonly format: number
  readonly head: Uint8Array | null
  readonly parts: Parts
}

/** Decodes a row. Throws when it is not what a node of this format wrote. */
export const decodeRow = (type: Kind, id: string, row: StoredRow): StoredState => {
  const { format } = row
  const { reactions } = type.behaviour
  const none: ReadonlyMap<string, unknown> = new Map()
  if (row.head === null) return { state: reactions.initial(id), nextSeq: 1, clock: 0, parts: none, kept: undefined }
  const codec = type.codec.stateOf(format)
  if (codec === undefined) throw new Error(`rows of format ${format} are not read by this release`)
  const stored = decodeStored(row.head)
  if (!Array.isArray(stored)) throw new Error("malformed head")
  const [head, seq, time]: ReadonlyArray<unknown> = stored
  const clock = typeof time === "number" ? time : 0
  if (typeof seq !== "number") throw new Error("malformed head: no event number")
  if (reactions.storage !== undefined) {
    const parts = new Map<string, unknown>()
    for (const [key, value] of row.parts) if (!key.startsWith(layerPrefix)) parts.set(key, decodeStored(value))
    const state = reactions.storage.join(head, parts, id, format)
    return { state, nextSeq: seq, clock, parts: reactions.storage.split(state, format).parts, kept: undefined }
  }
  const decoded = codec.decode(head)
  if (decoded._tag === "Failure") throw new Error(`malformed state: ${decoded.failure.reason}`)
  const kept = unknownKeys(head, codec.encode(decoded.success))
  return { state: decoded.success, nextSeq: seq, clock, parts: none, kept }
}

/**
 * Answers queries from a stored row without waking the actor; the row is decoded once, here. What it never stored (its link,
 * its resident memory) is absent. Throws when the row is not what a node of this format wrote.
 */
export const lookAt = (
  type: Kind,
  self: Address,
  row: StoredRow,
  context: Pick<TransitionContext<unknown>, "now" | "asker">
): ((query: string) => unknown) => {
  const { state } = decodeRow(type, self.id, row)
  const { transitions, reactions } = type.behaviour
  const whole = {
    ...context,
    self,
    random: () => 0,
    requestId: "",
    resident: reactions.awake?.(state, context.now),
    link: undefined,
    tellCount: 0,
    node: ""
  }
  return (query) => transitions[query]?.(state, {}, whole)?.reply
}

/** Answers one query as {@link lookAt} does. */
export const look = (
  type: Kind,
  self: Address,
  row: StoredRow,
  query: string,
  context: Pick<TransitionContext<unknown>, "now" | "asker">
): unknown => lookAt(type, self, row, context)(query)
