import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { HostAccess } from "../../../../devices/hxe/executive/HostAccess.ts"
import { Bench, imageOf } from "./Programs.ts"
import {
  add,
  brk,
  busyLoop,
  call,
  div,
  jmp,
  ldi,
  ldi32,
  mov,
  pop,
  program,
  push,
  ret,
  st,
  svc,
  texts
} from "./Words.ts"

/** Sleeps a millisecond, counts in R9, and again. */
const honest = program(ldi(8, 1), ldi(0, 1), svc(6, 0), add(9, 9, 8), jmp(4))

/** Runs a bad program beside an honest one, and gives both after a while. */
const beside = (
  words: string,
  rodata: Uint8Array = new Uint8Array()
): { readonly bench: Bench; readonly bad: number; readonly good: number } => {
  const bench = new Bench()
  const good = bench.load(imageOf(honest, { header: { appName: "good" } })).pid
  const bad = bench.load(imageOf(words, { rodata, header: { appName: "bad" } })).pid
  for (let millis = 0; millis < 50; millis++) {
    bench.now = millis
    bench.executive.step(2000)
  }
  return { bench, bad, good }
}

const faults: ReadonlyArray<readonly [what: string, words: string, status: number, code: number]> = [
  ["calls itself without end", program(call(0)), 0xffffff03, 223],
  ["pushes without end", program(push(1), jmp(0)), 0xffffff03, 223],
  ["pops what it never pushed", program(pop(1), jmp(0)), 0xffffff02, 223],
  ["writes across the end of memory", program(ldi32(1, 0xfffe), st(1, 0, 2), ret), 0xffffff04, 220],
  ["divides by zero", program(div(1, 2, 3), ret), 0xffffff05, 220],
  ["has an illegal instruction", program("ff000000", ret), 0xffffff06, 220],
  ["runs off its code", program(ldi(0, 1)), 0xffffff07, 220]
]

describe("a bad program", () => {
  it.each(faults)("that %s ends alone", (_what, words, status, code) => {
    const { bench, bad, good } = beside(words)
    const task = bench.executive.task(bad)
    assert.deepStrictEqual([task?.state, task?.end?.status, task?.end?.code], ["terminated", status, code])
    assert.strictEqual(bench.told("vm_error").length, 1)
    assert.strictEqual(bench.executive.task(good)?.state, "sleeping")
    assert.isAtLeast(bench.register(good, 9), 48)
  })

  it("that never waits leaves every other one its turns", () => {
    const { bench, bad, good } = beside(busyLoop)
    assert.strictEqual(bench.executive.task(bad)?.state, "running")
    assert.isAtLeast(bench.register(good, 9), 48)
  })

  it("that has its handlers work for it pays for them with its turns", () => {
    const bench = new Bench()
    // Calls its own command for ever; the handler counts to the end of its budget and fails.
    const greedy = program(ldi(1, 0x100), ldi(2, 0), svc(8, 2), jmp(0), add(9, 9, 8), jmp(16))
    const image = imageOf(greedy, { commands: [{ groupId: 1, commandId: 0, handlerOffset: 16 }] })
    const bad = bench.load(image).pid
    const good = bench.load(imageOf(busyLoop, { header: { appName: "good" } })).pid
    bench.executive.step(100_000)
    const steps = (pid: number): number => bench.executive.task(pid)?.machine?.steps ?? 0
    assert.isAtLeast(steps(bad), 50_000)
    assert.isAtLeast(steps(good), steps(bad) / 2)
    assert.isAtMost(steps(good), steps(bad) * 2)
  })

  it("that may retire only so many instructions ends when they are used up", () => {
    const bench = new Bench()
    const { pid } = bench.load(imageOf(busyLoop), { rights: { stepsMax: 1000 } })
    bench.executive.step(5000)
    const task = bench.executive.task(pid)
    assert.deepStrictEqual([task?.state, task?.end?.code, task?.machine?.steps], ["terminated", 221, 1000])
  })

  it("that asks for calls nobody knows goes on with an error word", () => {
    const { bench, bad, good } = beside(program(svc(3, 9), jmp(0)))
    assert.strictEqual(bench.executive.task(bad)?.state, "running")
    assert.strictEqual(bench.register(bad, 0), 0xffffff01)
    assert.isAtLeast(bench.register(good, 9), 48)
  })

  it("that floods a mailbox finds it full and fills nobody else's", () => {
    const rodata = texts(32, { 0: "app:flood" })
    const flood = program(
      ldi32(1, 0x4000),
      svc(5, 0),
      mov(8, 1),
      mov(1, 8),
      ldi32(2, 0x4000),
      ldi(3, 16),
      ldi(4, 0),
      ldi(5, 0),
      svc(5, 2),
      mov(9, 0),
      jmp(16)
    )
    const { bench, bad, good } = beside(flood, rodata)
    assert.strictEqual(bench.register(bad, 9), 1)
    const flooded = bench.executive.parts.mailboxes.list().find(({ target }) => target === "app:flood")
    assert.deepStrictEqual([flooded?.depth, flooded?.bytesUsed], [2, 48])
    assert.isAtLeast(bench.register(good, 9), 48)
  })

  it("that makes mailboxes without end leaves the pool to others", () => {
    // Counts a name up in place: app:0000, and so on through the bytes.
    const rodata = texts(32, { 0: "app:0" })
    const maker = program(
      ldi32(7, 0x4004),
      ldi(8, 1),
      ldi(9, 48),
      add(9, 9, 8),
      "08079000",
      ldi32(1, 0x4000),
      ldi(2, 0),
      ldi(3, 3),
      svc(5, 1),
      jmp(16)
    )
    const { bench } = beside(maker, rodata)
    const { mailboxes } = bench.executive.counts()
    assert.isAtMost(mailboxes, 8 + 64)
    assert.isTrue(
      bench.events.some(({ type, data }) => type === "mailbox_exhausted" && data["reason"] === "task_limit")
    )
    bench.load(imageOf(ret, { header: { appName: "later" } }))
  })

  it("that registers values without end leaves half of the table to others", () => {
    const greedy = program(ldi(8, 1), ldi(1, 9), add(2, 2, 8), ldi(3, 0), ldi(4, 0), svc(7, 0), mov(9, 0), jmp(4))
    const { bench, bad } = beside(greedy)
    assert.deepStrictEqual([bench.executive.counts().values, bench.register(bad, 9)], [128, 3])
    bench.load(
      imageOf(ret, { header: { appName: "later" }, values: Array.from({ length: 128 }, (_, valueId) => ({ valueId })) })
    )
  })

  it("that prints all of its memory at every turn pays for it", () => {
    const bench = new Bench()
    const bad = bench.load(imageOf(program(ldi(1, 0), ldi32(2, 0xffff), svc(1, 1), jmp(0)))).pid
    const good = bench.load(imageOf(busyLoop, { header: { appName: "good" } })).pid
    bench.executive.step(20_000)
    const printed = bench.told("stdout").length
    assert.isAtLeast(bench.executive.task(good)?.machine?.steps ?? 0, 19_000)
    assert.isAtLeast(printed, 3)
    assert.isAtMost(printed, 20_000 / 4095 + 2)
    assert.strictEqual(bench.executive.task(bad)?.state === "terminated", false)
  })

  it("cannot reshape another one's mailbox, nor make one for a task that does not exist yet", () => {
    const rodata = texts(64, { 0: "svc:stdio.out@1", 32: "svc:stdio.out@9" })
    const bind = (address: number): ReadonlyArray<string> => [ldi32(1, address), ldi(2, 9), ldi(3, 3), svc(5, 1)]
    const meddler = program(...bind(0x4000), "04800000", ...bind(0x4020), ret)
    const { bench, bad, good } = beside(meddler, rodata)
    assert.deepStrictEqual(bench.registers(bad, [8, 0]), { 8: 0xff, 0: 0xff })
    const stdout = bench.executive.parts.mailboxes.list().find(({ target }) => target === `svc:stdio.out@${good}`)
    assert.strictEqual(stdout?.capacity, 64)
    assert.isUndefined(bench.executive.parts.mailboxes.list().find(({ target }) => target.endsWith("@9")))
  })

  it("that hits a breakpoint is paused alone and can go on", () => {
    const { bench, bad, good } = beside(program(brk(5), ldi(0, 0), ret))
    assert.strictEqual(bench.executive.task(bad)?.state, "paused")
    assert.deepStrictEqual(bench.events.find(({ type }) => type === "debug_break")?.data, {
      code: 5,
      pc: 0,
      next_pc: 4
    })
    assert.isAtLeast(bench.register(good, 9), 48)
    assert.strictEqual(bench.executive.resume(bad), undefined)
    bench.executive.step(100)
    assert.strictEqual(bench.executive.task(bad)?.state, "returned")
  })

  it("gets only what it was granted", () => {
    const bench = new Bench()
    const words = program(ldi(1, 1), ldi(2, 2), svc(7, 0), "04800000", svc(5, 4), "04900000", svc(0, 0), ret)
    const { pid } = bench.load(imageOf(words), { rights: { grants: new Set(["time"]) } })
    bench.run()
    assert.deepStrictEqual(bench.registers(pid, [8, 9, 0]), { 8: 2, 9: 0xffffffff, 0: 6 })
    assert.strictEqual(bench.executive.counts().values, 0)
  })

  it("gets only the mailboxes, the pins and the values its grants are for", () => {
    const open = (address: number, result: number): ReadonlyArray<string> => [
      ldi32(1, address),
      svc(5, 0),
      mov(result, 0)
    ]
    const words = program(
      ...open(0x4000, 8),
      ...open(0x4010, 9),
      svc(15, 0x50),
      mov(10, 0),
      svc(15, 0x51),
      mov(11, 0),
      ldi32(1, 0x100),
      ldi32(2, 0x3c00),
      svc(7, 3),
      mov(12, 0),
      svc(7, 2),
      ret
    )
    const hal = { gpio: { read: () => 1, write: () => 2, configure: () => 3, interrupt: () => 4 } }
    const bench = new Bench({ hal })
    const image = imageOf(words, { rodata: texts(32, { 0: "app:out", 16: "app:else" }), values: [{}] })
    const { pid } = bench.load(image, { rights: { grants: new Set(["event", "led", "report"]) } })
    bench.run()
    assert.deepStrictEqual(bench.registers(pid, [8, 9, 10, 11, 12, 0]), {
      8: 0,
      9: 0xffffffff,
      10: 0xffffffff,
      11: 2,
      12: 0,
      0: 2
    })
  })

  it("that writes past its memory through a call is cut there", () => {
    const edge = program(
      ldi32(1, 0x4000),
      svc(5, 0),
      mov(8, 1),
      ldi32(2, 0x4000),
      ldi(3, 8),
      ldi(4, 0),
      ldi(5, 0),
      svc(5, 2),
      mov(1, 8),
      ldi32(2, 0xfffe),
      ldi32(5, 0xfff8),
      svc(5, 3),
      ret
    )
    const { bench, bad, good } = beside(edge, texts(16, { 0: "app:edge" }))
    assert.deepStrictEqual(bench.registers(bad, [0, 1]), { 0: 0, 1: 8 })
    assert.isAtLeast(bench.register(good, 9), 48)
  })

  it("cannot be sent more by the host than its mailbox holds", () => {
    const bench = new Bench()
    const { pid } = bench.load(imageOf(busyLoop))
    const host = new HostAccess(bench.executive)
    const send = (bytes: number): number => {
      const sent = host.sendMail(pid, "svc:stdio.in", new Uint8Array(bytes))
      return Result.isSuccess(sent) ? 0 : sent.failure.code
    }
    assert.deepStrictEqual([send(57), send(40), send(40), send(70_000)], [90, 0, 11, 90])
  })
})
