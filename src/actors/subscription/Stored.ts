/** How a subscription rests: its head, and one part for each event that was put aside. */
import { Schema } from "effect"
import { isBehind } from "../../events/EventStream.ts"
import { DeadEvent, SubscriptionRecord } from "../../protocol/SubscriptionState.ts"
import type { Storage } from "../Behaviour.ts"

const prefix = "aside/"

const { aside: _, ...headFields } = SubscriptionRecord.fields
const decodeHead = Schema.decodeUnknownSync(Schema.Struct(headFields))
const decodeDead = Schema.decodeUnknownSync(DeadEvent)

/** The keys of a map and what was decoded of it: a newer node may have written more. */
const keeping = <A extends object>(value: unknown, decoded: A): A => ({ ...Object(value), ...decoded })

/** Cuts a subscription into head and dead events, and joins it again in the order of the stream. */
export const storage: Storage<SubscriptionRecord> = {
  split: ({ aside, ...head }) => {
    const parts = new Map<string, unknown>()
    for (const dead of aside) parts.set(`${prefix}${dead.cursor}`, dead)
    return { head, parts }
  },
  join: (head, parts) => {
    const aside: Array<DeadEvent> = []
    for (const [key, part] of parts) if (key.startsWith(prefix)) aside.push(keeping(part, decodeDead(part)))
    aside.sort((one, other) => (isBehind(one.cursor, other.cursor) ? 1 : -1))
    return { ...keeping(head, decodeHead(head)), aside }
  }
}
