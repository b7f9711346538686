/**
 * The looks of a node: keeps the engine of each partition it works on in memory, feeds it with what comes on the stream, and
 * builds it anew from the snapshot where memory and row do not agree: after a start, a move, or a commit that failed.
 */
import { Cause, Clock, Effect, Layer } from "effect"
import { isOfTypes } from "../../protocol/pattern/TypeMatch.ts"
import { compareCursors, type EventPage, type EventStream } from "../EventStream.ts"
import type { JournalHint } from "../JournalHint.ts"
import type { JournalPart } from "../JournalReader.ts"
import { telemetryType } from "../matching/Document.ts"
import { PatternLibrary } from "../PatternLibrary.ts"
import type { StoredPattern } from "../Patterns.ts"
import { interestsOf } from "../temporal/Interest.ts"
import { Chains } from "./Chains.ts"
import { Depths } from "./Depths.ts"
import { makePageReader } from "./PageReader.ts"
import { PartitionEngine } from "./PartitionEngine.ts"
import { type FoundMatch, type Looked, type Outlook, PatternWatch, type Snapshot } from "./PatternWatch.ts"
import { SnapshotDrawing } from "./SnapshotDrawing.ts"

/** Matches of one commit; what comes behind waits for the next look. */
const foundMax = 64
/** As long a look lasts while there is no pattern, ms: then a new one sees what came since. */
const idleMillis = 500
/** How old the list of patterns may be, ms. */
const patternsMillis = 250

interface Memory {
  readonly engine: PartitionEngine
  readonly depths: Depths
  readonly chains: Chains
  readonly snapshots: SnapshotDrawing
  /** How far it has come: what the row says, too, unless a commit failed. */
  cursor: string
  tick: number
  /** Time was stopped where there were matches enough: it is to go on at once. */
  isBehind: boolean
  /** The list of patterns it works with. */
  revision: number
  /** Spent with events, ms. */
  millis: number
}

interface Known {
  readonly revision: number
  readonly patterns: ReadonlyArray<StoredPattern>
  /** What of the stream they want to see. */
  readonly part: JournalPart
  readonly askedAt: number
}

const isAnyOn = ({ patterns }: Known): boolean => patterns.some(({ isOn }) => isOn)

const wantsSamples = ({ pattern, isOn }: StoredPattern): boolean =>
  isOn && interestsOf(pattern).some(({ types }) => isOfTypes(types, telemetryType))

const unavailable: Looked = { _tag: "Unavailable" }

const joined = (pieces: ReadonlyArray<Uint8Array>): Uint8Array => {
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}

const make = Effect.gen(function* () {
  const library = yield* PatternLibrary
  const pages = yield* makePageReader
  const memories = new Map<number, Memory>()
  let known: Known | undefined

  /** The list as it is. */
  const fresh = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    const { revision, stored } = yield* library.current
    if (known?.revision === revision) known = { ...known, askedAt: now }
    else {
      const patterns = [...stored.values()]
      known = { revision, patterns, part: patterns.some(wantsSamples) ? "all" : "events", askedAt: now }
    }
    return known
  })

  /** The list as of a moment ago. */
  const current = Effect.flatMap(Clock.currentTimeMillis, (now) =>
    known !== undefined && now < known.askedAt + patternsMillis ? Effect.succeed(known) : fresh
  )

  const adopt = Effect.fnUntraced(function* (memory: Memory, { revision, patterns: list }: Known) {
    const failed = memory.engine.setPatterns(list)
    memory.revision = revision
    if (failed.length > 0) yield* Effect.logWarning(`patterns that cannot be made: ${failed.join(", ")}`)
  })

  /** Reads again what came between the snapshot and the place of the row; what that finds was acted on before. */
  const rebuilt = Effect.fnUntraced(function* ({ partition, cursor, tick, snapshot }: Outlook, list: Known) {
    const now = yield* Clock.currentTimeMillis
    const engine = new PartitionEngine(partition)
    const memory: Memory = {
      engine,
      depths: new Depths(),
      chains: new Chains(),
      snapshots: new SnapshotDrawing(engine, now),
      cursor: cursor ?? (yield* pages.end),
      tick,
      isBehind: false,
      revision: -1,
      millis: 0
    }
    yield* adopt(memory, list)
    if (snapshot === undefined || !isAnyOn(list)) return memory
    if (!memory.engine.restore(joined(snapshot.pieces)))
      yield* Effect.logWarning(`partition ${partition} of the patterns begins anew: its snapshot is of another release`)
    for (let at = snapshot.cursor; compareCursors(at, memory.cursor) < 0; ) {
      const page = yield* pages.behind(at, list.part)
      for (const placed of page.events) {
        if (compareCursors(placed.cursor, memory.cursor) > 0) break
        memory.engine.take(placed.event)
        memory.depths.hear(placed.event)
        memory.chains.hear(placed.event)
      }
      memory.snapshots.fed(page.events.length)
      if (page.next === at) break
      at = page.next
    }
    memory.engine.advance(tick)
    for (const { match } of memory.engine.takeFound()) {
      memory.depths.of(match)
      memory.chains.of(match)
    }
    return memory
  })

  const found = (memory: Memory, into: Array<FoundMatch>): void => {
    for (const { stored, match } of memory.engine.takeFound()) {
      const { author, pattern } = stored
      const { priority, actions } = pattern
      into.push({ match, depth: memory.depths.of(match), because: memory.chains.of(match), priority, actions, author })
    }
  }

  /** Feeds a page, up to the event with which the matches are enough for one commit. Answers whether all of it was fed. */
  const feed = (memory: Memory, page: EventPage, into: Array<FoundMatch>): boolean => {
    const began = performance.now()
    const isFed = feedAll(memory, page, into)
    memory.millis += performance.now() - began
    return isFed
  }

  const feedAll = (memory: Memory, page: EventPage, into: Array<FoundMatch>): boolean => {
    for (const { cursor, event } of page.events) {
      memory.engine.take(event)
      memory.depths.hear(event)
      memory.chains.hear(event)
      memory.cursor = cursor
      memory.snapshots.fed(1)
      found(memory, into)
      if (into.length >= foundMax) return false
    }
    memory.cursor = page.next
    return true
  }

  /**
   * Lets time go on, up to where the matches are enough for one commit: a whole fleet may fall silent at once. Answers how
   * far it went.
   */
  const advance = (memory: Memory, until: number, into: Array<FoundMatch>): number => {
    const { engine, tick } = memory
    for (let at = tick; ; ) {
      at = Math.min(until, Math.max(engine.next, at + 1))
      engine.advance(at)
      found(memory, into)
      memory.isBehind = at < until && into.length >= foundMax
      if (at === until || memory.isBehind) return at
    }
  }

  const seen = (
    memory: Memory,
    tick: number,
    matches: ReadonlyArray<FoundMatch> = [],
    snapshot: Snapshot | undefined = undefined
  ): Looked => {
    memory.tick = tick
    const { cursor, engine } = memory
    return { _tag: "Looked", cursor, tick, found: matches, snapshot, numbersOf: (name) => engine.numbersOf(name) }
  }

  /** What a partition has in memory, where that is what its row says. */
  const heldOf = ({ partition, cursor, tick }: Outlook): Memory | undefined => {
    const held = memories.get(partition)
    // Where nothing comes, only time goes on: what it brought and no commit has kept must be found again.
    return held?.cursor === cursor && held?.tick === tick ? held : undefined
  }

  /** Without a pattern nothing is read: the stream costs a node more than all else that it does with a frame. */
  const idle = Effect.fnUntraced(function* (memory: Memory, { tick }: Outlook) {
    yield* Effect.sleep(idleMillis)
    const next = yield* pages.end
    // A pattern that was added meanwhile sees all that came since: the end of the stream was read before the list was.
    if (isAnyOn(yield* fresh)) return seen(memory, tick)
    const now = yield* Clock.currentTimeMillis
    memory.cursor = next
    memory.engine.advance(now)
    // Nobody is to read again what came while nobody asked for it.
    const place = { cursor: next, tick: now }
    return seen(memory, now, [], memory.snapshots.isOld(now) ? memory.snapshots.drawWhole(place, now) : undefined)
  })

  const look = Effect.fnUntraced(function* (outlook: Outlook) {
    const { partition, cursor, tick } = outlook
    const before = yield* current
    const memory = heldOf(outlook) ?? (yield* rebuilt(outlook, before))
    memories.set(partition, memory)
    const place = { cursor: memory.cursor, tick }
    const begun = yield* Clock.currentTimeMillis
    // The first look says where it begins, so that nothing that comes is ever left out.
    if (cursor === undefined) return seen(memory, begun, [], memory.snapshots.drawWhole(place, begun))
    if (!isAnyOn(before)) {
      // The last one that was switched off waits for nothing any more.
      if (memory.revision !== before.revision) yield* adopt(memory, before)
      return yield* idle(memory, outlook)
    }
    const snapshot = memory.snapshots.draw(place, begun)
    const page = yield* memory.isBehind
      ? pages.behind(memory.cursor, before.part)
      : pages.awaited(memory.cursor, before.part)
    memory.isBehind = false
    // What came after a pattern was added is for it, too.
    const list = yield* current
    if (list.part !== before.part) return seen(memory, tick, [], snapshot)
    if (memory.revision !== list.revision) yield* adopt(memory, list)
    const matches: Array<FoundMatch> = []
    const isFed = feed(memory, page, matches)
    // Our time must not run ahead of what was written and is still to be read: behind it everything would be late.
    if (!isFed || page.hasMore) return seen(memory, tick, matches, snapshot)
    return seen(memory, advance(memory, Math.max(tick, page.readAt), matches), matches, snapshot)
  })

  return {
    counts: () =>
      Array.from(memories, ([partition, { engine, millis }]) => ({
        partition,
        matching: engine.matching,
        millis,
        patterns: engine.metrics()
      })),
    look: (outlook: Outlook) =>
      look(outlook).pipe(
        Effect.catchCause((cause) =>
          Effect.as(
            Effect.andThen(
              Effect.sync(() => memories.delete(outlook.partition)),
              // A node that stops interrupts its looks.
              Cause.hasInterruptsOnly(cause)
                ? Effect.void
                : Effect.logWarning(
                    `partition ${outlook.partition} of the patterns could not look at the stream`,
                    cause
                  )
            ),
            unavailable
          )
        )
      )
  }
})

/** Looks at the stream of this node's database. */
export const layer: Layer.Layer<never, never, EventStream | PatternLibrary | JournalHint> = Layer.effect(
  PatternWatch,
  make
)
