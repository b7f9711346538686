import { assert, describe, it } from "@effect/vitest"
import { signalsMax } from "../../../../src/systems/policy/algedonic/Feeling.ts"
import { Channels } from "./Channels.ts"

const sources = (count: number, name = "b") => Array.from({ length: count }, (_, at) => `device/${name}-${at}`)

describe("a flood", () => {
  it("keeps the worst apart, and says of the rest in one signal how many and how strong they are", () => {
    const channels = new Channels("root")
    for (const [at, source] of sources(signalsMax * 3).entries())
      channels.feel("root", 0.1 + (at % 60) / 100, { source })
    const all = channels.signals("root")
    assert.isAtMost(all.length, signalsMax + 1)
    const flood = all.find(({ source }) => source === "*")
    const apart = all.filter(({ source }) => source !== "*")
    assert.strictEqual((flood?.count ?? 0) + apart.length, signalsMax * 3)
    assert.strictEqual(Math.max(...apart.map(({ intensity }) => intensity)), 0.69)
    assert.lengthOf(channels.said("algedonic.flooded"), 1)
  })

  it("never hides an agony, not even among hundreds of them", () => {
    const channels = new Channels("root", "line-1")
    for (const source of sources(signalsMax + 50)) channels.feel("line-1", 0.5, { source })
    channels.feel("line-1", 0.95, { source: "device/worst" })
    assert.isTrue(channels.signals("root").some(({ source }) => source === "device/worst"))
    for (const source of sources(signalsMax + 50, "c")) channels.feel("line-1", 0.95, { source })
    assert.isTrue(channels.signals("root").some(({ source, intensity }) => source === "*" && intensity >= 0.95))
    const flood = channels.signals("line-1").find(({ source }) => source === "*")
    assert.isAtLeast(flood?.intensity ?? 0, 0.95)
    channels.ack("line-1", flood?.id ?? "")
    channels.rig.advance(2000)
    const called = channels.said("algedonic.person-called").length
    channels.feel("line-1", 0.95, { source: "device/after-that" })
    const again = channels.signals("line-1").find(({ source }) => source === "*")
    assert.isUndefined(again?.ack)
    assert.strictEqual(channels.said("algedonic.person-called").length, called + 1)
  })

  it("says little on the stream, however long it lasts", () => {
    const channels = new Channels("root")
    for (let count = 0; count < 20_000; count++)
      channels.feel("root", 0.5, { source: `device/x-${count}`, metric: `m-${count}` })
    const said = channels.said().length
    assert.isAtMost(said, signalsMax + 10)
  })

  it("gives way: what nobody is asked about goes first, then what is taken care of", () => {
    const channels = new Channels("root")
    for (const source of sources(signalsMax)) channels.feel("root", 0.9, { source, valence: "pleasure" })
    for (const source of sources(signalsMax)) channels.feel("root", 0.2, { source })
    const all = channels.signals("root")
    assert.lengthOf(
      all.filter(({ valence }) => valence === "pain"),
      signalsMax
    )
    assert.isUndefined(all.find(({ source }) => source === "*"))
    for (const { id } of all) channels.ack("root", id)
    for (const source of sources(10, "new")) channels.feel("root", 0.1, { source })
    assert.lengthOf(
      channels.signals("root").filter(({ source, ack }) => source.includes("new") && ack === undefined),
      10
    )
  })
})
