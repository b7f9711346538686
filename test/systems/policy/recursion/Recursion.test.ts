import { assert, describe, it } from "@effect/vitest"
import { runtimeAsker } from "../../../../src/protocol/Asker.ts"
import { boundsDefault } from "../../../../src/protocol/vsm/Recursion.ts"
import { Tree } from "../../../actors/vsm/Tree.ts"

const guard = { kind: "recursion", id: "root" }

describe("the guard of the recursion", () => {
  it("keeps its bounds against a hundred spawns at once, from many parents", () => {
    const tree = new Tree()
    tree.setBounds({ perMinute: 1000, burst: 1000, total: 60, children: 20 })
    const parents = ["a", "b", "c", "d"]
    for (const parent of parents) tree.spawn("root", parent, { budget: { spawn: 100 } })
    for (let number = 0; number < 100; number++)
      tree.rig.send({ kind: "vsm", id: parents[number % 4] ?? "a" }, "Spawn", { child: `child-${number}` })
    tree.settle(5000)
    const counts = parents.map((parent) => tree.view(parent).children.length)
    assert.isTrue(counts.every((count) => count <= 20))
    assert.strictEqual(tree.limits().total, 4 + counts.reduce((sum, count) => sum + count, 0))
    assert.isAtMost(tree.limits().total, 60)
    assert.isAtLeast(tree.limits().total, 50)
    assert.strictEqual(tree.limits().onTheWay, 0)
  })

  it("frees a place whose permit nobody used, and looks once more at who comes too late", () => {
    const tree = new Tree()
    tree.setBounds({ total: 1 })
    const wanted = { parent: "root", child: "late", spawn: "s-1" }
    // What the guard says does not arrive, so nobody gives the permit back.
    tree.rig.canPost = false
    tree.rig.ask(guard, "CheckSpawn", wanted, { asker: runtimeAsker })
    assert.strictEqual(tree.limits().onTheWay, 1)
    tree.settle(12_000)
    assert.strictEqual(tree.limits().total, 0)
    tree.rig.canPost = true
    assert.strictEqual(tree.spawn("root", "early", {}).step, "active")
    tree.rig.ask(guard, "Commit", wanted, { asker: runtimeAsker })
    assert.strictEqual(tree.limits().total, 1)
    assert.strictEqual(tree.events("recursion.blocked").length, 1)
  })

  it("lowers the depth of a busy cluster at once, and says so", () => {
    const tree = new Tree()
    for (let look = 0; look < 10; look++) {
      const load = { node: "node-1", cpu: 1, memory: 0.5, lagMillis: 10 }
      tree.rig.ask(guard, "ReportLoad", load, { asker: runtimeAsker })
      tree.settle(5000)
    }
    assert.strictEqual(tree.limits().depthLimit, 2)
    tree.spawn("root", "a", { budget: { spawn: 9 } })
    tree.spawn("a", "b", { budget: { spawn: 5 } })
    assert.strictEqual(Object(tree.spawn("b", "c", {}).refusal)._tag, "DepthExceeded")
    assert.deepStrictEqual(tree.events("recursion.depth-changed").at(-1), { from: 3, to: 2 })
  })

  it("takes from the config what that has changed since the start before, and leaves what people have set", () => {
    const tree = new Tree()
    const configure = (changes: object) =>
      tree.rig.ask(guard, "Configure", { bounds: { ...boundsDefault, ...changes } }, { asker: runtimeAsker })
    const events = () => tree.events("recursion.bounds-set").length
    const before = events()
    configure({})
    assert.strictEqual(events(), before, "the defaults change nothing")
    configure({ depth: 3, children: 4 })
    assert.deepInclude(tree.limits(), { depthLimit: 3, bounds: { ...boundsDefault, depth: 3, children: 4 } })
    tree.setBounds({ depth: 4, total: 9 })
    configure({ depth: 3, children: 4 })
    assert.deepInclude(tree.limits().bounds, { depth: 4, children: 4, total: 9 })
    tree.kill()
    configure({ depth: 3, children: 5 })
    assert.deepInclude(tree.limits().bounds, { depth: 4, children: 5, total: 9 })
  })

  it("knows what it counted after its node died", () => {
    const tree = new Tree()
    tree.spawn("root", "a")
    tree.kill()
    assert.strictEqual(tree.limits().total, 1)
    assert.strictEqual(tree.spawn("root", "b").step, "active")
  })
})
