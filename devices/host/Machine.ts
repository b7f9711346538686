/** What a host board can tell of the machine it runs on; each figure where the system has it. */

/** What does not change while the machine runs. */
export interface MachineFacts {
  readonly hostname: string
  /** Name of the operating system, as people say it. */
  readonly platform: string
  readonly kernel: string
  readonly arch: string
  readonly cpuModel?: string
  readonly cpus: number
  /** Runs under a build service. */
  readonly ci: boolean
}

/** Bytes. */
export interface Space {
  readonly total: number
  readonly free: number
}

/** Bytes through a network interface since the machine started. */
export interface Traffic {
  readonly received: number
  readonly sent: number
}

/** One look at the machine. */
export interface MachineSample {
  /** Share of all processors in use since the look before, 0…1; none at the first look. */
  readonly cpu?: number
  /** Bytes; free counts what programs could have at once. */
  readonly memory?: Space
  /** Runnable tasks, averaged over 1, 5 and 15 minutes. */
  readonly load?: readonly [number, number, number]
  /** The file system of the root folder, bytes. */
  readonly disk?: Space
  /** By interface. */
  readonly network?: Readonly<Record<string, Traffic>>
  /** Milliseconds. */
  readonly uptime?: number
  readonly processes?: number
}

/** The machine under a host board. */
export interface Machine {
  readonly profile: "host-linux" | "host-macos"
  readonly facts: MachineFacts
  /** Looks now. What cannot be read is left out. */
  readonly sample: () => MachineSample
}

/** Time the processors were busy, and all of it, in any unit. */
export interface CpuTime {
  readonly busy: number
  readonly total: number
}

/** Share of use between two looks, to a thousandth; none when no time passed. */
export const cpuShare = (before: CpuTime | undefined, now: CpuTime): number | undefined => {
  if (before === undefined || now.total <= before.total) return undefined
  const share = (now.busy - before.busy) / (now.total - before.total)
  return Math.round(Math.min(1, Math.max(0, share)) * 1000) / 1000
}

/** Set by the usual build services. */
const ciFlags = ["CI", "GITHUB_ACTIONS", "GITLAB_CI", "JENKINS_URL"]

/** Whether this environment is that of a build service. */
export const isCi = (environment: Readonly<Record<string, string | undefined>>): boolean =>
  ciFlags.some((flag) => environment[flag] !== undefined)

/** The same machine, looked at no more often than this: the share of the processors needs some time between two looks. */
export const steady = (machine: Machine, now: () => number, ageMillis: number): Machine => {
  let at = Number.NEGATIVE_INFINITY
  let latest: MachineSample = {}
  return {
    ...machine,
    sample: () => {
      if (now() - at >= ageMillis) {
        at = now()
        latest = machine.sample()
      }
      return latest
    }
  }
}
