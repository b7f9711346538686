import { assert, describe, it } from "@effect/vitest"
import { EventTime, type Source } from "../../../src/events/temporal/EventTime.ts"
import { WakeHeap, type Waking } from "../../../src/events/temporal/WakeHeap.ts"
import type { Sleeper } from "../../../src/events/temporal/Wakes.ts"
import { randomFrom } from "../../support/Random.ts"
import { epoch, eventOf, pattern, Rig } from "./Rig.ts"

describe("a heap of times that mostly move on", () => {
  it("gives each member at the earliest time it was put in for, and none that was taken out, in the order of their times", () => {
    const next = randomFrom(5)
    const heap = new WakeHeap<Waking & { readonly name: number }>()
    const members = Array.from({ length: 200 }, (_, name) => ({ name, wakeAt: Number.POSITIVE_INFINITY }))
    const expected = new Map<number, number>()
    let now = 0
    for (let round = 0; round < 20_000; round++) {
      const member = members[Math.floor(next() * members.length)]
      if (member === undefined) throw new Error("nobody")
      if (next() < 0.6) {
        const wakeAt = now + Math.floor(next() * 1000)
        heap.put(member, wakeAt)
        expected.set(member.name, Math.min(wakeAt, expected.get(member.name) ?? Number.POSITIVE_INFINITY))
      } else if (next() < 0.5) {
        heap.remove(member)
        expected.delete(member.name)
      }
      assert.isAtMost(heap.next, Math.min(...expected.values()))
      if (next() < 0.2) now += Math.floor(next() * 50)
      for (let taken = heap.take(now); taken !== undefined; taken = heap.take(now)) {
        const least = Math.min(...expected.values())
        assert.strictEqual(expected.get(taken.name), least)
        assert.isAtMost(least, now)
        expected.delete(taken.name)
      }
      assert.isAbove(Math.min(...expected.values()), now)
    }
  })

  it("holds nothing for long of members that come and go", () => {
    const heap = new WakeHeap<Waking>()
    const far = { wakeAt: Number.POSITIVE_INFINITY }
    heap.put(far, 1e9)
    for (let round = 0; round < 10_000; round++) {
      const member = { wakeAt: Number.POSITIVE_INFINITY }
      heap.put(member, 1000 + round)
      heap.remove(member)
    }
    // Not even the time of the first of them is there any more.
    assert.isAbove(heap.next, 10_000)
    assert.strictEqual(heap.take(1e9), far)
    assert.strictEqual(heap.next, Number.POSITIVE_INFINITY)
  })
})

describe("what waits for the time of a source", () => {
  const told: Array<string> = []
  /** Waits for these times, one after the other; they count from the epoch. */
  const sleeper = (name: string, time: EventTime, source: Source | "all", ...dues: ReadonlyArray<number>): Sleeper => {
    const [first = 0, ...rest] = dues
    const waiting = [...rest]
    const made: Sleeper = {
      source: source === "all" ? undefined : source,
      isCrowded: source === "all",
      clock: Number.NEGATIVE_INFINITY,
      due: 0,
      wakeAt: Number.POSITIVE_INFINITY,
      heap: undefined,
      wake: () => {
        told.push(`${name} at ${(source === "all" ? time.overall : source.markAt(time.now)) - epoch}`)
        const next = waiting.shift()
        if (next !== undefined) time.wakes.put(made, epoch + next, time.now)
      }
    }
    time.wakes.put(made, epoch + first, time.now)
    return made
  }
  const begun = () => {
    told.length = 0
    const time = new EventTime()
    const say = (id: number, at: number, who = "press-1", comes = at) => {
      const source = time.admit(eventOf({ id, at, who, comes }))
      if (source === undefined) throw new Error("an event was refused")
      if (time.wakes.next <= time.now) time.wakes.wake(time.now)
      return source
    }
    const pass = (now: number) => {
      time.advance(epoch + now)
      if (time.wakes.next <= time.now) time.wakes.wake(time.now)
    }
    return { time, say, pass }
  }

  it("is woken with the event by which the source has come so far, once, in the order of the times", () => {
    const { time, say } = begun()
    const source = say(1, 0)
    sleeper("late", time, source, 4000)
    sleeper("early", time, source, 1000, 3500)
    say(2, 2999)
    assert.deepStrictEqual(told, [])
    say(3, 3000)
    assert.deepStrictEqual(told, ["early at 1000"])
    say(4, 9000)
    assert.deepStrictEqual(told.slice(1), ["early at 7000", "late at 7000"])
  })

  it("is woken without an event where the source is silent, as soon as it counts as silent or has come so far", () => {
    const { time, say, pass } = begun()
    const source = say(1, 0)
    sleeper("soon", time, source, 1000)
    sleeper("later", time, source, 8000)
    pass(4999)
    assert.deepStrictEqual(told, [])
    pass(5000)
    assert.deepStrictEqual(told, ["soon at 3000"])
    pass(9999)
    assert.strictEqual(told.length, 1)
    pass(10_000)
    assert.deepStrictEqual(told.slice(1), ["later at 8000"])
    assert.strictEqual(time.wakes.next, Number.POSITIVE_INFINITY)
  })

  it("waits on while the source speaks, and is not woken by another one", () => {
    const { time, say, pass } = begun()
    const source = say(1, 0)
    sleeper("mine", time, source, 20_000)
    for (let at = 1000; at <= 21_000; at += 1000) {
      say(at + 1, at)
      say(at + 1, at + 600_000, "press-2", at)
      pass(at + 999)
    }
    assert.deepStrictEqual(told, [])
    say(30_000, 22_000)
    assert.deepStrictEqual(told, ["mine at 20000"])
  })

  it("goes by the time of all sources where too many speak of it", () => {
    const { time, say, pass } = begun()
    time.wantOverall()
    say(1, 0)
    say(1, 0, "press-2")
    sleeper("crowd", time, "all", 1000)
    say(2, 4000)
    assert.deepStrictEqual(told, [])
    say(2, 4200, "press-2")
    pass(4300)
    assert.deepStrictEqual(told, ["crowd at 2000"])
  })

  it("waits no longer once it is taken out", () => {
    const { time, say, pass } = begun()
    const gone = sleeper("gone", time, say(1, 0), 1000)
    time.wakes.remove(gone)
    say(2, 9000)
    pass(90_000)
    assert.deepStrictEqual(told, [])
  })
})

describe("a key of which many sources speak", () => {
  it("is told of a window when the last of them has come to its end, and goes on so from a snapshot", () => {
    const rig = new Rig(
      pattern(
        {
          _tag: "When",
          aggregate: { _tag: "Count" },
          threshold: { operator: ">=", value: 12 },
          over: { _tag: "Tumbling", millis: 10_000 }
        },
        { by: [["zone"]] }
      )
    )
    const all = (from: number, at: number) =>
      Array.from({ length: 12 }, (_, who) => ({ id: from + who, at: at + who, who: `press-${who}`, zone: "hall" }))
    rig.tell(...all(1, 8000)).pass(8100)
    rig.tell(...all(101, 12_500).slice(1)).pass(12_900)
    assert.deepStrictEqual(rig.short, [])
    rig.cut().tell({ id: 101, at: 12_950, who: "press-0", zone: "hall" }).pass(13_100)
    assert.deepStrictEqual(rig.short, ["match at 10000 of 12"])
    // The second window, with the silence of all.
    rig.pass(60_000)
    assert.deepStrictEqual(rig.short.slice(1), ["match at 20000 of 101"])
  })
})
