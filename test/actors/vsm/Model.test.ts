import { assert, describe, it } from "@effect/vitest"
import { lacking } from "../../../src/protocol/vsm/Budget.ts"
import { randomOf } from "../../support/Random.ts"
import { Tree } from "./Tree.ts"

const seeds = 250
const acts = 60
const ids = ["north", "south", "line-1", "line-2", "cell"]
const boards = ["press-1", "press-2", "press-3", "press-4"]
const zones = ["hall", "hall.left", "hall.right", "yard"]

/** Does something to the tree, and does not wait for it. */
const act = (tree: Tree, random: (below: number) => number): void => {
  const any = <A>(from: ReadonlyArray<A>): A => {
    const found = from[random(from.length)]
    if (found === undefined) throw new Error("nothing to choose from")
    return found
  }
  const send = (id: string, message: string, payload: object) => tree.rig.send({ kind: "vsm", id }, message, payload)
  const somebody = () => any(["root", ...ids])
  switch (random(10)) {
    case 0:
    case 1:
    case 2: {
      const zone = random(3) === 0 ? { zone: any(zones) } : {}
      return void send(somebody(), "Spawn", {
        child: any(ids),
        budget: { spawn: random(6), mem_mb: random(50) },
        ...zone
      })
    }
    case 3:
    case 4:
      return void send(somebody(), "Adopt", { unit: any(boards), ...(random(2) === 0 ? { from: somebody() } : {}) })
    case 5:
      return void send(any(ids), "Retire", { mode: any(["drain", "now"]), deadlineMillis: random(2) * 5000 })
    case 6:
      return void send(any(ids), any(["Quarantine", "Release"]), { reason: "the model says so" })
    case 7:
      return void tree.rig.send({ kind: "device", id: any(boards) }, "SetZone", { zone: any([...zones, null]) })
    case 8:
      return void tree.rig.nextCommits.push(any(["Outage", "lost after writing", "Written", "Written", "Written"]))
    default:
      return tree.kill()
  }
}

/** The VSMs that have a row. */
const views = (tree: Tree) => ["root", ...ids].flatMap((id) => (tree.rig.rows.has(`vsm/${id}`) ? [tree.view(id)] : []))

const check = (tree: Tree, seed: number): void => {
  const all = views(tree)
  const living = all.filter(({ status }) => ["active", "degraded", "quarantined"].includes(status))
  assert.sameMembers(
    all.filter(({ status }) => status !== "absent" && status !== "retired").map(({ id }) => id),
    living.map(({ id }) => id),
    `seed ${seed}: nothing is left half-way`
  )
  for (const { id, children, parent, budget, given, path } of living) {
    if (parent !== undefined) {
      const above = living.find((other) => other.id === parent)
      assert.deepStrictEqual(above?.path, path.slice(0, -1), `seed ${seed}: ${id} hangs below a VSM that lives`)
      assert.isTrue(
        above?.children.some((child) => child.id === id),
        `seed ${seed}: ${parent} knows ${id}`
      )
    }
    for (const child of children)
      assert.isTrue(
        living.some((other) => other.id === child.id && other.parent === id),
        `seed ${seed}: ${child.id}, a child of ${id}, lives`
      )
    assert.isUndefined(lacking(budget, given), `seed ${seed}: ${id} has given no more than it has`)
  }
  for (const { id, status, units, children } of all)
    if (status === "retired") assert.deepStrictEqual([units, children], [0, []], `seed ${seed}: ${id} left nothing`)
  assert.strictEqual(tree.limits().total, living.length - 1, `seed ${seed}: the guard counts who lives`)
  assert.strictEqual(tree.limits().onTheWay, 0)
  for (const board of boards) {
    const holders = all.filter(({ id }) => tree.units(id).includes(board)).map(({ id }) => String(id))
    assert.deepStrictEqual(holders, [String(tree.holder(board))], `seed ${seed}: ${board} has one holder, as it says`)
  }
}

describe("a tree of VSMs", () => {
  it(`is whole after any run of messages, outages and deaths of its node, in ${seeds} runs`, () => {
    for (let seed = 1; seed <= seeds; seed++) {
      const random = randomOf(seed)
      const tree = new Tree()
      // Every other thing that is told waits, and leaves again later: all stand still between any two of their steps.
      let isFlaky = false
      Object.defineProperty(tree.rig, "canPost", { get: () => !isFlaky || random(2) === 0 })
      tree.setBounds({ perMinute: 1000, burst: 1000 })
      for (const board of boards) tree.attach(board)
      isFlaky = true
      for (let count = 0; count < acts; count++) {
        act(tree, random)
        tree.rig.advance(random(20) === 0 ? random(40_000) : random(3) === 0 ? random(2000) : random(3))
      }
      tree.rig.nextCommits.splice(0)
      isFlaky = false
      tree.kill()
      tree.settle(100_000)
      check(tree, seed)
    }
  }, 60_000)
})
