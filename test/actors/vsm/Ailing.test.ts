import { assert, describe, it } from "@effect/vitest"
import { encodeStored } from "../../../src/protocol/Stored.ts"
import { Tree } from "./Tree.ts"

/** A row that does not load any more: its actor is quarantined as soon as it wakes. */
const spoil = (tree: Tree, key: string): void => {
  const row = tree.rig.rows.get(key)
  assert.isDefined(row)
  tree.rig.residency.dropAll()
  row.head = encodeStored([{ spoilt: true }, 2])
  const [kind = "", id = ""] = key.split("/")
  tree.rig.residency.wake([{ kind, id }])
  tree.rig.advance(40_000)
  assert.isDefined(row.quarantine, `${key} is in quarantine`)
}

/** Carries out the release that a VSM has asked for last. */
const release = (tree: Tree, key: string): void => {
  const row = tree.rig.rows.get(key)
  assert.isDefined(row)
  row.quarantine = undefined
  row.isTold = false
  const [kind = "", id = ""] = key.split("/")
  const last = tree.rig.performed.findLastIndex((order) => !order.startsWith("lease "))
  const end = tree.rig.ends[last]
  assert.isDefined(end)
  end({ kind, id, isReleased: true })
}

const ailingOf = (tree: Tree, id: string) => tree.view(id).ailing.map((one) => `${one.kind}/${one.id}`)

describe("what crashes below a VSM", () => {
  it("is heard of by the VSM whose unit it is, though its row does not load, and restarted", () => {
    const tree = new Tree()
    tree.spawn("root", "line-1")
    tree.attach("press-1")
    tree.adopt("line-1", "press-1")
    const sound = tree.rig.rows.get("device/press-1")?.head ?? null
    spoil(tree, "device/press-1")
    tree.settle(15_000)
    assert.deepStrictEqual([ailingOf(tree, "line-1"), ailingOf(tree, "root")], [["device/press-1"], []])
    assert.deepInclude(Object(tree.events("vsm.unit-quarantined")[0]), { intensity: 0.9, decision: "restart" })
    const [pain] = tree.events("algedonic.felt")
    assert.deepInclude(Object(pain), { source: "device/press-1", metric: "quarantined", intensity: 0.9 })
    assert.include(tree.rig.performed.at(-1), "device/press-1")
    const row = tree.rig.rows.get("device/press-1")
    if (row !== undefined) row.head = sound
    release(tree, "device/press-1")
    tree.settle()
    assert.deepStrictEqual(tree.events("vsm.unit-restarted"), [{ kind: "device", id: "press-1" }])
    assert.deepInclude(Object(tree.events("algedonic.acknowledged")[0]), { by: "vsm/line-1", level: "unit" })
    assert.deepStrictEqual(tree.units("line-1"), ["press-1"])
    assert.strictEqual(tree.holder("press-1"), "line-1")
  })

  it("is a child too, which its parent hears of", () => {
    const tree = new Tree()
    tree.spawn("root", "hall")
    tree.spawn("hall", "line-1", { budget: {} })
    spoil(tree, "vsm/line-1")
    tree.settle(15_000)
    assert.deepStrictEqual([ailingOf(tree, "hall"), ailingOf(tree, "root")], [["vsm/line-1"], []])
  })

  it("is a subsystem of a VSM too; of its channel that of the parent hears", () => {
    const tree = new Tree()
    tree.spawn("root", "line-1", { budget: {} })
    spoil(tree, "algedonic/line-1")
    tree.settle(15_000)
    assert.deepStrictEqual(ailingOf(tree, "line-1"), ["algedonic/line-1"])
    assert.strictEqual(tree.view("line-1").status, "degraded")
    assert.deepInclude(Object(tree.events("algedonic.felt")[0]), { signal: "root.1", source: "algedonic/line-1" })
  })

  it("again and again is left in quarantine after three restarts within ten minutes, until somebody else has released it", () => {
    const tree = new Tree()
    tree.attach("press-1")
    for (let round = 0; round < 4; round++) {
      spoil(tree, "device/press-1")
      tree.settle(70_000)
      if (round < 3) release(tree, "device/press-1")
      tree.settle()
    }
    const decisions = tree.events("vsm.unit-quarantined").map((data) => Object(data).decision)
    assert.deepStrictEqual(decisions, ["restart", "restart", "restart", "leave"])
    assert.isUndefined(tree.view("root").ailing[0]?.restartAt)
    tree.settle(900_000)
    assert.deepStrictEqual([ailingOf(tree, "root"), tree.view("root").status], [["device/press-1"], "degraded"])
    // Somebody with `holon quarantine release`: nobody tells the VSM, so it looks.
    tree.rig.ends.at(-1)?.({ kind: "device", id: "press-1", isFree: true })
    tree.settle()
    assert.deepStrictEqual([ailingOf(tree, "root"), tree.view("root").status], [[], "active"])
  })

  it("is released again by the next node when this one dies over it", () => {
    const tree = new Tree()
    tree.attach("press-1")
    spoil(tree, "device/press-1")
    tree.settle(15_000)
    const before = tree.rig.performed.length
    assert.isAbove(before, 0)
    tree.kill()
    tree.settle(10_000)
    assert.isAbove(tree.rig.performed.length, before)
  })
})
