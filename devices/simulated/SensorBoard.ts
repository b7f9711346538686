/** A simulated room sensor: temperature, humidity, pressure and battery as slow random walks. */
import { codes } from "../../src/protocol/Codes.ts"
import type { TwinMap } from "../../src/protocol/TwinValue.ts"
import { argument, executeFrom } from "../agent/CommandTable.ts"
import { applyFields, numberField } from "../agent/Fields.ts"
import { Rounds } from "../agent/Rounds.ts"
import { commonCommands } from "./BoardCommands.ts"
import { normal, seeded } from "./Seeded.ts"
import type { Body } from "./SimulatedApplication.ts"

/** One quantity: where it starts, its step from reading to reading, its range and the digits reported. */
interface Quantity {
  readonly start: number
  readonly step: number
  readonly min: number
  readonly max: number
  readonly digits: number
}

const quantities: Readonly<Record<string, Quantity>> = {
  /** °C */
  temp: { start: 22.5, step: 0.05, min: -10, max: 50, digits: 2 },
  /** % */
  humidity: { start: 65, step: 0.2, min: 0, max: 100, digits: 1 },
  /** hPa */
  pressure: { start: 1013.25, step: 0.05, min: 950, max: 1050, digits: 2 },
  /** % */
  battery: { start: 85, step: 0.01, min: 0, max: 100, digits: 0 }
}

/** The room around a sensor, and the sensor at each start. */
export const sensorBody = (options: {
  readonly id: string
  readonly seed: number
  readonly intervalMillis?: number
}): Body => {
  const walk = normal(seeded(options.seed, options.id))
  const values: Record<string, number> = {}
  for (const [name, { start }] of Object.entries(quantities)) values[name] = start
  const reading = (name: string, digits: number): number => Number((values[name] ?? 0).toFixed(digits))
  return {
    profile: "sim-sensor",
    hal: {
      sensors: {
        list: () => Object.keys(quantities),
        read: (name) => {
          const quantity = Object.hasOwn(quantities, name) ? quantities[name] : undefined
          return quantity === undefined ? { code: codes.ENOENT } : { value: reading(name, quantity.digits) }
        }
      }
    },
    power: (powered) => {
      const { clock, voice } = powered
      const readings = (): Record<string, number> => {
        const all: Record<string, number> = {}
        for (const [name, { digits }] of Object.entries(quantities)) all[name] = reading(name, digits)
        return all
      }
      const rounds = new Rounds(clock, options.intervalMillis ?? 2000, () => {
        for (const [name, { step, min, max }] of Object.entries(quantities)) {
          values[name] = Math.min(max, Math.max(min, (values[name] ?? 0) + walk() * step))
        }
        voice.report(readings())
      })
      const state = (): TwinMap => ({ ...readings(), interval: rounds.intervalMillis })
      voice.report(state())
      return {
        state,
        applyDesired: (delta) =>
          applyFields(delta, {
            interval: numberField(100, 3_600_000, (next) => rounds.every(next))
          }),
        execute: executeFrom({
          ...commonCommands(powered),
          read: ({ args }) => {
            const name = argument(args, "sensor")
            if (typeof name !== "string") return { code: codes.EINVAL, detail: "sensor is a name" }
            const quantity = Object.hasOwn(quantities, name) ? quantities[name] : undefined
            if (quantity === undefined) return { code: codes.ENOENT, detail: `no sensor ${name}` }
            return { code: codes.ok, value: reading(name, quantity.digits) }
          }
        })
      }
    }
  }
}
