/** A machine by what Node knows of it: macOS, and any system without /proc. Network bytes and processes are not told. */
import { arch, cpus, freemem, hostname, loadavg, release, type as systemName, totalmem, uptime } from "node:os"
import { defined } from "./Defined.ts"
import { diskSpace } from "./LinuxMachine.ts"
import { type CpuTime, cpuShare, isCi, type Machine } from "./Machine.ts"

/** The part of `node:os` that is read; tests give their own. */
export interface System {
  readonly cpus: () => ReadonlyArray<{
    readonly model: string
    readonly times: {
      readonly user: number
      readonly nice: number
      readonly sys: number
      readonly idle: number
      readonly irq: number
    }
  }>
  readonly totalmem: () => number
  readonly freemem: () => number
  readonly loadavg: () => ReadonlyArray<number>
  readonly uptime: () => number
  readonly hostname: () => string
  readonly release: () => string
  readonly type: () => string
  readonly arch: () => string
}

/** This process' system. */
const thisSystem: System = {
  cpus,
  totalmem,
  freemem,
  loadavg,
  uptime,
  hostname,
  release,
  type: systemName,
  arch
}

const cpuTime = (system: System): CpuTime => {
  let busy = 0
  let total = 0
  for (const { times } of system.cpus()) {
    const used = times.user + times.nice + times.sys + times.irq
    busy += used
    total += used + times.idle
  }
  return { busy, total }
}

/** The machine of this system, with the shape of any other. */
export const osMachine = (
  environment: Readonly<Record<string, string | undefined>>,
  system: System = thisSystem
): Machine => {
  const processors = system.cpus()
  const model = processors[0]?.model.trim()
  let before: CpuTime | undefined
  return {
    profile: "host-macos",
    facts: {
      hostname: system.hostname(),
      platform: system.type() === "Darwin" ? "macOS" : system.type(),
      kernel: system.release(),
      arch: system.arch(),
      cpus: Math.max(1, processors.length),
      ci: isCi(environment),
      ...(model === undefined || model === "" ? {} : { cpuModel: model })
    },
    sample: () => {
      const time = cpuTime(system)
      const share = cpuShare(before, time)
      before = time
      const [one = 0, five = 0, fifteen = 0] = system.loadavg()
      return defined({
        cpu: share,
        memory: { total: system.totalmem(), free: system.freemem() },
        load: [one, five, fifteen] as const,
        disk: diskSpace("/"),
        uptime: Math.round(system.uptime() * 1000)
      })
    }
  }
}
