/** Reads the texts of Linux's /proc (proc(5)). Each parser takes the file's text and answers nothing where it does not fit. */
import type { CpuTime, Space, Traffic } from "./Machine.ts"

const number = (text: string | undefined): number | undefined => {
  if (text === undefined || text === "") return undefined
  const value = Number(text)
  return Number.isFinite(value) ? value : undefined
}

/** `/proc/stat`: ticks of all processors. Waiting for disks is idle; guest time is in user time already. */
export const parseCpuTime = (stat: string): CpuTime | undefined => {
  const line = stat.split("\n").find((candidate) => candidate.startsWith("cpu "))
  const ticks = line?.trim().split(/\s+/).slice(1, 9).map(Number)
  if (ticks === undefined || ticks.length < 4 || ticks.some((tick) => !Number.isFinite(tick))) return undefined
  const total = ticks.reduce((sum, tick) => sum + tick, 0)
  return { total, busy: total - (ticks[3] ?? 0) - (ticks[4] ?? 0) }
}

/** `/proc/meminfo`, whose unit is 1024 bytes. Kernels before 3.14 have no MemAvailable. */
export const parseMemory = (meminfo: string): Space | undefined => {
  const field = (name: string) => number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(meminfo)?.[1])
  const total = field("MemTotal")
  const free = field("MemAvailable") ?? field("MemFree")
  return total === undefined || free === undefined ? undefined : { total: total * 1024, free: free * 1024 }
}

/** `/proc/loadavg`. */
export const parseLoad = (loadavg: string): readonly [number, number, number] | undefined => {
  const [one, five, fifteen] = loadavg.trim().split(/\s+/).slice(0, 3).map(number)
  return one === undefined || five === undefined || fifteen === undefined ? undefined : [one, five, fifteen]
}

/** `/proc/uptime`, in ms. */
export const parseUptime = (uptime: string): number | undefined => {
  const seconds = number(uptime.trim().split(/\s+/)[0])
  return seconds === undefined ? undefined : Math.round(seconds * 1000)
}

/** `/proc/net/dev`. Two heading lines; an interface's name ends with a colon that may touch the first figure. */
export const parseNetwork = (dev: string): Readonly<Record<string, Traffic>> => {
  const interfaces: Record<string, Traffic> = {}
  for (const line of dev.split("\n")) {
    const colon = line.lastIndexOf(":")
    if (colon < 0) continue
    const name = line.slice(0, colon).trim()
    const figures = line
      .slice(colon + 1)
      .trim()
      .split(/\s+/)
    const received = number(figures[0])
    const sent = number(figures[8])
    if (name !== "" && received !== undefined && sent !== undefined) interfaces[name] = { received, sent }
  }
  return interfaces
}

/** `/proc/cpuinfo`: the model, where the architecture names one, and the number of processors. */
export const parseCpuInfo = (cpuinfo: string): { readonly model?: string; readonly cpus: number } => {
  const model = /^(?:model name|Model)\s*:\s*(.+)$/m.exec(cpuinfo)?.[1]?.trim()
  const cpus = cpuinfo.match(/^processor\s*:/gm)?.length ?? 1
  return model === undefined ? { cpus } : { model, cpus }
}

/** `/proc/version`: its third word is the kernel's release. */
export const parseKernel = (version: string): string | undefined => version.trim().split(/\s+/)[2]

/** Names in `/proc` that are processes. */
export const countProcesses = (names: ReadonlyArray<string>): number =>
  names.reduce((count, name) => (/^\d+$/.test(name) ? count + 1 : count), 0)
