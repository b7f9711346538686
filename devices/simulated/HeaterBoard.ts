/** A simulated heater board: two-point control of a heated body, with faults on demand. */
import { codes } from "../../src/protocol/Codes.ts"
import type { TwinMap, TwinPatch, TwinValue } from "../../src/protocol/TwinValue.ts"
import type { Application } from "../agent/Application.ts"
import { argument, type CommandRun, executeFrom } from "../agent/CommandTable.ts"
import { applyFields, booleanField, type FieldSetter, numberField } from "../agent/Fields.ts"
import { switchedMillis, together } from "../agent/Together.ts"
import type { PinHal } from "../hal/ProgramPins.ts"
import { commonCommands } from "./BoardCommands.ts"
import { Heater, type HeaterConstants, heaterDefaults, ovenDefaults } from "./Heater.ts"
import { normal, seeded } from "./Seeded.ts"
import { type Body, type Fault, faults, type Powered } from "./SimulatedApplication.ts"
import { ThermalSensor } from "./ThermalSensor.ts"

/** Half the dead band of the control, °C. A narrower one would switch the relay on the sensor's noise. */
const hysteresis = 0.5

/** Temperatures a target may have, °C. */
const targetMin = 0
const targetMax = 100

/** What an oven heats to before somebody desires another temperature, °C. */
const ovenTarget = 65

/** Longest distance of two readings, ms: the control sleeps no longer than that, whatever is reported. */
const roundMillisMax = 2000

/** A temperature no healthy board reaches, °C. */
const overheat = 102

/** How long a fault lasts that ends by itself when none is named, ms. */
const faultMillis = 30_000

/** Restarts of a reboot loop when none is named. */
const rebootTimes = 3

/** How a heater board is set up. */
export interface HeaterOptions {
  readonly id: string
  readonly seed: number
  /** `sim-heater` when absent. */
  readonly profile?: string
  /** Base clock, ms: the body's time, which no fault of the board touches. */
  readonly now: () => number
  readonly constants?: HeaterConstants
  /** °C. */
  readonly target?: number
  /** Between reports, ms. */
  readonly intervalMillis?: number
}

/** Settings that a restart resets, as on a board without storage. */
interface Settings {
  on: boolean
  target: number
  interval: number
}

/** What the electronics and the programs on them share. */
interface Wires {
  relayIsStuck: boolean
  fault: Fault
  /** A program has switched the element: the board's own control leaves it alone. */
  isByProgram: boolean
  /** A program has switched the fan last, nobody who desires something. */
  isFanByProgram: boolean
  /** A program has switched something. */
  switched: () => void
}

/** The body of a heater board, and its electronics at each start. */
export const heaterBody = (options: HeaterOptions): Body => {
  const random = seeded(options.seed, options.id)
  const heater = new Heater(options.constants ?? heaterDefaults, options.now())
  const sensor = new ThermalSensor(normal(random))
  const wires: Wires = {
    relayIsStuck: false,
    fault: "none",
    isByProgram: false,
    isFanByProgram: false,
    switched: () => {}
  }
  return {
    profile: options.profile ?? "sim-heater",
    hal: heaterHal(options, heater, sensor, wires),
    power: (powered) => startHeater(options, heater, sensor, wires, powered)
  }
}

/** The body of an oven: a heater of many watts that is told to become hot. */
export const ovenBody = (options: Omit<HeaterOptions, "profile" | "constants" | "target">): Body =>
  heaterBody({ ...options, profile: "sim-oven", constants: ovenDefaults, target: ovenTarget })

/** What programs reach: the element's relay and the fan, the temperature and the power. */
const heaterHal = ({ now }: HeaterOptions, heater: Heater, sensor: ThermalSensor, wires: Wires): PinHal => {
  const absent = { code: codes.ENOENT }
  const sensors: Readonly<Record<string, () => number>> = {
    temp: () => sensor.read(heater.temperature),
    power: () => heater.power
  }
  return {
    outputs: {
      list: () => ["element", "fan"],
      get: (name) => {
        if (name === "fan") return { value: heater.fan }
        return name === "element" ? { value: heater.closed } : absent
      },
      set: (name, on) => {
        if (name !== "fan" && name !== "element") return absent
        heater.advance(now())
        if (name === "fan") {
          wires.isFanByProgram = true
          heater.fan = on
        } else {
          wires.isByProgram = true
          if (!wires.relayIsStuck) heater.closed = on
        }
        wires.switched()
        return { value: on }
      }
    },
    sensors: {
      list: () => Object.keys(sensors),
      read: (name) => {
        const read = Object.hasOwn(sensors, name) ? sensors[name] : undefined
        if (read === undefined) return absent
        heater.advance(now())
        return { value: read() }
      }
    }
  }
}

const startHeater = (
  options: HeaterOptions,
  heater: Heater,
  sensor: ThermalSensor,
  wires: Wires,
  powered: Powered
): Application => {
  const { clock, voice, shell } = powered
  const settings: Settings = { on: true, target: options.target ?? 45, interval: options.intervalMillis ?? 2000 }
  let measured = readSensor()
  let hot = false
  let reportedAt = clock.board()
  let last: TwinMap = {}
  /** What was desired of the fan last. */
  let desiredFan: boolean | undefined

  function readSensor(): number {
    heater.advance(options.now())
    return sensor.read(heater.temperature)
  }

  const control = (): void => {
    if (wires.relayIsStuck || wires.isByProgram) return
    if (!settings.on || measured > settings.target + hysteresis) heater.closed = false
    else if (measured < settings.target - hysteresis) heater.closed = true
  }

  /** What is measured at one time, and so reported in one piece. */
  const reading = (): TwinMap => ({ temp: measured, power: heater.power, fan: heater.fan })

  const state = (): TwinMap => ({
    ...reading(),
    on: settings.on,
    target: settings.target,
    interval: settings.interval,
    fault: wires.fault
  })

  const reportChanges = (always: TwinMap = {}): void => {
    const now = state()
    const changes: Record<string, TwinValue> = { ...always }
    for (const [name, value] of Object.entries(now)) if (last[name] !== value) changes[name] = value
    last = now
    if (Object.keys(changes).length > 0) voice.report(changes)
  }

  const round = (): void => {
    measured = readSensor()
    const isHot = measured >= overheat
    // A program that lets it come to this has no command of the element any more.
    if (isHot) wires.isByProgram = false
    control()
    if (isHot && !hot) voice.event("heater.overheat", { temp: measured }, 1)
    hot = isHot
    if (clock.board() - reportedAt >= settings.interval) {
      reportedAt = clock.board()
      reportChanges(reading())
    }
    clock.schedule(Math.min(settings.interval, roundMillisMax), round)
  }

  /** Until somebody desires otherwise a program keeps the fan it took: what is only told again is refused. */
  const switchFan: FieldSetter = (value) => {
    if (typeof value !== "boolean") return { code: codes.EINVAL }
    if (wires.isFanByProgram && value === desiredFan && value !== heater.fan) return { code: codes.EBUSY }
    heater.advance(options.now())
    heater.fan = value
    wires.isFanByProgram = false
    desiredFan = value
    return { value }
  }

  const setFault = (fault: Fault, millis: number, times: number): void => {
    sensor.stuck = fault === "stuck-sensor"
    sensor.noise = fault === "noise" ? 10 : 1
    wires.relayIsStuck = fault === "stuck-relay"
    heater.advance(options.now())
    heater.whole = fault !== "open-heater"
    wires.fault = fault
    voice.event("fault.injected", { kind: fault }, 1)
    reportChanges()
    if (fault === "silent") shell.hush(millis)
    if (fault === "reboot-loop") clock.schedule(0, () => shell.reboot(times))
    if (fault === "clock-jump") shell.jump(millis)
  }

  const faultCommand: CommandRun = ({ args }) => {
    const kind = argument(args, "kind")
    const fault = faults.find((candidate) => candidate === kind)
    if (typeof kind !== "string") return { code: codes.EINVAL, detail: `kind is one of ${faults.join(", ")}` }
    if (fault === undefined) return { code: codes.ERANGE, detail: `kind is one of ${faults.join(", ")}` }
    const millis = argument(args, "millis") ?? faultMillis
    const times = argument(args, "times") ?? rebootTimes
    if (typeof millis !== "number" || typeof times !== "number") {
      return { code: codes.EINVAL, detail: "millis and times are numbers" }
    }
    // The result goes out first: a hang or a restart would swallow it.
    clock.schedule(0, () => setFault(fault, Math.max(0, millis), Math.max(1, Math.min(10, Math.floor(times)))))
    return { code: codes.ok, value: fault }
  }

  // A restart ends the faults of the board, not those of its parts.
  if (wires.fault === "silent" || wires.fault === "reboot-loop" || wires.fault === "clock-jump") wires.fault = "none"
  // Without power every relay falls open and the fan stands.
  heater.advance(options.now())
  heater.fan = false
  wires.isByProgram = false
  wires.isFanByProgram = false
  wires.switched = together(clock, switchedMillis, () => reportChanges())
  control()
  reportChanges()
  clock.schedule(Math.min(settings.interval, roundMillisMax), round)

  return {
    state,
    execute: executeFrom({ ...commonCommands(powered), fault: faultCommand }),
    applyDesired: (delta: TwinPatch) => {
      const applied = applyFields(delta, {
        on: booleanField((on) => {
          settings.on = on
          wires.isByProgram = false
        }),
        target: numberField(targetMin, targetMax, (target) => {
          settings.target = target
          wires.isByProgram = false
        }),
        interval: numberField(100, 3_600_000, (interval) => {
          settings.interval = interval
        }),
        fan: switchFan
      })
      heater.advance(options.now())
      control()
      // These go out with the answer: with the next reading they are no news.
      const { on, target, interval } = settings
      last = { ...last, fan: heater.fan, on, target, interval }
      return applied
    }
  }
}
