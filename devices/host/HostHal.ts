/** The hardware groups of a host board: the machine's figures, one lamp, small values in files. */
import { codes } from "../../src/protocol/Codes.ts"
import type { Hal, Store } from "../hal/Hal.ts"
import type { Machine } from "./Machine.ts"

/** What a host board runs on. */
export interface HostHalOptions {
  readonly id: string
  readonly machine: Machine
  /** Milliseconds since the board started, and that start in UTC. */
  readonly up: () => number
  readonly startedAt: number
  /** Shows the lamp in its new state; answers whether it could. */
  readonly show: (on: boolean) => boolean
  readonly store?: Store
}

/** Version of the host board's own software. */
export const hostFirmware = "1.0.0"

/** The groups of a host board. */
export const hostHal = ({ id, machine, up, startedAt, show, store }: HostHalOptions): Hal => {
  let lit = false
  const sensors: Readonly<Record<string, () => number | undefined>> = {
    cpu: () => machine.sample().cpu,
    memory: () => {
      const memory = machine.sample().memory
      return memory === undefined ? undefined : 1 - memory.free / memory.total
    }
  }
  return {
    core: {
      info: () => ({
        device_id: id,
        platform: machine.facts.platform,
        version: machine.facts.kernel,
        firmware_version: hostFirmware,
        ...(machine.facts.cpuModel === undefined ? {} : { hardware_revision: machine.facts.cpuModel })
      }),
      memory: () => {
        const memory = machine.sample().memory
        if (memory === undefined) return { code: codes.EIO }
        const { total, free } = memory
        return { value: { total_bytes: total, free_bytes: free, used_bytes: total - free } }
      },
      uptime: () => ({ value: { uptime: Math.floor(up()), boot_time: startedAt } })
    },
    leds: {
      count: 1,
      get: (index) => (index === 0 ? { value: lit } : { code: codes.ENOENT }),
      set: (index, on) => {
        if (index !== 0) return { code: codes.ENOENT }
        if (lit !== on && !show(on)) return { code: codes.EIO }
        lit = on
        return { value: on }
      }
    },
    sensors: {
      list: () => Object.keys(sensors),
      read: (name) => {
        const value = (Object.hasOwn(sensors, name) ? sensors[name] : undefined)?.()
        if (!Object.hasOwn(sensors, name)) return { code: codes.ENOENT }
        return value === undefined ? { code: codes.EIO } : { value }
      }
    },
    ...(store === undefined ? {} : { store })
  }
}
