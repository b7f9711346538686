/** A Linux machine, by its /proc. */
import { readdirSync, readFileSync, statfsSync } from "node:fs"
import { arch, hostname, release } from "node:os"
import { defined } from "./Defined.ts"
import { type CpuTime, cpuShare, isCi, type Machine, type Space } from "./Machine.ts"
import {
  countProcesses,
  parseCpuInfo,
  parseCpuTime,
  parseKernel,
  parseLoad,
  parseMemory,
  parseNetwork,
  parseUptime
} from "./Proc.ts"

/** Text of a file, or none: containers hide some of /proc. */
const text = (path: string): string | undefined => {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return undefined
  }
}

/** Space of the file system that holds this path. */
export const diskSpace = (path: string): Space | undefined => {
  try {
    const { blocks, bavail, bsize } = statfsSync(path)
    return { total: blocks * bsize, free: bavail * bsize }
  } catch {
    return undefined
  }
}

const processes = (root: string): number | undefined => {
  try {
    return countProcesses(readdirSync(root))
  } catch {
    return undefined
  }
}

const parsed = <A>(path: string, parse: (text: string) => A | undefined): A | undefined => {
  const found = text(path)
  return found === undefined ? undefined : parse(found)
}

/** The machine whose /proc lies at `root`. */
export const linuxMachine = (environment: Readonly<Record<string, string | undefined>>, root = "/proc"): Machine => {
  const cpu = parsed(`${root}/cpuinfo`, parseCpuInfo) ?? { cpus: 1 }
  let before: CpuTime | undefined
  return {
    profile: "host-linux",
    facts: {
      hostname: hostname(),
      platform: parsed("/etc/os-release", (release) => /^PRETTY_NAME="?([^"\n]+)"?$/m.exec(release)?.[1]) ?? "Linux",
      kernel: parsed(`${root}/version`, parseKernel) ?? release(),
      arch: arch(),
      cpus: cpu.cpus,
      ci: isCi(environment),
      ...(cpu.model === undefined ? {} : { cpuModel: cpu.model })
    },
    sample: () => {
      const time = parsed(`${root}/stat`, parseCpuTime)
      const share = time === undefined ? undefined : cpuShare(before, time)
      before = time ?? before
      return defined({
        cpu: share,
        memory: parsed(`${root}/meminfo`, parseMemory),
        load: parsed(`${root}/loadavg`, parseLoad),
        disk: diskSpace("/"),
        network: parsed(`${root}/net/dev`, parseNetwork),
        uptime: parsed(`${root}/uptime`, parseUptime),
        processes: processes(root)
      })
    }
  }
}
