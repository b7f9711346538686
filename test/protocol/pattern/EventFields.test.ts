import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import type { PlainSchema } from "../../../src/protocol/Contract.ts"
import { events } from "../../../src/protocol/condition/Source.ts"
import { declaredFields, eventSources } from "../../../src/protocol/pattern/EventFields.ts"
import { checkText } from "../../../src/protocol/pattern/PatternCheck.ts"
import { PatternGraph } from "../../../src/protocol/pattern/PatternGraph.ts"
import { readPattern } from "../../../src/protocol/pattern/PatternText.ts"
import { registry } from "../../../src/runtime/Registry.ts"

const declared = new Map<string, PlainSchema>(
  [...registry.values()].flatMap(({ behaviour }) => Object.entries(behaviour.contract.events))
)
const graph = new PatternGraph()
for (const text of [
  'pattern hot { by source.id when avg(temp) > 60 over sliding 10s emit { newest: temp } do event("line.hot"), raise("heat") }',
  'pattern mute { by zone silence board.telemetry for 30s do event("line.mute"), event("device.mute") }'
])
  graph.set(Result.getOrThrow(readPattern(text)))
const sourceOf = eventSources(declared)({
  published: () => graph.published(),
  publishersOf: (type) => graph.publishersOf(type)
})

/** What is said of a pattern with this inside. */
const told = (text: string): ReadonlyArray<string> => {
  const checked = checkText(`pattern it { ${text} }`, { sourceOf })
  return Result.isFailure(checked)
    ? checked.failure.problems.map(({ reason, sentence }) => `${reason}: ${sentence}`)
    : []
}

describe("fields of events", () => {
  it("are those of the schemas that actors declare", () => {
    assert.deepStrictEqual(told("from device.online where boto == 1"), [
      "UnknownField: a device.online has no field boto; did you mean boot?"
    ])
    assert.deepStrictEqual(told("from device.online where boot == 1 and profile glob 'heat*' and zone == 'hall'"), [])
    assert.match(told("from device.online where boot == 'one'")[0] ?? "", /^WrongType/)
    assert.match(told("from device.online where reported.temp > 1")[0] ?? "", /^UnknownField.*no field reported\.temp/)
    assert.match(told("from device.retired where reason == 'x'")[0] ?? "", /^UnknownField/)
    assert.deepStrictEqual(told("from provisioning.started where label == 'a' and total_bytes > 5"), [])
    assert.match(told("from provisioning.started where mode == 'straming'")[0] ?? "", /^UnknownValue.*streaming/)
    assert.deepStrictEqual(told("from command.ended where value.temp > 3 and value == 5"), [])
    assert.deepStrictEqual(told("from twin.desired-changed where patch.led == 'on' and version > 3"), [])
    assert.deepStrictEqual(told("from device.programs-failing where programs.len > 2 and programs.0.name == 'x'"), [])
    assert.deepStrictEqual(told("from delivery.dropped when sum(count) > 3 over sliding 1s emit { last: count }"), [])
  })

  it("are looked up wherever a pattern names one", () => {
    for (const text of [
      "from device.online by profil where boot > 1",
      "from device.online when distinct(profil) > 1 over sliding 1s",
      "from device.online where boot > 1 emit { a: profil }",
      "seq board.telemetry where temp > 1 -> device.online where profil == 'a' within 1s",
      "from board.telemetry seq temp > 1 -> device.online within 1s emit { a: profil }",
      "device.online then no device.offline within 1s emit { a: profil }",
      "silence device.online where profil == 'a' for 1s",
      "join device.online as a with board.telemetry as b on profil within 1s",
      "join device.online as a with board.telemetry as b within 1s where a.profil == 'x' and b.profil == 'x'"
    ])
      assert.match(told(text)[0] ?? "", /no field (?:a\.)?profil; did you mean (?:a\.)?profile/, text)
    assert.deepStrictEqual(told("from device.online seq boot > 1 -> board.telemetry within 1s emit { a: temp }"), [])
  })

  it("of a key are those of every step", () => {
    const missing = /^UnknownField: a device\.offline has no field boot/
    assert.match(told("by boot device.online then no device.offline within 1s")[0] ?? "", missing)
    assert.match(told("by boot seq device.online ~> device.offline within 1s")[0] ?? "", missing)
    assert.match(told("by boot join device.online as a with device.offline as b within 1s")[0] ?? "", missing)
    assert.match(told("by boot silence device.offline for 1s")[0] ?? "", missing)
    assert.deepStrictEqual(told("by boot device.online then no device.restarted within 1s"), [])
    assert.deepStrictEqual(told("by source.id, zone device.online then no device.offline within 1s"), [])
    assert.deepStrictEqual(told("by job device.online where boot == 1 then no job.ended within 1s").length, 1)
    assert.deepStrictEqual(told("by job silence job.ended for 1s"), [])
  })

  it("are all that one of several types has, and a star stands for those that are known", () => {
    assert.deepStrictEqual(told("from device.online, device.offline where boot == 1 or reason == 'x'"), [])
    assert.match(told("from device.online, device.offline where reson == 'x'")[0] ?? "", /^UnknownField.*mean reason/)
    assert.deepStrictEqual(told("from device.* where boot == 1 or reason == 'x' or programs.len > 1"), [])
    assert.match(told("from device.* where reson == 'x'")[0] ?? "", /^UnknownField.*mean reason/)
    // A pattern publishes device.mute, with the fields of its matches.
    assert.deepStrictEqual(told("from device.* where by.zone == 'hall'"), [])
    assert.deepStrictEqual(told("from device.online, job.ended where anything == 1"), [])
    assert.deepStrictEqual(told("from device.*, job.ended where anything == 1"), [])
  })

  it("are open where boards may speak", () => {
    for (const types of [
      "board.telemetry",
      "board.log",
      "board.*",
      "*",
      "*.online",
      "dev*",
      "job.ended",
      "job.*",
      "lone"
    ])
      assert.deepStrictEqual(told(`from ${types} where anything == 1 and reported.temp > 1`), [], types)
    assert.strictEqual(sourceOf(undefined), events)
    assert.strictEqual(sourceOf(["board.telemetry"]), events)
  })

  it("are those of the match in what a pattern publishes", () => {
    assert.deepStrictEqual(
      told("from line.hot where values.value > 80 and values.newest > 1 and by.`source.id` == 'a' and isWarm == true"),
      []
    )
    assert.match(told("from line.hot where newest > 1")[0] ?? "", /^UnknownField.*line\.hot has no field newest/)
    assert.match(told("from line.hot where values.newst > 1")[0] ?? "", /did you mean values\.newest/)
    assert.match(told("from line.mute where values.value > 1")[0] ?? "", /^UnknownField/)
    assert.deepStrictEqual(told("from line.mute, line.hot where values.value > 1"), [])
    assert.deepStrictEqual(told("from algedonic.raised where signal == 'heat' and kind == 'enter'"), [])
    assert.deepStrictEqual(told("from pattern.matched where values.anything > 1 and pattern == 'hot'"), [])
    assert.match(
      told("from pattern.matched where pattern == 'hot' and kind == 'entre'")[0] ?? "",
      /^UnknownValue.*"enter"/
    )
  })

  it("are taken out of a schema with what may be there, and of which type", () => {
    const schema = Schema.Struct({
      a: Schema.NullOr(Schema.Int),
      b: Schema.optionalKey(Schema.Literals(["x", "y"])),
      c: Schema.Union([Schema.String, Schema.Finite]),
      d: Schema.Struct({ e: Schema.Boolean, f: Schema.Array(Schema.String) }),
      g: Schema.Record(Schema.String, Schema.Finite),
      h: Schema.Unknown,
      i: Schema.Union([
        Schema.TaggedStruct("One", { at: Schema.Finite }),
        Schema.TaggedStruct("Other", { at: Schema.Finite, by: Schema.String })
      ]),
      j: Schema.Union([Schema.Struct({ k: Schema.Finite }), Schema.Record(Schema.String, Schema.String)])
    })
    assert.deepStrictEqual(
      [...(declaredFields(schema) ?? [])],
      [
        ["a", { type: "number" }],
        ["b", { type: "text", values: ["x", "y"] }],
        ["c", { type: "unknown" }],
        ["d.e", { type: "boolean" }],
        ["d.f", { type: "list" }],
        ["g", { type: "map" }],
        ["h", { type: "unknown" }],
        ["i._tag", { type: "text", values: ["One", "Other"] }],
        ["i.at", { type: "number" }],
        ["i.by", { type: "text" }],
        ["j", { type: "map" }]
      ]
    )
    assert.isUndefined(declaredFields(Schema.Record(Schema.String, Schema.Finite)))
    assert.isUndefined(declaredFields(Schema.Json))
  })

  it("of no event are called what only telemetry has beside its data", () => {
    for (const schema of declared.values())
      for (const path of declaredFields(schema)?.keys() ?? []) assert.notMatch(path, /^reported(?:\.|$)/)
  })
})
