import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { PlacedEventView, TraceView } from "../../src/gateways/http/EventQueries.ts"
import { run } from "../support/Cli.ts"
import { eventsWhere, good, holon } from "../support/NodeCommands.ts"
import { freePorts, RunningNode, tempFolder, until } from "../support/RunningNode.ts"
import { sink } from "../support/Sink.ts"

const warm = `pattern "warm" {
  from board.telemetry
  by source.id
  where temp > -100
  do event("board.warm"), tell(device, "\${source.id}", SetDesired, { "patch": { "target": 31 } })
}
`

const asking = `pattern "asking" {
  from board.telemetry
  by source.id
  where temp > -100
  do tell(device, "\${source.id}", Invoke, { "name": "ping" })
  suppress 1h
}
`

const traceOf = Schema.decodeUnknownSync(TraceView)
const lineOf = Schema.decodeUnknownSync(Schema.fromJsonString(PlacedEventView))

layer(RunningNode.layer({ boards: 1, config: freePorts }), { timeout: "60 seconds", excludeTestServices: true })(
  "a trace",
  (it) => {
    it.effect("leads from a board's report through a pattern to what the board is told", () =>
      Effect.gen(function* () {
        yield* good("pattern", "add", warm)
        const [changed] = yield* until(
          eventsWhere('type == "twin.desired-changed" and data.patch.target == 31'),
          ({ length }) => length > 0
        )
        const [matched] = yield* eventsWhere(`type == "pattern.matched"`)
        const [reported] = (yield* eventsWhere('type == "board.telemetry"')).filter(({ id }) =>
          matched?.causes.includes(id)
        )
        assert.isDefined(reported)
        assert.deepStrictEqual([changed?.causes, matched?.causes], [[matched?.id], [reported?.id]])
        const root = reported?.context?.root ?? ""
        assert.deepStrictEqual([matched?.context?.root, changed?.context?.root], [root, root])
        // The board was told: it says so itself.
        yield* until(good("devices", "show", "heater-1", "--json"), (text) =>
          /"reported": \{[^}]*"target": 31/.test(text)
        )
        for (const time of [changed?.ts, matched?.ts]) assert.isAtLeast(time?.ms ?? 0, reported?.ts.ms ?? Infinity)
        assert.isAbove(changed?.ts.ms ?? 0, matched?.ts.ms ?? Infinity)

        const tree = yield* good("events", "--trace", changed?.id ?? "")
        const lines = tree.split("\n").filter((line) => /telemetry|matched|board\.warm|desired-changed/.test(line))
        assert.match(tree, new RegExp(`^${root} \\(an event\\), \\d+ events`))
        assert.deepStrictEqual(
          lines.map((line) => [line.search(/\d{4}-/), /board\.telemetry|[a-z]+\.[a-z-]+(?= {2})/.exec(line)?.[0]]),
          [
            [0, "board.telemetry"],
            [3, "pattern.matched"],
            [6, "board.warm"],
            [6, "twin.desired-changed"]
          ]
        )
        const json = yield* good("events", "--trace", root, "--json")
        const all = json
          .trimEnd()
          .split("\n")
          .map((line) => lineOf(line).event)
        assert.includeMembers(
          all.map(({ id }) => id),
          [reported?.id, matched?.id, changed?.id]
        )
        for (const { context } of all) assert.strictEqual(context?.root, root)
        const { get } = yield* RunningNode
        const { root: same, events: placed } = traceOf((yield* get(`/api/events/trace/${matched?.id}`)).json)
        assert.deepStrictEqual([same, placed.map(({ event }) => event.id)], [root, all.map(({ id }) => id)])
      })
    )

    it.effect("has one root from a command to its end, which the board says", () =>
      Effect.gen(function* () {
        yield* good("send", "device", "heater-1", "Invoke", '{"name":"identify"}')
        const ended = yield* until(eventsWhere('type == "command.ended"'), ({ length }) => length > 0)
        const [accepted] = yield* eventsWhere('type == "command.accepted"')
        assert.deepStrictEqual([ended[0]?.context?.root, ended[0]?.causes], [accepted?.context?.root, accepted?.causes])
      })
    )

    it.effect("goes on from a match to the command that it gives, and to its end, which the board says", () =>
      Effect.gen(function* () {
        yield* good("pattern", "add", asking)
        const named = (type: string) => eventsWhere(`type == "${type}" and name == "ping"`)
        const [ended] = yield* until(named("command.ended"), ({ length }) => length > 0)
        const [accepted] = yield* named("command.accepted")
        const [matched] = yield* eventsWhere('type == "pattern.matched" and pattern == "asking"')
        assert.deepStrictEqual([accepted?.causes, ended?.causes], [[matched?.id], [matched?.id]])
        const root = matched?.context?.root ?? ""
        assert.notStrictEqual(root, matched?.id)
        assert.deepStrictEqual([accepted?.context?.root, ended?.context?.root], [root, root])
        const tree = yield* good("events", "--trace", ended?.id ?? "")
        assert.match(
          tree,
          /board\.telemetry[\s\S]*└─ .*pattern\.matched[\s\S]* {3}├─ .*accepted[\s\S]* {3}└─ .*command\.ended/
        )
      })
    )

    it.effect(
      "leads from a board's report to the server that has taken the match, and to the one that refused it",
      () =>
        Effect.gen(function* () {
          const [taker, bad] = [yield* sink, yield* sink]
          bad.mood = () => 404
          yield* good(
            ...["pattern", "add"],
            `pattern "sent" { from board.telemetry by source.id where temp > -100 do webhook("${taker.url}"), webhook("${bad.url}"), mqtt("alarms/warm") suppress 1h }`
          )
          const [dead] = yield* until(eventsWhere('type == "delivery.dead"'), ({ length }) => length > 0)
          const arrived = eventsWhere('type == "delivery.delivered"')
          const [first, second] = yield* until(arrived, ({ length }) => length === 2)
          const [matched] = yield* eventsWhere('type == "pattern.matched" and pattern == "sent"')
          const root = matched?.context?.root ?? ""
          for (const end of [dead, first, second])
            assert.deepStrictEqual([end?.causes, end?.context?.root], [[matched?.id], root])
          const tree = yield* good("events", "--trace", matched?.id ?? "")
          assert.match(
            tree,
            /^[^ ]+ \(an event\)[^\n]*\n[^\n]*board\.telemetry[^\n]*\n[\s\S]*└─ [^\n]*pattern\.matched/
          )
          assert.include(tree, `delivery.delivered  target=${taker.url} `)
          assert.include(tree, "delivery.delivered  target=mqtt:alarms/warm ")
          assert.match(tree, new RegExp(`delivery\\.dead  .*target=${bad.url} .*the server answers 404`))
          assert.lengthOf(
            tree.split("\n").filter((line) => /^ {3}[├└]─ .*delivery\.(?:delivered|dead)/.test(line)),
            3
          )
          const same = yield* good("events", "--trace", first?.id ?? "")
          assert.strictEqual(same, tree)
        }).pipe(Effect.scoped)
    )

    it.effect("is one from the order of an image to its end, whoever has moved it on", () =>
      Effect.gen(function* () {
        const folder = yield* tempFolder
        const [image, manifest] = [join(folder, "blink.hxe"), join(folder, "manifest.json")]
        writeFileSync(manifest, JSON.stringify({ confirm: 500, version: "1.0.0" }))
        yield* run(["image", "build", join(import.meta.dirname, "../../examples/blink.mvasm"), "--out", image])
        yield* good("image", "push", image, "--manifest", manifest)
        yield* good("provision", "heater-1", "blink")
        const steps = yield* eventsWhere('type glob "provisioning.*" and source.actor == "session"')
        assert.isAtLeast(steps.length, 4)
        const [first] = steps
        const root = first?.context?.root ?? ""
        assert.deepStrictEqual(first?.causes, [root])
        assert.deepStrictEqual([...new Set(steps.map(({ context }) => context?.root))], [root])
        const tree = yield* good("events", "--trace", root)
        for (const { type } of steps) assert.include(tree, type)
      }).pipe(Effect.scoped)
    )

    it.effect("says which trace of its caller a request is part of", () =>
      Effect.gen(function* () {
        const { post } = yield* RunningNode
        const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        const { status } = yield* post("/api/device/heater-1/SetDesired", { patch: { target: 17 } }, { traceparent })
        assert.strictEqual(status, 200)
        const [changed] = yield* until(
          eventsWhere('type == "twin.desired-changed" and data.patch.target == 17'),
          ({ length }) => length > 0
        )
        assert.strictEqual(changed?.context?.traceparent, traceparent)
        assert.deepStrictEqual(changed?.causes, [changed?.context?.root ?? ""])
      })
    )

    it.effect("says that there is nothing of an id it does not know", () =>
      Effect.gen(function* () {
        const { isSuccess, err } = yield* holon("events", "--trace", "01a0c450-6c00-7101-8101-010101010101")
        assert.isFalse(isSuccess)
        assert.match(err, /there is no event or chain of causes 01a0c450/)
      })
    )
  }
)
