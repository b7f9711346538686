import { assert, describe, it } from "@effect/vitest"
import { randomFrom } from "../../support/Random.ts"
import { agrees, delayed, line, machineSays, n, onTime, seeds } from "./Agreement.ts"
import { Cycle } from "./Cycle.ts"
import { epoch, field, pattern, Rig, type Told } from "./Rig.ts"
import { type Counted, counted, inTime, story } from "./Story.ts"

const tumbling = { _tag: "Tumbling", millis: 3000 } as const
const many = { operator: ">", value: 3.5 } as const
const few = { operator: "<", value: 1.5 } as const
const counts = { _tag: "When", aggregate: { _tag: "Count" }, threshold: many, over: tumbling } as const

describe("windows that end, and a reference that keeps every event", () => {
  const frames = (events: ReadonlyArray<Counted>) => {
    const byEnd = new Map<number, Array<Counted>>()
    for (const each of events) {
      const close = (Math.floor(each.told.at / 3000) + 1) * 3000
      byEnd.set(close, [...(byEnd.get(close) ?? []), each])
    }
    return byEnd
  }
  it("agree on windows that end", () => {
    agrees(pattern(counts), delayed, (who, events) =>
      [...frames(onTime(events))].flatMap(([close, inside]) =>
        inside.length > 3 ? [line(who, "match", close, [inside.at(-1)?.told.id ?? 0], inside.length)] : []
      )
    )
  })

  it("agree on windows that are opened again for late events, once matched or not", () => {
    const allowLateMillis = 4000
    agrees(
      pattern(counts),
      delayed,
      (who, events) => {
        const taken = events.filter(({ told, clock }) => told.at >= clock - allowLateMillis)
        return [...frames(taken)].flatMap(([close, inside]) => {
          // It is looked at when it ends, and then with every event that comes.
          const before = inside.filter(({ clock }) => clock < close)
          const after = inside.filter(({ clock }) => clock >= close)
          const looks = [before, ...after.map((_, index) => [...before, ...after.slice(0, index + 1)])]
          const found = looks.find((seen) => seen.length > 3)
          return found === undefined ? [] : [line(who, "match", close, [found.at(-1)?.told.id ?? 0], found.length)]
        })
      },
      { allowLateMillis }
    )
  })

  it.each([
    [3000, many, few],
    [9000, { operator: ">", value: 0.5 }, { operator: "<", value: 0.5 }],
    [9000, { operator: "<", value: 2.5 }, { operator: ">", value: 3.5 }]
  ] as const)(
    "agree on states that last %i ms over windows that end, empty ones among them",
    (forMillis, over, back) => {
      agrees(
        pattern({ ...counts, threshold: over, clear: back, forMillis }),
        delayed,
        (who, events) => {
          const byEnd = frames(onTime(events))
          const cycle = new Cycle({ over, back, forMillis })
          const ends = [...byEnd.keys()]
          const lines: Array<string> = []
          for (let close = Math.min(...ends); close <= Math.max(...ends) + 30_000; close += 3000) {
            const inside = byEnd.get(close) ?? []
            // Where nothing lasts, a window in which nothing happened is nothing.
            if (inside.length === 0 && cycle.isClear) continue
            const change = cycle.see(inside.length, close)
            const last = inside.at(-1)
            if (change !== undefined) lines.push(line(who, change, close, last ? [last.told.id] : [], inside.length))
          }
          return lines
        },
        { fewest: 20 }
      )
    }
  )

  it("agree on sessions", () => {
    const given = pattern({
      _tag: "When",
      aggregate: { _tag: "Sum", of: field("n") },
      threshold: { operator: ">", value: 20.5 },
      over: { _tag: "Session", gapMillis: 1000 }
    })
    agrees(given, delayed, (who, events) => {
      const sessions: Array<Array<Counted>> = []
      for (const each of inTime(onTime(events))) {
        const last = sessions.at(-1)
        if (last !== undefined && each.told.at - (last.at(-1)?.told.at ?? 0) < 1000) last.push(each)
        else sessions.push([each])
      }
      return sessions.flatMap((session) => {
        const sum = session.reduce((total, each) => total + n(each), 0)
        const newest = session.reduce((one, other) => (one.place > other.place ? one : other))
        const close = (session.at(-1)?.told.at ?? 0) + 1000
        return sum > 20.5 ? [line(who, "match", close, [newest.told.id], sum)] : []
      })
    })
  })
})

describe("a key that many boards speak of", () => {
  const given = pattern(
    {
      _tag: "When",
      aggregate: { _tag: "Count" },
      threshold: { operator: ">", value: 6.5 },
      over: { _tag: "Tumbling", millis: 3000 }
    },
    { by: [] }
  )

  /** As far as all that spoke since the key began have come; who is half a minute behind the first is not waited for. */
  const together = (told: ReadonlyArray<Told>, whos: ReadonlySet<string>, now: number): number => {
    const marks = [...whos].map((who) => {
      const last = counted(told, who).at(-1)
      const silent = now - (last?.told.comes ?? now)
      return (last?.clock ?? Number.NEGATIVE_INFINITY) + (silent >= 5000 ? silent : 0)
    })
    const least = Math.min(Math.max(...marks), now) - 30_000
    return Math.min(...marks.filter((mark) => mark >= least))
  }

  const reference = (told: ReadonlyArray<Told>): ReadonlyArray<string> => {
    const lines: Array<string> = []
    let [whos, clock, windows] = [new Set<string>(), Number.NEGATIVE_INFINITY, new Map<number, Array<number>>()]
    const close = () => {
      for (const [end, inside] of windows) {
        if (end > clock) continue
        if (inside.length > 6) lines.push(line("", "match", end, inside.slice(-1), inside.length))
        windows.delete(end)
      }
    }
    told.forEach(({ id, at, comes = at, who = "" }, place) => {
      const sofar = told.slice(0, place + 1)
      const event = counted(sofar, who).at(-1)
      if (event?.place !== place) return
      if (whos.size > 0) clock = Math.max(clock, together(sofar, whos, comes))
      close()
      // A key of which nothing is left is forgotten, and begins anew.
      if (windows.size === 0) [whos, clock] = [new Set(), Number.NEGATIVE_INFINITY]
      if (event.isLate || at < clock) return
      whos.add(who)
      clock = Math.max(clock, together(sofar, whos, comes))
      close()
      const end = (Math.floor(at / 3000) + 1) * 3000
      windows.set(end, [...(windows.get(end) ?? []), id])
    })
    clock = Number.POSITIVE_INFINITY
    close()
    return lines.toSorted()
  }

  it("is as far as the last of them, and says the same however it is woken and cut", () => {
    let matches = 0
    for (const seed of seeds) {
      const told = story(randomFrom(seed), delayed)
      const expected = reference(told)
      assert.deepStrictEqual(machineSays(seed, given, told), expected, `seed ${seed}`)
      matches += expected.length
    }
    assert.isAbove(matches, 100)
  })

  it.each([false, true])(
    "begins anew when all of it is over, whether it was woken meanwhile (%o) or not",
    (isWoken) => {
      const counting = { ...given, body: { ...counts, threshold: { operator: ">", value: 0 } } } as const
      const rig = new Rig(counting).tell({ id: 1, at: 0, who: "press-1" })
      if (isWoken) rig.pass(15_000)
      // Far behind the other board, but of that nothing is left to know.
      rig.tell({ id: 2, at: 4000, comes: 20_000, who: "press-2" }).pass(60_000)
      assert.deepStrictEqual(rig.short, ["match at 3000 of 1", "match at 6000 of 2"])
      assert.strictEqual(rig.machine.metrics.late, 0)
    }
  )

  it("is waited for by none that lags half a minute, though they be many", () => {
    const rig = new Rig(given)
    let id = 0
    const lag = (board: number) => (board === 0 ? 60_000 : board === 1 ? 10_000 : 0)
    for (let now = 0; now < 90_000; now += 500)
      for (let board = 0; board < 20; board++)
        rig.tell({ id: ++id, at: now - lag(board), comes: now, who: `press-${board}` })
    // Twenty boards, two events a second each, windows of three seconds: all count but the first, which is too far behind.
    const full = rig.matches.filter(({ at }) => at - epoch > 6000 && at - epoch < 70_000)
    assert.isAbove(full.length, 15)
    for (const { values } of full) assert.strictEqual(values["value"], 19 * 6)
    // The one that lags by ten seconds is waited for, and no longer than that.
    assert.isAtLeast((rig.matches.at(-1)?.at ?? 0) - epoch, 90_000 - 10_000 - 2000 - 3000 - 500)
  })
})
