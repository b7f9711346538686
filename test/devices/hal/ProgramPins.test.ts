import { assert, describe, it } from "@effect/vitest"
import { pinCapabilities, programPins } from "../../../devices/hal/ProgramPins.ts"
import { generic, profileOf } from "../../../devices/profiles/Profiles.ts"
import { codes } from "../../../src/protocol/Codes.ts"
import { f16Value } from "../../../src/protocol/hxe/F16.ts"

const absent = { code: codes.ENOENT }

/** A heater of switches, and a clock in the hands of the test. */
const board = () => {
  const state: Record<string, boolean> = { element: false, fan: false }
  const switched: Array<string> = []
  const world = { now: 0, temp: { value: 21.5 } as { readonly value: number } | { readonly code: number } }
  const pins = programPins(
    {
      outputs: {
        list: () => Object.keys(state),
        get: (name) => ({ value: state[name] === true }),
        set: (name, on) => {
          state[name] = on
          switched.push(`${name} ${on}`)
          return { value: on }
        }
      },
      sensors: { list: () => ["temp"], read: (name) => (name === "temp" ? world.temp : absent) }
    },
    profileOf("sim-heater"),
    () => world.now
  )
  return { pins, world, switched }
}

describe("pins of a board", () => {
  it("are switched and read by number: outputs from 16, sensors from 32", () => {
    const { pins, switched } = board()
    assert.strictEqual(pins.write(17, 1), 0)
    assert.deepStrictEqual(switched, ["fan true"])
    assert.deepStrictEqual([pins.read(16), pins.read(17)], [0, 1])
    assert.strictEqual(f16Value(pins.read(32)), 21.5)
  })

  it("say what cannot be done with them", () => {
    const { pins, world } = board()
    assert.deepStrictEqual([pins.read(0), pins.read(18), pins.write(32, 1), pins.write(99, 1)], [-4, -4, -4, -4])
    world.temp = { code: codes.EIO }
    assert.strictEqual(pins.read(32), -1)
    assert.deepStrictEqual([pins.configure(17, 1, 0), pins.configure(32, 3, 0)], [0, 0])
    assert.deepStrictEqual([pins.configure(17, 0, 0), pins.configure(32, 1, 0), pins.configure(5, 1, 0)], [-4, -4, -4])
    assert.strictEqual(pins.interrupt(17, 0, true), -6)
  })

  it("are busy for ten milliseconds after they were switched, and let a repeat pass", () => {
    const { pins, world, switched } = board()
    assert.deepStrictEqual([pins.write(17, 1), pins.write(17, 5), pins.write(17, 0)], [0, 0, -3])
    assert.strictEqual(pins.write(16, 1), 0)
    world.now = 10
    assert.strictEqual(pins.write(17, 0), 0)
    assert.deepStrictEqual(switched, ["fan true", "element true", "fan false"])
  })

  it("are granted all together, by kind, or by name", () => {
    const { pins } = board()
    assert.deepStrictEqual(pins.rightsOf?.(17), ["gpio", "pin.fan"])
    assert.deepStrictEqual(pins.rightsOf?.(32), ["gpio", "sensor", "pin.temp"])
    assert.deepStrictEqual(pins.rightsOf?.(99), ["gpio"])
    assert.deepStrictEqual(pinCapabilities(profileOf("host-linux")), [
      "gpio",
      "led",
      "sensor",
      "pin.led",
      "pin.cpu",
      "pin.memory"
    ])
    assert.deepStrictEqual(pinCapabilities(generic), [])
  })
})
