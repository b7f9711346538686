/** The host board: it reports the machine it runs on and has a lamp that people can see. */
import { codes } from "../../src/protocol/Codes.ts"
import type { TwinMap, TwinValue } from "../../src/protocol/TwinValue.ts"
import type { Application, Voice } from "../agent/Application.ts"
import type { Clock } from "../agent/Clock.ts"
import { argument, type CommandRun, executeFrom } from "../agent/CommandTable.ts"
import { applyFields, numberField, wordField } from "../agent/Fields.ts"
import { Rounds } from "../agent/Rounds.ts"
import { switchedMillis, together } from "../agent/Together.ts"
import type { DeviceInfo, Hal, HalResult } from "../hal/Hal.ts"
import { changesOf } from "./Changes.ts"
import type { Machine, MachineSample } from "./Machine.ts"

/** Between two reports, ms. */
const intervalDefault = 2000

/** One blink of `identify`, ms, and how many there are. */
const blinkMillis = 250
const blinks = 3

/** What the host board works with. */
export interface HostOptions {
  readonly machine: Machine
  readonly hal: Hal
  readonly clock: Clock
  readonly intervalMillis?: number
  /** Takes what is to be called after a program has switched the lamp. */
  readonly whenSwitched?: (told: () => void) => void
}

/** `on` and `off`, as people and the twin say it. */
const word = (on: boolean): "on" | "off" => (on ? "on" : "off")

const answer = <A>(result: HalResult<A>, value: (of: A) => TwinValue) =>
  "code" in result ? { code: result.code } : { code: codes.ok, value: value(result.value) }

/** Starts the host board's application. */
export const hostApplication =
  ({ machine, hal, clock, intervalMillis, whenSwitched }: HostOptions) =>
  (voice: Voice): Application => {
    let sample = machine.sample()
    let reported: TwinMap = {}
    let stopBlinking: (() => void) | undefined
    const rounds = new Rounds(clock, intervalMillis ?? intervalDefault, () => {
      sample = machine.sample()
      report()
    })

    const led = (): boolean => {
      const lamp = hal.leds?.get(0)
      return lamp !== undefined && "value" in lamp && lamp.value
    }
    const state = (): TwinMap => ({
      ...factsOf(machine),
      ...figuresOf(sample),
      led: word(led()),
      interval: rounds.intervalMillis
    })
    const report = (): void => {
      const now = state()
      const changes = changesOf(reported, now)
      reported = now
      if (Object.keys(changes).length > 0) voice.report(changes)
    }
    const setLed = (on: boolean): HalResult<boolean> => {
      stopBlinking?.()
      const before = led()
      const result = hal.leds?.set(0, on) ?? { code: codes.ENOTSUP }
      if ("value" in result && before !== on) voice.log(2, `LED ${word(before)} → ${word(on)}`)
      return result
    }
    const blink = (done: (complete: boolean) => void): void => {
      stopBlinking?.()
      const before = led()
      let left = 2 * blinks
      let cancel = (): void => {}
      const end = (complete: boolean): void => {
        stopBlinking = undefined
        cancel()
        hal.leds?.set(0, before)
        report()
        done(complete)
      }
      const flip = (): void => {
        if (left === 0) return end(true)
        hal.leds?.set(0, left % 2 === 0 ? !before : before)
        report()
        left--
        cancel = clock.schedule(blinkMillis, flip)
      }
      stopBlinking = () => end(false)
      flip()
    }

    const identify: CommandRun = (_command, execution) => {
      if (hal.leds === undefined) return { code: codes.ENOTSUP }
      const { hostname } = machine.facts
      blink((complete) => execution.finish({ code: complete ? codes.ok : codes.ECANCELED, value: hostname }))
      return { cancel: () => stopBlinking?.() }
    }
    const lamp: CommandRun = ({ args }) => {
      const wanted = typeof args === "string" ? args : argument(args, "state")
      if (wanted !== undefined && wanted !== "on" && wanted !== "off") {
        return { code: typeof wanted === "string" ? codes.ERANGE : codes.EINVAL, detail: 'state is "on" or "off"' }
      }
      const result = wanted === undefined ? (hal.leds?.get(0) ?? { code: codes.ENOTSUP }) : setLed(wanted === "on")
      report()
      return answer(result, word)
    }
    const sensor: CommandRun = ({ args }) => {
      const name = typeof args === "string" ? args : argument(args, "sensor")
      if (typeof name !== "string") return { code: codes.EINVAL, detail: "sensor is a name" }
      return answer(hal.sensors?.read(name) ?? { code: codes.ENOTSUP }, (value) => value)
    }

    whenSwitched?.(together(clock, switchedMillis, report))
    report()

    return {
      state,
      vitals: () => ({
        ...(sample.memory === undefined ? {} : { free: sample.memory.free }),
        ...(sample.cpu === undefined ? {} : { load: sample.cpu })
      }),
      execute: executeFrom({
        ping: ({ args }) => ({ code: codes.ok, value: args ?? "pong" }),
        info: () => ({ code: codes.ok, value: infoOf(hal.core.info()) }),
        memory: () => answer(hal.core.memory(), (memory) => ({ ...memory })),
        uptime: () => answer(hal.core.uptime(), (uptime) => ({ ...uptime })),
        sensors: () => ({ code: codes.ok, value: hal.sensors?.list() ?? [] }),
        read: sensor,
        led: lamp,
        identify
      }),
      applyDesired: (delta) => {
        const applied = applyFields(delta, {
          led: (value) => {
            const outcome = wordField(["on", "off"], () => {})(value)
            if ("code" in outcome) return outcome
            const result = setLed(value === "on")
            return "code" in result ? result : { value: word(result.value) }
          },
          interval: numberField(500, 3_600_000, (next) => rounds.every(next))
        })
        reported = { ...reported, led: word(led()), interval: rounds.intervalMillis }
        return applied
      }
    }
  }

const factsOf = ({ facts }: Machine): TwinMap => ({
  hostname: facts.hostname,
  platform: facts.platform,
  kernel: facts.kernel,
  arch: facts.arch,
  cpus: facts.cpus,
  ...(facts.ci ? { ci: true } : {})
})

const figuresOf = (sample: MachineSample): TwinMap => ({
  ...(sample.cpu === undefined ? {} : { cpu: sample.cpu }),
  ...(sample.memory === undefined ? {} : { memory: { ...sample.memory } }),
  ...(sample.load === undefined
    ? {}
    : { load: { one: sample.load[0], five: sample.load[1], fifteen: sample.load[2] } }),
  ...(sample.disk === undefined ? {} : { disk: { ...sample.disk } }),
  ...(sample.network === undefined ? {} : { network: networkOf(sample.network) }),
  ...(sample.uptime === undefined ? {} : { uptime: sample.uptime }),
  ...(sample.processes === undefined ? {} : { processes: sample.processes })
})

/** Interfaces a twin carries: a container host has hundreds of virtual ones, and a twin's section is bounded. */
const interfacesMax = 16

const networkOf = (network: NonNullable<MachineSample["network"]>): TwinMap =>
  Object.fromEntries(
    Object.entries(network)
      .slice(0, interfacesMax)
      .map(([name, traffic]) => [name, { ...traffic }])
  )

const infoOf = (info: DeviceInfo): TwinMap => {
  const fields: Record<string, TwinValue> = {}
  for (const [name, value] of Object.entries(info)) if (typeof value === "string") fields[name] = value
  return fields
}
