/** A draft of a pattern over what has happened: what it would have found, and when. Nothing is acted on. */
import { Effect } from "effect"
import type { Pattern } from "../../protocol/pattern/Pattern.ts"
import type { EventStream, Selection, Start } from "../EventStream.ts"
import type { StoredPattern } from "../Patterns.ts"
import type { Match } from "../temporal/Match.ts"
import { PartitionEngine } from "./PartitionEngine.ts"

/** Events that a trial looks at, at most. */
const trialEventsMax = 1_000_000
/** Matches that it shows, at most; it counts all. */
const trialMatchesMax = 1000

const everything: Selection = { hasSamples: true, matches: () => true }
const pageLimits = { events: 5000, commits: 5000 }

/** What a draft would have done. */
export interface TrialReport {
  /** Events that were looked at, and the times of the first and last of them, ms. */
  readonly events: number
  readonly from: number | undefined
  readonly to: number | undefined
  /** Oldest first. */
  readonly matches: ReadonlyArray<Match>
  readonly matched: number
  /** Events that came after their time had passed. */
  readonly late: number
  /** Whether there was more to look at. */
  readonly isCut: boolean
}

const drafted = (pattern: Pattern): StoredPattern => ({
  id: "",
  name: pattern.name,
  version: 0,
  source: "",
  pattern,
  isOn: true,
  author: "",
  createdBy: "",
  createdAt: 0,
  updatedBy: "",
  updatedAt: 0
})

/**
 * Plays the stream from a start on to where it ends now. `others` are the patterns that the draft may stand on. Waits that
 * are not over at the end are left open: nobody knows yet.
 */
export const tryPattern = (
  stream: EventStream["Service"],
  pattern: Pattern,
  others: ReadonlyArray<StoredPattern>,
  start: Start
) =>
  Effect.gen(function* () {
    const engine = new PartitionEngine("all")
    engine.setPatterns([...others.filter(({ name }) => name !== pattern.name), drafted(pattern)])
    const matches: Array<Match> = []
    let [events, matched] = [0, 0]
    let [from, to]: [number | undefined, number | undefined] = [undefined, undefined]
    let at = start
    for (;;) {
      const page = yield* stream.read(at, everything, pageLimits)
      for (const { event } of page.events) {
        engine.take(event)
        from ??= event.ts.ms
        to = event.ts.ms
        events++
        for (const { match } of engine.takeFound()) {
          if (match.pattern !== pattern.name) continue
          matched++
          if (matches.length < trialMatchesMax) matches.push(match)
        }
      }
      const isCut = page.hasMore && events >= trialEventsMax
      if (!page.hasMore || isCut) {
        const late = engine.metrics().get(pattern.name)?.counts.late ?? 0
        return { events, from, to, matches, matched, late, isCut } satisfies TrialReport
      }
      at = { _tag: "After", cursor: page.next }
      // A long replay must not hold up what the node lives of.
      yield* Effect.yieldNow
    }
  })
