/**
 * How a dispatcher rests: its head, a part for each op under way, one for its acts and one for what came of them, one for each
 * op that ended of late, and one for each page of those before.
 */
import { Schema } from "effect"
import type { Storage } from "../../../actors/Behaviour.ts"
import { type DispatcherState, Tally } from "../../../protocol/vsm/Dispatcher.ts"
import { Act, Chunk, Ended, Op } from "../../../protocol/vsm/Op.ts"
import { pageOf } from "./Memory.ts"

const prefixes = { op: "op/", acts: "acts/", chunks: "chunks/", ended: "ended/", page: "page/" } as const

const decodeHead = Schema.decodeUnknownSync(Schema.Struct({ tallies: Schema.Record(Schema.String, Tally) }))
const decodeOp = Schema.decodeUnknownSync(Op)
const decodeActs = Schema.decodeUnknownSync(Schema.Array(Act))
const decodeChunks = Schema.decodeUnknownSync(Schema.Array(Chunk))
const decodeEnded = Schema.decodeUnknownSync(Ended)
const decodePage = Schema.decodeUnknownSync(Schema.Array(Ended))

/** The keys of a map and what was decoded of it: a newer node may have written more. */
const keeping = <A extends object>(value: unknown, decoded: A): A => ({ ...Object(value), ...decoded })

const partsOf = (parts: ReadonlyMap<string, unknown>, prefix: string): ReadonlyArray<readonly [string, unknown]> =>
  [...parts].flatMap(([key, part]) => (key.startsWith(prefix) ? [[key.slice(prefix.length), part] as const] : []))

/** Cuts the dispatcher's state into head and parts, and joins it again. */
export const storage: Storage<DispatcherState> = {
  split: ({ ops, acts, chunks, recent, pages, tallies }) => {
    const parts = new Map<string, unknown>()
    for (const [id, op] of ops) parts.set(prefixes.op + id, op)
    for (const [id, of] of acts) parts.set(prefixes.acts + id, of)
    for (const [id, of] of chunks) parts.set(prefixes.chunks + id, of)
    for (const [id, ended] of recent) parts.set(prefixes.ended + id, ended)
    for (const { number, ended } of pages) parts.set(prefixes.page + number, ended)
    return { head: { tallies: Object.fromEntries(tallies) }, parts }
  },
  join: (head, parts) => {
    const ops = partsOf(parts, prefixes.op).map(([, part]) => keeping(part, decodeOp(part)))
    const recent = partsOf(parts, prefixes.ended).map(([, part]) => keeping(part, decodeEnded(part)))
    const pages = partsOf(parts, prefixes.page).map(([number, part]) => pageOf(Number(number), decodePage(part)))
    return {
      ops: new Map(ops.sort((one, other) => one.askedAt - other.askedAt).map((op) => [op.op, op])),
      acts: new Map(partsOf(parts, prefixes.acts).map(([id, part]) => [id, decodeActs(part)])),
      chunks: new Map(partsOf(parts, prefixes.chunks).map(([id, part]) => [id, decodeChunks(part)])),
      recent: new Map(
        recent
          .sort((one, other) => (one.view.endedAt ?? 0) - (other.view.endedAt ?? 0))
          .map((ended) => [ended.view.op, ended])
      ),
      pages: pages.sort((one, other) => one.number - other.number),
      tallies: new Map(Object.entries(decodeHead(head).tallies))
    }
  }
}
