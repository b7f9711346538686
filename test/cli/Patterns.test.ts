import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { run } from "../support/Cli.ts"
import { bad, eventsWhere, good, holon } from "../support/NodeCommands.ts"
import { freePorts, RunningNode, tempFolder, until } from "../support/RunningNode.ts"

const warm = (threshold: number) => `pattern "warm" priority high {
  from board.telemetry
  by source.id
  when avg(temp) > ${threshold} over sliding 10s clear < -200
  do event("board.warm"), tell(device, "\${source.id}", SetDesired, { "patch": { "target": 31 } })
}
`

layer(RunningNode.layer({ boards: 2, config: freePorts }), { timeout: "60 seconds", excludeTestServices: true })(
  "holon pattern",
  (it) => {
    it.effect("adds a pattern from a file, which matches once a board and acts on it", () =>
      Effect.gen(function* () {
        const file = join(yield* tempFolder, "warm.pattern")
        writeFileSync(file, warm(-100))
        assert.strictEqual(yield* good("pattern", "add", file), "warm version 1, looking at events\n")
        const matched = yield* until(eventsWhere('type == "pattern.matched"'), ({ length }) => length >= 2)
        assert.deepStrictEqual(
          matched.map((event) => [event.severity, Object(event.data).pattern, Object(event.data).kind]),
          [
            ["warn", "warm", "enter"],
            ["warn", "warm", "enter"]
          ]
        )
        assert.lengthOf(yield* until(eventsWhere('type == "board.warm"'), ({ length }) => length >= 2), 2)
        for (const id of ["heater-1", "heater-2"])
          yield* until(good("devices", "show", id, "--json"), (text) =>
            /"desired": \{\s+"target": \{?[^}]*31/.test(text)
          )
        assert.match(yield* good("pattern", "ls"), /^warm +1 +on +high +when +2 /m)
        const shown = yield* good("pattern", "show", "warm")
        assert.include(shown, warm(-100).trimEnd())
        assert.match(shown, /^warm version 1, .*, written by user:local\n/)
      }).pipe(Effect.scoped)
    )

    it.effect("adds all the patterns of a file, or none of them", () =>
      Effect.gen(function* () {
        const folder = yield* tempFolder
        const file = join(folder, "many.pattern")
        const many =
          "pattern any-both { any(any-one, any-two) within 1s }\npattern any-one { where x > 1 }\npattern any-two { where x > 2 }\n"
        writeFileSync(file, many)
        assert.strictEqual(
          yield* good("pattern", "add", file),
          "any-both version 1, looking at events\nany-one version 1, looking at events\nany-two version 1, looking at events\n"
        )
        assert.strictEqual(
          yield* good("pattern", "add", file),
          "any-both: as it was, version 1, looking at events\nany-one: as it was, version 1, looking at events\nany-two: as it was, version 1, looking at events\n"
        )
        writeFileSync(file, many.replace("x > 2", "x > 3"))
        const listed = JSON.parse(yield* good("pattern", "add", file, "--json"))
        assert.deepStrictEqual(
          listed.map((each: { readonly version: number }) => each.version),
          [1, 1, 2]
        )
        const json = join(folder, "many.json")
        const short = (name: string, value: unknown) => ({ name, conditions: [{ field: "x", operator: "gt", value }] })
        writeFileSync(json, JSON.stringify([short("any-three", 3), short("any-four", 4)]))
        assert.match(yield* good("pattern", "add", json), /^any-three version 1, .*\nany-four version 1, /)
        writeFileSync(json, JSON.stringify([short("any-five", 5), short("any-six", { no: 1 })]))
        assert.match(yield* bad("pattern", "add", json), /1\.conditions\.0\.value/)
        assert.match(yield* bad("pattern", "add", `${many} pattern any-bad { where }`), /line 4, column 26/)
        assert.match(yield* bad("pattern", "add", file, "--expect", "0"), /write one pattern at a time/)
        const names = yield* good("pattern", "ls")
        assert.notMatch(names, /any-five|any-bad/)
        for (const name of ["any-both", "any-one", "any-two", "any-three", "any-four"])
          yield* good("pattern", "rm", name)
      }).pipe(Effect.scoped)
    )

    it.effect("plays what has happened to a draft, and acts on nothing", () =>
      Effect.gen(function* () {
        const before = yield* eventsWhere('type glob "pattern.*"')
        const report = yield* until(
          good("pattern", "test", warm(-50).replace('"warm"', '"draft"'), "--since", "10min"),
          (text) => /draft: 2 matches/.test(text)
        )
        assert.match(report, /^draft: 2 matches in \d+ events, \d{4}-/)
        assert.match(report, /enter {2}source\.id="heater-1" {2}value=/)
        assert.lengthOf(yield* eventsWhere('type glob "pattern.*"'), before.length)
        const misspelt = yield* holon("pattern", "test", "pattern draft { from bord.telemetry where temp > 3 }")
        assert.match(misspelt.out, /^draft: 0 matches in /)
        assert.match(misspelt.err, /^no event of the last 10000 commits is a bord\.telemetry$/m)
        assert.notInclude(yield* good("pattern", "ls"), "draft")
      })
    )

    it.effect("refuses what is wrong at its place in the text, and what somebody else changed meanwhile", () =>
      Effect.gen(function* () {
        assert.match(yield* bad("pattern", "add", "pattern x { where temp >> 3 }"), /line 1, column \d+: .*\n.*\n +\^/)
        assert.match(
          yield* bad("pattern", "add", "pattern x { by source.id when distinct(temp) > 3 }"),
          /without a window/
        )
        // Nothing that only the board or the runtime may say, and no question.
        for (const message of ["Attach", "GetTwin"])
          assert.match(
            yield* bad("pattern", "add", `pattern x { where temp > 3 do tell(device, "heater-1", ${message}) }`),
            /a device understands no message/
          )
        assert.match(
          yield* bad("pattern", "add", 'pattern x { where temp > 3 do event("device.offline") }'),
          /device\.offline is what actors of the kind device say/
        )
        assert.match(
          yield* bad("pattern", "add", "/nowhere.pattern"),
          /nowhere\.pattern cannot be read \(there is no such file\); name a file/
        )
        // A misspelt pattern is no file.
        assert.match(
          yield* bad("pattern", "add", "patern x { where temp > 3 }"),
          /line 1, column 1: .*did you mean pattern/
        )
        yield* good("pattern", "add", "pattern y { where temp > 1000 }")
        assert.strictEqual(
          yield* good("pattern", "add", "pattern y { where temp > 1000 }", "--expect", "1"),
          "y: as it was, version 1, looking at events\n"
        )
        assert.match(
          yield* bad("pattern", "add", "pattern y { where temp > 2000 }", "--expect", "7"),
          /version 1 by user:local came first/
        )
        assert.match(yield* bad("pattern", "show", "nobody"), /there is no pattern nobody/)
      })
    )

    it.effect("reads JSON, also in the short form, and says which field does not fit", () =>
      Effect.gen(function* () {
        const file = join(yield* tempFolder, "guessed.json")
        const conditions = [
          { field: "event_type", operator: "eq", value: "login.failed" },
          { field: "address", operator: "eq", value: "same" },
          { field: "count", operator: "gt", value: 3 },
          { field: "time_window", operator: "lt", value: 60 }
        ]
        writeFileSync(file, JSON.stringify({ name: "guessed", conditions }))
        yield* good("pattern", "add", file)
        assert.include(yield* good("pattern", "show", "guessed"), "  when count > 3 over sliding 1min\n")
        assert.match(
          yield* bad("pattern", "add", '{"name":"x","body":{"_tag":"Wehn"}}'),
          /body\._tag: .*did you mean When/
        )
        writeFileSync(file, '{"name":')
        assert.match(yield* bad("pattern", "add", file), /guessed\.json cannot be read/)
      }).pipe(Effect.scoped)
    )

    it.effect("switches patterns off and on, and removes them", () =>
      Effect.gen(function* () {
        yield* good("pattern", "add", "pattern z { where temp > 1000 }")
        assert.strictEqual(yield* good("pattern", "off", "z"), "z version 1, off\n")
        assert.strictEqual(yield* good("pattern", "on", "z"), "z version 1, looking at events\n")
        assert.strictEqual(yield* good("pattern", "rm", "z"), "z is removed\n")
        assert.notMatch(yield* good("pattern", "ls"), /^z /m)
      })
    )

    it.effect("measures the matcher without a node", () =>
      Effect.gen(function* () {
        const { out } = yield* run(["pattern", "bench", "--patterns", "100", "--json"])
        const figures: unknown = JSON.parse(out)
        assert.isAbove(Number(Object(figures).eventsPerSecond), 1000)
        assert.closeTo(Number(Object(figures).matchesPerEvent), 1, 0.5)
      })
    )
  }
)
