/** What all simulated boards have in common: a body that lives on while the board restarts, and an application per boot. */
import type { Application, Voice } from "../agent/Application.ts"
import type { PinHal } from "../hal/ProgramPins.ts"
import type { BootClock } from "./BootClock.ts"

/** Faults of a simulated board. The first four are of its heater, the others of the board itself. */
export const faults = [
  "none",
  "stuck-sensor",
  "open-heater",
  "stuck-relay",
  "noise",
  "silent",
  "reboot-loop",
  "clock-jump"
] as const

/** The name of a fault. */
export type Fault = (typeof faults)[number]

/** What an application may do to the board that runs it. */
export interface Shell {
  /** The board hangs for this long, ms. */
  readonly hush: (millis: number) => void
  /** The power goes and comes back, this many times. */
  readonly reboot: (times: number) => void
  /** The board's clock leaps forward by this long, ms. */
  readonly jump: (millis: number) => void
}

/** What an application of a simulated board gets at each start. */
export interface Powered {
  readonly voice: Voice
  readonly clock: BootClock
  readonly shell: Shell
}

/** The physical part of a simulated board. It outlives the boots of its electronics. */
export interface Body {
  readonly profile: string
  /** What programs reach of it. */
  readonly hal: PinHal
  /** Starts the electronics: their application, which schedules its own rounds on the clock it gets. */
  readonly power: (powered: Powered) => Application
}
