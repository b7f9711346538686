import { assert, describe, it } from "@effect/vitest"
import { runtimeAsker } from "../../src/protocol/Asker.ts"
import { Tree } from "./vsm/Tree.ts"

const line = { kind: "vsm", id: "line-1" }

/** A tree whose `line-1` hears something from an actor. */
const told = (tree: Tree, from: string, message: string, payload: object, version = 1) =>
  tree.rig.ask(line, message, payload, {
    asker: runtimeAsker,
    tell: { from, version, index: 0, at: tree.rig.now, causes: [] }
  })

const grown = (): Tree => {
  const tree = new Tree()
  tree.spawn("root", "line-1", { budget: { spawn: 3 } })
  return tree
}

describe("a tell that travels along no channel", () => {
  it("is refused and changes nothing, and the guard says so once a while", () => {
    const tree = grown()
    for (let version = 1; version <= 3; version++) {
      const reply = told(tree, "coordinator/line-1", "Permitted", { child: "x", spawn: "s" }, version)
      assert.deepInclude(Object(reply).error, { _tag: "PolicyDenied", reason: "channel" })
    }
    tree.settle()
    assert.deepStrictEqual(tree.events("recursion.violation"), [
      { from: "coordinator/line-1", to: "vsm/line-1", message: "Permitted", reason: "channel" }
    ])
    tree.settle(61_000)
    told(tree, "coordinator/line-1", "Permitted", { child: "x", spawn: "s" }, 4)
    tree.settle()
    assert.strictEqual(tree.events("recursion.violation").length, 2)
  })

  it("cannot take a child's place in another's name, nor free a budget", () => {
    const tree = grown()
    const before = tree.view("line-1")
    for (const [message, payload] of [
      ["RegisterUnit", { unit: "press-1", fence: 1 }],
      ["Admitted", { child: "x", spawn: "s" }],
      ["Found", { budget: { spawn: 9 } }]
    ] as const)
      assert.deepInclude(Object(told(tree, "dispatcher/line-1", message, payload)).error, { reason: "channel" })
    assert.deepStrictEqual(tree.view("line-1"), before)
  })
})

describe("a channel", () => {
  it("that is given more than it is meant for takes it all the same, and the guard says so", () => {
    const tree = grown()
    const { rig } = tree
    for (let board = 0; board < 500; board++) {
      const tell = { from: `device/press-${board}`, version: 1, index: 0, at: rig.now, causes: [] }
      rig.send(line, "RegisterUnit", { unit: `press-${board}`, fence: 1 }, { asker: runtimeAsker, tell })
    }
    tree.settle()
    assert.strictEqual(tree.view("line-1").units, 500)
    assert.deepInclude(Object(tree.events("recursion.violation")[0]), {
      to: "vsm/line-1",
      reason: "quota",
      channel: "bargain",
      perSecond: 200
    })
    assert.strictEqual(tree.events("recursion.violation").length, 1)
  })
})
