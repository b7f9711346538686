/**
 * Looks for patterns among the keys of one partition. A look at the stream is an effect; what it found, what that has done
 * and how far it came are one commit, so that a match acts once, however often the part of the stream is read again.
 */
import { Effect, Schema } from "effect"
import {
  type FoundMatch,
  type Looked,
  type NumbersOf,
  type Outlook,
  PatternWatch
} from "../../events/engine/PatternWatch.ts"
import { type PartitionState, PatternPartition } from "../../protocol/PatternPartition.ts"
import * as Behaviour from "../Behaviour.ts"
import { done, type JudgedMatch } from "./Actions.ts"
import { AuthorRights } from "./AuthorRights.ts"
import { raisedAtRoot } from "./Raise.ts"
import { storage } from "./Stored.ts"

/** A look that has not ended by then never will: it is begun again, ms. */
const stuckMillis = 60_000
/** Before the stream is asked again after it could not be read, ms. */
const againMillis = 1000
/** With so many actions on their way the stream is looked at no further until some have arrived. */
const tellsMax = 128
const crowdedMillis = 200
/** A place in the stream is noted at least so often, so that little is read again after a crash, ms. */
const notedMillis = 10_000

/** Where the look under way began; ahead of what is stored while nothing was found. */
interface Resident {
  readonly cursor: string | undefined
  readonly tick: number
  /** Number of the look; the outcome of another one changes nothing. */
  readonly look: number
  /** When to look again if nothing is heard, ms. */
  readonly dueAt: number
  /** What patterns have counted; absent before the first look. */
  readonly numbersOf: NumbersOf | undefined
}

type Context = Behaviour.TransitionContext<Resident>
type Outcome = Behaviour.Outcome<PartitionState, Resident, never, never>

const partitionOf = ({ self }: Context): number => Number(self.id)

const look = (state: PartitionState, context: Context, from: { cursor: string | undefined; tick: number }): Outcome => {
  const { resident } = context
  const number = resident.look + 1
  const outlook: Outlook = { partition: partitionOf(context), ...from, snapshot: state.snapshot }
  return {
    resident: { ...resident, ...from, look: number, dueAt: context.now + stuckMillis },
    effects: [{ name: "look", id: String(number), input: outlook }]
  }
}

/** Looks on; a while later where too much of what was found is still on its way. */
const goOn = (state: PartitionState, context: Context, from: { cursor: string; tick: number }): Outcome => {
  const { now, tellCount, resident } = context
  if (tellCount <= tellsMax) return look(state, context, from)
  return { resident: { ...resident, ...from, dueAt: now + crowdedMillis } }
}

const isLooked = Schema.is(
  Schema.Union([
    Schema.TaggedStruct("Looked", {
      cursor: Schema.String,
      tick: Schema.Finite,
      found: Schema.Array(Schema.Unknown),
      snapshot: Schema.UndefinedOr(
        Schema.Struct({ cursor: Schema.String, tick: Schema.Finite, pieces: Schema.Array(Schema.Uint8Array) })
      )
    }),
    Schema.TaggedStruct("Unavailable", {})
  ])
)

type JudgedLook =
  | (Omit<Extract<Looked, { readonly _tag: "Looked" }>, "found"> & { readonly found: ReadonlyArray<JudgedMatch> })
  | Extract<Looked, { readonly _tag: "Unavailable" }>

/** Judged when it matches: what an author may be told to do may have changed since the pattern was written. */
const judged = (found: FoundMatch, missing: (typeof AuthorRights)["Service"]["missing"]): JudgedMatch => ({
  ...found,
  missing: new Map(
    found.actions.flatMap((action) => {
      const right = action._tag === "Tell" ? missing(found.author, action) : undefined
      return right === undefined ? [] : [[action, right] as const]
    })
  )
})

/** What an effect of ours answered: it went through no storage, so it is what was made. */
const lookedOf = (outcome: unknown): JudgedLook | undefined => (isLooked(outcome) ? (outcome as JudgedLook) : undefined)

/** The behaviour of the partitions. */
export const patternPartition: Behaviour.AnyBehaviour = Behaviour.make<PatternPartition, Resident>(PatternPartition, {
  initial: () => ({ tick: 0, matched: 0 }),
  awake: ({ cursor, tick }, now) => ({ cursor, tick, look: 0, dueAt: now, numbersOf: undefined }),
  storage,
  atTakeover: () => true,
  residentDueAt: (_state, { dueAt }) => dueAt,
  timeout: (state, context) => {
    const { cursor, tick, dueAt } = context.resident
    return dueAt > context.now ? {} : look(state, context, { cursor, tick })
  },
  effects: {
    look: (input) =>
      Effect.gen(function* () {
        const watch = yield* PatternWatch
        const { missing } = yield* AuthorRights
        const looked = yield* watch.look(input as Outlook)
        return looked._tag === "Looked"
          ? { ...looked, found: looked.found.map((each) => judged(each, missing)) }
          : looked
      })
  },

  completed: (state, { id, outcome }, given) => {
    const { resident, now } = given
    if (id !== String(resident.look)) return {}
    const looked = lookedOf(outcome)
    if (looked === undefined || looked._tag === "Unavailable")
      return { resident: { ...resident, dueAt: now + againMillis } }
    const { cursor, tick, found, snapshot, numbersOf } = looked
    const context: Context = { ...given, resident: { ...resident, numbersOf } }
    const isNoted = found.length > 0 || snapshot !== undefined || tick >= state.tick + notedMillis
    const from = { cursor, tick }
    if (!isNoted) return goOn(state, context, from)
    const noted: PartitionState = {
      ...state,
      cursor,
      tick,
      matched: state.matched + found.length,
      ...(snapshot !== undefined && { snapshot })
    }
    return { state: noted, ...done(found, now), ...goOn(noted, context, from) }
  },

  undelivered: (_state, tell) => {
    const again = raisedAtRoot(tell)
    return again === undefined ? {} : { tells: [again] }
  },

  Begin: () => ({}),

  GetNumbers: (_state, { pattern }, { resident }) => {
    const numbers = resident.numbersOf?.(pattern)
    return { reply: { ...(numbers !== undefined && { numbers }) } }
  },

  GetProgress: ({ cursor, tick, matched, snapshot }) => ({
    reply: {
      ...(cursor !== undefined && { cursor }),
      tick,
      matched,
      snapshotBytes: snapshot?.pieces.reduce((sum, piece) => sum + piece.length, 0) ?? 0
    }
  })
})
