import { assert, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { OpView } from "../../src/protocol/vsm/Op.ts"
import { good, holon } from "../support/NodeCommands.ts"
import { RunningNode, until } from "../support/RunningNode.ts"

const opOf = Schema.decodeUnknownSync(OpView)

const order = (payload: object) =>
  Effect.map(good("send", "dispatcher", "root", "DispatchIntent", JSON.stringify(payload)), (text) =>
    opOf(JSON.parse(text))
  )

const shown = (op: string) => Effect.map(good("ops", "show", op, "--json"), (text) => opOf(JSON.parse(text)))

layer(RunningNode.layer({ boards: 1 }), { timeout: "90 seconds", excludeTestServices: true })("holon ops", (it) => {
  it.effect(
    "lists, shows, watches and cancels orders, each with what became of it",
    () =>
      Effect.gen(function* () {
        assert.include(yield* good("ops", "ls"), "nobody has asked for anything")
        // The words of the fleet follow its boards within a second or two.
        const tried = Effect.flatMap(order({ text: "turn on heater-1", dryRun: true }), ({ op }) => shown(op))
        const dry = yield* until(tried, ({ outcome }) => outcome === "done")
        assert.match(yield* good("ops", "show", dry.op), /done \(dry run\)[\s\S]*device\/heater-1 {2}SetDesired/)

        const { op } = yield* order({
          capability: "device.command.invoke@1",
          targets: { of: [{ id: "heater-1" }], except: [] },
          args: { command: "sleep", millis: 30_000 }
        })
        yield* until(good("ops", "ls", "--state", "running"), (listed) => listed.includes(op))
        assert.include(yield* good("ops", "cancel", op), `${op} is being cancelled`)
        const watched = yield* good("ops", "watch", op)
        assert.match(
          watched,
          new RegExp(`${op} {2}accepted[\\s\\S]*device/heater-1 {2}cancelled[\\s\\S]*${op} {2}cancelled`)
        )
        assert.include(yield* good("ops", "cancel", op, "--vsm", "root"), "has ended already: cancelled")
        assert.match(yield* good("ops", "show", op), /STEP +MS +SHARE[\s\S]*claim/)

        const unknown = yield* holon("ops", "show", "01930000-0000-7000-8000-000000000001")
        assert.isFalse(unknown.isSuccess)
        assert.include(unknown.err, "there is no op 01930000-0000-7000-8000-000000000001")
      }),
    60_000
  )
})
