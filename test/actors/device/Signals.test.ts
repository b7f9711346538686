import { assert, describe, it } from "@effect/vitest"
import { device } from "../../../src/actors/device/Device.ts"
import { feelingIn } from "../../../src/actors/device/Signals.ts"
import { vsm } from "../../../src/actors/vsm/Vsm.ts"
import { runtimeAsker } from "../../../src/protocol/Asker.ts"
import { algedonic } from "../../../src/systems/policy/algedonic/Channel.ts"
import { ActorRig } from "../../support/ActorRig.ts"
import { Tree } from "../vsm/Tree.ts"
import { Bench, hello } from "./Bench.ts"

const signalsOf = (rig: ActorRig, id: string) => {
  const reply = rig.ask({ kind: "algedonic", id }, "GetSignals", {})
  return reply._tag === "Success" ? Object(reply.value).signals : []
}

describe("what a board says that it feels", () => {
  it("is told to the channel of its VSM, with the event that says it as evidence", () => {
    const bench = new Bench().ready()
    bench.up({ type: "event", seq: 2, name: "algedonic.pain", level: 0, data: { metric: "temperature_c", value: 96 } })
    assert.deepStrictEqual(
      bench.events.map(({ type }) => type),
      ["algedonic.pain"]
    )
    const [tell] = bench.tells.filter(({ to }) => to.kind === "algedonic")
    assert.deepStrictEqual(tell, {
      to: { kind: "algedonic", id: "root" },
      message: "Feel",
      payload: { metric: "temperature_c", value: 96, valence: "pain", source: "device/press-1" },
      causedBy: 0
    })
  })

  it("is refused where nobody could understand it, and is nothing but an event under any other name", () => {
    const bench = new Bench().ready()
    bench.up({ type: "event", seq: 2, name: "algedonic.pain", level: 0, data: { metric: "no metric!" } })
    assert.deepStrictEqual(
      bench.frames.map((frame) => Object(frame).code),
      [22]
    )
    assert.deepStrictEqual([bench.events, bench.tells.filter(({ to }) => to.kind === "algedonic")], [[], []])
    assert.isUndefined(feelingIn("press.hot", { metric: "heat", intensity: 1 }))
    for (const data of [undefined, null, 7, {}, { metric: "heat" }, { metric: "heat", intensity: 2 }, { intensity: 1 }])
      assert.strictEqual(feelingIn("algedonic.pain", data), "misfit")
    assert.deepStrictEqual(feelingIn("algedonic.over", { metric: "heat" }), {
      metric: "heat",
      valence: "pain",
      isOver: true
    })
    assert.deepStrictEqual(feelingIn("algedonic.pleasure", { metric: "heat" }), { metric: "heat", valence: "pleasure" })
  })

  it("goes to the root while the device is nobody's unit", () => {
    const rig = new ActorRig([device, algedonic, vsm])
    const place = { kind: "device", id: "press-1" }
    rig.ask(place, "Attach", hello, { asker: { kind: "device", id: "press-1", role: "board" } })
    rig.ask(place, "Feel", { metric: "heat", intensity: 0.5 }, { asker: runtimeAsker })
    assert.deepInclude(signalsOf(rig, "root")[0], { source: "device/press-1", metric: "heat", intensity: 0.5 })
  })
})

describe("what hurts in a tree", () => {
  it("is felt by the VSM whose unit it is: a device, as others see it", () => {
    const tree = new Tree()
    tree.spawn("root", "hall")
    tree.spawn("hall", "line-1", { budget: {} })
    tree.attach("press-1")
    tree.adopt("line-1", "press-1")
    tree.rig.ask(
      { kind: "device", id: "press-1" },
      "Feel",
      { metric: "heat", intensity: 0.95 },
      { asker: runtimeAsker }
    )
    for (const id of ["line-1", "hall", "root"])
      assert.deepInclude(signalsOf(tree.rig, id)[0], { source: "device/press-1", origin: "line-1" })
    assert.deepInclude(Object(tree.events("algedonic.person-called")[0]), { path: ["root", "hall", "line-1"] })
  })
})
