import { assert, describe, it } from "@effect/vitest"
import { CapabilityFailed, NotFound } from "../../../../src/protocol/Errors.ts"
import { derivedId } from "../../../../src/protocol/Ids.ts"
import { refusalOf } from "../../../../src/protocol/vsm/Spawn.ts"
import { leaseOf } from "../../../../src/systems/operations/dispatcher/Batch.ts"
import type { Stop } from "../../../../src/systems/operations/dispatcher/Course.ts"
import { operator } from "../../../support/ActorRig.ts"
import { actOn, Desk } from "./Desk.ts"

const presses = (count: number): ReadonlyArray<readonly [string]> =>
  Array.from({ length: count }, (_, at) => [`press-${at + 1}`])

const seqs = (desk: Desk, op: string) => desk.view(op).chunks.map(({ seq }) => seq)

describe("an op", () => {
  it("ends once, with what each target came to in numbers without a gap, and is remembered", () => {
    const desk = new Desk()
    const op = desk.order()
    assert.deepInclude(desk.view(op), { state: "reading", by: "user/ada", targetCount: 0 })
    assert.deepStrictEqual(desk.view(op).path.map(String), ["root"])
    desk.understood(op, presses(3))
    assert.deepInclude(desk.view(op), { state: "running", targetCount: 3, title: "turn on everything" })
    desk.carried(op)
    const view = desk.view(op)
    assert.deepInclude(view, { state: "ended", outcome: "done", progress: 1, chunkCount: 3 })
    assert.deepStrictEqual(
      view.chunks.map(({ seq, target }) => [seq, target]),
      [0, 1, 2].map((seq) => [seq, `device/press-${seq + 1}`])
    )
    assert.deepStrictEqual(view.took, { verify: 0, replay: 0, decode: 0, rate: 0, record: 0, classify: 1, invoke: 1 })
    assert.deepStrictEqual(desk.kill().view(op), view, "also when the node that ended it is gone")
    assert.lengthOf(desk.events("op.ended"), 1)
    assert.deepInclude(desk.events("op.ended")[0], { op, outcome: "done", targets: 3, failed: 0 })
  })

  it("that was cancelled before it was carried out leaves nothing behind in memory", () => {
    const desk = new Desk()
    for (const isEndedFirst of [true, false]) {
      const op = desk.order()
      desk.ask("CancelOp", { op })
      const at = desk.rig.orders.findLastIndex(({ name }) => name === "stop")
      const order = desk.rig.orders[at] ?? assert.fail("nothing is stopped")
      const { stops } = order.input as Stop
      if (isEndedFirst) desk.understood(op, presses(1))
      stops.stop(op)
      desk.rig.ends[at]?.(undefined)
      desk.rig.advance(1)
      if (!isEndedFirst) desk.understood(op, presses(1))
      assert.deepInclude(desk.view(op), { state: "ended", outcome: "cancelled" })
      stops.listen(op, () => assert.fail("it is remembered"))
    }
  })

  it("with many targets is carried out sixteen at a time, each batch under a claim of its own", () => {
    const desk = new Desk()
    const op = desk.order()
    desk.understood(op, presses(40))
    const leases = new Set<string>()
    for (const size of [16, 16, 8]) {
      const batch = desk.effects.at(-1)?.work.batch
      assert.strictEqual(batch?.acts.length, size)
      if (batch !== undefined) leases.add(leaseOf(batch))
      desk.carried(op)
    }
    assert.strictEqual(leases.size, 3)
    assert.deepStrictEqual(
      seqs(desk, op),
      Array.from({ length: 40 }, (_, at) => at)
    )
  })

  it("shows ends as they come, and takes none of them twice", () => {
    const desk = new Desk()
    const op = desk.order()
    desk.understood(op, presses(3))
    const told = { op, batch: 0, ends: [{ place: 1, outcome: "done" }], progress: 0.5, note: "homing" }
    for (let time = 0; time < 2; time++)
      desk.ask("Progress", told, "root", { asker: { ...operator, role: "internal" } })
    assert.deepInclude(desk.view(op), { chunkCount: 1, note: "homing" })
    assert.closeTo(desk.view(op).progress, (1 + 0.5 * 2) / 3, 1e-9)
    desk.carried(op)
    assert.deepStrictEqual(
      desk.view(op).chunks.map(({ target }) => target),
      ["device/press-2", "device/press-1", "device/press-3"]
    )
  })

  it("goes on where it stood when its node dies, with the same ids for its claim and for each act", () => {
    const desk = new Desk()
    const op = desk.order()
    desk.understood(op, presses(2))
    const before = desk.effects.at(-1)?.work.batch
    const after = desk.kill().effects.at(-1)?.work.batch
    assert.deepStrictEqual(after?.acts, before?.acts)
    assert.strictEqual(after === undefined ? "" : leaseOf(after), before === undefined ? "none" : leaseOf(before))
    desk.carried(op)
    assert.lengthOf(desk.events("op.ended"), 1)
  })

  it("asks for another claim when a stronger one took its own, and gives up after the eighth", () => {
    const desk = new Desk()
    const op = desk.order()
    desk.understood(op, presses(2))
    desk.carried(op, "done", { isLost: true, ends: [{ place: 0, outcome: "done" }] })
    const batch = desk.effects.at(-1)?.work.batch
    assert.deepInclude(batch, { batch: 0, attempt: 1 })
    assert.deepStrictEqual(
      batch?.acts.map(({ place }) => place),
      [1]
    )
    for (let attempt = 1; attempt < 8; attempt++) desk.carried(op, "done", { isLost: true, ends: [] })
    const [, lost] = desk.view(op).chunks
    assert.deepInclude(lost?.refusal, { _tag: "Conflict" })
    assert.strictEqual(desk.view(op).outcome, "failed")
  })

  it("hears nothing of an effect that stands behind it", () => {
    const desk = new Desk()
    const op = desk.order()
    desk.understood(op, presses(20))
    const late = desk.effects.at(-1)
    desk.carried(op)
    late?.end({
      understood: undefined,
      carried: { batch: 0, attempt: 0, ends: [{ place: 19, outcome: "failed" }], isLost: false, retries: 0, took: {} }
    })
    desk.rig.advance(1000)
    assert.strictEqual(desk.view(op).chunkCount, 16)
  })

  it("that nobody ends is given up when its life and a grace are over", () => {
    const desk = new Desk()
    const op = desk.order({ lifeMillis: 5000 })
    desk.understood(op, presses(1))
    desk.rig.advance(120_000)
    assert.deepInclude(desk.view(op), { state: "ended", outcome: "failed" })
    assert.deepInclude(desk.view(op).refusal, { _tag: "Timeout" })
  })

  it("begins no batch after the end of its life", () => {
    const desk = new Desk()
    const op = desk.order({ lifeMillis: 5000 })
    desk.understood(op, presses(17))
    desk.rig.advance(6000)
    desk.carried(op)
    const view = desk.view(op)
    assert.deepInclude(view, { outcome: "failed", chunkCount: 17, failedCount: 1 })
    assert.deepInclude(view.chunks.at(-1)?.refusal, { _tag: "Expired" })
  })

  it("is refused when it means nothing that can be done, and says why", () => {
    const desk = new Desk()
    const op = desk.order()
    const refusal = new NotFound({ what: "device press-9" })
    const left = [{ place: 0, target: "device/press-9", refusal: refusalOf(refusal) }]
    desk.understood(op, [], { left, refusal })
    assert.deepInclude(desk.view(op), { outcome: "refused", chunkCount: 1, refusal: refusalOf(refusal) })
    assert.strictEqual(desk.view(op).refusal?._tag, "NotFound")
  })

  it("that is a question ends with its answer, and one to be tried dry with what would be done", () => {
    const desk = new Desk()
    const question = desk.order()
    desk.understood(question, [], { answer: { sentence: "3 devices", data: 3 } })
    assert.deepInclude(desk.view(question), { outcome: "done", answer: { sentence: "3 devices", data: 3 } })
    const dry = desk.order({ dryRun: true })
    desk.understood(dry, [["press-1"], ["press-2", "line-1"]])
    const planned = { message: "SetDesired", payload: { patch: { on: true } } }
    assert.deepStrictEqual(
      desk.view(dry).planned?.map(({ via, ...act }) => ({ ...act, via: String(via) })),
      [
        { target: "device/press-1", ...planned, via: "undefined" },
        { target: "device/press-2", ...planned, via: "line-1" }
      ]
    )
    assert.lengthOf(desk.effects, 0)
  })

  it("that fails on a board names what may be tried instead, as far as the asker may", () => {
    const desk = new Desk()
    const order = {
      text: undefined,
      capability: "device.field.set@1",
      targets: { of: [{ id: "press-1" }], except: [] }
    }
    const failed = refusalOf(new CapabilityFailed({ code: 5, message: "jammed", alternatives: [] }))
    const alternatives = (may?: ReadonlyArray<string>) => {
      const asker = { ...operator, ...(may !== undefined && { may }) }
      const { text: _, ...plain } = order
      const op = Object(desk.ask("DispatchIntent", plain, "root", { asker })).op
      desk.end(op, ({ batch }) => ({
        understood: { acts: [actOn(op, "press-1", 0)], left: [], took: {} },
        carried: {
          ...batch,
          ends: [{ place: 0, outcome: "failed", refusal: failed }],
          isLost: false,
          retries: 2,
          took: {}
        }
      }))
      const view = desk.view(op)
      assert.strictEqual(view.retries, 2)
      return Object(view.refusal).alternatives
    }
    assert.deepStrictEqual(alternatives(), ["device.field.change@1", "device.field.read@1"])
    assert.deepStrictEqual(alternatives(["vsm.*", "device.read"]), ["device.field.read@1"])
  })
})

describe("an op that is cancelled", () => {
  it("stops what is under way by its effect, begins nothing more, and ends as cancelled", () => {
    const desk = new Desk()
    const op = desk.order()
    desk.understood(op, presses(20))
    assert.deepInclude(desk.ask("CancelOp", { op }), { isCancelling: true, state: "running" })
    desk.carried(op, "cancelled")
    assert.deepInclude(desk.view(op), { state: "ended", outcome: "cancelled", chunkCount: 20 })
    assert.deepInclude(desk.ask("CancelOp", { op }), { outcome: "cancelled" }, "a repeat changes nothing")
    assert.lengthOf(desk.events("op.ended"), 1)
  })

  it("before it is understood does nothing at all", () => {
    const desk = new Desk()
    const op = desk.order()
    desk.ask("CancelOp", { op })
    desk.understood(op, presses(2))
    assert.deepInclude(desk.view(op), { outcome: "cancelled", chunkCount: 2 })
    assert.lengthOf(desk.effects, 0)
  })

  it("stays so when its node dies: what was begun there is stopped by the next one", () => {
    const desk = new Desk()
    const op = desk.order()
    desk.understood(op, presses(1))
    desk.ask("CancelOp", { op })
    assert.deepInclude(desk.kill().effects.at(-1)?.work.batch, { isCancelling: true })
  })
})

describe("the same idempotency key", () => {
  it("of one asker is one op while it is under way, when it has ended, and when its node has died", () => {
    const desk = new Desk()
    const order = { idempotencyKey: "shift-7" }
    const op = desk.order(order)
    assert.strictEqual(desk.order(order), op)
    desk.understood(op, presses(1)).carried(op)
    const ended = desk.view(op)
    desk.kill()
    assert.deepStrictEqual(desk.ask("DispatchIntent", { text: "something else", ...order }), ended)
    assert.lengthOf(desk.effects, 0, "and is done once")
    const other = desk.order(order, "root", { asker: { ...operator, id: "bob" } })
    assert.notStrictEqual(other, op, "another asker's is another's")
  })
})

describe("an op for units of a VSM below", () => {
  const handOn = () => {
    const desk = new Desk()
    const op = desk.order()
    desk.understood(op, [["press-1"], ["press-2", "line-1"], ["press-3", "line-1"]])
    return { desk, op, part: derivedId(op, "below line-1") }
  }

  it("is handed on with its path and the ids of its acts, and gathers what they come to", () => {
    const { desk, op, part } = handOn()
    assert.deepInclude(desk.view(part, "line-1"), { by: "user/ada", targetCount: 2 })
    assert.deepStrictEqual(desk.view(part, "line-1").path.map(String), ["root", "line-1"])
    const question = desk.effects.find(({ id }) => id === part)?.work.question
    assert.deepStrictEqual(
      question?.acts?.map(({ request }) => request),
      [derivedId(op, "press-2"), derivedId(op, "press-3")]
    )
    desk.end(part, ({ question: asked, batch }) => ({
      understood: { acts: asked?.acts ?? [], left: [], took: {} },
      carried: {
        ...batch,
        ends: [
          { place: 2, outcome: "done" },
          { place: 1, outcome: "later" }
        ],
        isLost: false,
        retries: 0,
        took: {}
      }
    }))
    assert.strictEqual(desk.view(op).state, "running")
    desk.carried(op)
    const view = desk.view(op)
    assert.deepStrictEqual(
      view.chunks.map(({ seq, target, via }) => [seq, target, String(via)]),
      [
        [0, "device/press-3", "line-1"],
        [1, "device/press-2", "line-1"],
        [2, "device/press-1", "undefined"]
      ]
    )
    assert.strictEqual(view.outcome, "done")
    assert.lengthOf(desk.events("op.ended"), 2, "one for the op, one for its part")
  })

  it("takes its part back when it is cancelled", () => {
    const { desk, op, part } = handOn()
    desk.ask("CancelOp", { op })
    desk.rig.advance(1000)
    assert.isTrue(desk.view(part, "line-1").isCancelling)
    desk.end(part, ({ question }) => ({
      understood: { acts: question?.acts ?? [], left: [], took: {} },
      carried: undefined
    }))
    desk.carried(op, "cancelled")
    assert.deepInclude(desk.view(op), { outcome: "cancelled", chunkCount: 3 })
  })

  it("is refused where it has been already, and below the sixteenth VSM", () => {
    const desk = new Desk()
    const op = desk.order()
    desk.understood(op, [["press-1", "line-1"]])
    const handed = {
      op: derivedId(op, "again"),
      parent: op,
      asker: operator,
      priority: "normal",
      until: desk.rig.now + 60_000,
      acts: [actOn(op, "press-1", 0)]
    }
    const internal = { asker: { ...operator, role: "internal" } }
    desk.ask("Delegate", { ...handed, path: ["line-1", "root"] }, "line-1", internal)
    desk.rig.advance(1000)
    assert.deepInclude(desk.view(op).refusal, { _tag: "SpawnDenied", reason: "loop" })
    assert.deepInclude(desk.ask("OpStatus", { op: handed.op }, "line-1"), { _tag: "NotFound" })

    const deep = desk.order()
    desk.understood(deep, [["press-1", "line-1"]])
    const path = ["line-9", ...Array.from({ length: 14 }, (_, at) => `cell-${at}`), "root"]
    desk.ask("Delegate", { ...handed, op: derivedId(deep, "deep"), parent: deep, path }, "bottom", internal)
    desk.rig.advance(1000)
    assert.deepInclude(desk.view(deep).refusal, { _tag: "DepthExceeded", depth: 16 })
  })

  it("is given up when the VSM below never says what came of it", () => {
    const { desk, op } = handOn()
    desk.carried(op)
    desk.rig.canPost = false
    desk.rig.advance(200_000)
    assert.deepInclude(desk.view(op), { outcome: "failed", failedCount: 2 })
  })
})
