import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { runtimeAsker } from "../../../src/protocol/Asker.ts"
import { Vsm } from "../../../src/protocol/vsm/Vsm.ts"
import { VsmId } from "../../../src/protocol/vsm/VsmId.ts"
import { Tree } from "./Tree.ts"

/** A line of VSMs below the root, each the child of the one before. */
const lineOf = (...ids: ReadonlyArray<string>): Tree => {
  const tree = new Tree()
  tree.setBounds({ depth: 8, perMinute: 100, burst: 100 })
  for (const [at, id] of ids.entries())
    tree.spawn(ids[at - 1] ?? "root", id, { budget: { mem_mb: 50 - at, spawn: 10 - at } })
  return tree
}

const described = (tree: Tree, id: string, depth: number) => {
  const found = Object(tree.ask(id, "Describe", { depth })).tree
  return found.map((digest: { id: string; below: { vsms: number }; units: number }) => [
    digest.id,
    digest.units,
    digest.below.vsms
  ])
}

describe("what a VSM knows of those below", () => {
  it("is three levels of its tree, with sums over all of it", () => {
    const tree = lineOf("a", "b", "c", "d", "e")
    tree.attach("press-1")
    tree.attach("press-2")
    tree.adopt("e", "press-1")
    tree.adopt("b", "press-2")
    tree.settle(5000)
    assert.deepStrictEqual(tree.view("root").below, { vsms: 5, units: 2, pain: 0 })
    assert.deepStrictEqual(described(tree, "root", 3), [
      ["a", 0, 4],
      ["b", 1, 3],
      ["c", 0, 2]
    ])
    assert.deepStrictEqual(described(tree, "root", 1), [["a", 0, 4]])
    assert.deepStrictEqual(described(tree, "c", 3), [
      ["d", 0, 1],
      ["e", 1, 0]
    ])
    assert.isUndefined(tree.view("root").tree)
  })

  it("is the same after its node died, and without those that have retired", () => {
    const tree = lineOf("a", "b", "c")
    tree.settle(5000)
    tree.kill()
    tree.settle(5000)
    assert.strictEqual(described(tree, "root", 3).length, 3)
    tree.ask("b", "Retire", { mode: "drain" })
    tree.settle(15_000)
    assert.deepStrictEqual(described(tree, "root", 3), [["a", 0, 0]])
    assert.deepStrictEqual(tree.view("root").below, { vsms: 1, units: 0, pain: 0 })
  })

  it("is told a few times in a storm of boards, and not once for each of them", () => {
    const tree = lineOf("a")
    tree.settle()
    const { rig } = tree
    const versionOf = (id: string) => rig.rows.get(`vsm/${id}`)?.version ?? 0
    const before = versionOf("root")
    for (let board = 0; board < 200; board++) {
      const unit = `press-${board}`
      rig.send({ kind: "vsm", id: "a" }, "RegisterUnit", { unit, fence: 1 }, { asker: runtimeAsker })
      rig.advance(5)
    }
    tree.settle()
    assert.strictEqual(tree.view("root").below.units, 200)
    assert.isAtLeast(versionOf("a"), 200)
    assert.isAtMost(versionOf("root") - before, 10, "a second of storm is a few words")
  })

  it("waits while much else is to be told, and costs nothing meanwhile", () => {
    const tree = lineOf("a")
    const { rig } = tree
    for (let board = 0; board < 300; board++) {
      const unit = `press-${board}`
      rig.send({ kind: "vsm", id: "a" }, "RegisterUnit", { unit, fence: 1 }, { asker: runtimeAsker })
    }
    tree.settle()
    rig.canPost = false
    rig.send({ kind: "vsm", id: "a" }, "Retire", { mode: "drain" })
    rig.send({ kind: "vsm", id: "a" }, "RemoveUnit", { unit: "press-1", fence: 2 }, { asker: runtimeAsker })
    rig.advance(1000)
    const before = rig.rows.get("vsm/a")?.version ?? 0
    rig.advance(5000)
    assert.isAtMost((rig.rows.get("vsm/a")?.version ?? 0) - before, 80, "a retirement looks ten times a second")
    rig.canPost = true
    tree.settle(200_000)
    assert.deepStrictEqual(tree.view("root").below, { vsms: 0, units: 0, pain: 0 })
  })

  it("refuses to show more than three levels", () => {
    const { payload } = Vsm.messages.Describe
    assert.deepStrictEqual(
      [0, 3, 4, -1, 1.5].map((depth) => Schema.is(payload)({ depth })),
      [true, true, false, false, false]
    )
  })
})

describe("a VSM with which something is wrong", () => {
  const escalated = (tree: Tree, id: string, kind = "device", vsm = "a") =>
    tree.rig.ask(
      { kind: "vsm", id: vsm },
      "Escalate",
      { actors: [{ kind, id, since: tree.rig.now, cause: "crashed" }] },
      { asker: runtimeAsker }
    )

  it("is degraded while an actor below stands still, says so once on either side, and still spawns", () => {
    const tree = lineOf("a")
    escalated(tree, "press-1")
    escalated(tree, "press-2")
    tree.rig.advance(1)
    assert.strictEqual(tree.view("a").status, "degraded")
    tree.settle()
    assert.deepStrictEqual(tree.view("a").troubles, [
      { kind: "device", id: "press-1", what: "quarantined" },
      { kind: "device", id: "press-2", what: "quarantined" },
      { kind: "vsm", id: "a", what: "pain" }
    ])
    assert.strictEqual(tree.spawn("a", "b", { budget: {} }).step, "active")
    assert.strictEqual(tree.events("vsm.degraded").length, 1)
  })

  it("is degraded while it hurts beyond doubt, until somebody takes care", () => {
    const tree = lineOf("a")
    const channel = { kind: "algedonic", id: "a" }
    const feeling = { source: "device/press-1", metric: "heat", intensity: 0.9 }
    tree.rig.send(channel, "Feel", feeling, { asker: runtimeAsker })
    tree.settle()
    assert.deepInclude(tree.view("a"), { status: "degraded", pain: 0.9 })
    assert.deepInclude(tree.view("root"), { status: "active", below: { vsms: 1, units: 0, pain: 0.9 } })
    tree.rig.ask(channel, "Ack", { signal: "a.1", action: "looks at it" })
    tree.settle()
    assert.deepInclude(tree.view("a"), { status: "active", pain: 0, troubles: [] })
    assert.strictEqual(tree.events("vsm.recovered").length, 1)
  })

  it("hears nothing of what is over at once", () => {
    const tree = lineOf("a")
    const channel = { kind: "algedonic", id: "a" }
    const feeling = { source: "device/press-1", metric: "heat", intensity: 0.9 }
    tree.rig.send(channel, "Feel", feeling, { asker: runtimeAsker })
    tree.rig.advance(100)
    tree.rig.send(channel, "Feel", { ...feeling, isOver: true }, { asker: runtimeAsker })
    tree.settle()
    assert.deepStrictEqual([tree.events("vsm.degraded"), tree.events("vsm.recovered")], [[], []])
  })

  it("is degraded while a child is in quarantine, and the one above that is not", () => {
    const tree = lineOf("a", "b")
    tree.ask("b", "Quarantine", { reason: "spawns in a loop" })
    tree.settle()
    assert.deepInclude(tree.view("a"), {
      status: "degraded",
      troubles: [{ kind: "vsm", id: VsmId.make("b"), what: "quarantined" }]
    })
    assert.strictEqual(tree.view("root").status, "active")
    tree.ask("b", "Release")
    tree.settle()
    assert.strictEqual(tree.view("a").status, "active")
  })

  it("is no more degraded once it is in quarantine itself", () => {
    const tree = lineOf("a")
    escalated(tree, "press-1")
    tree.ask("a", "Quarantine", { reason: "under repair" })
    assert.strictEqual(tree.view("a").status, "quarantined")
    tree.ask("a", "Release")
    assert.strictEqual(tree.view("a").status, "degraded")
  })
})
