/** The lamps, outputs and sensors of a board as its programs reach them: by pin. */
import { codes } from "../../src/protocol/Codes.ts"
import { f16Bits } from "../../src/protocol/hxe/F16.ts"
import { type HalGpio, halErrors } from "../hxe/executive/ProgramHal.ts"
import type { Profile } from "../profiles/Profile.ts"
import type { Hal, HalResult } from "./Hal.ts"

/** What of a board's hardware has pins. */
export type PinHal = Pick<Hal, "leds" | "outputs" | "sensors">

/** Pins of the first lamp, output and sensor; the others of a kind follow in the order of the profile. */
const firstPins = { led: 0, output: 16, sensor: 32 } as const

/** Kinds of pins. */
type PinKind = keyof typeof firstPins

/** What a program must be granted for every pin, and for the one of this name. */
const everyPin = "gpio"
const onePin = (name: string): string => `pin.${name}`

/**
 * Least time between two switchings of one pin, ms. A program can ask for thousands within one turn, and each of them would
 * write a file, or make a relay wear.
 */
const switchMillisMin = 10

/** Modes of `configure`: pins are what they are, and can only be asked for what they are. */
const pinModes: Readonly<Record<PinKind, ReadonlyArray<number>>> = { led: [1], output: [1], sensor: [0, 3] }

interface Pin {
  readonly kind: PinKind
  readonly name: string
  readonly index: number
}

type PinNames = Pick<Profile, "leds" | "outputs" | "sensors">

const pinsOf = ({ leds, outputs, sensors }: PinNames): ReadonlyMap<number, Pin> => {
  const numbered = (kind: PinKind, names: ReadonlyArray<string>) =>
    names.map((name, index): [number, Pin] => [firstPins[kind] + index, { kind, name, index }])
  const named = sensors.map(({ name }) => name)
  return new Map([...numbered("led", leds), ...numbered("output", outputs), ...numbered("sensor", named)])
}

/** Names of the capabilities that programs of such a board can be granted for its pins. */
export const pinCapabilities = (profile: PinNames): ReadonlyArray<string> => {
  const pins = [...pinsOf(profile).values()]
  if (pins.length === 0) return []
  const kinds = (["led", "sensor"] as const).filter((kind) => pins.some((pin) => pin.kind === kind))
  return [everyPin, ...kinds, ...pins.map(({ name }) => onePin(name))]
}

const halError = (code: number): number => {
  switch (code) {
    case codes.ENOENT:
      return halErrors.invalid
    case codes.EBUSY:
      return halErrors.busy
    case codes.ENOTSUP:
      return halErrors.unsupported
    default:
      return halErrors.failed
  }
}

const absent: HalResult<never> = { code: codes.ENOTSUP }

/**
 * The pins. A lamp or an output reads and is written as 0 or 1; a sensor reads as the bits of a half, which is what programs
 * reckon with. `now` is the board's clock, ms.
 */
export const programPins = (hal: PinHal, profile: PinNames, now: () => number): HalGpio => {
  const pins = pinsOf(profile)
  const switchedAt = new Map<number, number>()
  const stateOf = ({ kind, name, index }: Pin): HalResult<boolean> =>
    (kind === "led" ? hal.leds?.get(index) : hal.outputs?.get(name)) ?? absent
  const put = ({ kind, name, index }: Pin, on: boolean): HalResult<boolean> =>
    (kind === "led" ? hal.leds?.set(index, on) : hal.outputs?.set(name, on)) ?? absent
  return {
    read: (number) => {
      const pin = pins.get(number)
      if (pin === undefined) return halErrors.invalid
      if (pin.kind === "sensor") {
        const read = hal.sensors?.read(pin.name) ?? absent
        return "code" in read ? halError(read.code) : f16Bits(read.value)
      }
      const state = stateOf(pin)
      return "code" in state ? halError(state.code) : Number(state.value)
    },
    write: (number, value) => {
      const pin = pins.get(number)
      if (pin === undefined || pin.kind === "sensor") return halErrors.invalid
      const before = stateOf(pin)
      const on = value !== 0
      if ("value" in before && before.value === on) return 0
      const at = now()
      if (at - (switchedAt.get(number) ?? Number.NEGATIVE_INFINITY) < switchMillisMin) return halErrors.busy
      switchedAt.set(number, at)
      const done = put(pin, on)
      return "code" in done ? halError(done.code) : 0
    },
    configure: (number, mode) => {
      const pin = pins.get(number)
      return pin !== undefined && pinModes[pin.kind].includes(mode) ? 0 : halErrors.invalid
    },
    interrupt: () => halErrors.unsupported,
    rightsOf: (number) => {
      const pin = pins.get(number)
      if (pin === undefined) return [everyPin]
      const ofKind = pin.kind === "output" ? [] : [pin.kind]
      return [everyPin, ...ofKind, onePin(pin.name)]
    }
  }
}
