import { assert, describe, it } from "@effect/vitest"
import { readIntent } from "../../../src/protocol/intent/ReadIntent.ts"
import { vocabularyOf } from "../../../src/protocol/intent/Vocabulary.ts"
import { fleet, understood, vocabulary } from "./Corpora.ts"

const silent = {
  ...fleet,
  devices: fleet.devices.map((device) => (device.id === "heater-1" ? { ...device, state: "silent" as const } : device))
}

describe("vocabularyOf", () => {
  it("takes the names of devices over while they are the same, and nothing else", () => {
    const next = vocabularyOf(silent, vocabulary)
    assert.strictEqual(next.devices, vocabulary.devices)
    assert.deepStrictEqual(understood(readIntent("list the silent heaters", next)), {
      capability: "device.list.read@1",
      slots: ["targets kind:sim-heater&state:silent"]
    })
  })

  it("cuts them up anew once one has come or gone", () => {
    const [first, ...rest] = fleet.devices
    const gone = vocabularyOf({ ...fleet, devices: rest }, vocabulary)
    assert.strictEqual(readIntent(`ping ${first?.id}`, gone)._tag, "Unclear")
    const renamed = vocabularyOf({ ...fleet, devices: [{ ...first, id: "lamp-9" }, ...rest] }, vocabulary)
    assert.strictEqual(readIntent("ping lamp-9", renamed)._tag, "Intent")
  })
})
