/** The looks of a node: reads the journal by position, and chains what counts. What is chained and how far it was read are one transaction. */
import { Cause, Clock, Effect, Layer } from "effect"
import type { Registry } from "../../actors/Registry.ts"
import { type EventPage, EventStream } from "../../events/EventStream.ts"
import { makePageReader } from "../../events/engine/PageReader.ts"
import type { JournalHint } from "../../events/JournalHint.ts"
import { entryOf } from "../../protocol/audit/AuditRecord.ts"
import { hexOf } from "../../protocol/audit/Hash.ts"
import { AuditKeys } from "./AuditKeys.ts"
import { AuditLog } from "./AuditLog.ts"
import { AuditWatch, type Looked, type Outlook } from "./AuditWatch.ts"
import { catalogueOf, categoryOf } from "./Catalogue.ts"
import { type ChainHead, emptyChain, Growing, isSealDue } from "./Chain.ts"

/** A place in the journal is noted at least so often, so that little is read again after a crash, ms. */
const notedMillis = 10_000
/** Acts of so long are chained together, ms: each transaction is one that boards do not wait for. A chain is a second late at most. */
const gatherMillis = 100
/** A VSM's auditor begins with what was journalled so long before it became active: clocks may differ, ms. */
const earlierMillis = 60_000

/** What is known of a chain whose one writer lives here. */
interface Memory {
  readonly head: ChainHead
  readonly open: ReadonlyArray<Uint8Array>
  /** How far it was read; ahead of the head where nothing was to be chained. */
  readonly cursor: string
  readonly notedAt: number
  /** When acts were chained last, unless there were more of them. */
  readonly chainedAt: number | undefined
}

const unavailable: Looked = { _tag: "Unavailable" }

/** VSMs that became active and have no auditor yet. */
const beginning = ({ events }: EventPage, begun: ReadonlyArray<string>) =>
  events.flatMap(({ event: { type, source, ts } }) =>
    type === "vsm.activated" && source.actor === "vsm" && !begun.includes(source.id)
      ? [{ id: source.id, since: ts.ms - earlierMillis }]
      : []
  )

const make = (registry: Registry) =>
  Effect.gen(function* () {
    const log = yield* AuditLog
    const keys = yield* AuditKeys
    const stream = yield* EventStream
    const pages = yield* makePageReader
    const catalogue = catalogueOf(registry)
    const memories = new Map<string, Memory>()

    const recalled = Effect.fnUntraced(function* ({ vsm, since }: Outlook, now: number) {
      const stored = yield* log.head(vsm)
      if (stored !== undefined) {
        const open = yield* log.hashesBehind(vsm, stored.sealedTo)
        return { head: stored, open, cursor: stored.cursor, notedAt: now, chainedAt: undefined } satisfies Memory
      }
      const everything = { hasSamples: false, matches: () => true }
      const { next } = yield* stream.read({ _tag: "Since", time: since }, everything, { events: 0, commits: 0 })
      return {
        head: emptyChain(vsm, next),
        open: [],
        cursor: next,
        notedAt: now,
        chainedAt: undefined
      } satisfies Memory
    })

    const look = Effect.fnUntraced(function* (outlook: Outlook) {
      const { vsm, begun } = outlook
      const begunAt = yield* Clock.currentTimeMillis
      const memory = memories.get(vsm) ?? (yield* recalled(outlook, begunAt))
      const isNew = memory.head.version === 0
      const pause = (memory.chainedAt ?? Number.NEGATIVE_INFINITY) + gatherMillis - begunAt
      if (pause > 0) yield* Effect.sleep(Math.min(pause, gatherMillis))
      const page = isNew ? yield* pages.behind(memory.cursor, "events") : yield* pages.awaited(memory.cursor, "events")
      if (begun !== undefined) {
        const vsms = beginning(page, begun)
        if (vsms.length > 0) return { _tag: "Beginning", vsms } satisfies Looked
      }
      const now = yield* Clock.currentTimeMillis
      const signer = yield* keys.at(Math.max(memory.head.wall, now))
      const growing = new Growing(memory.head, memory.open, now, signer)
      growing.agree(catalogue)
      let count = 0
      for (const { event, cursor } of page.events) {
        const category = event.vsm === vsm ? categoryOf(catalogue, event) : undefined
        if (category === undefined) continue
        growing.add(entryOf(event, cursor, category))
        count++
      }
      growing.reach(page.next)
      if (isSealDue(memory.head, now)) growing.seal()
      const growth = growing.end()
      const isNoted = growth.records.length + growth.segments.length > 0 || now >= memory.notedAt + notedMillis
      const chainedAt = count === 0 || page.hasMore ? undefined : now
      if (!isNoted) memories.set(vsm, { ...memory, cursor: page.next, chainedAt })
      else {
        // What comes of a write that is interrupted or breaks off is not known: the next look asks the tables.
        memories.delete(vsm)
        if (!(yield* log.write(growth))) return unavailable
        memories.set(vsm, { head: growth.head, open: growth.open, cursor: page.next, notedAt: now, chainedAt })
      }
      const { segments, prevHead } = isNoted ? growth.head : memory.head
      const witness = segments === 0 ? undefined : { segment: segments, head: hexOf(prevHead) }
      const last = isNoted ? growth.head.seq : memory.head.seq
      return { _tag: "Chained", records: count, last, witness } satisfies Looked
    })

    return {
      look: (outlook: Outlook): Effect.Effect<Looked> =>
        look(outlook).pipe(
          Effect.catchCause((cause) =>
            Effect.andThen(
              Effect.sync(() => memories.delete(outlook.vsm)),
              // A node that stops interrupts its looks.
              Cause.hasInterruptsOnly(cause)
                ? Effect.succeed(unavailable)
                : Effect.as(Effect.logWarning(`the auditor of ${outlook.vsm} could not chain`, cause), unavailable)
            )
          )
        )
    }
  })

/** Looks at the journal of this node's database. */
export const layer = (
  registry: Registry
): Layer.Layer<never, never, AuditKeys | AuditLog | EventStream | JournalHint> =>
  Layer.effect(AuditWatch, make(registry))
