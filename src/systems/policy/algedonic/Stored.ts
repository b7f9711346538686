/** How a channel rests: its head, and a part for each signal, so that one that is felt again does not write two hundred others. */
import { Schema } from "effect"
import type { Storage } from "../../../actors/Behaviour.ts"
import { AlgedonicState } from "../../../protocol/vsm/Algedonic.ts"
import { Signal } from "../../../protocol/vsm/Signal.ts"

const prefix = "signal/"
const { signals: _, ...headFields } = AlgedonicState.fields
const decodeHead = Schema.decodeUnknownSync(Schema.Struct(headFields))
const decodeSignal = Schema.decodeUnknownSync(Signal)

/** The keys of a map and what was decoded of it: a newer node may have written more. */
const keeping = <A extends object>(value: unknown, decoded: A): A => ({ ...Object(value), ...decoded })

/** Cuts a channel's state into head and parts, and joins it again. */
export const storage: Storage<AlgedonicState> = {
  split: ({ signals, ...head }) => ({
    head,
    parts: new Map([...signals].map(([id, signal]) => [prefix + id, signal]))
  }),
  join: (head, parts) => {
    const signals = new Map<string, Signal>()
    for (const [key, part] of parts)
      if (key.startsWith(prefix)) signals.set(key.slice(prefix.length), keeping(part, decodeSignal(part)))
    return { ...keeping(head, decodeHead(head)), signals }
  }
}
