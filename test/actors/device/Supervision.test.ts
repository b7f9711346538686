import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { Device } from "../../../src/protocol/Device.ts"
import { Bench } from "./Bench.ts"

const failing = (program: string, since = 5) => ({ program, since, state: "failed", code: 220, restarts: 3 })
const events = (bench: Bench): ReadonlyArray<readonly [string, ReadonlyArray<string>]> =>
  bench.events.splice(0).map(({ type, data }) => {
    assert.isTrue(
      Schema.is(
        Schema.Union(Object.entries(Device.events).flatMap(([name, schema]) => (name === type ? [schema] : [])))
      )(data)
    )
    const { programs, program, actors } = Object(data)
    return [
      type,
      programs?.map((one: { program: string }) => one.program) ??
        actors?.map((one: { id: string }) => one.id) ?? [program]
    ]
  })

describe("the supervision of programs", () => {
  it("puts a failing program on the event stream once, and shows it until it is well", () => {
    const bench = new Bench().ready()
    bench.ask("ProgramFailing", failing("motor"))
    bench.ask("ProgramFailing", failing("motor"))
    bench.failOver()
    bench.ask("ProgramFailing", failing("motor"))
    assert.deepStrictEqual(
      events(bench).filter(([type]) => type.startsWith("device.program")),
      [["device.programs-failing", ["motor"]]]
    )
    assert.deepStrictEqual(bench.status().failing, [
      Schema.decodeUnknownSync(Device.messages.ProgramFailing.payload)(failing("motor"))
    ])
    bench.ask("ProgramRecovered", { program: "motor", since: 4 })
    assert.strictEqual(bench.status().failing?.length, 1)
    bench.ask("ProgramRecovered", { program: "motor", since: 5 })
    assert.deepStrictEqual(events(bench), [["device.program-recovered", ["motor"]]])
    assert.isUndefined(bench.status().failing)
  })

  it("says a storm of failures once a second, each of them once", () => {
    const bench = new Bench().ready()
    bench.ask("ProgramFailing", failing("p0"))
    for (let at = 1; at <= 40; at++) bench.ask("ProgramFailing", failing(`p${at}`))
    assert.deepStrictEqual(events(bench), [["device.programs-failing", ["p0"]]])
    bench.failOver()
    events(bench)
    bench.advance(1000)
    const said = events(bench).filter(([type]) => type === "device.programs-failing")
    assert.strictEqual(said.length, 1)
    assert.sameMembers(
      [...(said[0]?.[1] ?? [])],
      Array.from({ length: 40 }, (_, at) => `p${at + 1}`)
    )
    bench.advance(10_000)
    assert.deepStrictEqual(
      events(bench).filter(([type]) => type === "device.programs-failing"),
      []
    )
  })

  it("tells of a failure before it tells that it is over", () => {
    const bench = new Bench().ready()
    bench.ask("ProgramFailing", failing("a"))
    bench.ask("ProgramFailing", failing("b"))
    bench.ask("ProgramRecovered", { program: "b", since: 5 })
    assert.deepStrictEqual(events(bench), [
      ["device.programs-failing", ["a"]],
      ["device.programs-failing", ["b"]],
      ["device.program-recovered", ["b"]]
    ])
  })

  it("hears of programs whose actors were quarantined, and says each quarantine once", () => {
    const bench = new Bench().ready()
    const actor = { kind: "program", id: "press-1:motor", since: 7, cause: "it crashed" }
    bench.ask("Escalate", { actors: [actor] })
    bench.ask("Escalate", { actors: [actor, { ...actor, id: "press-1:fan" }] })
    bench.ask("Escalate", { actors: [{ ...actor, since: 9 }] })
    assert.deepStrictEqual(events(bench), [
      ["device.programs-quarantined", ["press-1:motor"]],
      ["device.programs-quarantined", ["press-1:fan"]],
      ["device.programs-quarantined", ["press-1:motor"]]
    ])
  })

  it("costs a bounded place, however many names it hears", () => {
    const bench = new Bench().ready()
    bench.storesEachState = false
    for (let at = 0; at < 200; at++) {
      bench.ask("ProgramFailing", failing(`p${at}`))
      bench.ask("Escalate", { actors: [{ kind: "program", id: `press-1:p${at}`, since: at, cause: "" }] })
    }
    const { failing: known, quarantined } = bench.state.work
    assert.deepStrictEqual([known.size, quarantined.size], [64, 64])
  })
})
