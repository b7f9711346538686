import { assert, describe, it } from "@effect/vitest"
import { memoryJournal } from "../../../devices/agent/MemoryJournal.ts"
import { heaterBody, ovenBody } from "../../../devices/simulated/HeaterBoard.ts"
import { pressBody } from "../../../devices/simulated/PressBoard.ts"
import { sensorBody } from "../../../devices/simulated/SensorBoard.ts"
import type { Body } from "../../../devices/simulated/SimulatedApplication.ts"
import { SimulatedBoard } from "../../../devices/simulated/SimulatedBoard.ts"
import { tankBody } from "../../../devices/simulated/TankBoard.ts"
import { VirtualTime } from "../VirtualTime.ts"
import { WillingPeer } from "./WillingPeer.ts"

const boardOf = (make: (now: () => number) => Body, seed = 1) => {
  const time = new VirtualTime()
  const peer = new WillingPeer(time)
  let boot = 1
  const board = new SimulatedBoard(
    { id: "heater-1", seed, body: make(() => time.now), journal: memoryJournal(), nextBoot: () => boot++ },
    {
      clock: time.clock(),
      transport: peer,
      report: (what, cause) => {
        throw new Error(what, { cause })
      }
    }
  )
  board.start()
  time.advance(100)
  return { time, peer, board }
}

const heater = (seed = 1) => boardOf((now) => heaterBody({ id: "heater-1", seed, now }), seed)

const temperature = ({ peer }: ReturnType<typeof heater>): number => Number(peer.reported.temp)

const fault = (rig: ReturnType<typeof heater>, kind: string, args: Record<string, number> = {}) => {
  const id = rig.peer.invoke("fault", { kind, ...args })
  rig.time.advance(10)
  assert.strictEqual(rig.peer.of("result").find((result) => result.id === id)?.code, 0)
}

describe("a simulated heater", () => {
  it("says that it is simulated, and reports all of its state", () => {
    const { peer } = heater()
    assert.strictEqual(peer.of("hello")[0]?.profile, "sim-heater")
    assert.sameMembers(Object.keys(peer.reported), ["temp", "power", "fan", "on", "target", "interval", "fault"])
    assert.strictEqual(peer.reported.fault, "none")
  })

  it("warms up to its target and holds it", () => {
    const rig = heater()
    assert.closeTo(temperature(rig), 22, 0.5)
    rig.time.advance(600_000)
    for (let minute = 0; minute < 10; minute++) {
      rig.time.advance(60_000)
      assert.closeTo(temperature(rig), 45, 1.2)
    }
  })

  it("follows what is desired, refuses the rest, and says so", () => {
    const rig = heater()
    rig.peer.desire(2, { target: 30, interval: 500, on: "yes", fan: 1, lid: "open" })
    rig.time.advance(600_000)
    assert.closeTo(temperature(rig), 30, 1.2)
    assert.deepStrictEqual([rig.peer.reported.target, rig.peer.reported.interval], [30, 500])
    assert.deepStrictEqual(rig.peer.of("desired-ack")[0]?.refused, { "/on": 22, "/fan": 22, "/lid": 2 })
    rig.peer.desire(3, { on: false })
    rig.time.advance(3_600_000)
    assert.closeTo(temperature(rig), 22, 2.5)
    assert.strictEqual(rig.peer.reported.power, 0)
  })

  it("runs its fan when that is desired, says so at once, and settles lower by it", () => {
    const rig = heater()
    rig.time.advance(900_000)
    assert.isFalse(rig.peer.reported.fan)
    rig.peer.desire(2, { fan: true })
    rig.time.advance(100)
    assert.isTrue(rig.peer.reported.fan)
    assert.isUndefined(rig.peer.of("desired-ack")[0]?.refused)
    rig.time.advance(600_000)
    assert.closeTo(temperature(rig), 22 + 150 / 18, 2.5)
    rig.peer.desire(3, { fan: false })
    rig.time.advance(900_000)
    assert.isFalse(rig.peer.reported.fan)
    assert.closeTo(temperature(rig), 45, 1.2)
  })

  it("reads temperature, power and fan in one piece, and says the rest when it changes", () => {
    const rig = heater()
    rig.time.advance(60_000)
    const before = rig.peer.of("report").length
    rig.time.advance(60_000)
    const readings = rig.peer.of("report").slice(before)
    assert.isAtLeast(readings.length, 25)
    for (const { state } of readings) assert.sameMembers(Object.keys(state ?? {}), ["temp", "power", "fan"])
  })

  it("runs the same course for the same seed and time, byte for byte, and another for another seed", () => {
    const course = (seed: number) => {
      const rig = heater(seed)
      rig.time.advance(300_000)
      fault(rig, "noise")
      rig.time.advance(300_000)
      return rig.peer.bytes
    }
    assert.deepStrictEqual(course(1), course(1))
    assert.notDeepEqual(course(1), course(2))
  })

  it("reports nothing new through a stuck sensor, and overheats by it", () => {
    const rig = heater()
    fault(rig, "stuck-sensor")
    const stuck = temperature(rig)
    rig.time.advance(1_200_000)
    assert.strictEqual(temperature(rig), stuck)
    fault(rig, "none")
    rig.time.advance(2000)
    assert.isAbove(temperature(rig), 90)
  })

  it("cools with a broken element, whatever its relay does", () => {
    const rig = heater()
    rig.time.advance(600_000)
    fault(rig, "open-heater")
    assert.strictEqual(rig.peer.reported.power, 0)
    rig.time.advance(3_600_000)
    assert.closeTo(temperature(rig), 22, 2.5)
  })

  it("goes on heating through a stuck relay and raises an event when it overheats", () => {
    const rig = heater()
    fault(rig, "stuck-relay")
    rig.time.advance(3_600_000)
    assert.closeTo(temperature(rig), 105, 3)
    assert.deepStrictEqual(
      rig.peer
        .of("event")
        .map(({ name }) => name)
        .slice(0, 2),
      ["fault.injected", "heater.overheat"]
    )
  })

  it("is noisier by ten when it is told to be", () => {
    const spread = (kind: string) => {
      const rig = heater()
      rig.time.advance(600_000)
      fault(rig, kind)
      const before = rig.peer.of("report").length
      rig.time.advance(600_000)
      const readings = rig.peer
        .of("report")
        .slice(before)
        .map(({ state }) => Number(state?.temp))
        .filter(Number.isFinite)
      const steps = readings.slice(1).map((reading, index) => Math.abs(reading - (readings[index] ?? reading)))
      return steps.reduce((sum, step) => sum + step, 0) / steps.length
    }
    assert.isAbove(spread("noise"), 3 * spread("none"))
  })

  it("says nothing while it hangs, and what it held back afterwards", () => {
    const rig = heater()
    fault(rig, "silent", { millis: 5000 })
    const before = rig.peer.frames.length
    rig.time.advance(4900)
    assert.lengthOf(rig.peer.frames, before)
    rig.time.advance(200)
    assert.isAbove(rig.peer.frames.length, before)
    assert.deepStrictEqual(rig.peer.boots, [1])
  })

  it("restarts as often as a reboot loop says, each time under a new boot number, and keeps its warmth", () => {
    const rig = heater()
    rig.time.advance(600_000)
    fault(rig, "reboot-loop", { times: 3 })
    rig.time.advance(20_000)
    assert.deepStrictEqual(rig.peer.boots, [1, 2, 3, 4])
    assert.strictEqual(rig.peer.of("hello").at(-1)?.reset, 4)
    assert.isAbove(temperature(rig), 40)
    assert.strictEqual(rig.peer.reported.fault, "none")
  })

  it("goes on when its clock leaps, and stamps its reports with the wrong time", () => {
    const rig = heater()
    fault(rig, "clock-jump", { millis: 3_600_000 })
    rig.time.advance(10_000)
    assert.strictEqual(rig.board.agent?.state, "up")
    assert.isAbove(rig.peer.of("report").at(-1)?.at ?? 0, 3_600_000)
  })

  it("refuses faults it does not know", () => {
    const rig = heater()
    for (const [args, code] of [
      [{ kind: "explode" }, 34],
      [{}, 22],
      ["silent", 22],
      [{ kind: "silent", millis: "long" }, 22]
    ] as const) {
      const id = rig.peer.invoke("fault", args)
      rig.time.advance(10)
      assert.strictEqual(rig.peer.of("result").find((result) => result.id === id)?.code, code)
    }
  })

  it("tells after a restart that a command was interrupted", () => {
    const rig = heater()
    const id = rig.peer.invoke("reboot", {})
    rig.time.advance(10_000)
    assert.deepStrictEqual(
      rig.peer.of("result").map((result) => [result.id, result.code]),
      [[id, 4]]
    )
  })

  it("leaves no timer behind when it stops or its power is cut", () => {
    const stopped = heater()
    let done = false
    stopped.board.stop(() => {
      done = true
    })
    stopped.time.advance(1000)
    assert.isTrue(done)
    assert.strictEqual(stopped.peer.frames.at(-1)?.type, "goodbye")
    assert.strictEqual(stopped.time.pending, 0)
    const cut = heater()
    const before = cut.peer.frames.length
    cut.board.cut()
    cut.time.advance(60_000)
    assert.lengthOf(cut.peer.frames, before)
    assert.strictEqual(cut.time.pending, 0)
  })

  it("costs little: a thousand virtual minutes in a moment", () => {
    const rig = heater()
    rig.time.advance(60_000_000)
    assert.isAbove(rig.peer.of("report").length, 20_000)
    assert.strictEqual(rig.board.agent?.owed, 0)
  })
})

describe("a simulated oven", () => {
  it("is hot within half a minute, and its fan takes away more than its element gives", () => {
    const rig = boardOf((now) => ovenBody({ id: "oven-1", seed: 1, now }))
    assert.strictEqual(rig.peer.of("hello")[0]?.profile, "sim-oven")
    assert.closeTo(temperature(rig), 22, 0.5)
    rig.time.advance(30_000)
    assert.isAbove(temperature(rig), 61)
    rig.peer.desire(2, { fan: true })
    rig.time.advance(60_000)
    assert.closeTo(temperature(rig), 42, 3)
  })

  it("stays within what its sensor can say, whatever breaks", () => {
    const rig = boardOf((now) => ovenBody({ id: "oven-1", seed: 1, now }))
    fault(rig, "stuck-relay")
    rig.time.advance(3_600_000)
    assert.isBelow(temperature(rig), 125)
    assert.isAbove(temperature(rig), 102)
  })
})

describe("a simulated sensor", () => {
  it("reports four slow quantities and answers a reading of one", () => {
    const { time, peer } = boardOf(() => sensorBody({ id: "sensor-1", seed: 1 }))
    time.advance(60_000)
    assert.strictEqual(peer.of("hello")[0]?.profile, "sim-sensor")
    assert.closeTo(Number(peer.reported.temp), 22.5, 3)
    assert.closeTo(Number(peer.reported.pressure), 1013.25, 3)
    const id = peer.invoke("read", { sensor: "humidity" })
    time.advance(10)
    assert.strictEqual(peer.of("result").find((result) => result.id === id)?.value, peer.reported.humidity)
  })
})

describe("a simulated press", () => {
  it("makes one stroke a command, and one after the other when desired", () => {
    const { time, peer } = boardOf(() => pressBody({ id: "press-1", seed: 1 }))
    peer.invoke("press", {})
    peer.invoke("press", {})
    time.advance(1000)
    assert.deepStrictEqual(
      peer.of("result").map(({ code }) => code),
      [16, 0]
    )
    assert.strictEqual(peer.reported.strokes, 1)
    peer.desire(2, { mode: "auto" })
    time.advance(20_000)
    assert.closeTo(Number(peer.reported.strokes), 10, 2)
    assert.closeTo(Number(peer.reported.force), 80, 6)
  })
})

describe("a simulated board that hangs", () => {
  it("dials nobody until it is over", () => {
    const rig = heater()
    const opened = rig.peer.opened
    // Past its lease, and past several delays of its backoff.
    fault(rig, "silent", { millis: 300_000 })
    rig.time.advance(299_000)
    assert.strictEqual(rig.peer.opened, opened)
    rig.time.advance(120_000)
    assert.isAbove(rig.peer.opened, opened)
    assert.strictEqual(rig.board.agent?.state, "up")
  })
})

describe("the interval of a simulated board", () => {
  it("counts at once, however long the one before was", () => {
    const rig = boardOf(() => sensorBody({ id: "heater-1", seed: 1, intervalMillis: 3_600_000 }))
    rig.time.advance(5000)
    rig.peer.desire(2, { interval: 1000 })
    const before = rig.peer.of("report").length
    rig.time.advance(5000)
    assert.isAtLeast(rig.peer.of("report").length - before, 5)
  })
})

describe("a simulated tank", () => {
  const tank = () => boardOf((now) => tankBody({ now }))

  it("says that it is simulated, and follows its valve", () => {
    const { peer, time } = tank()
    assert.strictEqual(peer.of("hello")[0]?.profile, "sim-tank")
    assert.deepInclude(peer.reported, { level: 0, valve: 0, interval: 500 })
    peer.desire(2, { valve: 0.5 })
    time.advance(120_000)
    assert.closeTo(Number(peer.reported.level), 0.5, 0.01)
    assert.strictEqual(peer.reported.valve, 0.5)
  })

  it("refuses a valve that is more than open", () => {
    const { peer, time } = tank()
    peer.desire(2, { valve: 1.1, level: 1 })
    time.advance(1000)
    assert.deepStrictEqual(peer.of("desired-ack")[0]?.refused, { "/valve": 34, "/level": 2 })
  })
})
