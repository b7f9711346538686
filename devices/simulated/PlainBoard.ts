/** A simulated board without a body worth the name: a lamp, and room for programs. */
import { codes } from "../../src/protocol/Codes.ts"
import type { TwinMap } from "../../src/protocol/TwinValue.ts"
import { executeFrom } from "../agent/CommandTable.ts"
import { applyFields, wordField } from "../agent/Fields.ts"
import { switchedMillis, together } from "../agent/Together.ts"
import { commonCommands } from "./BoardCommands.ts"
import type { Body } from "./SimulatedApplication.ts"

/** A lamp that goes off with the power. It reports when it changes, and says nothing else. */
export const plainBody = (): Body => {
  let isLit = false
  let switched = (): void => {}
  return {
    profile: "sim-board",
    hal: {
      leds: {
        count: 1,
        get: (index) => (index === 0 ? { value: isLit } : { code: codes.ENOENT }),
        set: (index, on) => {
          if (index !== 0) return { code: codes.ENOENT }
          isLit = on
          switched()
          return { value: on }
        }
      }
    },
    power: (powered) => {
      isLit = false
      const state = (): TwinMap => ({ led: isLit ? "on" : "off" })
      switched = together(powered.clock, switchedMillis, () => powered.voice.report(state()))
      powered.voice.report(state())
      return {
        state,
        applyDesired: (delta) =>
          applyFields(delta, {
            led: wordField(["on", "off"], (next) => {
              isLit = next === "on"
            })
          }),
        execute: executeFrom(commonCommands(powered))
      }
    }
  }
}
