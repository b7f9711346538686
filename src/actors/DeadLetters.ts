/** Messages given up, as they are kept for people: secret fields masked. */
import type { Message } from "../protocol/Contract.ts"
import { decodeStored, encodeStored } from "../protocol/Stored.ts"
import type { EncodedTell } from "./Outbox.ts"
import { describe, type QueueItem } from "./QueueItem.ts"
import type { Kind, Registry } from "./Registry.ts"
import type { DeadLetter } from "./Store.ts"

/** What crashed its last try. */
export const letterOfItem = (type: Kind, item: QueueItem, cause: string, traceId: string): DeadLetter => {
  switch (item._tag) {
    case "Message": {
      const { message, payload, requestId, tell } = item.envelope
      const letter = tell === undefined ? requestId : `tell ${tell.from} ${tell.version}.${tell.index}`
      return { letter, message, payload: masked(type, message, payload), cause, traceId }
    }
    case "Frame": {
      const { frame, bytes } = item.offer
      return { letter: `frame ${frame.seq}`, message: describe(item), payload: bytes, cause, traceId }
    }
    case "Timeout":
      return { letter: "timeout", message: describe(item), payload: new Uint8Array(), cause, traceId }
    case "Completed":
      return { letter: item.order.id, message: describe(item), payload: new Uint8Array(), cause, traceId }
    case "Undelivered":
      return {
        letter: `undelivered ${item.number}`,
        message: describe(item),
        payload: new Uint8Array(),
        cause,
        traceId
      }
  }
}

/** A tell that its receiver will never take. */
export const letterOfTell = (
  registry: Registry,
  from: string,
  number: string,
  { to, message, body }: EncodedTell,
  cause: string
): DeadLetter => {
  const contract = registry.get(to.kind)?.behaviour.contract
  const payload = encodeStored(mask(contract?.messages[message], decodeStored(body)))
  return { letter: `tell ${from} ${number}`, message, payload, cause, traceId: "" }
}

const masked = (type: Kind, tag: string, payload: unknown): Uint8Array => {
  try {
    const encoded = type.codec.messages.get(tag)?.payload.encode(payload)
    return encodeStored(mask(type.behaviour.contract.messages[tag], encoded))
  } catch {
    return new Uint8Array()
  }
}

const mask = (message: Message | undefined, payload: unknown): unknown => {
  if (message === undefined || typeof payload !== "object" || payload === null) return payload
  return { ...payload, ...Object.fromEntries(message.secret.map((field) => [field, "***"])) }
}
