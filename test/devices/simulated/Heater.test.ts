import { assert, describe, it } from "@effect/vitest"
import { Heater, heaterDefaults } from "../../../devices/simulated/Heater.ts"
import { normal, seeded } from "../../../devices/simulated/Seeded.ts"
import { quantum, sigma, ThermalSensor } from "../../../devices/simulated/ThermalSensor.ts"

const still = { ...heaterDefaults, drift: 0 }

/** The differential equation in small steps (Heun), written apart from the closed form. */
const integrated = (seconds: number, closed: (second: number) => boolean, drift: number): number => {
  const { capacity, loss, power, ambient } = heaterDefaults
  const step = 0.05
  const around = (t: number) => ambient + drift * Math.sin((2 * Math.PI * t) / 86_400)
  const slope = (t: number, temperature: number) =>
    ((closed(t) ? power : 0) - loss * (temperature - around(t))) / capacity
  let temperature = ambient
  for (let n = 0; n < seconds / step; n++) {
    const t = n * step
    const first = slope(t, temperature)
    const second = slope(t + step / 2, temperature + (first * step) / 2)
    temperature += second * step
  }
  return temperature
}

describe("Heater", () => {
  it("follows its closed formula", () => {
    const heater = new Heater(still, 0)
    heater.closed = true
    const limit = 22 + 150 / 1.8
    for (const seconds of [1, 60, 500, 3600]) {
      heater.advance(seconds * 1000)
      assert.closeTo(heater.temperature, limit + (22 - limit) * Math.exp((-1.8 * seconds) / 900), 1e-9)
    }
  })

  it("does not care how a time is cut into steps", () => {
    const once = new Heater(still, 0)
    const often = new Heater(still, 0)
    once.closed = often.closed = true
    once.advance(600_000)
    for (let at = 0; at <= 600_000; at += 777) often.advance(at)
    often.advance(600_000)
    assert.closeTo(often.temperature, once.temperature, 1e-9)
  })

  it("agrees with the differential equation when the relay switches and the day drifts", () => {
    const heater = new Heater(heaterDefaults, 0)
    const closed = (second: number) => Math.floor(second / 100) % 2 === 0
    for (let second = 0; second < 2000; second++) {
      heater.closed = closed(second)
      heater.advance((second + 1) * 1000)
    }
    assert.closeTo(heater.temperature, integrated(2000, closed, heaterDefaults.drift), 0.01)
  })

  it("gives no heat through an open relay or a broken element", () => {
    const heater = new Heater(still, 0)
    assert.strictEqual(heater.power, 0)
    heater.closed = true
    assert.strictEqual(heater.power, 150)
    heater.whole = false
    assert.strictEqual(heater.power, 0)
    heater.advance(1_000_000)
    assert.strictEqual(heater.temperature, 22)
  })

  it("settles lower while its fan runs", () => {
    const heater = new Heater(still, 0)
    heater.closed = true
    heater.fan = true
    heater.advance(100_000_000)
    assert.closeTo(heater.temperature, 22 + 150 / 18, 0.001)
    heater.fan = false
    heater.advance(200_000_000)
    assert.closeTo(heater.temperature, 22 + 150 / 1.8, 0.001)
  })

  it("stands still when time does, and never goes back", () => {
    const heater = new Heater(still, 1000)
    heater.closed = true
    heater.advance(61_000)
    const before = heater.temperature
    heater.advance(61_000)
    heater.advance(5000)
    assert.strictEqual(heater.temperature, before)
  })
})

describe("ThermalSensor", () => {
  it("reads in steps of its quantum, with the noise it states", () => {
    const sensor = new ThermalSensor(normal(seeded(3, "sensor")))
    const readings = Array.from({ length: 20_000 }, () => sensor.read(40))
    for (const reading of readings) assert.strictEqual(reading % quantum, 0)
    const mean = readings.reduce((sum, reading) => sum + reading, 0) / readings.length
    const deviation = Math.sqrt(readings.reduce((sum, reading) => sum + (reading - mean) ** 2, 0) / readings.length)
    assert.closeTo(mean, 40, 0.005)
    // Rounding to a quantum adds a twelfth of its square to the variance.
    assert.closeTo(deviation, Math.sqrt(sigma ** 2 + quantum ** 2 / 12), 0.003)
  })

  it("answers the last reading for ever when stuck", () => {
    const sensor = new ThermalSensor(normal(seeded(3, "sensor")))
    const last = sensor.read(40)
    sensor.stuck = true
    assert.strictEqual(sensor.read(80), last)
  })
})

describe("seeded", () => {
  it("gives the same numbers for the same seed and name, and others for another", () => {
    const draw = (seed: number, name: string) => Array.from({ length: 5 }, seeded(seed, name))
    assert.deepStrictEqual(draw(1, "heater-1"), draw(1, "heater-1"))
    assert.notDeepEqual(draw(1, "heater-1"), draw(1, "heater-2"))
    assert.notDeepEqual(draw(1, "heater-1"), draw(2, "heater-1"))
  })
})
