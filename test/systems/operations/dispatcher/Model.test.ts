import { assert, describe, it } from "@effect/vitest"
import { derivedId } from "../../../../src/protocol/Ids.ts"
import type { ActEnd } from "../../../../src/protocol/vsm/Op.ts"
import type { Work, Worked } from "../../../../src/systems/operations/dispatcher/Course.ts"
import { type Below, randomOf } from "../../../support/Random.ts"
import { actOn, Desk, type Effect } from "./Desk.ts"

const seeds = 250
const acts = 60
const vsms = ["root", "line-1", "cell-1"] as const
const devices = ["press-1", "press-2", "press-3", "press-4", "press-5"]

/** Whose unit a device is: it never changes, as an op that is understood again is understood the same. */
const holderOf = (device: string): number => devices.indexOf(device) % vsms.length

/** What the world did, by the ids of requests: what is asked for twice is done once. */
class World {
  readonly done = new Map<string, string>()
  readonly ops: Array<{ readonly op: string; readonly key: string | undefined }> = []

  does(request: string, device: string): void {
    this.done.set(request, device)
  }
}

const understood = ({ question, batch }: Work): Worked["understood"] => {
  if (question === undefined) return undefined
  const at = vsms.map(String).indexOf(question.vsm)
  const given = question.acts ?? devices.map((device, place) => actOn(batch.op, device, place))
  const placed = given.map((act) => {
    const below = holderOf(act.step.id) > at ? vsms[at + 1] : undefined
    return below === undefined ? act : actOn(batch.op, act.step.id, act.place, below)
  })
  // The id of an act stays what it was where it was given.
  const found = placed.map((act, place) => ({ ...act, request: given[place]?.request ?? act.request }))
  return { acts: found, left: [], took: {} }
}

/** An effect comes to its end, in one of the ways in which it may. */
const finish = (world: World, { work, end }: Effect, random: Below): void => {
  const found = understood(work)
  if (found !== undefined) return end({ understood: found, carried: undefined })
  const { batch } = work
  const ends: Array<ActEnd> = []
  const isLost = random(8) === 0
  for (const { place, request, step } of batch.acts) {
    if (isLost && random(2) === 0) continue
    if (batch.isCancelling && !world.done.has(request)) {
      ends.push({ place, outcome: "cancelled" })
      continue
    }
    world.does(request, step.id)
    ends.push({ place, outcome: "done" })
  }
  end({ understood: undefined, carried: { ...batch, ends, isLost, retries: 0, took: {} } })
}

const act = (desk: Desk, world: World, random: Below): void => {
  const [op] = world.ops.slice(random(Math.max(1, world.ops.length)))
  const { effects } = desk
  const effect = effects[random(Math.max(1, effects.length))]
  switch (random(8)) {
    case 0:
    case 1: {
      const key = random(2) === 0 ? `key-${random(3)}` : undefined
      const replies = desk.rig.send({ kind: "dispatcher", id: "root" }, "DispatchIntent", {
        text: "turn on everything",
        ...(key !== undefined && { idempotencyKey: key })
      })
      desk.rig.advance(20)
      const [reply] = replies
      if (reply?._tag === "Success") world.ops.push({ op: Object(reply.value).op, key })
      return
    }
    case 2:
      if (op !== undefined) desk.rig.send({ kind: "dispatcher", id: "root" }, "CancelOp", { op: op.op })
      return
    case 3:
      return void desk.kill()
    case 4:
      // A node dies after it did something and before it could say so.
      for (const { request, step } of effect?.work.question === undefined ? (effect?.work.batch.acts ?? []) : [])
        if (random(2) === 0) world.does(request, step.id)
      return void desk.kill()
    default:
      if (effect !== undefined) finish(world, desk.take(effect), random)
  }
}

const settle = (desk: Desk, world: World, random: Below): void => {
  for (let round = 0; round < 400; round++) {
    const { effects } = desk
    const effect = effects[effects.length - 1]
    if (effect !== undefined) finish(world, desk.take(effect), random)
    desk.rig.advance(500)
  }
}

const check = (desk: Desk, world: World, seed: number): void => {
  const ended = desk.events("op.ended").map(({ op }) => op)
  assert.strictEqual(new Set(ended).size, ended.length, `seed ${seed}: nothing ends twice`)
  const byKey = new Map<string, string>()
  for (const { op, key } of world.ops) {
    const view = desk.view(op)
    assert.strictEqual(view.state, "ended", `seed ${seed}: ${op} ends`)
    assert.isTrue(ended.includes(op), `seed ${seed}: the end of ${op} is an event`)
    const seqs = view.chunks.map(({ seq }) => seq)
    assert.deepStrictEqual(seqs, [...seqs.keys()], `seed ${seed}: numbers without a gap`)
    assert.strictEqual(
      new Set(view.chunks.map(({ target }) => target)).size,
      view.chunks.length,
      `seed ${seed}: once each`
    )
    for (const { target, outcome } of view.chunks) {
      const id = derivedId(op, target.slice("device/".length))
      if (outcome === "done") assert.isTrue(world.done.has(id), `seed ${seed}: ${target} did what it says`)
      if (outcome === "cancelled") assert.isFalse(world.done.has(id), `seed ${seed}: ${target} did nothing`)
    }
    if (key !== undefined) assert.strictEqual(byKey.get(key) ?? op, op, `seed ${seed}: one op for ${key}`)
    if (key !== undefined) byKey.set(key, op)
  }
}

describe("a tree of dispatchers", () => {
  it(`does everything once and ends every op once, whatever happens in between, in ${seeds} runs`, () => {
    for (let seed = 1; seed <= seeds; seed++) {
      const random = randomOf(seed)
      const desk = new Desk()
      const world = new World()
      let isFlaky = true
      Object.defineProperty(desk.rig, "canPost", { get: () => !isFlaky || random(2) === 0 })
      for (let count = 0; count < acts; count++) {
        act(desk, world, random)
        desk.rig.advance(random(10) === 0 ? random(2000) : random(30))
      }
      isFlaky = false
      desk.kill()
      settle(desk, world, random)
      check(desk, world, seed)
    }
  }, 60_000)
})
