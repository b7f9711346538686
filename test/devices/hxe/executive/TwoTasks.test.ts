import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { HostAccess } from "../../../../devices/hxe/executive/HostAccess.ts"
import { Bench, imageOf } from "./Programs.ts"
import { add, busyLoop, jmp, ld, ldi, ldi32, mov, program, ret, st, svc, texts } from "./Words.ts"

const target = 0x4000
const text = 0x4010
const newline = 0x4040
const buffer = 0x4050
const rodata = texts(0x100, { 0: "app:ping", 16: "ping from producer", 64: "\n" })

/** Waits for one message and prints it and a line end. */
const consumer = program(
  ldi32(1, target),
  svc(5, 0),
  ldi32(2, buffer),
  ldi(3, 64),
  ldi32(4, 0xffff),
  ldi(5, 0),
  svc(5, 3),
  mov(3, 1),
  ldi(1, 1),
  ldi32(2, buffer),
  svc(4, 2),
  ldi(1, 1),
  ldi32(2, newline),
  ldi(3, 1),
  svc(4, 2),
  ldi(0, 0),
  ret
)

/** Sends one message, with seven instructions in nine words. */
const sending = [ldi32(1, target), svc(5, 0), ldi32(2, text), ldi(3, 18), ldi(4, 0), ldi(5, 7), svc(5, 2)]
const producer = program(...sending, ldi(0, 0), ret)

const outputOf = (bench: Bench, pid: number): ReadonlyArray<string> => {
  const host = new HostAccess(bench.executive)
  const lines: Array<string> = []
  for (;;) {
    const taken = host.takeMail(pid, "svc:stdio.out")
    if (Result.isFailure(taken)) return assert.fail(taken.failure.detail)
    if (taken.success === undefined) return lines
    lines.push(new TextDecoder().decode(taken.success.data))
  }
}

describe("two tasks", () => {
  it("hand a message from one to the other, one instruction in turn", () => {
    const bench = new Bench()
    const first = bench.load(imageOf(consumer, { rodata, header: { appName: "consumer" } }))
    const second = bench.load(imageOf(producer, { rodata, header: { appName: "producer" } }))
    bench.run()
    const rows = bench.executive.ps().tasks
    assert.deepStrictEqual(
      rows.map(({ appName, state, exitStatus, steps }) => [appName, state, exitStatus, steps]),
      [
        ["consumer", "returned", 0, 16],
        ["producer", "returned", 0, 8]
      ]
    )
    // Whoever prints last and has ended can still be read.
    assert.deepStrictEqual(outputOf(bench, first.pid), ["ping from producer", "\n"])
    assert.deepStrictEqual(outputOf(bench, second.pid), [])
    assert.deepStrictEqual(bench.told("mailbox_"), ["mailbox_wait", "mailbox_send", "mailbox_wake"])
    const sent = bench.events.find(({ type }) => type === "mailbox_send")
    assert.deepStrictEqual(sent?.data, { descriptor: 5 + 4, handle: 4, length: 18, flags: 0, channel: 7, src_pid: 2 })
  })

  it("get one instruction each in the order in which they were made", () => {
    const bench = new Bench()
    const pids = ["a", "b", "c"].map((appName) => bench.load(imageOf(busyLoop, { header: { appName } })).pid)
    const stepsAfter = (turns: number): ReadonlyArray<number> => {
      assert.strictEqual(bench.executive.step(turns).executed, turns)
      return pids.map((pid) => bench.executive.task(pid)?.machine?.steps ?? -1)
    }
    assert.deepStrictEqual(stepsAfter(2), [1, 1, 0])
    assert.deepStrictEqual(stepsAfter(2), [2, 1, 1])
    assert.deepStrictEqual(stepsAfter(296), [100, 100, 100])
    assert.strictEqual(bench.executive.step(5, pids[1]).executed, 5)
    assert.deepStrictEqual(stepsAfter(0), [100, 105, 100])
  })

  it("get turns of as many instructions as their quantum", () => {
    const bench = new Bench()
    const quick = bench.load(imageOf(busyLoop, { header: { appName: "quick" } }), { rights: { quantum: 10 } })
    const slow = bench.load(imageOf(busyLoop, { header: { appName: "slow" } }))
    bench.executive.step(20)
    assert.strictEqual(bench.executive.task(quick.pid)?.machine?.steps, 100)
    assert.strictEqual(bench.executive.task(slow.pid)?.machine?.steps, 10)
    assert.strictEqual(bench.executive.setQuantum(slow.pid, 10), undefined)
    bench.executive.step(20)
    assert.strictEqual(bench.executive.task(slow.pid)?.machine?.steps, 110)
    assert.strictEqual(bench.executive.setQuantum(slow.pid, 0)?.code, 22)
  })

  it("take turns from the moment a message wakes the other one, however long the piece was", () => {
    const bench = new Bench()
    const waiting = bench.load(imageOf(consumer, { rodata, header: { appName: "consumer" } }))
    bench.executive.step(1000)
    assert.strictEqual(bench.executive.task(waiting.pid)?.state, "waiting_mbx")
    const sender = bench.load(
      imageOf(program(...sending, ldi(8, 1), add(9, 9, 8), jmp(40)), { rodata, header: { appName: "sender" } })
    )
    // Seven instructions up to the sending; then both in turn until the consumer has ended ten turns later.
    bench.executive.step(7 + 2 * 10)
    assert.strictEqual(bench.executive.task(waiting.pid)?.state, "returned")
    const steps = bench.executive.task(sender.pid)?.machine?.steps ?? 0
    assert.isAtMost(Math.abs(steps - (7 + 10)), 1)
  })

  it("sleep each to its own deadline, and are woken in the order of the deadlines", () => {
    const bench = new Bench()
    const sleeper = (millis: number): string => program(ldi(0, millis), svc(6, 0), ret)
    const late = bench.load(imageOf(sleeper(30), { header: { appName: "late" } }))
    const early = bench.load(imageOf(sleeper(10), { header: { appName: "early" } }))
    bench.executive.step(100)
    assert.deepStrictEqual(
      bench.executive.ps().tasks.map(({ state, sleepDeadline }) => [state, sleepDeadline]),
      [
        ["sleeping", 30],
        ["sleeping", 10]
      ]
    )
    assert.strictEqual(bench.executive.nextDue(), 10)
    bench.now = 100
    bench.executive.step(100)
    const woken = bench.events.filter(({ type }) => type === "sleep_complete").map(({ pid }) => pid)
    assert.deepStrictEqual(woken, [early.pid, late.pid])
    assert.strictEqual(bench.executive.nextDue(), undefined)
    assert.deepStrictEqual(bench.registers(late.pid, [0]), { 0: 0 })
  })

  it("have memory of their own", () => {
    const bench = new Bench()
    const store = program(ldi(1, 0x100), ldi(2, 77), st(1, 0, 2), ret)
    const read = program(ldi(1, 0x100), ld(0, 1), ret)
    bench.load(imageOf(store, { header: { appName: "store" } }))
    const reader = bench.load(imageOf(read, { header: { appName: "read" } }))
    bench.run()
    assert.strictEqual(bench.executive.task(reader.pid)?.end?.status, 0)
  })
})
