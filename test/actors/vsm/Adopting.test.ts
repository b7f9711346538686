import { assert, describe, it } from "@effect/vitest"
import { runtimeAsker } from "../../../src/protocol/Asker.ts"
import { budget, Tree } from "./Tree.ts"

describe("units of a VSM", () => {
  it("are new devices, which the root adopts when their boards attach for the first time", () => {
    const tree = new Tree()
    tree.attach("press-1")
    tree.attach("press-1", { link: 2, connection: 2 })
    assert.deepStrictEqual(tree.units("root"), ["press-1"])
    assert.strictEqual(tree.holder("press-1"), "root")
    assert.deepStrictEqual(tree.events("vsm.unit-adopted"), [{ unit: "press-1", fence: 1 }])
  })

  it("move to the VSM that adopts them, and leave the one they had", () => {
    const tree = new Tree()
    tree.attach("press-1")
    tree.spawn("root", "line-1")
    assert.strictEqual(tree.adopt("line-1", "press-1").step, "adopted")
    assert.deepStrictEqual([tree.units("root"), tree.units("line-1")], [[], ["press-1"]])
    assert.strictEqual(tree.holder("press-1"), "line-1")
  })

  it("have one holder when two VSMs adopt them at once, and the other one is told who that is", () => {
    const tree = new Tree()
    tree.attach("press-1")
    tree.spawn("root", "line-1")
    tree.spawn("root", "line-2")
    for (const id of ["line-1", "line-2"]) tree.rig.send({ kind: "vsm", id }, "Adopt", { unit: "press-1" })
    tree.settle()
    assert.deepStrictEqual([tree.units("root"), tree.units("line-1"), tree.units("line-2")], [[], ["press-1"], []])
    const lost = Object(tree.ask("line-2", "WatchAdoption", { unit: "press-1" }))
    assert.deepInclude(lost.refusal, { _tag: "Conflict", holder: "the VSM line-1" })
    assert.strictEqual(tree.adopt("line-2", "press-1", { from: "line-1" }).step, "adopted")
    assert.deepStrictEqual([tree.units("line-1"), tree.units("line-2")], [[], ["press-1"]])
  })

  it("are refused where they do not exist, are retired, or are outside of the zone", () => {
    const tree = new Tree()
    tree.attach("press-1", { zoneOfBoard: "yard" })
    tree.attach("press-2", { zoneOfBoard: "hall.line-1.left" })
    tree.attach("press-3")
    tree.rig.ask({ kind: "device", id: "press-3" }, "Retire", {})
    tree.spawn("root", "line-1", { budget, zone: "hall.line-1" })
    const refusal = (unit: string) => Object(tree.adopt("line-1", unit).refusal)._tag
    assert.deepStrictEqual(
      [refusal("press-1"), refusal("press-3"), refusal("nobody")],
      ["ZoneDenied", "NotFound", "NotFound"]
    )
    assert.strictEqual(tree.adopt("line-1", "press-2").step, "adopted")
    assert.deepStrictEqual(tree.units("root"), ["press-1"])
  })

  it("go by themselves to the VSM in whose zone they are, however deep, and back up when their zone changes", () => {
    const tree = new Tree()
    tree.spawn("root", "hall", { budget, zone: "hall" })
    tree.spawn("hall", "line-1", { budget: {}, zone: "hall.line-1" })
    tree.attach("press-1", { zoneOfBoard: "hall.line-1" })
    tree.settle()
    assert.deepStrictEqual([tree.units("root"), tree.units("hall"), tree.units("line-1")], [[], [], ["press-1"]])
    tree.rig.ask({ kind: "device", id: "press-1" }, "SetZone", { zone: "hall.line-2" })
    tree.settle()
    assert.deepStrictEqual([tree.units("hall"), tree.units("line-1")], [["press-1"], []])
    tree.rig.ask({ kind: "device", id: "press-1" }, "SetZone", { zone: "yard" })
    tree.settle()
    assert.deepStrictEqual([tree.units("root"), tree.units("hall")], [["press-1"], []])
  })

  it("that a child hands up are not handed down to it again, though it is not known yet that it retires", () => {
    const tree = new Tree()
    tree.spawn("root", "line-1", { budget: {}, zone: "hall" })
    tree.attach("press-1", { zoneOfBoard: "hall" })
    tree.settle()
    assert.deepStrictEqual(tree.units("line-1"), ["press-1"])
    tree.rig.ask(
      { kind: "device", id: "press-1" },
      "AssignUnit",
      { to: "root", from: ["line-1"], by: "line-1" },
      {
        asker: runtimeAsker
      }
    )
    tree.settle()
    assert.deepStrictEqual([tree.units("root"), tree.units("line-1")], [["press-1"], []])
  })

  it("are gone with the device that retires", () => {
    const tree = new Tree()
    tree.attach("press-1")
    tree.rig.ask({ kind: "device", id: "press-1" }, "Retire", {})
    tree.settle()
    assert.deepStrictEqual(tree.units("root"), [])
  })

  it("are all known, page by page, however many there are", () => {
    const tree = new Tree()
    const ids = Array.from({ length: 700 }, (_, number) => `cell-${number + 1000}`)
    for (const unit of ids)
      tree.rig.send(
        { kind: "vsm", id: "root" },
        "RegisterUnit",
        { unit, fence: 1 },
        {
          asker: runtimeAsker
        }
      )
    tree.settle()
    tree.kill()
    assert.strictEqual(tree.view("root").units, 700)
    const first = Object(tree.ask("root", "GetUnits", { limit: 400 }))
    const second = Object(tree.ask("root", "GetUnits", { limit: 400, after: first.next }))
    const found = [...first.units, ...second.units].map(({ id }) => id)
    assert.deepStrictEqual(found, ids)
    assert.isUndefined(second.next)
  })
})
