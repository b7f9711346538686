/** How much of what people say is understood: on the utterances the grammar was written against, and on those held apart. */
import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { capabilities, isCapability } from "../../../src/protocol/intent/Capabilities.ts"
import { readIntent } from "../../../src/protocol/intent/ReadIntent.ts"
import { corpusLines, corpusText, expectedIn, understood, vocabulary } from "./Corpora.ts"

interface Figure {
  readonly intents: number
  readonly slots: number
  /** Acts that would be done and were not meant. */
  readonly wrongActs: ReadonlyArray<string>
}

const measured = (name: string): Figure => {
  const all = expectedIn(name)
  let intents = 0
  let slots = 0
  let slotsThere = 0
  const wrongActs: Array<string> = []
  const missed: Array<string> = []
  for (const expected of all) {
    const result = readIntent(expected.say, vocabulary)
    const found = understood(result)
    if (found.capability === expected.capability) intents++
    const right =
      found.capability === expected.capability ? expected.slots.filter((slot) => found.slots.includes(slot)).length : 0
    slots += right
    // What was found beside what was expected is as wrong as what is missing.
    slotsThere += Math.max(expected.slots.length, found.slots.length)
    const isExact = found.capability === expected.capability && found.slots.join() === expected.slots.join()
    if (isExact) continue
    const line = `${expected.say} => ${[found.capability, ...found.slots].join(" ")}`
    missed.push(line)
    if (found.capability !== "?") wrongActs.push(line)
  }
  const share = (part: number, whole: number) => `${((100 * part) / whole).toFixed(1)} %`
  console.log(
    `${name}: intents ${share(intents, all.length)}, slots ${share(slots, slotsThere)} of ${all.length} utterances`
  )
  if (process.env["SHOW_MISSED"] === name) console.log(missed.join("\n"))
  return { intents: intents / all.length, slots: slots / slotsThere, wrongActs }
}

describe("the grammar", () => {
  it("understands the utterances it was written against", () => {
    assert.strictEqual(expectedIn("fleet.txt").length, 300)
    const { intents, slots, wrongActs } = measured("fleet.txt")
    assert.isAtLeast(intents, 0.95)
    assert.isAtLeast(slots, 0.9)
    assert.deepStrictEqual(wrongActs, [])
  })

  it("understands utterances it was not written against", () => {
    assert.strictEqual(expectedIn("held-apart.txt").length, 100)
    const { intents, slots, wrongActs } = measured("held-apart.txt")
    assert.isAtLeast(intents, 0.95)
    assert.isAtLeast(slots, 0.9)
    assert.deepStrictEqual(wrongActs, [])
  })

  it("was not changed together with the utterances that are held apart", () => {
    const digest = createHash("sha256").update(corpusText("held-apart.txt")).digest("hex")
    assert.strictEqual(digest, "84c9ad3e4c159302053c74c8e50e72cf662e5af3c720949dcf194d00551f7605")
  })

  it("shares no utterance between the two", () => {
    const written = new Set(expectedIn("fleet.txt").map(({ say }) => say.toLowerCase()))
    assert.deepStrictEqual(
      expectedIn("held-apart.txt").filter(({ say }) => written.has(say.toLowerCase())),
      []
    )
  })

  it("acts on none of the traps", () => {
    const traps = corpusLines("traps.txt")
    assert.isAtLeast(traps.length, 60)
    const acted = traps.filter((trap) => readIntent(trap, vocabulary)._tag === "Intent")
    console.log(`traps.txt: ${acted.length} of ${traps.length} acted on`)
    assert.deepStrictEqual(acted, [])
  })

  it("asks something back for each of them", () => {
    for (const trap of corpusLines("traps.txt")) {
      const result = readIntent(trap, vocabulary)
      assert.isTrue(result._tag === "Unclear" && /[?.]$/.test(result.question), trap)
    }
  })

  it("acts on no order of the corpora that was turned into something else", () => {
    const turns: ReadonlyArray<(order: string) => string> = [
      (order) => `don't ${order}`,
      (order) => `never ${order}`,
      (order) => `${order} not`,
      (order) => `if sensor-1 is online ${order}`,
      (order) => `${order} unless it rains`,
      (order) => `what happens if I ${order}`,
      (order) => `should we ${order}`,
      (order) => `he said ${order}`,
      (order) => `"${order}"`,
      (order) => `${order} tomorrow at noon`,
      (order) => `${order}; retire press-4`,
      (order) => `${order} and then reboot press-1`,
      (order) => `the name of press-1 is ${order}`
    ]
    const orders = [...expectedIn("fleet.txt"), ...expectedIn("held-apart.txt")].filter(
      ({ capability }) => isCapability(capability) && capabilities[capability].effect === "actuates"
    )
    assert.isAtLeast(orders.length, 200)
    const acted = orders
      .flatMap(({ say }) => turns.map((turn) => turn(say.replace(/[.!?]$/, ""))))
      .filter((text) => readIntent(text, vocabulary)._tag === "Intent")
    assert.deepStrictEqual(acted, [])
  })
})
