/** A simulated tank with a valve, for trying controllers on. */
import { codes } from "../../src/protocol/Codes.ts"
import type { TwinMap } from "../../src/protocol/TwinValue.ts"
import { executeFrom } from "../agent/CommandTable.ts"
import { applyFields, numberField } from "../agent/Fields.ts"
import { Rounds } from "../agent/Rounds.ts"
import { switchedMillis, together } from "../agent/Together.ts"
import { commonCommands } from "./BoardCommands.ts"
import type { Body } from "./SimulatedApplication.ts"
import { Tank, tankDefaults } from "./Tank.ts"

/** How a tank board is set up. */
export interface TankOptions {
  /** Base clock, ms: the tank's time, which goes on while the board restarts. */
  readonly now: () => number
  /** Between reports, ms; 500 when absent. */
  readonly intervalMillis?: number
}

/** The tank, whose valve stays where it is without power, and its electronics at each start. */
export const tankBody = ({ now, intervalMillis = 500 }: TankOptions): Body => {
  const tank = new Tank(tankDefaults, now())
  const level = (): number => {
    tank.advance(now())
    return Math.round(tank.level * 10_000) / 10_000
  }
  let turned = (): void => {}
  const absent = { code: codes.ENOENT }
  return {
    profile: "sim-tank",
    hal: {
      outputs: {
        list: () => ["valve"],
        get: (name) => (name === "valve" ? { value: tank.valve > 0 } : absent),
        set: (name, on) => {
          if (name !== "valve") return absent
          tank.turn(on ? 1 : 0, now())
          turned()
          return { value: on }
        }
      },
      sensors: {
        list: () => ["level"],
        read: (name) => (name === "level" ? { value: level() } : absent)
      }
    },
    power: (powered) => {
      const { clock, voice } = powered
      const reading = (): TwinMap => ({ level: level(), valve: tank.valve })
      const rounds = new Rounds(clock, intervalMillis, () => voice.report(reading()))
      const state = (): TwinMap => ({ ...reading(), interval: rounds.intervalMillis })
      turned = together(clock, switchedMillis, () => voice.report(reading()))
      voice.report(state())
      return {
        state,
        applyDesired: (delta) =>
          applyFields(delta, {
            valve: numberField(0, 1, (valve) => tank.turn(valve, now())),
            interval: numberField(100, 3_600_000, (next) => rounds.every(next))
          }),
        execute: executeFrom(commonCommands(powered))
      }
    }
  }
}
