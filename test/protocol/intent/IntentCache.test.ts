import { assert, describe, it } from "@effect/vitest"
import type { Intent } from "../../../src/protocol/intent/Intent.ts"
import { entriesMax, IntentCache, lifeMillis } from "../../../src/protocol/intent/IntentCache.ts"
import { vocabularyOf } from "../../../src/protocol/intent/Vocabulary.ts"
import { fleet, vocabulary } from "./Corpora.ts"

const readingsOf = (cache: IntentCache, text: string): ReadonlyArray<Intent> => {
  const found = cache.read(text, 0)
  return found._tag === "Intent" ? [found] : found.readings
}
const sourceOf = (cache: IntentCache, text: string, now: number): string => {
  const found = cache.read(text, now)
  return found._tag === "Intent" ? found.source : found.reason
}

describe("the cache of intents", () => {
  it("answers the same utterance from memory until its hour is over", () => {
    const cache = new IntentCache(vocabulary)
    assert.strictEqual(sourceOf(cache, "turn off heater-1", 0), "grammar")
    assert.strictEqual(sourceOf(cache, "Turn OFF  Heater-1", lifeMillis - 1), "cache")
    assert.strictEqual(sourceOf(cache, "turn off heater-1", lifeMillis), "grammar")
  })

  it("forgets what it knew when the fleet changes", () => {
    const cache = new IntentCache(vocabulary)
    cache.read("turn off heater-1", 0)
    cache.use(vocabularyOf({ ...fleet, devices: [] }))
    assert.strictEqual(cache.read("turn off heater-1", 1)._tag, "Unclear")
  })

  it("holds no more than its bound, and drops the oldest", () => {
    const cache = new IntentCache(vocabulary)
    cache.read("turn off heater-1", 0)
    for (let index = 0; index <= entriesMax; index++)
      cache.read(`set the interval of sensor-1 to ${1000 + index} ms`, 0)
    assert.strictEqual(sourceOf(cache, "turn off heater-1", 1), "grammar")
  }, 60_000)

  it("asks once where a person has chosen a reading", () => {
    const cache = new IntentCache(vocabulary)
    const text = "move oven-2 to line 1"
    const [first] = readingsOf(cache, text)
    if (first === undefined) throw new Error("nothing is offered")
    assert.strictEqual(cache.read(text, 0)._tag, "Unclear")
    assert.isTrue(cache.learn(text, first, true))
    assert.deepStrictEqual(
      readingsOf(cache, text).map(({ capability }) => capability),
      [first.capability]
    )
    assert.strictEqual(cache.read(text, 0)._tag, "Intent")
  })

  it("asks where a person has said that it did not mean that", () => {
    const cache = new IntentCache(vocabulary)
    const text = "turn off heater-1"
    const [first] = readingsOf(cache, text)
    if (first === undefined) throw new Error("nothing is read")
    assert.isTrue(cache.learn(text, first, false))
    assert.strictEqual(sourceOf(cache, text, 1), "ambiguous")
    assert.isTrue(cache.learn(text, first, true))
    assert.strictEqual(sourceOf(cache, text, 1), "grammar")
  })

  it("cannot be taught that an utterance means what the grammar does not find in it", () => {
    const cache = new IntentCache(vocabulary)
    const [retire] = readingsOf(cache, "retire press-4")
    if (retire === undefined) throw new Error("nothing is read")
    assert.isFalse(cache.learn("list the devices", retire, true))
    assert.isFalse(cache.learn("don't retire press-4", retire, true))
    assert.isFalse(cache.learn("turn off heater-1?", retire, true))
  })
})
