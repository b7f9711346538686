import { assert, layer } from "@effect/vitest"
import { Effect, Schema, Stream } from "effect"
import type { Asker } from "../../../../src/protocol/Asker.ts"
import type { PayloadOf } from "../../../../src/protocol/Contract.ts"
import { Device } from "../../../../src/protocol/Device.ts"
import { DeviceId } from "../../../../src/protocol/Ids.ts"
import { Coordinator } from "../../../../src/protocol/vsm/Coordinator.ts"
import { Dispatcher } from "../../../../src/protocol/vsm/Dispatcher.ts"
import { OpView } from "../../../../src/protocol/vsm/Op.ts"
import { Vsm } from "../../../../src/protocol/vsm/Vsm.ts"
import { VsmId } from "../../../../src/protocol/vsm/VsmId.ts"
import { RunningNode, until } from "../../../support/RunningNode.ts"

type Order = PayloadOf<Dispatcher, "DispatchIntent">

const ada: Asker = { kind: "user", id: "ada", role: "operator" }
const by = { asker: ada }
const decode = Schema.decodeUnknownSync(OpView)

const begin = (order: Order) =>
  Effect.flatMap(RunningNode, ({ actors }) => actors.ask(Dispatcher, "root", "DispatchIntent", order, by))

/** The op once it is so. */
const watched = (op: string, isSo: (view: OpView) => boolean) =>
  Effect.gen(function* () {
    const { actors } = yield* RunningNode
    const views = actors.watch({ kind: "dispatcher", id: "root" }, "WatchOp", { op }, by).pipe(
      Stream.map((item) => decode(item)),
      Stream.takeUntil(isSo)
    )
    const last = (yield* Stream.runCollect(views)).at(-1)
    return last ?? assert.fail("the watch ended")
  })

const isEnded = ({ state }: OpView): boolean => state === "ended"

/** Gives an order and waits for its end. */
const dispatch = (order: Order) => Effect.flatMap(begin(order), ({ op }) => watched(op, isEnded))

const to = (...ids: ReadonlyArray<string>) => ({ of: ids.map((id) => ({ id })), except: [] })
const sleep = (id: string, millis: number): Order => ({
  capability: "device.command.invoke@1",
  targets: to(id),
  args: { command: "sleep", millis }
})

/** The words of a fleet follow its devices within a second or two. */
const known = until(
  dispatch({ text: "turn on heater-1, heater-2 and heater-3", dryRun: true }),
  ({ outcome }) => outcome === "done"
)

const heldClaims = Effect.gen(function* () {
  const { actors } = yield* RunningNode
  const { claims } = yield* actors.ask(Coordinator, "root", "GetClaims", { state: "held" }, by)
  return claims.length
})

const twin = (id: string) =>
  Effect.flatMap(RunningNode, ({ actors }) => actors.ask(Device, id, "GetTwin", {}, { asker: ada }))

layer(RunningNode.layer({ boards: 3 }), { timeout: "60 seconds", excludeTestServices: true })("a dispatcher", (it) => {
  it.effect("has boards do what a capability and its targets say, and gives its claim back", () =>
    Effect.gen(function* () {
      yield* known
      const args = { field: "target", value: 42 }
      const view = yield* dispatch({ capability: "device.field.set@1", targets: to("heater-1", "heater-2"), args })
      assert.deepInclude(view, { outcome: "done", chunkCount: 2, title: "set target to 42 on 2 heaters" })
      assert.containsAllKeys(view.took, ["verify", "replay", "decode", "rate", "record", "resolve", "claim", "invoke"])
      for (const id of ["heater-1", "heater-2"])
        assert.strictEqual(Object(yield* twin(id)).reported["target"], 42, `the board of ${id} says so`)
      yield* until(heldClaims, (count) => count === 0)
    })
  )

  it.effect("has boards do what words say, answers questions, and asks back what it does not understand", () =>
    Effect.gen(function* () {
      yield* known
      const view = yield* dispatch({ text: "turn off all heaters except heater-2" })
      assert.deepInclude(view, { outcome: "done", capability: "device.output.switch@1" })
      assert.sameMembers(
        view.chunks.map(({ target }) => target),
        ["device/heater-1", "device/heater-3"]
      )
      const question = yield* dispatch({ text: "list the devices" })
      assert.deepInclude(question, { outcome: "done", chunkCount: 0 })
      assert.isDefined(question.answer)
      const unclear = yield* dispatch({ text: "make it nicer around here" })
      assert.strictEqual(unclear.outcome, "refused")
      assert.isString(unclear.unclear?.question)
    })
  )

  it.effect("stops a board in the middle of a command within a moment of being asked to", () =>
    Effect.gen(function* () {
      yield* known
      const { actors } = yield* RunningNode
      const { op } = yield* begin(sleep("heater-1", 30_000))
      yield* watched(op, ({ state }) => state === "running")
      yield* actors.ask(Dispatcher, "root", "CancelOp", { op }, by)
      const view = yield* watched(op, isEnded)
      assert.deepInclude(view, { outcome: "cancelled", chunkCount: 1 })
      const { commands } = yield* actors.ask(Device, "heater-1", "ListCommands", {}, by)
      assert.isTrue(commands.every(({ state }) => state === "done"))
      yield* until(heldClaims, (count) => count === 0)
    })
  )

  it.effect("has one wait for another that moves the same, and not for what moves something else", () =>
    Effect.gen(function* () {
      yield* known
      const { actors } = yield* RunningNode
      const first = yield* begin(sleep("heater-2", 30_000))
      yield* watched(first.op, ({ state }) => state === "running")
      const second = yield* begin({ ...sleep("heater-2", 1), lifeMillis: 30_000 })
      const other = yield* dispatch({
        capability: "device.field.set@1",
        targets: to("heater-2"),
        args: { field: "target", value: 21 }
      })
      assert.strictEqual(other.outcome, "done")
      assert.notStrictEqual((yield* actors.ask(Dispatcher, "root", "OpStatus", { op: second.op }, by)).state, "ended")
      yield* actors.ask(Dispatcher, "root", "CancelOp", { op: first.op }, by)
      assert.strictEqual((yield* watched(second.op, isEnded)).outcome, "done")
    })
  )

  it.effect("does for one idempotency key once what is asked for twice at the same time", () =>
    Effect.gen(function* () {
      yield* known
      const { actors } = yield* RunningNode
      const order = { ...sleep("heater-3", 1), idempotencyKey: "night-shift" }
      const [one, two] = yield* Effect.all([dispatch(order), dispatch(order)], { concurrency: 2 })
      assert.deepStrictEqual(one, two)
      const { commands } = yield* actors.ask(Device, "heater-3", "ListCommands", {}, by)
      assert.lengthOf(
        commands.filter(({ name }) => name === "sleep"),
        1
      )
    })
  )

  it.effect("says of a target why its board did not do what it was told", () =>
    Effect.gen(function* () {
      yield* known
      const view = yield* dispatch({
        capability: "device.command.invoke@1",
        targets: to("heater-1"),
        args: { command: "sleep", millis: -5 }
      })
      assert.deepInclude(view, { outcome: "failed", failedCount: 1 })
      assert.isDefined(view.refusal)
    })
  )

  it.effect("refuses who may dispatch and may not do that, each target with the reason", () =>
    Effect.gen(function* () {
      yield* known
      const { actors } = yield* RunningNode
      const eve = { asker: { ...ada, id: "eve", may: ["vsm.*", "device.read"] } }
      const { op } = yield* actors.ask(Dispatcher, "root", "DispatchIntent", sleep("heater-1", 1), eve)
      const view = yield* watched(op, isEnded)
      assert.strictEqual(view.outcome, "refused")
      assert.strictEqual(view.refusal?._tag, "PolicyDenied")
    })
  )

  it.effect("needs of who is confined to zones the right to do it there, and no other", () =>
    Effect.gen(function* () {
      yield* known
      const { actors } = yield* RunningNode
      yield* actors.ask(Device, "heater-1", "SetZone", { zone: "hall.a" }, by)
      const zoe: Asker = { ...ada, id: "zoe", zones: ["hall.a"], may: ["vsm.dispatch", "device.set"] }
      const args = { field: "target", value: 37 }
      const orderFor = (id: string): Order => ({ capability: "device.field.set@1", targets: to(id), args })
      const ended = (id: string) =>
        Effect.gen(function* () {
          const { op } = yield* actors.ask(Dispatcher, "root", "DispatchIntent", orderFor(id), { asker: zoe })
          return yield* watched(op, isEnded)
        })
      assert.deepInclude(yield* ended("heater-1"), { outcome: "done", chunkCount: 1 })
      assert.strictEqual((yield* ended("heater-2")).refusal?._tag, "ZoneDenied")
    })
  )

  it.effect("hands to the dispatcher of a VSM below what its units are to do", () =>
    Effect.gen(function* () {
      yield* known
      const { actors } = yield* RunningNode
      const line = VsmId.make("line-1")
      yield* actors.ask(Vsm, "root", "Spawn", { child: line }, by)
      const status = Effect.orElseSucceed(actors.ask(Vsm, line, "Describe", {}, by), () => undefined)
      yield* until(status, (view) => view?.status === "active")
      yield* actors.ask(Vsm, line, "Adopt", { unit: DeviceId.make("heater-3") }, by)
      yield* until(actors.ask(Vsm, line, "Describe", {}, by), ({ units }) => units === 1)
      const args = { field: "target", value: 33 }
      const view = yield* dispatch({ capability: "device.field.set@1", targets: to("heater-1", "heater-3"), args })
      assert.deepInclude(view, { outcome: "done", chunkCount: 2 })
      assert.deepStrictEqual(view.chunks.map(({ target, via }) => `${target} by ${via}`).toSorted(), [
        "device/heater-1 by undefined",
        "device/heater-3 by line-1"
      ])
      const { ops } = yield* actors.ask(Dispatcher, line, "ListOps", {}, by)
      assert.deepInclude(ops[0], { outcome: "done", by: "user/ada" })
      const upward = yield* actors.ask(Dispatcher, line, "DispatchIntent", sleep("heater-1", 1), by)
      const refused = yield* until(
        actors.ask(Dispatcher, line, "OpStatus", { op: upward.op }, by),
        ({ state }) => state === "ended"
      )
      assert.strictEqual(refused.refusal?._tag, "NotFound", "a VSM orders nobody above it")
    })
  )
})
