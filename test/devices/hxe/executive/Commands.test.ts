import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import type { ExecutiveOptions } from "../../../../devices/hxe/executive/ExecutiveTypes.ts"
import { HostAccess } from "../../../../devices/hxe/executive/HostAccess.ts"
import { Bench, type ImageParts, imageOf } from "./Programs.ts"
import { add, div, jmp, ldi, ldi32, mov, program, push, ret, st, svc, texts } from "./Words.ts"

/** Main sleeps at 0x00; behind it, from 0x0C on, is the handler. */
const withHandler = (...handler: ReadonlyArray<string>): string => program(ldi(0, 1000), svc(6, 0), ret, ...handler)

const commandAt = (handlerOffset: number, more: object = {}): ImageParts => ({
  commands: [
    { groupId: 2, commandId: 7, handlerOffset, name: "reset", help: "restart it", groupName: "motor", ...more }
  ]
})

const loaded = (
  words: string,
  parts: ImageParts,
  options: Partial<ExecutiveOptions> = {}
): { readonly bench: Bench; readonly host: HostAccess; readonly pid: number } => {
  const bench = new Bench(options)
  const { pid } = bench.load(imageOf(words, parts))
  bench.executive.step(10, pid)
  return { bench, host: new HostAccess(bench.executive), pid }
}

const code = (outcome: Result.Result<number, { readonly code: number }>): number =>
  Result.isSuccess(outcome) ? 0 : outcome.failure.code

describe("a command", () => {
  it("runs its handler with its number, and its program does not notice", () => {
    const handler = [mov(9, 0), mov(10, 1), ldi32(8, 0x300), st(8, 0, 9), push(9), add(0, 0, 0), ret]
    const { bench, host, pid } = loaded(withHandler(...handler), commandAt(12))
    const before = bench.registers(pid, [0, 1, 8, 9, 10, 15])
    const machine = bench.executive.task(pid)?.machine
    const { pc, sp } = machine?.saveContext() ?? {}
    assert.deepStrictEqual(host.callCommand(pid, "motor.reset", 0), Result.succeed(2 * 0x207))
    assert.deepStrictEqual(bench.registers(pid, [0, 1, 8, 9, 10, 15]), before)
    assert.deepStrictEqual([machine?.pc, machine?.sp, machine?.steps], [pc, sp, 2 + 6])
    assert.deepStrictEqual([...bench.memory(pid, 0x300, 2)], [0x07, 0x02])
    assert.strictEqual(bench.executive.task(pid)?.state, "sleeping")
    assert.deepStrictEqual(
      bench.events.filter(({ type }) => type.startsWith("cmd_")).map(({ type, data }) => [type, data]),
      [
        ["cmd_invoked", { oid: 0x207, group_id: 2, cmd_id: 7, caller_pid: 0, owner_pid: 1, flags: 0, auth_level: 0 }],
        [
          "cmd_completed",
          {
            oid: 0x207,
            group_id: 2,
            cmd_id: 7,
            caller_pid: 0,
            owner_pid: 1,
            flags: 0,
            auth_level: 0,
            status: 0,
            result: 0x40e
          }
        ]
      ]
    )
  })

  const failing: ReadonlyArray<readonly [what: string, handler: ReadonlyArray<string>]> = [
    ["faults", [div(1, 2, 3), ret]],
    ["ends the task", [svc(1, 0)]],
    ["sleeps", [ldi(0, 5), svc(6, 0), ret]],
    ["waits for a message", [ldi(1, 1), ldi(3, 8), ldi(4, 100), svc(5, 3), ret]],
    ["never returns", [jmp(12)]],
    ["breaks", ["7f000001", ret]]
  ]

  it.each(failing)("whose handler %s fails, and its program lives on", (_what, handler) => {
    const { bench, host, pid } = loaded(withHandler(...handler), commandAt(12))
    assert.strictEqual(code(host.callCommand(pid, "reset", 0)), 5)
    assert.strictEqual(bench.executive.task(pid)?.state, "sleeping")
    bench.now = 1000
    bench.executive.step(10)
    assert.strictEqual(bench.executive.task(pid)?.state, "returned")
    assert.deepStrictEqual(bench.registers(pid, [0]), { 0: 0 })
  })

  it("is stopped after its budget of instructions", () => {
    const { bench, host, pid } = loaded(withHandler(jmp(12)), commandAt(12), { commandBudget: 123 })
    assert.strictEqual(code(host.callCommand(pid, "reset", 0)), 5)
    assert.strictEqual(bench.executive.task(pid)?.machine?.steps, 2 + 123)
  })

  it("is judged by level and token before it runs", () => {
    const isTokenValid = (oid: number, token: string): boolean => oid === 0x207 && token === "4711"
    const guarded = commandAt(12, { flags: 1, authLevel: 2 })
    const { host, pid } = loaded(withHandler(ret), guarded, { isTokenValid })
    const call = (level: number, token?: string): number => code(host.callCommand(pid, "2:7", level, token))
    assert.deepStrictEqual([call(1, "4711"), call(2), call(3, "0815"), call(2, "4711")], [1, 1, 1, 0])
    assert.strictEqual(code(host.callCommand(pid, "absent", 3)), 2)
    assert.strictEqual(code(host.callCommand(99, "reset", 3)), 3)
    const without = loaded(withHandler(ret), guarded)
    assert.strictEqual(code(without.host.callCommand(without.pid, "2:7", 3, "4711")), 1)
  })

  it("is refused while its program is loading, and after its end", () => {
    const { bench, host, pid } = loaded(withHandler(ret), commandAt(12))
    const reserved = bench.executive.reserve()
    assert.strictEqual(code(host.callCommand(Result.isSuccess(reserved) ? reserved.success : 0, "reset", 0)), 16)
    bench.executive.kill(pid)
    assert.strictEqual(code(host.callCommand(pid, "reset", 0)), 5)
  })

  it("that wakes its own waiting program hands over the message after the handler", () => {
    // Main waits on app:x; the handler sends two bytes to it by the same handle.
    const main = [ldi32(1, 0x4000), svc(5, 0), ldi32(2, 0x4020), ldi(3, 8), ldi32(4, 0xffff), ldi(5, 0), svc(5, 3), ret]
    const words = program(
      ...main,
      ldi(1, 4),
      ldi32(2, 0x4000),
      ldi(3, 2),
      ldi(4, 0),
      ldi(5, 0),
      svc(5, 2),
      ldi(0, 9),
      ret
    )
    const { bench, host, pid } = loaded(words, { ...commandAt(44), rodata: texts(64, { 0: "app:x" }) })
    assert.strictEqual(bench.executive.task(pid)?.state, "waiting_mbx")
    assert.deepStrictEqual(host.callCommand(pid, "reset", 0), Result.succeed(9))
    assert.strictEqual(bench.executive.task(pid)?.state, "ready")
    bench.executive.step(5)
    assert.deepStrictEqual(bench.registers(pid, [0, 1, 4]), { 0: 0, 1: 2, 4: 1 })
    assert.deepStrictEqual([...bench.memory(pid, 0x4020, 2)], [...new TextEncoder().encode("ap")])
  })
})

describe("a program that calls commands", () => {
  it("runs its own, and no other one's", () => {
    const bench = new Bench()
    const asks = [ldi32(1, 0x207), ldi(2, 0), svc(8, 2), mov(8, 0), mov(9, 1), ret]
    const words = program(...asks, ldi(0, 77), ret)
    const own = bench.load(imageOf(words, commandAt(28))).pid
    const stranger = bench.load(imageOf(words, { header: { appName: "stranger" } })).pid
    bench.executive.step(7, own)
    bench.executive.step(7, stranger)
    assert.deepStrictEqual(bench.registers(own, [8, 9]), { 8: 0, 9: 77 })
    const late = new Bench()
    late.load(imageOf(withHandler(ret), commandAt(12)))
    const other = late.load(imageOf(words, { header: { appName: "other" } })).pid
    late.executive.step(20)
    assert.deepStrictEqual(late.registers(other, [8, 9]), { 8: 2, 9: 0 })
  })

  it("does not have its handlers call commands", () => {
    const asks = [ldi32(1, 0x207), ldi(2, 0), svc(8, 2)]
    const bench = new Bench()
    const { pid } = bench.load(imageOf(program(...asks, mov(8, 0), mov(9, 1), ret, ...asks, ret), commandAt(28)))
    bench.run()
    // The inner call fails with 7 and the handler returns that; the outer one succeeded.
    assert.deepStrictEqual(bench.registers(pid, [8, 9]), { 8: 0, 9: 7 })
  })

  it("goes on without waiting and finds the end in a mailbox", () => {
    const bench = new Bench()
    const words = program(
      ldi32(1, 0x207),
      ldi(2, 0),
      ldi32(3, 0x4000),
      svc(8, 3),
      mov(8, 0),
      mov(9, 1),
      mov(1, 9),
      ldi32(2, 0x4020),
      ldi(3, 16),
      ldi(4, 10),
      ldi(5, 0),
      svc(5, 3),
      ret,
      ldi(0, 5),
      ret
    )
    const parts = { ...commandAt(64, { flags: 2 }), rodata: texts(64, { 0: "app:done" }) }
    const { pid } = bench.load(imageOf(words, parts))
    bench.run()
    assert.deepStrictEqual(bench.registers(pid, [8, 9, 0, 1]), { 8: 0, 9: 4, 0: 0, 1: 8 })
    assert.deepStrictEqual([...bench.memory(pid, 0x4020, 8)], [0x07, 0x02, 0, 0, 5, 0, 0, 0])
    const refused = new Bench()
    const other = refused.load(imageOf(words, { ...parts, ...commandAt(64) })).pid
    refused.run()
    assert.strictEqual(refused.register(other, 8), 6)
  })

  it("reads the help of a command, cut to its room", () => {
    const bench = new Bench()
    const help = (room: number): ReadonlyArray<string> => [
      ldi32(1, 0x207),
      ldi32(2, 0x4020),
      ldi(3, room),
      svc(8, 4),
      mov(8 + (room & 1), 1)
    ]
    const { pid } = bench.load(
      imageOf(program(...help(4), ...help(31), ret), { ...commandAt(0), rodata: new Uint8Array(64) })
    )
    bench.run()
    assert.deepStrictEqual(bench.registers(pid, [8, 9]), { 8: 4, 9: 11 })
    assert.strictEqual(new TextDecoder().decode(bench.memory(pid, 0x4020, 11)), "restart it\0")
  })

  it("registers one that has no handler: calling it succeeds", () => {
    const bench = new Bench()
    const words = program(ldi(1, 3), ldi(2, 4), ldi(3, 0), ldi(4, 0), svc(8, 0), mov(8, 1), ldi(2, 0), svc(8, 2), ret)
    const { pid } = bench.load(imageOf(words))
    bench.run()
    assert.deepStrictEqual(bench.registers(pid, [8, 0, 1]), { 8: 0x304, 0: 0, 1: 0 })
  })
})
