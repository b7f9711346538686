import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import type { Pattern } from "../../../src/protocol/pattern/Pattern.ts"
import { readPattern } from "../../../src/protocol/pattern/PatternText.ts"
import { epoch, Rig } from "./Rig.ts"

const read = (text: string): Pattern => Result.getOrThrow(readPattern(text))

describe("patterns as people write them", () => {
  it("a hot line: enters once for the zone, stays through what swings, exits when it has been cool for ten seconds", () => {
    const rig = new Rig(
      read(`pattern "hot-line" priority critical {
        from board.telemetry by zone
        when avg(temp) >= 85 over sliding 30s where cpu > 0.8 clear < 78 for 10s
        do raise("thermal")
      }`)
    )
    let id = 0
    // Forty boards of a line warm up, hold, and cool down; those of another line stay cool. Idle boards do not count.
    const tempAt = (second: number) => (second < 60 ? 60 + second / 2 : second < 120 ? 90 - (second % 7) : 70)
    for (let second = 0; second < 180; second++)
      for (let board = 0; board < 40; board++) {
        const at = second * 1000 + board
        rig.tell({ id: ++id, at, who: `press-${board}`, zone: "ops.line3", data: { temp: tempAt(second), cpu: 0.9 } })
        rig.tell({ id: ++id, at, who: `idle-${board}`, zone: "ops.line3", data: { temp: 20, cpu: 0.1 } })
        rig.tell({ id: ++id, at, who: `mill-${board}`, zone: "ops.line4", data: { temp: 60, cpu: 0.9 } })
      }
    assert.deepStrictEqual(
      rig.matches.map(({ kind, by, isWarm }) => [kind, by, isWarm]),
      [
        ["enter", { zone: "ops.line3" }, true],
        ["exit", { zone: "ops.line3" }, true]
      ]
    )
    const [enter, exit] = rig.matches.map(({ at }) => (at - epoch) / 1000)
    // The average of half a minute is there a while after the boards are, and must last.
    assert.isTrue(enter !== undefined && enter > 70 && enter < 90, `enter at ${enter}`)
    assert.isTrue(exit !== undefined && exit > 140 && exit < 160, `exit at ${exit}`)
  })

  it("a door that is opened and a press that starts without it being closed", () => {
    const rig = new Rig(
      read("pattern unsafe { by source.id seq door.opened -> press.started within 5min emit { who: operator } }")
    )
    rig.tell(
      { id: 1, at: 0, type: "door.opened" },
      { id: 2, at: 1000, type: "door.closed" },
      { id: 3, at: 2000, type: "press.started", data: { operator: "ada" } },
      { id: 4, at: 60_000, type: "door.opened" },
      { id: 5, at: 70_000, type: "press.started", data: { operator: "bob" } }
    )
    assert.deepStrictEqual(rig.short, ["match at 70000 of 4, 5"])
    assert.deepStrictEqual(rig.matches[0]?.values, { who: "bob" })
  })

  it("a command that is not done in time, and a board that is not heard of", () => {
    const command = new Rig(read("pattern lost { by source.id command.sent then no command.done within 30s }"))
    command.tell({ id: 1, at: 0, type: "command.sent" }, { id: 2, at: 10_000, type: "command.sent", who: "press-2" })
    command.tell({ id: 3, at: 29_000, type: "command.done" }).pass(100_000)
    assert.deepStrictEqual(command.short, ["match at 40000 of 2"])
    const silent = new Rig(read("pattern silent { by source.id silence board.telemetry for 1min suppress 1h }"))
    silent.tell({ id: 1, at: 0 }, { id: 2, at: 59_000 }).pass(119_000 + 1999)
    assert.deepStrictEqual(silent.short, [])
    silent.pass(121_001).tell({ id: 3, at: 200_000 }).pass(400_000)
    assert.deepStrictEqual(silent.short, ["match at 119000 of 2"])
  })
})
