import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { runtimeAsker } from "../../../../src/protocol/Asker.ts"
import { Algedonic } from "../../../../src/protocol/vsm/Algedonic.ts"
import { VsmId } from "../../../../src/protocol/vsm/VsmId.ts"
import { algedonic } from "../../../../src/systems/policy/algedonic/Channel.ts"
import { Channels } from "./Channels.ts"

/** What a transition may look at that nobody sent. */
const lone = {
  self: { kind: "algedonic", id: "line-1" },
  random: () => 0.5,
  asker: runtimeAsker,
  requestId: "",
  resident: undefined,
  link: undefined,
  tellCount: 0,
  node: "node-1"
}

/** Seconds after the beginning of each event of a type, with who said it. */
const timesOf = (channels: Channels, from: number, type: string): ReadonlyArray<readonly [string, number]> =>
  channels.said(type).map(({ vsm, at }) => [vsm, Math.round((at - from) / 1000)])

const inSteps = (channels: Channels, seconds: number): void => {
  for (let passed = 0; passed < seconds; passed++) channels.rig.advance(1000)
}

describe("pain that nobody takes care of", () => {
  it("reaches a person after 45 seconds at depth 1: 5 for the unit, 10 for the VSM, 30 for its parent", () => {
    const channels = new Channels("root", "line-1")
    const from = channels.rig.now
    channels.feel("line-1", 0.5)
    inSteps(channels, 50)
    assert.deepStrictEqual(timesOf(channels, from, "algedonic.felt"), [["line-1", 0]])
    assert.deepStrictEqual(timesOf(channels, from, "algedonic.climbed"), [
      ["line-1", 5],
      ["line-1", 15]
    ])
    const [[vsm, seconds] = ["", 0], ...others] = timesOf(channels, from, "algedonic.person-called")
    assert.deepStrictEqual([vsm, others], ["root", []])
    assert.isAtLeast(seconds, 43)
    assert.isAtMost(seconds, 47)
  })

  it("goes on through every VSM above, and calls the person again and again", () => {
    const channels = new Channels("root", "hall", "line-1", "cell")
    const from = channels.rig.now
    channels.feel("cell", 0.5)
    inSteps(channels, 110)
    assert.deepStrictEqual(
      timesOf(channels, from, "algedonic.person-called").map(([vsm]) => vsm),
      ["root"]
    )
    inSteps(channels, 2000)
    assert.lengthOf(channels.said("algedonic.person-called"), 3)
  })

  it("goes on after its node died, and what was taken care of stays so", () => {
    const channels = new Channels("root", "line-1")
    channels.feel("line-1", 0.5)
    channels.feel("line-1", 0.6, { metric: "noise" })
    const noise = channels.signals("line-1").find(({ metric }) => metric === "noise")
    channels.ack("line-1", noise?.id ?? "")
    channels.kill()
    channels.feel("line-1", 0.6, { metric: "noise" })
    inSteps(channels, 60)
    assert.strictEqual(channels.signal("root").metric, "heat")
    assert.lengthOf(channels.said("algedonic.person-called"), 1)
  })

  it("calls a person from where it is when there is no such channel above", () => {
    const channels = new Channels("root", "line-1")
    channels.feel("line-1", 0.5)
    inSteps(channels, 16)
    const { id, stage } = channels.signal("line-1")
    assert.strictEqual(stage, "parent")
    const tell = { to: { kind: "algedonic", id: "root" }, message: "Climb", payload: { signal: { id } }, cause: "gone" }
    const { undelivered } = algedonic.reactions
    const context = { ...lone, now: channels.rig.now }
    const state = {
      path: [VsmId.make("root"), VsmId.make("line-1")],
      signals: new Map([[id, channels.signal("line-1")]])
    }
    const outcome = undelivered?.({ last: 1, thresholds: {}, filters: [], ...state }, tell, context)
    assert.deepStrictEqual(
      outcome?.events?.map(({ type }) => type),
      ["algedonic.person-called"]
    )
  })
})

describe("agony", () => {
  it("is with every VSM above and with a person at once, whatever the deadlines", () => {
    const channels = new Channels("root", "a", "b", "c", "d", "e")
    channels.feel("e", 0.95, { ids: ["01930000-0000-7000-8000-000000000001"] })
    for (const id of ["root", "a", "b", "c", "d", "e"])
      assert.deepInclude(Object(channels.signal(id)), {
        intensity: 0.95,
        origin: "e",
        ids: ["01930000-0000-7000-8000-000000000001"]
      })
    assert.deepStrictEqual(
      channels.said("algedonic.person-called").map(({ vsm }) => vsm),
      ["e"]
    )
    assert.strictEqual(channels.said("algedonic.felt")[0]?.severity, "critical")
  })

  it("goes up from where it is felt to each above by itself, and whoever takes care of it is heard of everywhere", () => {
    const channels = new Channels("root", "a", "b", "c")
    channels.feel("c", 0.5)
    inSteps(channels, 16)
    assert.strictEqual(channels.signal("b").from, "c")
    channels.feel("c", 0.96)
    assert.deepStrictEqual(channels.signal("c").told?.map(String), ["root", "a", "b"])
    for (const id of ["root", "a", "b"])
      assert.deepInclude(channels.signal(id), { from: VsmId.make("c"), intensity: 0.96 })
    assert.deepStrictEqual(
      channels.said("algedonic.climbed").map(({ vsm }) => vsm),
      ["c", "c", "c"]
    )
    channels.ack("a", "c.1")
    inSteps(channels, 2)
    for (const id of ["root", "a", "b", "c"]) assert.isDefined(channels.signal(id).ack, id)
    channels.feel("c", 0.98)
    for (const id of ["root", "a", "b"]) assert.isUndefined(channels.signal(id).ack, id)
  })

  it("calls a person once more when the root does not take it, and not for one between", () => {
    const { undelivered } = algedonic.reactions
    const channels = new Channels("root", "hall", "line-1")
    channels.feel("line-1", 0.96)
    const signal = channels.signal("line-1")
    const path = ["root", "hall", "line-1"].map((id) => VsmId.make(id))
    const state = { path, last: 1, thresholds: {}, filters: [], signals: new Map([[signal.id, signal]]) }
    const saidWithout = (id: string) =>
      undelivered?.(
        state,
        { to: { kind: "algedonic", id }, message: "Climb", payload: { signal }, cause: "gone" },
        { ...lone, now: channels.rig.now }
      ).events?.map(({ type }) => type)
    assert.deepStrictEqual(saidWithout("hall"), [])
    assert.deepStrictEqual(saidWithout("root"), ["algedonic.person-called"])
  })

  it("that pain becomes is agony from then on", () => {
    const channels = new Channels("root", "line-1")
    channels.feel("line-1", 0.5)
    channels.feel("line-1", 0.97)
    assert.strictEqual(channels.signal("root").intensity, 0.97)
    assert.lengthOf(channels.said("algedonic.person-called"), 1)
  })

  it("passes every filter, and a filter that would stop it is refused", () => {
    const channels = new Channels("root", "line-1")
    const { payload } = Algedonic.messages.SetFilter
    assert.isFalse(Schema.is(payload)({ metric: "*", below: 0.951 }))
    assert.isTrue(Schema.is(payload)({ metric: "*", below: 0.95 }))
    channels.ask("line-1", "SetFilter", { metric: "*", below: 0.95 })
    channels.feel("line-1", 0.949)
    inSteps(channels, 50)
    assert.deepStrictEqual(channels.signals("root"), [])
    assert.deepStrictEqual(channels.signal("line-1").stage, "filtered")
    channels.feel("line-1", 0.95)
    assert.strictEqual(channels.signal("root").intensity, 0.95)
  })

  it("stays although it is over, until somebody has acknowledged it; pain goes", () => {
    const channels = new Channels("root", "line-1")
    channels.feel("line-1", 0.5, { metric: "noise" })
    channels.feel("line-1", 0.95)
    for (const metric of ["noise", "heat"])
      channels.rig.send(
        { kind: "algedonic", id: "line-1" },
        "Feel",
        { source: "device/press-1", metric, isOver: true },
        { asker: runtimeAsker }
      )
    inSteps(channels, 100)
    const { id, metric } = channels.signal("line-1")
    assert.strictEqual(metric, "heat")
    channels.ack("root", id)
    inSteps(channels, 2)
    assert.deepStrictEqual([channels.signals("line-1"), channels.signals("root")], [[], []])
  })

  it("of a metric that everybody knows may be moved to where it begins earlier, and no later", () => {
    const channels = new Channels("root")
    const set = (agony: number) =>
      channels.ask("root", "SetThresholds", { metric: "temperature_c", thresholds: { base: 30, pain: 50, agony } })
    assert.include(String(Object(set(200)).message), "more sensitive")
    set(60)
    channels.ask("root", "Raise", { source: "device/press-1", metric: "temperature_c", value: 60 })
    assert.strictEqual(channels.signal("root").intensity, 0.95)
    channels.ask("root", "SetThresholds", { metric: "temperature_c", thresholds: null })
    assert.deepStrictEqual(channels.view("root").thresholds, {})
  })
})

describe("what is felt again", () => {
  it("is one signal with its maximum, its evidence and a count", () => {
    const channels = new Channels("root")
    channels.feel("root", 0.4, { ids: ["weak"] })
    channels.feel("root", 0.8, { ids: ["strong"] })
    for (let count = 0; count < 100; count++) channels.feel("root", 0.5, { ids: ["later"] })
    assert.deepInclude(channels.signal("root"), { intensity: 0.8, count: 102, ids: ["strong"] })
    assert.lengthOf(channels.said("algedonic.felt"), 1)
    channels.feel("root", 0.4, { source: "device/press-2" })
    assert.lengthOf(channels.signals("root"), 2)
  })

  it("is nobody's business while somebody takes care of it, and is when it becomes worse", () => {
    const channels = new Channels("root", "line-1")
    channels.feel("line-1", 0.5)
    channels.ack("line-1", "line-1.1")
    for (let seconds = 0; seconds < 120; seconds += 10) {
      channels.feel("line-1", 0.505)
      inSteps(channels, 10)
    }
    assert.deepStrictEqual(channels.signals("root"), [])
    channels.feel("line-1", 0.6)
    assert.isUndefined(channels.signal("line-1").ack)
    inSteps(channels, 50)
    assert.lengthOf(channels.said("algedonic.person-called"), 1)
  })

  it("that creeps up opens its signal a hundred times at the most", () => {
    const channels = new Channels("root")
    for (let intensity = 0.001; intensity < 1; intensity += 0.001) {
      channels.feel("root", intensity)
      channels.ack("root", "root.1")
    }
    assert.isAtMost(channels.said("algedonic.felt").length, 101)
  })

  it("asks again after ten minutes though somebody has taken care of it", () => {
    const channels = new Channels("root")
    channels.feel("root", 0.5)
    channels.ack("root", "root.1")
    for (let minutes = 0; minutes < 12; minutes++) {
      channels.feel("root", 0.5)
      channels.rig.advance(59_000)
    }
    assert.lengthOf(channels.said("algedonic.felt"), 2)
  })

  it("is got used to, as far as it is no pain beyond doubt", () => {
    const channels = new Channels("root")
    const raise = (value: number) =>
      channels.ask("root", "Raise", { source: "device/press-1", metric: "temperature_c", value })
    raise(70)
    for (let count = 0; count < 60; count++) {
      raise(70)
      channels.rig.advance(29_000)
    }
    assert.isAbove(channels.signal("root").base ?? 0, 65)
    raise(80)
    assert.strictEqual(Math.round(channels.signal("root").intensity * 1000), 850)
  })
})

describe("somebody who takes care", () => {
  it("is known to all who were asked, above and below, and nobody else is asked", () => {
    const channels = new Channels("root", "hall", "line-1")
    channels.feel("line-1", 0.96)
    const { by } = Object(Object(channels.ack("hall", "line-1.1", "stops the press")).ack)
    assert.strictEqual(by, "user/ada")
    inSteps(channels, 2)
    for (const id of ["root", "hall", "line-1"])
      assert.deepInclude(channels.signal(id).ack, { by: "user/ada", level: "person", action: "stops the press" })
    inSteps(channels, 30)
    assert.lengthOf(channels.said("algedonic.person-called"), 1)
    inSteps(channels, 60)
    for (const id of ["root", "hall", "line-1"]) assert.deepStrictEqual(channels.signals(id), [])
  })

  it("may say that it is over, anywhere", () => {
    const channels = new Channels("root", "line-1")
    channels.feel("line-1", 0.96)
    channels.ask("root", "Resolve", { signal: "line-1.1" })
    inSteps(channels, 2)
    assert.deepStrictEqual([channels.signals("line-1"), channels.signals("root")], [[], []])
    channels.feel("line-1", 0.96)
    assert.strictEqual(channels.signal("root").id, "line-1.2")
  })

  it("is refused for a signal that there is not, and in a channel that there is not", () => {
    const channels = new Channels("root")
    assert.include(String(Object(channels.ack("root", "root.9")).message), "signal root.9 in root")
    assert.strictEqual(Object(channels.ask("root", "Raise", { source: "x", metric: "m" }))._tag, "Malformed")
    assert.strictEqual(
      Object(channels.ask("nowhere", "Raise", { source: "x", metric: "m", intensity: 1 }))._tag,
      "NotFound"
    )
  })
})

describe("pleasure", () => {
  it("is noted, asks nobody, and is forgotten when it is not felt any more", () => {
    const channels = new Channels("root", "line-1")
    channels.feel("line-1", 0.95, { valence: "pleasure" })
    inSteps(channels, 50)
    assert.deepInclude(channels.signal("line-1"), { valence: "pleasure", stage: "none" })
    assert.deepStrictEqual(channels.signals("root"), [])
    inSteps(channels, 20)
    assert.deepStrictEqual(channels.signals("line-1"), [])
  })
})
