/**
 * The words of the fleet as it is, kept on a node. They are looked after when somebody asks, so that a fleet to which nobody
 * speaks costs nothing, and made anew only when something in them has changed.
 */
import { Clock, Effect, Semaphore } from "effect"
import type { BoardWords, FleetWords } from "../../../protocol/intent/FleetWords.ts"
import { type Vocabulary, vocabularyOf } from "../../../protocol/intent/Vocabulary.ts"
import type { FleetRows, FleetUnread } from "./FleetRows.ts"
import { type Fleet, wordsOf } from "./WordsOf.ts"

/**
 * Words count as new for ten times as long as it took to look after them, within these bounds, ms: a small fleet is looked after
 * for each sentence, and a large one takes a tenth of the store's time at most.
 */
const freshShare = 10
export const freshMin = 50
const freshMax = 5000
/** Fields of boards and names of values change when programs and firmware do, ms. */
export const fieldsFreshMillis = 30_000
/** The same where a sentence has a word that nobody knows, ms. */
const fieldsRenewedMillis = 1000

/** What the config says of boards and zones. */
export interface Described {
  readonly boards: ReadonlyArray<BoardWords>
  readonly units: Fleet["units"]
  readonly zones: ReadonlyArray<string>
}

/** The words, made ready, and what they were made of. */
interface Kept {
  readonly vocabulary: Vocabulary
  /** That of the devices, and that of all else. */
  readonly mark: string
  readonly rest: string
  /** Until when they count as new. */
  readonly until: number
  readonly fields: Pick<Fleet, "programs" | "twins"> & { readonly at: number; readonly profiles: string }
}

export interface LiveWords {
  /** Ready for reading; the same object for as long as nothing has changed. */
  readonly vocabulary: Effect.Effect<Vocabulary, FleetUnread>
  /** As that, also looking for fields and programs that are new: for a word that nobody knows. */
  readonly renewed: Effect.Effect<Vocabulary, FleetUnread>
}

const profilesOf = (devices: FleetWords["devices"]): ReadonlyArray<string> => [
  ...new Set(devices.flatMap(({ profile }) => profile ?? []))
]

/** Over what is stored. Those who ask at once wait for one look. */
export const makeLiveWords = (rows: FleetRows["Service"], { boards, units, zones }: Described): LiveWords => {
  const turn = Semaphore.makeUnsafe(1)
  let kept: Kept | undefined

  const fieldsAt = Effect.fnUntraced(function* (
    now: number,
    devices: FleetWords["devices"],
    last: Kept | undefined,
    maxAge: number
  ) {
    const profiles = profilesOf(devices)
    const isSame = last !== undefined && last.fields.profiles === profiles.join()
    if (isSame && now < last.fields.at + maxAge) return last.fields
    return { twins: yield* rows.twins(profiles), programs: yield* rows.programs, at: now, profiles: profiles.join() }
  })

  const look = Effect.fnUntraced(function* (maxAge: number) {
    const now = yield* Clock.currentTimeMillis
    const last = kept
    const hasOldFields = last === undefined || now >= last.fields.at + maxAge
    if (!hasOldFields && now < last.until) return last.vocabulary
    const mark = yield* rows.mark
    const devices = last?.mark === mark ? last.vocabulary.fleet.devices : yield* rows.devices
    const fields = yield* fieldsAt(now, devices, last, maxAge)
    const images = yield* rows.images
    const rollouts = yield* rows.rollouts
    const vsms = yield* rows.vsms
    const ofVsms = vsms.flatMap(({ zone }) => zone ?? [])
    const words = wordsOf({ devices, images, rollouts, vsms, ...fields, boards, units, zones: [...zones, ...ofVsms] })
    const rest = JSON.stringify({ ...words, devices: [] })
    const isSame = last?.mark === mark && last.rest === rest
    const vocabulary = isSame ? last.vocabulary : vocabularyOf(words, last?.vocabulary)
    const ended = yield* Clock.currentTimeMillis
    const until = ended + Math.min(freshMax, Math.max(freshMin, freshShare * (ended - now)))
    kept = { vocabulary, mark, rest, until, fields }
    return vocabulary
  })
  return {
    vocabulary: turn.withPermit(look(fieldsFreshMillis)),
    renewed: turn.withPermit(look(fieldsRenewedMillis))
  }
}
