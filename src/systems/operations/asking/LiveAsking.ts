/** Understands utterances by the words of the fleet as it is, and plans by what is stored of it. */
import { randomBytes } from "node:crypto"
import { Clock, Effect } from "effect"
import { type HolonError, Unavailable } from "../../../protocol/Errors.ts"
import { uuidV7 } from "../../../protocol/Ids.ts"
import { IntentCache } from "../../../protocol/intent/IntentCache.ts"
import type { Vocabulary } from "../../../protocol/intent/Vocabulary.ts"
import type { Interpreter } from "./Asking.ts"
import { FleetRows, FleetUnread } from "./FleetRows.ts"
import { type Described, makeLiveWords } from "./LiveWords.ts"
import { planners } from "./Plans.ts"

const retryMillis = 1000

/** As callers are told it. */
const unavailable = ({ cause }: FleetUnread) =>
  new Unavailable({
    cause: typeof cause === "string" ? cause : "the store does not answer",
    retryAfterMs: retryMillis
  })

/** Whether it is the store that failed, and not what was asked. */
const isUnread = (error: HolonError | FleetUnread): error is FleetUnread => error instanceof FleetUnread

/** One of a node. */
export const makeAsking = (described: Described): Effect.Effect<Interpreter, never, FleetRows> =>
  Effect.map(FleetRows, (rows) => {
    const words = makeLiveWords(rows, described)
    let cache: { readonly vocabulary: Vocabulary; readonly intents: IntentCache } | undefined
    const ready = Effect.map(words.vocabulary, (vocabulary) => {
      if (cache === undefined) cache = { vocabulary, intents: new IntentCache(vocabulary) }
      else if (cache.vocabulary !== vocabulary) {
        cache.intents.use(vocabulary)
        cache = { vocabulary, intents: cache.intents }
      }
      return cache.intents
    }).pipe(Effect.mapError(unavailable))
    const newId = Effect.map(Clock.currentTimeMillis, (now) => uuidV7(now, (count) => randomBytes(count)))
    return {
      read: (text) => Effect.zipWith(ready, Clock.currentTimeMillis, (intents, now) => intents.read(text, now)),
      learn: (text, intent) => Effect.map(ready, (intents) => intents.learn(text, intent, true)),
      plan: ({ args, capability, targets }) =>
        Effect.gen(function* () {
          const vocabulary = yield* words.vocabulary
          const now = yield* Clock.currentTimeMillis
          const asked = { args, ...(targets !== undefined && { targets }) }
          const { images, look } = rows
          return yield* planners[capability](asked, { vocabulary, look, images, newId, now })
        }).pipe(Effect.mapError((error) => (isUnread(error) ? unavailable(error) : error)))
    }
  })
