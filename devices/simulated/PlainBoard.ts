/** A simulated board without a body worth the name: a lamp, and room for programs. */
import type { TwinMap } from "../../src/protocol/TwinValue.ts"
import { executeFrom } from "../agent/CommandTable.ts"
import { applyFields, wordField } from "../agent/Fields.ts"
import { commonCommands } from "./BoardCommands.ts"
import type { Body } from "./SimulatedApplication.ts"

/** A lamp that goes off with the power. It reports when it changes, and says nothing else. */
export const plainBody = (): Body => ({
  profile: "sim-board",
  power: (powered) => {
    let led: "on" | "off" = "off"
    const state = (): TwinMap => ({ led })
    powered.voice.report(state())
    return {
      state,
      applyDesired: (delta) =>
        applyFields(delta, {
          led: wordField(["on", "off"], (next) => {
            led = next
          })
        }),
      execute: executeFrom(commonCommands(powered))
    }
  }
})
