import { assert, layer } from "@effect/vitest"
import { Effect, Schema, Stream } from "effect"
import type { Asker } from "../../../../src/protocol/Asker.ts"
import type { PayloadOf } from "../../../../src/protocol/Contract.ts"
import { Dispatcher } from "../../../../src/protocol/vsm/Dispatcher.ts"
import { OpView } from "../../../../src/protocol/vsm/Op.ts"
import { RunningNode, until } from "../../../support/RunningNode.ts"

const ada: Asker = { kind: "user", id: "ada", role: "operator" }

const decode = Schema.decodeUnknownSync(OpView)

/** Gives an order to a VSM and waits for its end. */
const dispatch = (order: PayloadOf<Dispatcher, "DispatchIntent">, vsm = "root") =>
  Effect.gen(function* () {
    const { actors } = yield* RunningNode
    const { op } = yield* actors.ask(Dispatcher, vsm, "DispatchIntent", order, { asker: ada })
    const views = actors.watch({ kind: "dispatcher", id: vsm }, "WatchOp", { op }, { asker: ada }).pipe(
      Stream.map((item) => decode(item)),
      Stream.takeUntil(({ state }) => state === "ended")
    )
    const seen = yield* Stream.runCollect(views)
    const last = seen.at(-1)
    assert.isDefined(last)
    return last ?? decode({})
  })

/** The words of a fleet follow its devices within a second or two. */
const known = until(
  dispatch({ text: "turn on heater-1 and heater-2", dryRun: true }),
  ({ outcome }) => outcome === "done"
)

layer(RunningNode.layer({ boards: 2 }), { timeout: "60 seconds", excludeTestServices: true })("a dispatcher", (it) => {
  it.effect("does what a capability with a target says, and the board has it", () =>
    Effect.gen(function* () {
      yield* known
      const view = yield* dispatch({
        capability: "device.field.set@1",
        targets: { of: [{ id: "heater-1" }], except: [] },
        args: { field: "target", value: 42 }
      })
      assert.strictEqual(view.outcome, "done")
    })
  )
  it.effect("does what words say", () =>
    Effect.gen(function* () {
      const view = yield* dispatch({ text: "turn off all heaters except heater-2" })
      assert.strictEqual(view.outcome, "done")
    })
  )
})
