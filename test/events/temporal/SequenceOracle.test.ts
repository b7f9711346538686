import { describe, it } from "@effect/vitest"
import { agrees, delayed, line, n, ofType, onTime } from "./Agreement.ts"
import { condition, pattern } from "./Rig.ts"
import { type Counted, inTime } from "./Story.ts"

describe("what follows, and a reference that keeps every event", () => {
  /** After each event, all sequences of all events that have come by then. */
  const sequences =
    (types: ReadonlyArray<string>, links: ReadonlyArray<"next" | "eventually">, withinMillis: number) =>
    (who: string, events: ReadonlyArray<Counted>): ReadonlyArray<string> => {
      const lines = new Set<string>()
      const kept = onTime(events)
      kept.forEach((_, index) => {
        const sorted = inTime(kept.slice(0, index + 1))
        sorted.forEach((first, start) => {
          if (first.told.type !== types[0]) return
          const steps = [first]
          for (let at = start + 1; at < sorted.length && steps.length < types.length; at++) {
            const each = sorted[at]
            if (each === undefined || each.told.at - first.told.at > withinMillis) return
            if (each.told.type === types[steps.length]) steps.push(each)
            else if (links[steps.length - 1] === "next") return
          }
          if (steps.length < types.length) return
          lines.add(
            line(
              who,
              "match",
              steps.at(-1)?.told.at ?? 0,
              steps.map(({ told }) => told.id)
            )
          )
        })
      })
      return [...lines]
    }
  const sequence = (types: readonly [string, ...Array<string>], links: ReadonlyArray<"next" | "eventually">) => {
    const [first, ...rest] = types
    const steps = rest.map((type, index) => ({ link: links[index] ?? "next", step: ofType(type) }))
    const [second, ...others] = steps
    if (second === undefined) throw new Error("a sequence of one")
    return pattern({ _tag: "Sequence", first: ofType(first), rest: [second, ...others], withinMillis: 6000 })
  }

  it.each([
    [["a", "b"], ["eventually"]],
    [
      ["a", "b", "c"],
      ["eventually", "eventually"]
    ],
    [
      ["a", "a", "b"],
      ["eventually", "eventually"]
    ],
    [
      ["a", "b", "c"],
      ["next", "eventually"]
    ],
    [
      ["c", "a", "b"],
      ["eventually", "next"]
    ]
  ] as const)("agree on sequences of %o, %o, out of order", (types, links) => {
    agrees(sequence([...types], links), delayed, sequences(types, links, 6000), { fewest: 100 })
  })

  it("agree on sequences among so many events that those behind the watermark are put away now and then", () => {
    const recipe = { events: 400, types: ["a", "b", "c", "c", "c", "c"], hasDelays: true, isDense: true }
    agrees(sequence(["a", "b"], ["eventually"]), recipe, sequences(["a", "b"], ["eventually"], 6000), {
      fewest: 300,
      stories: 15
    })
  })

  it("agree on sequences of the very next event among others", () => {
    const recipe = { events: 120, types: ["a", "b", "b", "other"], hasDelays: false }
    agrees(sequence(["a", "b", "b"], ["next", "next"]), recipe, sequences(["a", "b", "b"], ["next", "next"], 6000), {
      fewest: 100
    })
  })

  it("agree on absence", () => {
    const given = pattern({ _tag: "Absence", trigger: ofType("a"), absent: ofType("b"), withinMillis: 1500 })
    agrees(given, delayed, (who, events) => {
      const kept = onTime(events)
      return kept.flatMap(({ told, place }) => {
        const isAnswer = (other: Counted) =>
          other.told.type === "b" &&
          other.told.at <= told.at + 1500 &&
          (other.told.at > told.at || (other.told.at === told.at && other.place > place))
        return told.type === "a" && !kept.some(isAnswer) ? [line(who, "match", told.at + 1500, [told.id])] : []
      })
    })
  })

  it("agree on silence", () => {
    const given = pattern({ _tag: "Silence", step: ofType("a"), forMillis: 2400 })
    agrees(given, delayed, (who, events) => {
      const beats = inTime(onTime(events).filter(({ told }) => told.type === "a"))
      return beats.flatMap(({ told }, index) => {
        const after = beats.slice(index + 1).find((other) => other.told.at > told.at)
        const isFirst = beats[index - 1]?.told.at !== told.at
        const isLast = after === undefined || after.told.at > told.at + 2400
        return isFirst && isLast ? [line(who, "match", told.at + 2400, [told.id])] : []
      })
    })
  })

  it.each([0, 4000])("agree on two streams that meet, with %i ms for late events", (allowLateMillis) => {
    const given = pattern({
      _tag: "Join",
      left: { from: ["a"], as: "one" },
      right: { from: ["b", "c"], as: "other" },
      withinMillis: 1500,
      where: condition("one.n > other.n")
    })
    const reference = (who: string, kept: ReadonlyArray<Counted>) =>
      kept.flatMap((one) =>
        kept.flatMap((other) => {
          const isPair = one.told.type === "a" && other.told.type !== "a" && n(one) > n(other)
          const isNear = Math.abs(one.told.at - other.told.at) <= 1500
          return isPair && isNear
            ? [line(who, "match", Math.max(one.told.at, other.told.at), [one.told.id, other.told.id])]
            : []
        })
      )
    const taken = ({ told, clock, isLate }: Counted) =>
      !isLate || (allowLateMillis > 0 && told.at >= clock - allowLateMillis)
    agrees(given, delayed, (who, events) => reference(who, events.filter(taken)), { allowLateMillis })
  })
})
