import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { seeded } from "../../../devices/simulated/Seeded.ts"
import type { ResultFrame } from "../../../src/protocol/frame/CommandFrames.ts"
import type { Manifest } from "../../../src/protocol/image/Manifest.ts"
import type { TwinValue } from "../../../src/protocol/TwinValue.ts"
import { Bench, chunkBytes, manifestOf, sha256 } from "./Bench.ts"
import { imageOf, type Script } from "./ScriptedRuntime.ts"

const committed = { flags: 1 | 2 | 4 }

const benchWith = (script: Script, manifest: Partial<Manifest> = {}) => {
  const bench = new Bench()
  bench.install(imageOf(script), manifest, committed)
  bench.advance(50)
  return bench
}

const running = () => benchWith({ does: "run" })

const text = (bytes: string): Uint8Array => new TextEncoder().encode(bytes)

const offerOf = (image: Uint8Array) => ({
  type: "image-offer" as const,
  xfer: 9,
  sha256: sha256(image),
  size: image.length,
  kind: 1,
  manifest: manifestOf(image),
  chunk: chunkBytes,
  window: 8,
  flags: 1 | 2 | 4
})

const chunkOf = (image: Uint8Array, index: number) => ({
  type: "chunk" as const,
  xfer: 9,
  index,
  data: image.subarray(chunkBytes * index, chunkBytes * (index + 1))
})

let commands = 0
const invoke = (bench: Bench, name: string, program: string, args?: TwinValue): ResultFrame | undefined => {
  const id = `018f3a6e-4c00-7abc-8def-${(++commands).toString(16).padStart(12, "0")}`
  bench.say({ type: "invoke", id, name, ttl: 10_000, program, ...(args === undefined ? {} : { args }) })
  return bench.of("result").find((result) => result.id === id)
}

const orders = { list: 0, start: 1, stop: 2, pause: 3, resume: 4, kill: 5, restart: 6, remove: 7, eval: 8 }

describe("orders to a program", () => {
  it("stop, start, pause and resume it, each told", () => {
    const bench = running()
    for (const order of [orders.pause, orders.resume, orders.stop, orders.start, orders.kill]) {
      assert.strictEqual(bench.control(order), 0)
      bench.advance(50)
    }
    assert.deepStrictEqual(bench.states(), [4, 6, 4, 7, 4, 7])
  })

  it("are refused where they make no sense", () => {
    const bench = running()
    assert.strictEqual(bench.control(orders.start), 16)
    assert.strictEqual(bench.control(orders.resume), 16)
    bench.control(orders.stop)
    assert.strictEqual(bench.control(orders.pause), 16)
    assert.strictEqual(bench.control(orders.stop), 0)
    assert.strictEqual(bench.control(orders.start, "pump"), 3)
    assert.strictEqual(bench.control(orders.eval), 95)
    assert.strictEqual(bench.control(77), 22)
    assert.strictEqual(bench.ask({ type: "program-ctl", op: orders.start })?.code, 22)
  })

  it("restart it as another task", () => {
    const bench = running()
    const pid = bench.runtime.only.pid
    assert.strictEqual(bench.control(orders.restart), 0)
    assert.isAbove(bench.runtime.only.pid, pid)
  })

  it("list all there are", () => {
    const bench = running()
    bench.install(imageOf({ does: "run" }), { name: "pump" }, { flags: 2 })
    assert.strictEqual(bench.ask({ type: "program-ctl", op: orders.list })?.code, 0)
    const list = bench.of("program-status").at(-1)
    assert.isTrue(list?.all)
    assert.deepStrictEqual(
      list?.programs.map(({ name, state }) => [name, state]),
      [
        ["motor", 4],
        ["pump", 2]
      ]
    )
  })
})

describe("a program that ends", () => {
  it("is told as completed or failed, with what it ended with", () => {
    assert.deepInclude(benchWith({ does: "return", exit: 0 }).told().motor, { state: 8, exit: 0 })
    assert.deepInclude(benchWith({ does: "trap" }).told().motor, { state: 9, code: 220, detail: "illegal opcode" })
  })

  it("starts again by the rule of its manifest, counted, until it has failed too often", () => {
    const bench = benchWith({ does: "trap", after: 100 }, { restart: { policy: "on-failure", max: 2, backoff: 1000 } })
    bench.advance(1100)
    assert.deepInclude(bench.told().motor, { state: 4, restarts: 1 })
    bench.advance(60_000)
    assert.deepInclude(bench.told().motor, { state: 9, restarts: 2 })
    assert.strictEqual(bench.runtime.names.length, 3)
    assert.strictEqual(bench.control(orders.start), 0)
    bench.advance(50)
    assert.deepInclude(bench.told().motor, { state: 4, restarts: 0 })
  })

  it("is not started again once somebody has stopped it in between", () => {
    const bench = benchWith({ does: "trap", after: 100 }, { restart: { policy: "always", backoff: 5000 } })
    bench.advance(200)
    assert.strictEqual(bench.told().motor?.state, 9)
    bench.control(orders.stop)
    bench.advance(60_000)
    assert.strictEqual(bench.told().motor?.state, 7)
    assert.strictEqual(bench.runtime.names.length, 1)
  })

  it("fails when its run time is over", () => {
    const bench = benchWith({ does: "run" }, { limits: { time: 2000 } })
    bench.advance(1900)
    assert.strictEqual(bench.told().motor?.state, 4)
    bench.advance(200)
    assert.deepInclude(bench.told().motor, { state: 9, code: 221 })
    assert.strictEqual(bench.runtime.tasks.size, 0)
  })
})

describe("states of programs", () => {
  it("are told together when several change at once", () => {
    const bench = running()
    bench.install(imageOf({ does: "run" }), { name: "pump" }, committed)
    const before = bench.of("program-status").length
    bench.control(orders.stop)
    bench.control(orders.stop, "pump")
    bench.advance(50)
    const told = bench.of("program-status").slice(before)
    assert.deepStrictEqual(
      told.map(({ programs }) => programs.map(({ name }) => name)),
      [["pump", "motor"]]
    )
  })

  it("are not told for a program that only waits now and then, but are where it waits long", () => {
    const bench = running()
    const { only } = bench.runtime
    const before = bench.of("program-status").length
    for (let turn = 0; turn < 500; turn++) {
      only.state = turn % 7 === 0 ? 4 : 5
      bench.runtime.events.stands(only.pid)
      bench.advance(10)
    }
    assert.lengthOf(bench.of("program-status"), before)
    only.state = 5
    bench.runtime.events.stands(only.pid)
    bench.advance(3000)
    assert.strictEqual(bench.told().motor?.state, 5)
    assert.lengthOf(bench.of("program-status"), before + 1)
  })

  it("are told to a cluster that asks, and so is the image", () => {
    const bench = running()
    bench.rig.again({ sync: 2 | 4 })
    const line = bench.rig.line
    assert.deepInclude(line.of("program-status").at(-1), { all: true })
    assert.deepInclude(line.of("image-status")[0], { state: 7, sha256: sha256(imageOf({ does: "run" })) })
  })
})

describe("values of a program", () => {
  it("are read by number and by name, each with its own answer, or all at once", () => {
    const bench = running()
    const ids = [257, "rpm", "1:1", "none"]
    assert.deepStrictEqual(bench.ask({ type: "value-get", program: "motor", ids })?.value, [
      [257, 10, 0],
      ["rpm", 10, 0],
      ["1:1", 10, 0],
      ["none", null, 2]
    ])
    assert.deepStrictEqual(bench.ask({ type: "value-get", program: "motor" })?.value, [["rpm", 10, 0]])
    assert.strictEqual(bench.ask({ type: "value-get", program: "pump" })?.code, 3)
  })

  it("are set by who may, to a number", () => {
    const bench = running()
    const set = (value: number | string, level?: number, id: string | number = "rpm") =>
      bench.ask({ type: "value-set", program: "motor", id, value, ...(level === undefined ? {} : { level }) })?.code
    assert.strictEqual(set(20), 1)
    assert.strictEqual(set(20, 1), 0)
    assert.strictEqual(set("20", 1), 22)
    assert.strictEqual(set(20, 1, "none"), 2)
    assert.strictEqual(bench.runtime.only.held.get(257), 20)
  })

  it("are told while they are watched, also by the next run of the program", () => {
    const bench = running()
    const watch = (on: boolean) => bench.ask({ type: "value-watch", program: "motor", id: "rpm", on, epsilon: 1 })?.code
    assert.strictEqual(watch(true), 0)
    const set = (value: number) => bench.runtime.only.write(257, value, 3)
    for (const value of [10.5, 12]) set(value)
    bench.control(orders.restart)
    set(30)
    assert.strictEqual(watch(false), 0)
    set(40)
    bench.advance(50)
    assert.deepStrictEqual(
      bench.of("value").flatMap(({ program, values }) => values.map(({ id, value }) => [program, id, value])),
      [
        ["motor", "rpm", 10],
        ["motor", "rpm", 12],
        ["motor", "rpm", 10],
        ["motor", "rpm", 30]
      ]
    )
  })
})

describe("mail of a program", () => {
  it("is taken, and refused where a mailbox is full or the program is not there", () => {
    const bench = running()
    const send = (target: string, program = "motor") =>
      bench.ask({ type: "mail-send", program, target, data: text("hello") })
    assert.deepInclude(send("svc:in"), { code: 0, value: 5 })
    assert.strictEqual(send("svc:full")?.code, 11)
    assert.strictEqual(send("svc:in", "pump")?.code, 3)
    assert.deepStrictEqual(bench.runtime.only.sent, ["svc:in hello"])
  })

  it("is told from a tapped mailbox until the tap ends, also over a restart of the program", () => {
    const bench = running()
    const tap = (on: boolean) => bench.ask({ type: "mail-tap", program: "motor", target: "app:out", on })?.code
    assert.strictEqual(tap(true), 0)
    bench.runtime.only.send("app:out", text("one"))
    bench.control(orders.restart)
    bench.runtime.only.send("app:out", text("two"))
    assert.strictEqual(tap(false), 0)
    bench.runtime.only.send("app:out", text("three"))
    bench.acknowledge()
    assert.deepStrictEqual(
      bench
        .of("mail")
        .map(({ program, target, data, channel }) => [program, target, Buffer.from(data).toString(), channel]),
      [
        ["motor", "app:out", "one", 3],
        ["motor", "app:out", "two", 3]
      ]
    )
  })
})

describe("a command of a program", () => {
  it("is run by its name or its number, and answered as any command", () => {
    const bench = running()
    assert.deepInclude(invoke(bench, "home", "motor"), { code: 0, value: 42 })
    assert.deepInclude(invoke(bench, "1:2", "motor", {}), { code: 0, value: 42 })
    assert.strictEqual(invoke(bench, "none", "motor")?.code, 2)
    assert.strictEqual(invoke(bench, "home", "pump")?.code, 3)
    assert.strictEqual(invoke(bench, "home", "motor", { speed: 3 })?.code, 22)
    bench.control(orders.stop)
    assert.strictEqual(invoke(bench, "home", "motor")?.code, 16)
  })
})

describe("what a program prints", () => {
  it("is logged in lines under its name, errors as warnings", () => {
    const bench = running()
    const { pid } = bench.runtime.only
    bench.runtime.events.printed(pid, "out", text("hello\nwor"))
    bench.runtime.events.printed(pid, "error", text("hot\n"))
    bench.control(orders.stop)
    assert.deepStrictEqual(
      bench.of("log").map(({ level, text: line, program }) => [level, line, program]),
      [
        [2, "hello", "motor"],
        [1, "hot", "motor"],
        [2, "wor", "motor"]
      ]
    )
  })
})

describe("a transfer under way", () => {
  const Wild = Schema.Struct({
    seed: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0x7fff_ffff })),
    padding: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1500 }))
  })

  it.prop(
    "ends in a program that runs, however chunks and answers are lost, doubled and mixed up, over any links",
    {
      wild: Wild
    },
    ({ wild }) => {
      const bench = new Bench()
      const chance = seeded(wild.seed, "link")
      const image = imageOf({ does: "run", mark: "x".repeat(wild.padding) })
      const chunks = Math.ceil(image.length / chunkBytes)
      const offer = offerOf(image)
      const under: Array<number> = []
      let isOffered = false
      let next = 0
      let sent = 0
      let heard = 0
      for (let turn = 0; next < chunks; turn++) {
        assert.isBelow(turn, 5000, "the transfer does not end")
        if (chance() < 0.02) {
          bench.reconnect()
          heard = 0
          under.length = 0
          isOffered = false
        }
        if (!isOffered) bench.say(offer)
        while (isOffered && sent < chunks && sent < next + 8) {
          const index = sent++
          if (chance() < 0.8) under.push(index)
          if (chance() < 0.2) under.push(index)
        }
        const [index] = under.splice(Math.floor(chance() * under.length), 1)
        if (index === undefined) sent = next
        else bench.say(chunkOf(image, index))
        for (const ack of bench.of("image-ack").slice(heard)) {
          heard++
          assert.notProperty(ack, "code")
          if (chance() < 0.3) continue
          isOffered = true
          next = Math.max(next, ack.next)
        }
      }
      assert.deepInclude(bench.operate(1, { xfer: 9 }), { state: 3 })
      assert.deepInclude(bench.operate(2, { xfer: 9 }), { state: 7 })
      assert.strictEqual(bench.runtime.only.script.mark?.length, wild.padding)
    }
  )

  it("goes on where it was over another attach, and is verified only when it is whole", () => {
    const bench = new Bench()
    const image = imageOf({ does: "run", mark: "x".repeat(300) })
    const offer = offerOf(image)
    const chunk = (index: number) => chunkOf(image, index)
    bench.say(offer)
    for (const index of [0, 1, 2]) bench.say(chunk(index))
    assert.deepInclude(bench.operate(1, { xfer: 9 }), { state: 1, code: 16 })
    bench.reconnect()
    bench.say(offer)
    assert.deepInclude(bench.of("image-ack").at(-1), { next: 3, have: 192, state: 1 })
    for (let index = 3; 64 * index < image.length; index++) bench.say(chunk(index))
    assert.deepInclude(bench.of("image-ack").at(-1), { have: image.length })
    assert.deepInclude(bench.operate(1, { xfer: 9 }), { xfer: 9, state: 3 })
  })

  it("is given up when told to, and another one may begin", () => {
    const bench = new Bench()
    const image = imageOf({ does: "run" })
    const xfer = bench.send(image, manifestOf(image))
    assert.deepInclude(bench.operate(6, { xfer }), { xfer, state: 1 })
    assert.deepInclude(bench.operate(5, { xfer }), { xfer, state: 0 })
    assert.deepInclude(bench.operate(5, { xfer }), { xfer, state: 0 })
    assert.deepInclude(bench.operate(2, { xfer }), { xfer, state: 0, code: 3 })
    assert.strictEqual(bench.install(image).state, 8)
    assert.deepInclude(bench.operate(99), { code: 22 })
  })

  it("is committed once, however often it is asked for", () => {
    const bench = new Bench()
    const { xfer = 0 } = bench.install(imageOf({ does: "run" }))
    assert.deepInclude(bench.operate(2, { xfer }), { xfer, state: 8 })
    assert.strictEqual(bench.runtime.names.length, 1)
    assert.deepInclude(bench.operate(5, { xfer }), { xfer, state: 8, code: 16 })
  })
})

describe("a board that stops", () => {
  it("saves what its programs keep while there is time, and leaves no timer behind", () => {
    const bench = benchWith({ does: "trap", after: 100 }, { restart: { policy: "always" } })
    bench.advance(200)
    const { runtime } = bench
    bench.rig.agent.stop(0, () => {})
    assert.strictEqual(runtime.flushed, 1)
    bench.line.lose()
    bench.time.advance(5000)
    assert.strictEqual(bench.time.pending, 0)
  })
})
