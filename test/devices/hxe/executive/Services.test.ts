import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { HostAccess } from "../../../../devices/hxe/executive/HostAccess.ts"
import { Bench, imageOf, mailRodata, wordsOf } from "./Programs.ts"
import { ldi, ldi32, mov, program, ret, svc } from "./Words.ts"

const openAndSend = `60100000 00004000 01200000 30000500 04810000 04900000 04180000 60200000 00004000 01300005 01400000
  01500077 30000502 04A00000 04B10000 04180000 30000504 04C10000 04D20000 04E30000 04180000 60200000 00004008 01300010
  01400000 60500000 00004018 30000503 25000000`
const openAndPoll = `60100000 00004000 01200000 30000500 04810000 60200000 00004008 01300010 01400000 01500000 30000503
  25000000`

const ran = (words: string, rodata?: Uint8Array): { bench: Bench; pid: number } => {
  const bench = new Bench()
  const { pid } = bench.load(imageOf(words, rodata && { rodata }))
  bench.run()
  assert.strictEqual(bench.executive.task(pid)?.state, "returned")
  return { bench, pid }
}

describe("services of a loaded task", () => {
  it("opens a mailbox, sends to it, looks into it and receives what was sent", () => {
    const { bench, pid } = ran(openAndSend, mailRodata())
    assert.deepStrictEqual(bench.registers(pid, [8, 10, 11, 12, 13, 14, 0, 1, 2, 3, 4]), {
      8: 4,
      10: 0,
      11: 5,
      12: 1,
      13: 0xd,
      14: 5,
      0: 0,
      1: 5,
      2: 0,
      3: 0x77,
      4: 1
    })
    assert.strictEqual(new TextDecoder().decode(bench.memory(pid, 0x4008, 5)), "app:x")
    const block = wordsOf("00000000 05000000 00000000 77000000 01000000")
    assert.deepStrictEqual(bench.memory(pid, 0x4018, 20), block)
    assert.strictEqual(bench.executive.task(pid)?.machine?.steps, 24)
    const mail = bench.events.filter(({ type }) => type.startsWith("mailbox_"))
    assert.deepStrictEqual(
      mail.map(({ type, data }) => [type, data["descriptor"]]),
      [
        ["mailbox_send", 5],
        ["mailbox_recv", 5]
      ]
    )
  })

  it("answers a poll of an empty mailbox at once", () => {
    const { bench, pid } = ran(openAndPoll, mailRodata())
    assert.deepStrictEqual(bench.registers(pid, [0, 1]), { 0: 3, 1: 0 })
  })

  it("ends a wait at its deadline", () => {
    const words = openAndPoll.split(/\s+/)
    words[8] = "01400005"
    const bench = new Bench()
    const { pid } = bench.load(imageOf(words.join(" "), { rodata: mailRodata() }))
    bench.executive.step(1000)
    assert.strictEqual(bench.executive.task(pid)?.state, "waiting_mbx")
    assert.strictEqual(bench.executive.nextDue(), 5)
    bench.now = 4
    bench.executive.step(1000)
    assert.strictEqual(bench.executive.task(pid)?.state, "waiting_mbx")
    bench.now = 5
    bench.executive.step(1000)
    assert.strictEqual(bench.executive.task(pid)?.state, "returned")
    assert.deepStrictEqual(bench.registers(pid, [0, 1, 2, 3, 4]), { 0: 7, 1: 0, 2: 0, 3: 0, 4: 0 })
    assert.deepStrictEqual(bench.told("mailbox_"), ["mailbox_wait", "mailbox_timeout"])
    assert.strictEqual(bench.events.find(({ type }) => type === "mailbox_timeout")?.data["status"], 7)
  })

  it("refuses a handle that was never opened", () => {
    const { bench, pid } = ran("01100063 60200000 00004008 01300001 01400000 01500000 30000502 25000000", mailRodata())
    assert.strictEqual(bench.register(pid, 0), 2)
    assert.deepStrictEqual(bench.told("mailbox_"), ["mailbox_error"])
  })

  it("refuses a message that would never fit", () => {
    const words = openAndPoll.split(/\s+/)
    words.splice(7, 4, "0130003C", "01400000", "01500000", "30000502")
    const { bench, pid } = ran(words.join(" "), mailRodata())
    assert.strictEqual(bench.register(pid, 0), 4)
  })

  it("registers a value, sets it, reads it, and does not find another", () => {
    const { bench, pid } =
      ran(`01100003 01200004 01300000 01400000 30000700 04800000 04910000 60200000 00004200 30000703
      04A00000 04190000 30000702 04B00000 01100003 01200005 30000701 04C00000 25000000`)
    assert.deepStrictEqual(bench.registers(pid, [8, 9, 10, 11, 12]), { 8: 0, 9: 0x304, 10: 0, 11: 0x4200, 12: 1 })
  })

  it("keeps a command that asks for a token closed", () => {
    const { bench, pid } = ran(
      "01100003 01200004 01300001 01400000 30000800 04800000 04910000 01200000 30000802 25000000"
    )
    assert.deepStrictEqual(bench.registers(pid, [0, 9]), { 0: 2, 9: 0x304 })
  })

  it("tells what goes to the console and to the bus", () => {
    const hello = ran("60100000 00004000 01200005 30000101 25000000", new TextEncoder().encode("hello"))
    assert.strictEqual(hello.bench.register(hello.pid, 0), 5)
    assert.deepStrictEqual(hello.bench.events.find(({ type }) => type === "stdout")?.data, {
      source: "uart",
      text: "hello"
    })
    const sent = ran("60200000 00004000 01100123 01300003 30000200 25000000", Uint8Array.of(1, 2, 3))
    assert.strictEqual(sent.bench.register(sent.pid, 0), 0)
    assert.deepStrictEqual(sent.bench.events.find(({ type }) => type === "stdout")?.data, {
      source: "can",
      text: "id=0x123 data=010203"
    })
  })

  it("leaves an exit status, and the word of an unknown call", () => {
    const exited = ran("01000007 30000100 25000000")
    assert.strictEqual(exited.bench.executive.ps().tasks[0]?.exitStatus, 7)
    const unknown = ran("30000309 25000000")
    assert.strictEqual(unknown.bench.register(unknown.pid, 0), 0xffffff01)
  })

  it("taps a mailbox, reads the copy, and closes it", () => {
    const words = program(
      ldi32(1, 0x4000),
      svc(5, 0),
      mov(8, 1),
      ldi(2, 1),
      svc(5, 5),
      mov(9, 0),
      mov(1, 8),
      ldi32(2, 0x4000),
      ldi(3, 5),
      ldi(4, 4),
      ldi(5, 0),
      svc(5, 2),
      mov(1, 8),
      ldi32(2, 0x4008),
      ldi(3, 3),
      ldi(4, 0),
      svc(5, 3),
      mov(10, 1),
      mov(11, 2),
      mov(1, 8),
      svc(5, 6),
      mov(12, 0),
      mov(1, 8),
      svc(5, 4),
      ret
    )
    const { bench, pid } = ran(words, mailRodata())
    // The copy has the sender's flags and is cut to the buffer; what was tapped still lies in the mailbox.
    assert.deepStrictEqual(bench.registers(pid, [9, 10, 11, 12, 0]), { 9: 0, 10: 3, 11: 4, 12: 0, 0: 2 })
    assert.strictEqual(bench.executive.parts.mailboxes.list().find(({ target }) => target === "app:x")?.depth, 1)
  })

  it("writes to its standard streams, with their flags", () => {
    const write = (file: number): ReadonlyArray<string> => [ldi(1, file), ldi32(2, 0x4000), ldi(3, 5), svc(4, 2)]
    const { bench, pid } = ran(program(...write(1), ...write(2), mov(8, 0), ...write(7), ret), mailRodata())
    assert.deepStrictEqual(bench.registers(pid, [8, 0]), { 8: 5, 0: 0 })
    const host = new HostAccess(bench.executive)
    const flags = ["svc:stdio.out", "svc:stdio.err"].map((target) => {
      const taken = host.takeMail(pid, target)
      return Result.isSuccess(taken) ? taken.success?.flags : undefined
    })
    assert.deepStrictEqual(flags, [1, 2])
    assert.deepStrictEqual(
      bench.events.filter(({ type }) => type.startsWith("std")).map(({ type, data }) => [type, data["text"]]),
      [
        ["stdout", "app:x"],
        ["stderr", "app:x"]
      ]
    )
  })

  it("finds values and commands of others by group and number", () => {
    const bench = new Bench()
    bench.load(
      imageOf(program(ldi(0, 9), svc(6, 0), ret), {
        values: [{ groupId: 2, valueId: 1 }],
        commands: [{ groupId: 3, commandId: 4 }]
      })
    )
    const asks = program(
      ldi(1, 2),
      ldi(2, 1),
      svc(7, 1),
      mov(8, 1),
      ldi(1, 3),
      ldi(2, 4),
      svc(8, 1),
      mov(9, 1),
      ldi(2, 5),
      svc(8, 1),
      ret
    )
    const { pid } = bench.load(imageOf(asks))
    bench.run()
    assert.deepStrictEqual(bench.registers(pid, [8, 9, 0]), { 8: 0x201, 9: 0x304, 0: 1 })
  })

  it("computes with halves", () => {
    // exp(1) = 2.71875, cos(0) = 1, sin(0) = 0
    const { bench, pid } = ran("60100000 00003C00 30000E02 04800000 01100000 30000E01 04900000 30000E00 25000000")
    assert.deepStrictEqual(bench.registers(pid, [8, 9, 0]), { 8: 0x4170, 9: 0x3c00, 0: 0 })
  })
})
