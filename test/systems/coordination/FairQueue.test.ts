import { assert, describe, it } from "@effect/vitest"
import * as FairQueue from "../../../src/systems/coordination/FairQueue.ts"

const empty: FairQueue.Queue = { slots: new Map(), virtual: 0, tags: new Map() }

const reserved = (queue: FairQueue.Queue, asked: FairQueue.SlotAsked, now: number): FairQueue.Turned => {
  const after = FairQueue.reserve(queue, asked, now)
  if ("_tag" in after) throw after
  return after
}

/** Topics that always want the next turn; each turn lasts 800 ms, so that one frees each 100 ms. */
const run = (weights: ReadonlyArray<number>, seconds: number) => {
  let queue: FairQueue.Queue = empty
  let serial = 0
  const got = weights.map(() => 0)
  const longest = weights.map(() => 0)
  const seen = new Set<string>()
  const topics = weights.map((weight, place) => ({ topic: `t${place}`, weight }))
  const ask = (place: number, now: number) => {
    const asked = { slot: `s${serial++}`, by: "", holdMillis: 60_000, waitMillis: 600_000 }
    queue = reserved(queue, { ...asked, ...(topics[place] ?? { topic: "", weight: 1 }) }, now)
  }
  for (const place of weights.keys()) for (let count = 0; count < 3; count++) ask(place, 0)
  for (let now = 0; now < seconds * 1000; now += 100) {
    for (const slot of queue.slots.values()) {
      const place = Number(slot.topic.slice(1))
      if (slot.state !== "held") continue
      if (!seen.has(slot.slot)) {
        seen.add(slot.slot)
        got[place] = (got[place] ?? 0) + 1
        longest[place] = Math.max(longest[place] ?? 0, now - slot.askedAt)
        ask(place, now)
      }
    }
    const oldest = [...queue.slots.values()]
      .filter(({ state }) => state === "held")
      .sort((a, b) => a.since - b.since)[0]
    if (oldest !== undefined) queue = FairQueue.giveBack(queue, oldest.slot, now)
    queue = FairQueue.turned(queue, now)
  }
  return { got, longest }
}

const jain = (values: ReadonlyArray<number>): number => {
  const sum = values.reduce((total, value) => total + value, 0)
  return sum ** 2 / (values.length * values.reduce((total, value) => total + value * value, 0))
}

describe("the fair queue", () => {
  it("gives sixteen equal topics equal shares", () => {
    const { got } = run(
      Array.from({ length: 16 }, () => 1),
      120
    )
    assert.isAbove(jain(got), 0.95)
    assert.isAbove(Math.min(...got), 60)
  })

  it("gives topics turns by their weights when all want more than there are", () => {
    const { got } = run([8, ...Array.from({ length: 15 }, () => 1)], 120)
    assert.isAbove(got[0] ?? 0, 1.5 * (got[1] ?? 0))
    assert.isAbove(jain(got.slice(1)), 0.95)
  })

  it("lets no topic wait ten seconds while a turn frees each 100 ms, however light it is", () => {
    const { longest } = run([0.1, ...Array.from({ length: 15 }, () => 10)], 120)
    // Each asks for three at a time, so the last of them waits for three turns.
    assert.isBelow((longest[0] ?? 0) / 3, 10_000)
    assert.isAbove(longest[0] ?? 0, 2000)
  })

  it("gives every topic a turn before one has two, while there are enough", () => {
    let queue: FairQueue.Queue = empty
    for (let count = 0; count < 20; count++)
      queue = reserved(
        queue,
        { slot: `a${count}`, topic: "a", by: "", weight: 10, holdMillis: 1000, waitMillis: 9000 },
        0
      )
    const held = (topic: string) =>
      [...queue.slots.values()].filter((slot) => slot.topic === topic && slot.state === "held").length
    assert.strictEqual(held("a"), FairQueue.slotsMax)
    queue = reserved(queue, { slot: "b", topic: "b", by: "", weight: 0.1, holdMillis: 1000, waitMillis: 9000 }, 0)
    assert.strictEqual(held("b"), 0)
    queue = FairQueue.giveBack(queue, "a0", 1)
    assert.deepStrictEqual([held("a"), held("b")], [7, 1])
  })

  it("takes a turn back from a holder that is silent, and refuses who waited in vain or may not wait", () => {
    let queue: FairQueue.Queue = empty
    const asked = { topic: "a", by: "", weight: 1, holdMillis: 1000 }
    for (let count = 0; count < 8; count++) queue = reserved(queue, { ...asked, slot: `a${count}`, waitMillis: 0 }, 0)
    assert.deepInclude(FairQueue.reserve(queue, { ...asked, slot: "x", waitMillis: 0 }, 0), { _tag: "Backpressure" })
    queue = reserved(queue, { ...asked, slot: "short", waitMillis: 500 }, 0)
    queue = reserved(queue, { ...asked, slot: "long", waitMillis: 5000 }, 0)
    queue = FairQueue.turned(queue, 500)
    assert.strictEqual(queue.slots.get("short")?.state, "refused")
    const after = FairQueue.turned(queue, 1000)
    assert.deepStrictEqual([after.lost.length, after.slots.get("long")?.state], [8, "held"])
    const later = FairQueue.turned(FairQueue.turned(after, 100_000), 200_000)
    assert.strictEqual(later.slots.size, 0, "what is over is forgotten")
    assert.strictEqual(after.tags.size, 0, "nobody waits: no topic is ahead of another")
  })

  it("weighs who waits more and more, up to a bound", () => {
    const weights = [0, 1999, 2000, 4000, 12_000, 60_000].map((now) =>
      FairQueue.agedWeight({ weight: 1, askedAt: 0 }, now)
    )
    assert.deepStrictEqual(weights, [1, 1, 1.5, 2, 4, 4])
  })
})
