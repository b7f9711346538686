import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { HostAccess } from "../../../../devices/hxe/executive/HostAccess.ts"
import type { Message } from "../../../../devices/hxe/executive/MailboxTypes.ts"
import { isSafePath, memoryFiles, type ProgramFiles } from "../../../../devices/hxe/executive/ProgramFiles.ts"
import { canEventBytes, type ProgramHal } from "../../../../devices/hxe/executive/ProgramHal.ts"
import { Bench, imageOf } from "./Programs.ts"
import { busyLoop, ldi, ldi32, mov, program, ret, svc, texts } from "./Words.ts"

const ran = (bench: Bench, words: string, rodata: Uint8Array = new Uint8Array(), level = 0): number => {
  const { pid } = bench.load(imageOf(words, { rodata }), { rights: { level } })
  bench.run()
  assert.strictEqual(bench.executive.task(pid)?.state, "returned")
  return pid
}

describe("files", () => {
  const path = 0x4000
  const text = 0x4020
  const buffer = 0x4040
  const open = [ldi32(1, path), ldi(2, 0), svc(4, 0), mov(8, 0)]
  const write = [mov(1, 8), ldi32(2, text), ldi(3, 5), svc(4, 2), mov(9, 0)]
  const close = [mov(1, 8), svc(4, 3), mov(10, 0)]
  const read = [mov(1, 8), ldi32(2, buffer), ldi(3, 16), svc(4, 1), mov(11, 0)]
  const rodata = (name: string): Uint8Array => texts(0x60, { 0: name, 32: "hello" })

  it("are written, read, and seen by the program's own folder alone", () => {
    const folders = new Map<string, ProgramFiles>()
    const files = (name: string): ProgramFiles => {
      const folder = folders.get(name) ?? memoryFiles(1000)
      folders.set(name, folder)
      return folder
    }
    const bench = new Bench({ files })
    const pid = ran(bench, program(...open, ...write, ...close, ...open, ...read, ret), rodata("logs/a.txt"))
    assert.deepStrictEqual(bench.registers(pid, [8, 9, 10, 11]), { 8: 4, 9: 5, 10: 0, 11: 5 })
    assert.strictEqual(new TextDecoder().decode(bench.memory(pid, buffer, 5)), "hello")
    assert.deepStrictEqual([...folders.keys()], ["app"])
    assert.deepStrictEqual(folders.get("app")?.list("logs"), ["a.txt"])
  })

  it("are refused outside of it, and where there are none", () => {
    const bench = new Bench({ files: () => memoryFiles(1000) })
    for (const name of ["../a", "/a", "c:a", "a//b", ""]) {
      const pid = ran(bench, program(...open, ret), rodata(name))
      assert.strictEqual(bench.register(pid, 8), -22 >>> 0, name)
      assert.isFalse(isSafePath(name))
    }
    const none = new Bench()
    const pid = ran(none, program(...open, ...read, ret), rodata("a"))
    assert.deepStrictEqual(none.registers(pid, [8, 11]), { 8: 0xffffffff, 11: 0 })
  })

  it("are listed, renamed and deleted", () => {
    const folder = memoryFiles(1000)
    folder.write("old", Uint8Array.of(1))
    folder.write("box/inner", Uint8Array.of(2))
    const bench = new Bench({ files: () => folder })
    const words = program(
      ldi32(1, 0x4000),
      ldi32(2, 0x4008),
      svc(4, 12),
      mov(8, 0),
      ldi32(1, 0x4000),
      svc(4, 11),
      mov(9, 0),
      ldi32(1, 0x4010),
      svc(4, 13),
      mov(10, 0),
      ldi32(1, 0x4018),
      ldi32(2, buffer),
      ldi(3, 100),
      svc(4, 10),
      ret
    )
    const pid = ran(bench, words, texts(0x80, { 0: "old", 8: "new", 16: "dir", 24: "." }))
    assert.deepStrictEqual(bench.registers(pid, [8, 9, 10, 0]), { 8: 0, 9: 0xffffffff, 10: 0, 0: 11 })
    assert.strictEqual(new TextDecoder().decode(bench.memory(pid, buffer, 11)), "box\ndir\nnew")
  })

  it("do not grow beyond the room there is", () => {
    // A file of one letter takes 65 bytes before its first own.
    const folder = memoryFiles(65 + 6)
    const bench = new Bench({ files: () => folder })
    const pid = ran(bench, program(...open, ...write, ...write, ret), rodata("a"))
    assert.strictEqual(bench.register(pid, 9), 0)
    assert.strictEqual(folder.read("a")?.length, 5)
    assert.deepStrictEqual([folder.write("b", new Uint8Array()), folder.makeFolder("c")], [false, false])
    assert.isFalse(isSafePath("x".repeat(256)))
  })
})

describe("the gateway to hardware", () => {
  it("reaches each group, and says what is not there", () => {
    const calls: Array<ReadonlyArray<unknown>> = []
    const note =
      (name: string) =>
      (...args: ReadonlyArray<unknown>): number => {
        calls.push([name, ...args])
        return 0
      }
    const hal: ProgramHal = {
      uart: {
        write: note("write"),
        poll: () => Uint8Array.of(1, 2, 3),
        configure: note("configure"),
        status: note("status")
      },
      gpio: { read: () => 1, write: note("pin"), configure: note("mode"), interrupt: note("edge") },
      fram: { read: () => Uint8Array.of(9), write: note("fram"), size: () => 8192, wear: () => 3 }
    }
    const bench = new Bench({ hal })
    const words = program(
      ldi(1, 0),
      ldi32(2, 0x4000),
      ldi(3, 4),
      svc(15, 0x00),
      svc(15, 0x01),
      mov(8, 0),
      ldi(1, 13),
      ldi(2, 1),
      svc(15, 0x51),
      svc(15, 0x50),
      mov(9, 0),
      svc(15, 0x32),
      mov(10, 0),
      svc(15, 0x10),
      mov(11, 0),
      svc(15, 0x60),
      mov(12, 0),
      svc(15, 0x21),
      ret
    )
    const pid = ran(bench, words, texts(16, { 0: "beep" }))
    assert.deepStrictEqual(calls, [
      ["write", 0, new TextEncoder().encode("beep")],
      ["pin", 13, 1]
    ])
    assert.deepStrictEqual(bench.registers(pid, [8, 9, 10, 11, 12, 0]), {
      8: 3,
      9: 1,
      10: 8192,
      11: -6 >>> 0,
      12: 0xffffff01,
      0: 1_000_000
    })
    assert.deepStrictEqual([...bench.memory(pid, 0x4000, 4)], [1, 2, 3, "p".charCodeAt(0)])
  })

  it("tells the time, ends timers, and sends frames of at most eight bytes", () => {
    const frames: Array<ReadonlyArray<unknown>> = []
    const transmit = (id: number, data: Uint8Array, flags: number): number => frames.push([id, [...data], flags])
    const bench = new Bench({ hal: { can: { transmit, configure: () => 0, filter: () => 0, status: () => 5 } } })
    bench.now = 12.5
    const words = program(
      svc(15, 0x20),
      mov(8, 0),
      ldi32(1, 1000),
      ldi(2, 1),
      svc(15, 0x22),
      mov(1, 0),
      svc(15, 0x23),
      mov(9, 0),
      svc(15, 0x23),
      mov(10, 0),
      ldi32(1, 0x18fff),
      ldi32(2, 0x4000),
      ldi(3, 2),
      ldi(4, 1),
      svc(15, 0x10),
      mov(11, 0),
      ldi(3, 9),
      svc(15, 0x10),
      mov(12, 0),
      svc(15, 0x13),
      ret
    )
    const pid = ran(bench, words, texts(8, { 0: "ab" }))
    assert.deepStrictEqual(bench.registers(pid, [8, 9, 10, 11, 12, 0]), {
      8: 12_500,
      9: 0,
      10: -4 >>> 0,
      11: 1,
      12: -4 >>> 0,
      0: 5
    })
    assert.deepStrictEqual(frames, [[0x18fff, [97, 98], 1]])
  })

  it("lets a program load others only with the level for it", () => {
    const asked: Array<string> = []
    const load = (source: string): number => asked.push(source)
    const provisioning = { info: () => "{}", load, abort: () => 0, map: () => undefined }
    const bench = new Bench({ hal: { provisioning } })
    const words = program(
      ldi32(1, 0x4000),
      ldi(2, 0),
      svc(15, 0x71),
      mov(8, 0),
      ldi32(2, 0x4010),
      ldi(3, 8),
      svc(15, 0x70),
      ret
    )
    const rodata = texts(32, { 0: "sd:0" })
    const low = ran(bench, words, rodata, 0)
    const high = ran(bench, words, rodata, 1)
    assert.deepStrictEqual([bench.register(low, 8), bench.register(high, 8)], [0xffffffff, 1])
    assert.deepStrictEqual([bench.register(low, 0), asked], [2, ["sd:0"]])
  })

  it("posts what arrives to the mailbox that a program made for it", () => {
    const bench = new Bench()
    const frame = canEventBytes({ id: 0x123, data: Uint8Array.of(1, 2), isExtended: false, isRemote: true, micros: 7 })
    assert.isFalse(bench.executive.postHardware("hal:can:rx", frame))
    const wait = program(
      ldi32(1, 0x4000),
      svc(5, 0),
      ldi32(2, 0x4020),
      ldi(3, 32),
      ldi32(4, 0xffff),
      ldi(5, 0),
      svc(5, 3),
      ret
    )
    const { pid } = bench.load(imageOf(wait, { rodata: texts(0x40, { 0: "hal:can:rx" }) }))
    bench.executive.step(20)
    assert.isTrue(bench.executive.postHardware("hal:can:rx", frame))
    bench.executive.step(20)
    assert.strictEqual(bench.register(pid, 1), 18)
    const expected = [0x23, 1, 0, 0, 2, 2, 1, 2, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0]
    assert.deepStrictEqual([...bench.memory(pid, 0x4020, 18)], expected)
  })

  it("has timers that post at their time, and end with their task", () => {
    const bench = new Bench()
    const words = program(
      ldi32(1, 0x4000),
      svc(5, 0),
      mov(8, 1),
      ldi32(1, 5000),
      ldi(2, 0),
      svc(15, 0x22),
      mov(9, 0),
      mov(1, 8),
      ldi32(2, 0x4020),
      ldi(3, 8),
      ldi32(4, 0xffff),
      ldi(5, 0),
      svc(5, 3),
      "21000024"
    )
    const { pid } = bench.load(imageOf(words, { rodata: texts(0x40, { 0: "hal:timer:1" }) }))
    bench.executive.step(50)
    assert.strictEqual(bench.register(pid, 9), 1)
    assert.strictEqual(bench.executive.nextDue(), 5)
    bench.now = 5
    bench.executive.step(50)
    assert.deepStrictEqual([...bench.memory(pid, 0x4020, 8)], [1, 0, 0, 0, 1, 0, 0, 0])
    assert.strictEqual(bench.executive.nextDue(), 10)
    // Periods that nobody looked at count, and are told together.
    bench.now = 22
    bench.executive.step(50)
    assert.deepStrictEqual([...bench.memory(pid, 0x4020, 8)], [1, 0, 0, 0, 4, 0, 0, 0])
    assert.strictEqual(bench.executive.nextDue(), 25)
    bench.executive.kill(pid)
    assert.strictEqual(bench.executive.nextDue(), undefined)
  })
})

describe("mail of the board", () => {
  it("goes to mailboxes that exist, and comes from those that are tapped", () => {
    const bench = new Bench()
    const host = new HostAccess(bench.executive)
    const { pid } = bench.load(imageOf(busyLoop, { mailboxes: [{ target: "app:in" }, { target: "svc:own" }] }))
    const copies: Array<Message> = []
    const tapped = host.tapMail(pid, "svc:own", 2, (message) => copies.push(message))
    if (Result.isFailure(tapped)) return assert.fail()
    const data = Uint8Array.of(1, 2, 3)
    assert.deepStrictEqual(host.sendMail(pid, "svc:own", data, 9), Result.succeed(3))
    assert.deepStrictEqual(host.sendMail(undefined, "app:in", data), Result.succeed(3))
    assert.deepStrictEqual(host.sendMail(undefined, "svc:own", data), Result.fail({ code: 2, detail: "svc:own" }))
    assert.deepStrictEqual(copies, [{ data, flags: 0, channel: 9, sourcePid: 0 }])
    // A tap copies; the message itself is still there.
    assert.deepStrictEqual(host.takeMail(pid, "svc:own"), Result.succeed({ data, flags: 0, channel: 9, sourcePid: 0 }))
    host.sendMail(pid, "svc:own", data)
    host.sendMail(pid, "svc:own", data)
    assert.strictEqual(copies.length, 2)
    bench.now = 1000
    host.takeMail(pid, "svc:own")
    host.sendMail(pid, "svc:own", data)
    assert.deepStrictEqual(
      copies.map(({ flags }) => flags),
      [0, 0, 8]
    )
    tapped.success()
    host.takeMail(pid, "svc:own")
    host.sendMail(pid, "svc:own", data)
    assert.strictEqual(copies.length, 3)
    assert.strictEqual(bench.executive.counts().handles, 3)
  })
})
