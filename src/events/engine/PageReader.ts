/** Reads the stream for the partitions of a node: each part of it once, however many of them look at it. */
import { Clock, Deferred, Effect, Queue } from "effect"
import { type EventPage, EventStream, type Selection } from "../EventStream.ts"
import { JournalHint } from "../JournalHint.ts"
import type { CursorMalformed, JournalPart, JournalUnavailable } from "../JournalReader.ts"
import { RecentPages } from "./RecentPages.ts"

/** Every event is looked at: which of them matter is the matcher's to find. What boards measure only where a pattern wants it. */
const selections: Readonly<Record<JournalPart, Selection>> = {
  all: { hasSamples: true, matches: () => true },
  events: { hasSamples: false, matches: () => true }
}
/** Commits that are read at a time. One may hold an event or hundreds: as many as give about so many events. */
const commitsMin = 50
const commitsMax = 2000
const pageEvents = 2000
/** A look at a quiet stream ends after this, ms: then waits are noticed that have nothing to do with events. */
const quietMillis = 500
/** Behind the end of the stream nothing is read again before so long, ms: a read costs more than what one commit holds. */
const breathMillis = 10
/** After a hint: the commit that hinted, and those beside it, are to be seen, ms. */
const gatherMillis = 2

/** A page, and until when it has all there was, ms: it may be kept for a while before the last partition looks at it. */
export interface ReadPage extends EventPage {
  readonly readAt: number
}

type Reading = Deferred.Deferred<ReadPage, JournalUnavailable | CursorMalformed>

/** A reader for as long as its scope. */
export const makePageReader = Effect.gen(function* () {
  const stream = yield* EventStream
  const hint = yield* JournalHint
  const scope = yield* Effect.scope
  const recent: Readonly<Record<JournalPart, RecentPages<ReadPage>>> = {
    all: new RecentPages(),
    events: new RecentPages()
  }
  /** Reads under way, by what they read and behind which cursor. */
  const readings = new Map<string, Reading>()
  /** When the stream was read to its end, ms. */
  const endedAt = { all: Number.NEGATIVE_INFINITY, events: Number.NEGATIVE_INFINITY }
  let commits = commitsMin

  /** What was read stays: a page is never cut, for what is left of it would have to be read again. */
  const paceBy = ({ events, hasMore }: EventPage): void => {
    if (events.length > 2 * pageEvents) commits = Math.max(commitsMin, Math.floor(commits / 2))
    else if (hasMore && events.length < pageEvents / 2) commits = Math.min(commitsMax, commits * 2)
  }

  const readBehind = (cursor: string, part: JournalPart, reading: string, answer: Reading) =>
    Effect.gen(function* () {
      const readAt = yield* Clock.currentTimeMillis
      const limits = { events: Number.POSITIVE_INFINITY, commits }
      const page: ReadPage = { ...(yield* stream.read({ _tag: "After", cursor }, selections[part], limits)), readAt }
      paceBy(page)
      if (!page.hasMore) endedAt[part] = readAt
      recent[part].keep(cursor, page)
      return page
    }).pipe(Effect.ensuring(Effect.sync(() => readings.delete(reading))), Deferred.into(answer))

  /** The partitions of a node look at the same moment: one reads for all. It reads on when the one that began is stopped. */
  const behind = (cursor: string, part: JournalPart) =>
    Effect.suspend(() => {
      const page = recent[part].behind(cursor)
      if (page !== undefined) return Effect.succeed(page)
      const reading = `${part} ${cursor}`
      const underWay = readings.get(reading)
      if (underWay !== undefined) return Deferred.await(underWay)
      const answer: Reading = Deferred.makeUnsafe()
      // Whoever stops in between must leave no reading that nobody does.
      const begin = Effect.suspend(() => {
        readings.set(reading, answer)
        return Effect.forkIn(Effect.interruptible(readBehind(cursor, part, reading, answer)), scope)
      })
      return Effect.andThen(Effect.uninterruptible(begin), Deferred.await(answer))
    })

  /** As {@link behind}, but what was read to its end a moment ago is given time. */
  const paced = Effect.fnUntraced(function* (cursor: string, part: JournalPart) {
    const page = recent[part].behind(cursor)
    if (page !== undefined) return page
    const wait = endedAt[part] + breathMillis - (yield* Clock.currentTimeMillis)
    if (wait > 0) yield* Effect.sleep(wait)
    return yield* behind(cursor, part)
  })

  /** The next page; waits a while for one that has events. */
  const awaited = Effect.fnUntraced(function* (cursor: string, part: JournalPart) {
    const hints = yield* hint.subscribe
    const page = yield* paced(cursor, part)
    if (page.events.length > 0) return page
    yield* Effect.raceFirst(Queue.take(hints), Effect.sleep(quietMillis))
    yield* Effect.sleep(gatherMillis)
    const told = yield* paced(cursor, part)
    if (told.events.length > 0) return told
    // A commit is seen when none that began before it is open any more, and nobody tells when that is.
    return yield* paced(cursor, part)
  }, Effect.scoped)

  const end = stream
    .read({ _tag: "Now" }, selections.events, { events: 0, commits: 0 })
    .pipe(Effect.map(({ next }) => next))

  return {
    /** Where the stream ends now. */
    end,
    behind,
    awaited
  }
})
