import { assert, describe, it } from "@effect/vitest"
import type { Application, Command, Outcome } from "../../../devices/agent/Application.ts"
import { changesOf } from "../../../devices/host/Changes.ts"
import { hostApplication } from "../../../devices/host/HostApplication.ts"
import { hostHal } from "../../../devices/host/HostHal.ts"
import type { Machine, MachineSample } from "../../../devices/host/Machine.ts"
import type { TwinPatch, TwinValue } from "../../../src/protocol/TwinValue.ts"
import { VirtualTime } from "../VirtualTime.ts"

const fullSample: MachineSample = {
  cpu: 0.25,
  memory: { total: 1000, free: 400 },
  load: [1, 2, 3],
  disk: { total: 10, free: 5 },
  network: { lo: { received: 1, sent: 2 } },
  uptime: 5000,
  processes: 7
}

const setup = () => {
  const time = new VirtualTime()
  const machine: Machine = {
    profile: "host-linux",
    facts: { hostname: "lab", platform: "Debian", kernel: "6.1", arch: "x64", cpus: 2, ci: false },
    sample: () => current
  }
  let current = fullSample
  let isBroken = false
  const reports: Array<TwinPatch> = []
  const shown: Array<boolean> = []
  const logs: Array<string> = []
  const hal = hostHal({
    id: "host",
    machine,
    up: () => time.now,
    startedAt: 1_790_000_000_000,
    show: (on) => {
      if (isBroken) return false
      shown.push(on)
      return true
    }
  })
  const application: Application = hostApplication({ machine, hal, clock: time.clock() })({
    report: (state) => {
      if (state !== undefined) reports.push(state)
    },
    event: () => {},
    log: (_level, text) => logs.push(text),
    now: () => time.now,
    wall: () => undefined
  })
  const run = (name: string, args?: TwinValue) => {
    const ends: Array<Outcome> = []
    const command: Command = { id: "c", name, args, idempotent: false, deadline: 60_000 }
    const running = application.execute(command, { finish: (outcome) => ends.push(outcome), progress: () => {} })
    return { ends, running }
  }
  return {
    time,
    reports,
    shown,
    logs,
    application,
    run,
    breakLamp: () => {
      isBroken = true
    },
    look: (sample: MachineSample) => {
      current = sample
    }
  }
}

describe("host board", () => {
  it("reports everything once, then what has changed, every two seconds", () => {
    const { time, reports, look } = setup()
    assert.deepStrictEqual(reports[0], {
      hostname: "lab",
      platform: "Debian",
      kernel: "6.1",
      arch: "x64",
      cpus: 2,
      cpu: 0.25,
      memory: { total: 1000, free: 400 },
      load: { one: 1, five: 2, fifteen: 3 },
      disk: { total: 10, free: 5 },
      network: { lo: { received: 1, sent: 2 } },
      uptime: 5000,
      processes: 7,
      led: "off",
      interval: 2000
    })
    look({ ...fullSample, uptime: 7000, network: { lo: { received: 9, sent: 2 } } })
    time.advance(1999)
    assert.lengthOf(reports, 1)
    time.advance(1)
    assert.deepStrictEqual(reports.slice(1), [{ uptime: 7000, network: { lo: { received: 9 } } }])
    time.advance(2000)
    assert.lengthOf(reports, 2)
  })

  it("lets its lamp follow the desired value, shows it and says so", () => {
    const { application, shown, logs } = setup()
    assert.deepStrictEqual(application.applyDesired({ led: "on" }), { reported: { led: "on" }, refused: {} })
    assert.deepStrictEqual(application.applyDesired({ led: "on" }).reported, { led: "on" })
    assert.deepStrictEqual(shown, [true])
    assert.deepStrictEqual(logs, ["LED off → on"])
    assert.strictEqual(application.state().led, "on")
  })

  it("refuses wrong desired values by field and keeps the lamp as it is", () => {
    const { application, shown } = setup()
    assert.deepStrictEqual(application.applyDesired({ led: true, interval: 1, fan: 3 }), {
      reported: {},
      refused: { "/led": 22, "/interval": 34, "/fan": 2 }
    })
    assert.deepStrictEqual(application.applyDesired({ led: "blue" }).refused, { "/led": 34 })
    assert.deepStrictEqual(shown, [])
  })

  it("refuses with 5 what its lamp does not do", () => {
    const { application, breakLamp } = setup()
    breakLamp()
    assert.deepStrictEqual(application.applyDesired({ led: "on" }), { reported: {}, refused: { "/led": 5 } })
    assert.strictEqual(application.state().led, "off")
  })

  it("reports as often as desired, from the last report on", () => {
    const { time, application, reports, look } = setup()
    application.applyDesired({ interval: 3_600_000 })
    time.advance(10_000)
    application.applyDesired({ interval: 500 })
    time.advance(0)
    for (const uptime of [1, 2, 3]) {
      look({ ...fullSample, uptime })
      time.advance(500)
    }
    assert.deepStrictEqual(reports.slice(1), [{ uptime: 1 }, { uptime: 2 }, { uptime: 3 }])
  })

  it("blinks to be found and leaves the lamp as it was", () => {
    const { time, application, run, shown } = setup()
    application.applyDesired({ led: "on" })
    const { ends } = run("identify")
    time.advance(249)
    assert.deepStrictEqual(shown, [true, false])
    time.advance(10_000)
    assert.deepStrictEqual(shown, [true, false, true, false, true, false, true])
    assert.deepStrictEqual(ends, [{ code: 0, value: "lab" }])
    assert.strictEqual(application.state().led, "on")
  })

  it("stops blinking when cancelled", () => {
    const { time, run, shown } = setup()
    const { ends, running } = run("identify")
    running?.cancel()
    time.advance(1000)
    assert.deepStrictEqual(ends, [{ code: 125, value: "lab" }])
    assert.deepStrictEqual(shown, [true, false])
  })

  it("knows its commands, and says of others that it does not", () => {
    const { run } = setup()
    assert.deepStrictEqual(run("ping", { n: 1 }).ends, [{ code: 0, value: { n: 1 } }])
    assert.deepStrictEqual(run("led", "on").ends, [{ code: 0, value: "on" }])
    assert.deepStrictEqual(run("led").ends, [{ code: 0, value: "on" }])
    assert.strictEqual(run("led", "blue").ends[0]?.code, 34)
    assert.strictEqual(run("led", { state: 7 }).ends[0]?.code, 22)
    assert.deepStrictEqual(run("memory").ends, [
      { code: 0, value: { total_bytes: 1000, free_bytes: 400, used_bytes: 600 } }
    ])
    assert.deepStrictEqual(run("read", "cpu").ends, [{ code: 0, value: 0.25 }])
    assert.strictEqual(run("read", "fan").ends[0]?.code, 2)
    assert.strictEqual(run("read").ends[0]?.code, 22)
    assert.strictEqual(run("dance").ends[0]?.code, 2)
    assert.strictEqual(run("toString").ends[0]?.code, 2)
    assert.deepInclude(run("info").ends[0], { code: 0 })
  })
})

describe("changesOf", () => {
  it("names what changed, at its depth, and deletes what is gone", () => {
    assert.deepStrictEqual(
      changesOf({ a: 1, b: { c: 1, d: 2 }, e: [1, 2], gone: 1 }, { a: 1, b: { c: 1, d: 3 }, e: [1, 2], f: true }),
      { b: { d: 3 }, f: true, gone: null }
    )
  })
})
