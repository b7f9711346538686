import { assert, describe, it } from "@effect/vitest"
import { runtimeAsker } from "../../../src/protocol/Asker.ts"
import { budget, Tree } from "./Tree.ts"

const tagOf = (value: unknown): unknown => Object(value)._tag

describe("the root", () => {
  it("has what the config gives it, and says once that this is another budget", () => {
    const tree = new Tree()
    const found = (budget?: object) =>
      tree.rig.ask({ kind: "vsm", id: "root" }, "Found", budget === undefined ? {} : { budget }, {
        asker: runtimeAsker
      })
    found({ spawn: 2, mem_mb: 50 })
    found({ mem_mb: 50, spawn: 2 })
    assert.strictEqual(tree.events("vsm.budget-set").length, 1)
    assert.deepInclude(tree.view("root").left, { spawn: 2, mem_mb: 50, msgs_s: 1_000_000_000 })
    tree.spawn("root", "a", { budget: { mem_mb: 40, spawn: 1 } })
    found({ mem_mb: 30, spawn: 2 })
    assert.strictEqual(tree.view("root").left["mem_mb"], -10)
    assert.deepInclude(Object(tree.ask("root", "Spawn", { child: "b", budget: { mem_mb: 1 } })), {
      _tag: "BudgetExceeded",
      available: 0
    })
    found()
    assert.strictEqual(tree.view("root").budget.mem_mb, 30)
  })
})

describe("spawning a VSM", () => {
  it("brings a child into the tree: active, with its path, its budget, and counted by the guard", () => {
    const tree = new Tree()
    assert.strictEqual(tree.spawn("root", "line-1", { budget, zone: "hall.line-1" }).step, "active")
    const child = tree.view("line-1")
    assert.deepStrictEqual(
      [child.status, child.path, child.depth, child.parent, child.zone, child.budget],
      ["active", ["root", "line-1"], 1, "root", "hall.line-1", budget]
    )
    const root = tree.view("root")
    assert.deepStrictEqual(
      root.children.map(({ id }) => id),
      ["line-1"]
    )
    assert.deepStrictEqual(root.given, { mem_mb: 100, spawn: 21 })
    assert.strictEqual(root.left["spawn"], 1003)
    assert.strictEqual(tree.limits().total, 1)
  })

  it("is founded once, and the root never begun or retired by anybody", () => {
    const tree = new Tree()
    tree.kill()
    tree.settle()
    assert.deepStrictEqual(tree.events("vsm.founded"), [{}])
    assert.strictEqual(tagOf(tree.ask("root", "Retire", { mode: "now" })), "InvalidTransition")
    assert.strictEqual(tagOf(tree.ask("root", "Spawn", { child: "root" })), "SpawnDenied")
  })

  it("is refused where the way comes back to itself, where the child is there, and where it would have more than its parent", () => {
    const tree = new Tree()
    tree.spawn("root", "hall", { budget, zone: "hall" })
    tree.spawn("hall", "line-1", { budget: { mem_mb: 60 } })
    assert.deepInclude(Object(tree.ask("line-1", "Spawn", { child: "hall" })), { _tag: "SpawnDenied", reason: "loop" })
    assert.strictEqual(tagOf(tree.ask("hall", "Spawn", { child: "line-1" })), "Conflict")
    assert.strictEqual(tagOf(tree.ask("hall", "Spawn", { child: "line-2", zone: "yard" })), "ZoneDenied")
    assert.deepInclude(Object(tree.ask("hall", "Spawn", { child: "line-2", budget: { mem_mb: 41 } })), {
      _tag: "BudgetExceeded",
      resource: "mem_mb",
      requested: 41,
      available: 40
    })
    assert.strictEqual(tree.spawn("hall", "line-2", { budget: { mem_mb: 40 } }).step, "active")
  })

  it("gives a budget once, though two ask for it at the same time", () => {
    const tree = new Tree()
    tree.spawn("root", "hall")
    for (const child of ["line-1", "line-2"])
      tree.rig.send({ kind: "vsm", id: "hall" }, "Spawn", { child, budget: { mem_mb: 60 } })
    tree.settle()
    assert.strictEqual(tree.spawned("hall", "line-1").step, "active")
    assert.deepInclude(Object(tree.spawned("hall", "line-2").refusal), { _tag: "BudgetExceeded", available: 40 })
    assert.strictEqual(tree.limits().total, 2)
  })

  it("inherits the zone of its parent", () => {
    const tree = new Tree()
    tree.spawn("root", "hall", { budget, zone: "hall" })
    tree.spawn("hall", "line-1", {})
    assert.strictEqual(tree.view("line-1").zone, "hall")
  })

  it("is refused by the guard where the id stands elsewhere in the tree, and costs nothing then", () => {
    const tree = new Tree()
    tree.spawn("root", "one")
    tree.spawn("root", "two")
    const refused = tree.spawn("two", "one", { budget: { mem_mb: 5 } })
    assert.strictEqual(refused.step, "refused")
    assert.deepInclude(Object(refused.refusal), { _tag: "SpawnDenied" })
    assert.deepStrictEqual(tree.view("two").given, {})
    assert.strictEqual(tree.view("one").parent, "root")
    assert.strictEqual(tree.limits().total, 2)
  })

  it("goes as deep as the guard lets it, and the refusal says how deep that is", () => {
    const tree = new Tree()
    tree.setBounds({ perMinute: 1000, burst: 100 })
    let parent = "root"
    for (let depth = 1; depth <= 5; depth++) {
      assert.strictEqual(tree.spawn(parent, `level-${depth}`, { budget: { spawn: 20 - depth } }).step, "active")
      parent = `level-${depth}`
    }
    const refused = tree.spawn(parent, "level-6", {})
    assert.deepInclude(Object(refused.refusal), { _tag: "DepthExceeded", depth: 6, limit: 5 })
    assert.strictEqual(tree.events("recursion.blocked").length, 1)
  })

  it("of a template goes so often below each other and no further", () => {
    const tree = new Tree()
    for (const [parent, child, spawns] of [
      ["root", "a", 9],
      ["a", "b", 7],
      ["b", "c", 5]
    ] as const)
      assert.strictEqual(tree.spawn(parent, child, { budget: { spawn: spawns }, template: "line" }).step, "active")
    const refused = tree.spawn("c", "d", { template: "line" })
    assert.include(Object(refused.refusal).reason, "template line")
    assert.strictEqual(tree.spawn("c", "d", { template: "cell" }).step, "active")
  })

  it("too fast is denied, opens the breaker of its parent, and the second time puts the parent into quarantine", () => {
    const tree = new Tree()
    tree.spawn("root", "wild", { budget: { spawn: 900 } })
    for (let number = 0; number < 10; number++) tree.ask("wild", "Spawn", { child: `child-${number}` })
    tree.settle()
    assert.strictEqual(tree.view("wild").children.length, 5)
    assert.deepInclude(Object(tree.ask("wild", "WatchSpawn", { child: "child-9" })), { step: "refused" })
    assert.deepStrictEqual(
      tree.limits().open.map(({ parent }) => parent),
      ["wild"]
    )
    const open = tree.spawn("wild", "later", {})
    assert.strictEqual(tagOf(open.refusal), "BreakerOpen")
    // Half open: the one probe that is let through is denied, for the bucket is emptied before it.
    tree.setBounds({ perMinute: 1, burst: 1 })
    tree.settle(30_000)
    tree.spawn("wild", "probe-1", {})
    tree.spawn("wild", "probe-2", {})
    assert.strictEqual(tree.view("wild").status, "quarantined")
    assert.deepStrictEqual(tree.events("recursion.runaway"), [{ parent: "wild", intensity: 0.9 }])
    assert.deepInclude(Object(tree.events("algedonic.felt")[0]), { source: "vsm/wild", metric: "runaway" })
    assert.strictEqual(tagOf(tree.ask("wild", "Spawn", { child: "more" })), "InvalidTransition")
    assert.strictEqual(Object(tree.ask("wild", "Release")).status, "active")
  })

  it("of a retired id begins it anew", () => {
    const tree = new Tree()
    tree.spawn("root", "line-1")
    tree.ask("line-1", "Retire", { mode: "drain" })
    tree.settle()
    assert.strictEqual(tree.view("line-1").status, "retired")
    assert.strictEqual(tree.spawn("root", "line-1", { budget: { mem_mb: 1 } }).step, "active")
    assert.deepStrictEqual(tree.view("line-1").budget, { mem_mb: 1 })
    const claims = [{ resource: "device/press-1", mode: "write" }]
    const reply = tree.rig.ask({ kind: "coordinator", id: "line-1" }, "Claim", { claims })
    assert.strictEqual(reply._tag === "Success" && Object(reply.value).state, "held", "its coordinator serves it")
  })

  it.each(["Outage", "lost after writing"] as const)(
    "ends whole or not at all when any of its commits is %s",
    (fault) => {
      for (let failing = 0; failing < 30; failing++) {
        const tree = new Tree()
        tree.rig.nextCommits.push(...Array.from({ length: failing }, () => "Written" as const), fault)
        tree.rig.send({ kind: "vsm", id: "root" }, "Spawn", { child: "line-1", budget })
        tree.rig.advance(failing * 7)
        tree.kill()
        tree.settle(60_000)
        const known = Object(tree.ask("root", "WatchSpawn", { child: "line-1" }))
        const { children, given } = tree.view("root")
        const isThere = known.step === "active"
        assert.include(["active", undefined], known.step, `commit ${failing}`)
        assert.strictEqual(children.length, isThere ? 1 : 0, `commit ${failing}`)
        assert.deepStrictEqual(given, isThere ? { mem_mb: 100, spawn: 21 } : {}, `commit ${failing}`)
        assert.strictEqual(tree.limits().total, isThere ? 1 : 0, `commit ${failing}`)
        if (isThere) assert.strictEqual(tree.view("line-1").status, "active", `commit ${failing}`)
      }
    }
  )
})
