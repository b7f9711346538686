/** A simulated press: strokes on command or in a row, a counter, and a force that varies. */
import { codes } from "../../src/protocol/Codes.ts"
import type { TwinMap } from "../../src/protocol/TwinValue.ts"
import { executeFrom } from "../agent/CommandTable.ts"
import { applyFields, numberField, wordField } from "../agent/Fields.ts"
import { Rounds } from "../agent/Rounds.ts"
import { commonCommands } from "./BoardCommands.ts"
import { normal, seeded } from "./Seeded.ts"
import type { Body } from "./SimulatedApplication.ts"

/** Duration of one stroke, ms. */
const strokeMillis = 400

/** Force of a stroke and its deviation, kN. */
const force = 80
const forceDeviation = 1.5

/** The press, which keeps its counter over restarts, and its electronics at each start. */
export const pressBody = (options: { readonly id: string; readonly seed: number }): Body => {
  const random = normal(seeded(options.seed, options.id))
  let strokes = 0
  let pressing = false
  let peak = 0
  /** Begins a stroke; it ends by itself. */
  let press = (): void => {}
  return {
    profile: "sim-press",
    hal: {
      outputs: {
        list: () => ["ram"],
        get: (name) => (name === "ram" ? { value: pressing } : { code: codes.ENOENT }),
        set: (name, on) => {
          if (name !== "ram") return { code: codes.ENOENT }
          // A stroke that has begun cannot be called back.
          if (!on) return { code: codes.EBUSY }
          press()
          return { value: true }
        }
      },
      sensors: {
        list: () => ["force"],
        read: (name) => (name === "force" ? { value: peak } : { code: codes.ENOENT })
      }
    },
    power: (powered) => {
      const { clock, voice } = powered
      let mode: "manual" | "auto" = "manual"
      pressing = false
      peak = 0
      const state = (): TwinMap => ({
        state: pressing ? "pressing" : "idle",
        strokes,
        force: peak,
        mode,
        interval: rounds.intervalMillis
      })
      const stroke = (done: () => void): void => {
        pressing = true
        voice.report({ state: "pressing" })
        clock.schedule(strokeMillis, () => {
          pressing = false
          strokes++
          peak = Math.round((force + random() * forceDeviation) * 10) / 10
          voice.report({ state: "idle", strokes, force: peak })
          done()
        })
      }
      const rounds = new Rounds(clock, 2000, () => {
        if (mode === "auto" && !pressing) stroke(() => {})
      })
      press = () => {
        if (!pressing) stroke(() => {})
      }
      voice.report(state())
      return {
        state,
        applyDesired: (delta) =>
          applyFields(delta, {
            mode: wordField(["manual", "auto"], (next) => {
              mode = next
            }),
            interval: numberField(2 * strokeMillis, 3_600_000, (next) => rounds.every(next))
          }),
        execute: executeFrom({
          ...commonCommands(powered),
          /** One stroke; answers its force in kN. */
          press: (_command, execution) => {
            if (pressing) return { code: codes.EBUSY, detail: "a stroke is under way" }
            stroke(() => execution.finish({ code: codes.ok, value: peak }))
            return undefined
          }
        })
      }
    }
  }
}
