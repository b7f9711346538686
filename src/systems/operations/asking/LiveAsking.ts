/** Understands utterances by the words of the fleet as it is, and plans by what is stored of it. */
import { randomBytes } from "node:crypto"
import { Clock, Effect } from "effect"
import { type HolonError, Unavailable } from "../../../protocol/Errors.ts"
import { uuidV7 } from "../../../protocol/Ids.ts"
import type { Intent, Unclear } from "../../../protocol/intent/Intent.ts"
import { IntentCache } from "../../../protocol/intent/IntentCache.ts"
import { type Vocabulary, vocabularyOf } from "../../../protocol/intent/Vocabulary.ts"
import { contains } from "../../../protocol/Zone.ts"
import type { Interpreter, Scope } from "./Asking.ts"
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

/** Whether it has a word that nobody knows; a program that was just installed brings such words. */
const isOfNobody = (found: Intent | Unclear): boolean =>
  found._tag === "Unclear" && ["unknown", "strange", "inapplicable", "missing"].includes(found.reason)

/** Scopes whose words are kept ready. An operator who is confined to zones has one of his own. */
const scopesMax = 16

/** The words of what is in these zones, or in none. */
const within = ({ fleet }: Vocabulary, scope: ReadonlyArray<string>): Vocabulary => {
  const isSeen = (zone: string | undefined) => zone === undefined || scope.some((each) => contains(each, zone))
  return vocabularyOf({
    ...fleet,
    devices: fleet.devices.filter(({ zone }) => isSeen(zone)),
    zones: fleet.zones.filter(isSeen)
  })
}

/** Intents of one scope, by words that are thrown away with the fleet they are of. */
class Scoped {
  private whole: Vocabulary
  vocabulary: Vocabulary
  readonly intents: IntentCache
  private readonly scope: Scope

  constructor(whole: Vocabulary, scope: Scope) {
    this.whole = whole
    this.scope = scope
    this.vocabulary = scope === undefined ? whole : within(whole, scope)
    this.intents = new IntentCache(this.vocabulary)
  }

  /** The fleet as it is now. */
  use(whole: Vocabulary): void {
    if (whole === this.whole) return
    this.whole = whole
    this.vocabulary = this.scope === undefined ? whole : within(whole, this.scope)
    this.intents.use(this.vocabulary)
  }
}

/** One of a node. */
export const makeAsking = (described: Described): Effect.Effect<Interpreter, never, FleetRows> =>
  Effect.map(FleetRows, (rows) => {
    const words = makeLiveWords(rows, described)
    const scopes = new Map<string, Scoped>()
    const ready = (scope: Scope, vocabulary = words.vocabulary) =>
      Effect.map(vocabulary, (whole) => {
        const key = JSON.stringify(scope ?? null)
        const found = scopes.get(key) ?? new Scoped(whole, scope)
        // The one that was used last stands last.
        scopes.delete(key)
        scopes.set(key, found)
        const [oldest = ""] = scopes.keys()
        if (scopes.size > scopesMax) scopes.delete(oldest)
        found.use(whole)
        return found
      }).pipe(Effect.mapError(unavailable))
    const newId = Effect.map(Clock.currentTimeMillis, (now) => uuidV7(now, (count) => randomBytes(count)))
    return {
      read: (text, scope) =>
        Effect.gen(function* () {
          const now = yield* Clock.currentTimeMillis
          const { intents, vocabulary } = yield* ready(scope)
          const found = intents.read(text, now)
          if (!isOfNobody(found)) return found
          const renewed = yield* ready(scope, words.renewed)
          return renewed.vocabulary === vocabulary ? found : renewed.intents.read(text, now)
        }),
      learn: (text, intent, scope) => Effect.map(ready(scope), ({ intents }) => intents.learn(text, intent, true)),
      plan: ({ args, capability, targets }, scope) =>
        Effect.gen(function* () {
          const { vocabulary } = yield* ready(scope)
          const now = yield* Clock.currentTimeMillis
          const asked = { args, ...(targets !== undefined && { targets }) }
          const { images, look } = rows
          return yield* planners[capability](asked, { vocabulary, look, images, newId, now, scope })
        }).pipe(Effect.mapError((error) => (isUnread(error) ? unavailable(error) : error)))
    }
  })
