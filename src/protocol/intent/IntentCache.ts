/** Remembers what utterances meant, and what people chose when they were asked. Time is given, never read. */
import { unclear } from "./Asking.ts"
import { intentLine } from "./Choose.ts"
import type { Intent, Unclear } from "./Intent.ts"
import { readIntent } from "./ReadIntent.ts"
import { normalised, tokensOf, utteranceMax } from "./Token.ts"
import type { Vocabulary } from "./Vocabulary.ts"

/** Utterances that are remembered. */
export const entriesMax = 10_000
/** How long, ms. */
export const lifeMillis = 3_600_000

interface Entry {
  readonly intent: Intent
  readonly until: number
}

/** What people said of a reading: the one they chose, and those they did not mean. */
interface Lesson {
  readonly chosen?: string
  readonly refused: ReadonlyArray<string>
}

const trimmed = <A>(map: Map<string, A>): void => {
  const [oldest] = map.keys()
  if (map.size > entriesMax && oldest !== undefined) map.delete(oldest)
}

/** Reads intents of one fleet. What is not in the cache is read by the grammar. */
export class IntentCache {
  private vocabulary: Vocabulary
  private readonly entries = new Map<string, Entry>()
  private readonly lessons = new Map<string, Lesson>()

  constructor(vocabulary: Vocabulary) {
    this.vocabulary = vocabulary
  }

  /** The fleet has changed: what utterances mean is found out anew. What people chose stays, where it still can be meant. */
  use(vocabulary: Vocabulary): void {
    this.vocabulary = vocabulary
    this.entries.clear()
  }

  /** What the utterance means, at a time in ms. */
  read(text: string, now: number): Intent | Unclear {
    if (text.length > utteranceMax) return readIntent(text, this.vocabulary)
    const key = normalised(tokensOf(text))
    const entry = this.entries.get(key)
    if (entry !== undefined && now < entry.until) return { ...entry.intent, source: "cache" }
    this.entries.delete(key)
    const found = this.taught(key, readIntent(text, this.vocabulary))
    if (found._tag === "Intent") {
      this.entries.set(key, { intent: found, until: now + lifeMillis })
      trimmed(this.entries)
    }
    return found
  }

  /**
   * A person has said whether the intent is what the utterance meant. Only a reading that the grammar finds can be chosen, so
   * that nobody can teach an utterance to mean something else; answers whether it was one.
   */
  learn(text: string, intent: Intent, isAccepted: boolean): boolean {
    const line = intentLine(intent)
    const found = readIntent(text, this.vocabulary)
    const readings = found._tag === "Intent" ? [found] : found.reason === "ambiguous" ? found.readings : []
    if (!readings.some((reading) => intentLine(reading) === line)) return false
    const key = normalised(tokensOf(text))
    const { chosen, refused = [] } = this.lessons.get(key) ?? {}
    const others = refused.filter((each) => each !== line)
    this.lessons.delete(key)
    if (isAccepted) this.lessons.set(key, { chosen: line, refused: others })
    else
      this.lessons.set(key, { ...(chosen !== undefined && chosen !== line && { chosen }), refused: [...others, line] })
    trimmed(this.lessons)
    this.entries.delete(key)
    return true
  }

  private taught(key: string, found: Intent | Unclear): Intent | Unclear {
    const lesson = this.lessons.get(key)
    if (lesson === undefined) return found
    if (found._tag === "Intent") {
      if (!lesson.refused.includes(intentLine(found))) return found
      return unclear("ambiguous", "It did not mean that before. What do you mean?", { readings: [found] })
    }
    if (found.reason !== "ambiguous") return found
    return found.readings.find((reading) => intentLine(reading) === lesson.chosen) ?? found
  }
}
