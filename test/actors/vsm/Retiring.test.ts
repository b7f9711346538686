import { assert, describe, it } from "@effect/vitest"
import { runtimeAsker } from "../../../src/protocol/Asker.ts"
import { hello } from "../device/Bench.ts"
import { Tree } from "./Tree.ts"

/** `hall` with `line-1` below it and `cell` below that; a board in each. */
const threeDeep = (): Tree => {
  const tree = new Tree()
  tree.spawn("root", "hall")
  tree.spawn("hall", "line-1", { budget: { spawn: 5 } })
  tree.spawn("line-1", "cell", { budget: {} })
  for (const [unit, id] of [
    ["press-1", "hall"],
    ["press-2", "line-1"],
    ["press-3", "cell"]
  ] as const) {
    tree.attach(unit)
    tree.adopt(id, unit)
  }
  return tree
}

const boards = ["press-1", "press-2", "press-3"]

describe("retiring a VSM", () => {
  it.each(["drain", "now"])("ends all below it, and hands every device to the nearest that stays: %s", (mode) => {
    const tree = threeDeep()
    assert.strictEqual(Object(tree.ask("line-1", "Retire", { mode })).status, "retiring")
    tree.settle(5000)
    assert.deepStrictEqual([tree.view("line-1").status, tree.view("cell").status], ["retired", "retired"])
    assert.deepStrictEqual(tree.units("hall"), boards)
    assert.deepStrictEqual(
      boards.map((id) => tree.holder(id)),
      ["hall", "hall", "hall"]
    )
    assert.deepStrictEqual([tree.view("hall").children, tree.view("hall").given], [[], {}])
    assert.strictEqual(tree.limits().total, 1)
  })

  it("gives back what was claimed of it and of those below", () => {
    const tree = threeDeep()
    const place = { kind: "coordinator", id: "cell" }
    const claims = [{ resource: "device/press-3", mode: "exclusive" }]
    const claimed = tree.rig.ask(place, "Claim", { claims })
    assert.strictEqual(claimed._tag, "Success")
    tree.ask("line-1", "Retire", { mode: "drain" })
    tree.settle(5000)
    const left = tree.rig.ask(place, "GetClaims", { state: "held" })
    assert.deepInclude(left._tag === "Success" ? left.value : left, { claims: [] })
    assert.strictEqual(tree.rig.ask(place, "Claim", { claims })._tag, "Refused")
  })

  it("hands over a device that stands still in quarantine, and the device hears of it when it is back", () => {
    const tree = threeDeep()
    const row = tree.rig.rows.get("device/press-2")
    assert.isDefined(row)
    tree.rig.residency.dropAll()
    row.quarantine = { kind: "device", id: "press-2", shard: 1, expected: 0, since: 1, cause: "planted", attempts: 5 }
    tree.ask("line-1", "Retire", { mode: "drain", deadlineMillis: 10_000 })
    tree.settle()
    assert.strictEqual(tree.view("line-1").status, "retiring")
    tree.settle(10_000)
    assert.strictEqual(tree.view("line-1").status, "retired")
    assert.deepStrictEqual(tree.units("hall"), boards)
    row.quarantine = undefined
    tree.settle(120_000)
    assert.strictEqual(tree.holder("press-2"), "hall")
    assert.deepStrictEqual(tree.units("hall"), boards)
  })

  it("in the middle of a spawn undoes it first: the child ends, its place and its budget are free", () => {
    for (let passed = 0; passed < 12; passed++) {
      const tree = new Tree()
      tree.spawn("root", "hall")
      tree.rig.holdCommits = true
      tree.rig.send({ kind: "vsm", id: "hall" }, "Spawn", { child: "line-1", budget: { mem_mb: 1 } })
      for (let commit = 0; commit < passed; commit++) {
        tree.rig.releaseCommits()
        tree.rig.holdCommits = commit + 1 < passed
      }
      tree.rig.send({ kind: "vsm", id: "hall" }, "Retire", { mode: "drain" })
      tree.rig.releaseCommits()
      tree.settle(30_000)
      assert.strictEqual(tree.view("hall").status, "retired", `after ${passed}`)
      assert.deepStrictEqual([tree.view("root").children, tree.view("root").given], [[], {}])
      assert.strictEqual(tree.limits().total, 0)
    }
  })

  it("goes on where it was when the node dies", () => {
    for (let killedAt = 0; killedAt < 20; killedAt++) {
      const tree = threeDeep()
      tree.rig.nextCommits.push(...Array.from({ length: killedAt }, () => "Written" as const), "lost after writing")
      tree.rig.send({ kind: "vsm", id: "hall" }, "Retire", { mode: "drain" })
      tree.rig.advance(1)
      tree.kill()
      tree.settle(60_000)
      // The answer to the first commit was lost with the node: nobody has said that it retires, and it may have begun.
      if (tree.view("hall").status === "active") tree.ask("hall", "Retire", { mode: "drain" })
      tree.settle(5000)
      assert.deepStrictEqual(tree.units("root"), boards, `killed at ${killedAt}`)
      assert.strictEqual(tree.limits().total, 0)
    }
  })

  it("takes no device that still comes: it goes to the parent", () => {
    const tree = threeDeep()
    tree.ask("cell", "Retire", { mode: "drain" })
    tree.settle(5000)
    tree.attach("press-4")
    tree.rig.ask(
      { kind: "device", id: "press-4" },
      "AssignUnit",
      { to: "cell", from: ["root"], by: "cell" },
      {
        asker: runtimeAsker
      }
    )
    tree.settle(5000)
    assert.strictEqual(tree.holder("press-4"), "line-1")
    assert.include(tree.units("line-1"), "press-4")
  })

  it("moves three hundred boards, some at a time", () => {
    const tree = new Tree()
    tree.spawn("root", "hall")
    const ids = Array.from({ length: 300 }, (_, number) => `cell-${number + 1000}`)
    for (const id of ids) {
      tree.rig.send({ kind: "device", id }, "Attach", hello, { asker: { kind: "device", id, role: "board" } })
      tree.rig.send(
        { kind: "device", id },
        "AssignUnit",
        { to: "hall", from: ["root"], by: "hall" },
        { asker: runtimeAsker }
      )
    }
    tree.settle()
    assert.strictEqual(tree.view("hall").units, 300)
    tree.ask("hall", "Retire", { mode: "drain" })
    tree.settle(10_000)
    assert.strictEqual(tree.view("hall").status, "retired")
    assert.deepStrictEqual(tree.units("root"), ids)
  })
})
