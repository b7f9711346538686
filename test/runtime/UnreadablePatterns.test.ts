/** What a node does with a stored pattern that it cannot read, as after a step back to an older release. */
import { PgClient } from "@effect/sql-pg"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { PatternLibrary } from "../../src/events/PatternLibrary.ts"
import * as PatternStore from "../../src/runtime/storage/PatternStore.ts"
import { bad, eventsWhere, good, lookedFor } from "../support/NodeCommands.ts"
import { RunningNode, until } from "../support/RunningNode.ts"

const textOf = (name: string) => `pattern "${name}" { from twin.desired-changed where patch.target > 0 }`

/** As a release with another kind of pattern would have written it. */
const spoil = (name: string) =>
  Effect.flatMap(RunningNode, ({ sql }) =>
    Effect.andThen(
      sql`update goldrush_patterns set conditions = jsonb_set(conditions, '{body,_tag}', '"Prophecy"') where name = ${name}`,
      sql`insert into goldrush_pattern_history (name, version, what, source, by, at) values (${name}, 1, 'put', '', 'test', 1)`
    )
  )

const desire = (target: number) =>
  Effect.flatMap(RunningNode, ({ post }) => post("/api/device/heater-1/SetDesired", { patch: { target } }))

const matchesOf = (pattern: string, target: number) =>
  eventsWhere(`type == "pattern.matched" and pattern == "${pattern}" and values.target == ${target}`)

layer(RunningNode.layer({ boards: 1 }), { timeout: "60 seconds", excludeTestServices: true })(
  "a stored pattern that cannot be read",
  (it) => {
    it.effect("looks at nothing and says why, while the others go on, and is well when it is written anew", () =>
      Effect.gen(function* () {
        const { get, sql } = yield* RunningNode
        const emitting = (name: string) => textOf(name).replace(" }", " emit { target: patch.target } }")
        for (const name of ["sound", "strange"]) yield* lookedFor(name, emitting(name))
        yield* spoil("strange")
        // Whoever has taken in the change looks for it no more.
        yield* until(get("/api/patterns/strange/stats"), ({ text }) => text.includes('"counting":0'))
        yield* desire(7)
        yield* until(matchesOf("sound", 7), ({ length }) => length === 1)
        assert.isEmpty(yield* matchesOf("strange", 7))

        // A node that starts with it reads the others.
        const started = PatternLibrary.pipe(
          Effect.flatMap(({ current }) => current),
          Effect.provide(PatternStore.layer.pipe(Layer.provide(Layer.succeed(PgClient.PgClient, sql))))
        )
        assert.deepStrictEqual([...(yield* started).stored.keys()], ["sound"])

        const listed = yield* good("pattern", "ls")
        assert.match(listed, /^sound +1 +on /m)
        assert.match(listed, /^strange +1 +unreadable +- +- +- /m)
        assert.match(listed, /^strange version 1, looking at nothing: this release cannot read it \(body\._tag: .*\)$/m)
        assert.include(yield* good("pattern", "show", "strange"), emitting("strange"))
        assert.match(
          yield* bad("pattern", "on", "strange"),
          /strange: this release cannot read it .*; add it anew, switch it off/
        )
        assert.match(yield* good("pattern", "off", "strange"), /^strange version 1, looking at nothing: /)

        assert.match(yield* good("pattern", "add", emitting("strange")), /^strange version 2, /)
        assert.match(yield* good("pattern", "on", "strange"), /^strange version 2, looking at events$/m)
        yield* until(get("/api/patterns/strange/stats"), ({ text }) => text.includes('"counting":4'))
        yield* desire(8)
        yield* until(matchesOf("strange", 8), ({ length }) => length === 1)
        yield* spoil("strange")
        assert.strictEqual(yield* good("pattern", "rm", "strange"), "strange is removed\n")
      })
    )
  }
)
