import { assert, describe, it } from "@effect/vitest"
import { linuxMachine } from "../../../devices/host/LinuxMachine.ts"
import { cpuShare, isCi, steady } from "../../../devices/host/Machine.ts"
import { osMachine, type System } from "../../../devices/host/OsMachine.ts"
import {
  countProcesses,
  parseCpuInfo,
  parseCpuTime,
  parseKernel,
  parseLoad,
  parseMemory,
  parseNetwork,
  parseUptime
} from "../../../devices/host/Proc.ts"

const stat = `cpu  20041 10 11782 619615 880 5 244 73 7 0
cpu0 8152 0 5384 312411 112 0 53 36 0 0
intr 1646320 0 0
ctxt 2792475
btime 1790000000
processes 18045
`

const meminfo = `MemTotal:       24684100 kB
MemFree:        23989832 kB
MemAvailable:   24273732 kB
Buffers:            1856 kB
`

const dev = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 288277089   45591    0    0    0     0          0         0 288277089   45591    0    0    0     0       0          0
  eth0:1234       7    0    0    0     0          0         0     5678       9    0    0    0     0       0          0
`

describe("/proc", () => {
  it("counts waiting for disks as idle and guest time once", () => {
    const total = 20041 + 10 + 11782 + 619615 + 880 + 5 + 244 + 73
    assert.deepStrictEqual(parseCpuTime(stat), { total, busy: total - 619615 - 880 })
  })

  it("reads memory in bytes, free as what programs could have", () => {
    assert.deepStrictEqual(parseMemory(meminfo), { total: 24684100 * 1024, free: 24273732 * 1024 })
  })

  it("falls back to free memory on kernels that do not estimate", () => {
    assert.deepStrictEqual(parseMemory("MemTotal:  100 kB\nMemFree:  40 kB\n"), { total: 102_400, free: 40_960 })
  })

  it("reads the three loads", () => {
    assert.deepStrictEqual(parseLoad("0.17 0.16 0.10 4/117 18045\n"), [0.17, 0.16, 0.1])
  })

  it("reads the uptime in ms", () => {
    assert.strictEqual(parseUptime("3275.10 6196.15\n"), 3_275_100)
  })

  it("reads each interface, also one whose figures touch its name", () => {
    assert.deepStrictEqual(parseNetwork(dev), {
      lo: { received: 288_277_089, sent: 288_277_089 },
      eth0: { received: 1234, sent: 5678 }
    })
  })

  it("reads model and number of processors, and does without a model", () => {
    assert.deepStrictEqual(
      parseCpuInfo("processor\t: 0\nmodel name\t: AMD EPYC\nprocessor\t: 1\nmodel name\t: AMD EPYC\n"),
      {
        model: "AMD EPYC",
        cpus: 2
      }
    )
    assert.deepStrictEqual(parseCpuInfo("processor\t: 0\nBogoMIPS\t: 50.00\n"), { cpus: 1 })
  })

  it("reads the kernel's release and counts processes", () => {
    assert.strictEqual(parseKernel("Linux version 6.18.44-fc (builder) #1 SMP"), "6.18.44-fc")
    assert.strictEqual(countProcesses(["1", "18045", "self", "net", "4a", ""]), 2)
  })

  it("answers nothing for texts of another shape", () => {
    assert.isUndefined(parseCpuTime("cpu0 1 2 3 4\n"))
    assert.isUndefined(parseCpuTime("cpu  a b c d\n"))
    assert.isUndefined(parseMemory("MemTotal: lots\n"))
    assert.isUndefined(parseLoad("0.1 0.2\n"))
    assert.isUndefined(parseUptime(""))
    assert.deepStrictEqual(parseNetwork("garbage\n"), {})
  })
})

describe("machine", () => {
  it("tells the share of the processors between two looks", () => {
    assert.isUndefined(cpuShare(undefined, { busy: 5, total: 10 }))
    assert.isUndefined(cpuShare({ busy: 5, total: 10 }, { busy: 5, total: 10 }))
    assert.strictEqual(cpuShare({ busy: 5, total: 10 }, { busy: 8, total: 22 }), 0.25)
  })

  it("knows a build service by its flags", () => {
    assert.isTrue(isCi({ GITLAB_CI: "true" }))
    assert.isFalse(isCi({ HOME: "/root", CI: undefined }))
  })

  it.skipIf(process.platform !== "linux")("looks at this machine", () => {
    const machine = linuxMachine({})
    const { memory, load, uptime, disk, network, processes } = machine.sample()
    assert.isAbove(memory?.total ?? 0, memory?.free ?? Number.POSITIVE_INFINITY)
    assert.strictEqual(load?.length, 3)
    assert.isAbove(uptime ?? 0, 0)
    assert.isAbove(disk?.total ?? 0, 0)
    assert.property(network, "lo")
    assert.isAbove(processes ?? 0, 0)
    assert.match(machine.facts.kernel, /^\d+\./)
  })

  it("leaves out what cannot be read", () => {
    const sample = linuxMachine({}, "/nonexistent").sample()
    assert.deepStrictEqual(Object.keys(sample), ["disk"])
  })

  it("is not looked at more often than it should be", () => {
    let now = 0
    let looks = 0
    const machine = steady({ ...osMachine({}), sample: () => ({ uptime: ++looks }) }, () => now, 400)
    const at = (time: number) => {
      now = time
      return machine.sample().uptime
    }
    assert.deepStrictEqual([at(0), at(399), at(400), at(500)], [1, 1, 2, 2])
  })
})

/** What Node tells on a Mac with two processors. */
const mac = (idle: number): System => ({
  cpus: () => [
    { model: "Apple M2", times: { user: 100, nice: 0, sys: 50, idle, irq: 0 } },
    { model: "Apple M2", times: { user: 100, nice: 0, sys: 50, idle, irq: 0 } }
  ],
  totalmem: () => 16 * 2 ** 30,
  freemem: () => 4 * 2 ** 30,
  loadavg: () => [1.5, 1.25, 1],
  uptime: () => 3600.25,
  hostname: () => "studio.local",
  release: () => "25.1.0",
  type: () => "Darwin",
  arch: () => "arm64"
})

describe("macOS", () => {
  it("tells the same shape as Linux, without what Node does not know", () => {
    const machine = osMachine({}, mac(700))
    assert.deepStrictEqual(machine.facts, {
      hostname: "studio.local",
      platform: "macOS",
      kernel: "25.1.0",
      arch: "arm64",
      cpus: 2,
      cpuModel: "Apple M2",
      ci: false
    })
    const { disk: _disk, ...sample } = machine.sample()
    assert.deepStrictEqual(sample, {
      memory: { total: 16 * 2 ** 30, free: 4 * 2 ** 30 },
      load: [1.5, 1.25, 1],
      uptime: 3_600_250
    })
  })
})
