import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { at, imageOf, type RpcClient, RpcRig, type Said } from "./RpcRig.ts"

/** Counts in R10 for ever; has values, commands, and a mailbox. */
const busyText = `
.value [{"group":1,"id":1,"name":"speed","group_name":"motor","unit":"rpm","init":12.5},{"group":1,"id":2,"name":"serial","flags":"RO","init":7},{"group":1,"id":3,"name":"limit","auth":"FACTORY","init":1}]
.cmd [{"group":2,"id":1,"name":"answer","handler":"answer"},{"group":2,"id":2,"name":"later","handler":"answer","flags":"ASYNC"},{"group":2,"id":3,"name":"reset","handler":"answer","auth":"ADMIN"}]
.mailbox [{"target":"app:log","capacity":64,"mode":"RDWR"}]
.entry main
.text
main:
    LDI R9, 1
again:
    ADD R10, R10, R9
    JMP again
answer:
    LDI R0, 42
    RET
`

let rig: RpcRig
let tool: RpcClient
let pid: number
beforeEach(() => {
  rig = new RpcRig()
  tool = rig.client()
  tool.did("clock", { op: "stop" })
  pid = Number(rig.stream(tool, "busy", imageOf("busy", busyText), 500).pid)
})
afterEach(() => rig.stop())

const steps = (): unknown => at(tool.did("ps"), "tasks", "tasks", 0).accounted_steps
const said = (list: unknown): ReadonlyArray<Said> => list as ReadonlyArray<Said>

describe("values and commands over the board's own line", () => {
  it("are listed with all that is known of them, and read and set by number or by name", () => {
    const { values } = tool.did("val.list", { pid })
    assert.deepStrictEqual(said(values)[0], {
      oid: 0x101,
      group_id: 1,
      id: 1,
      name: "speed",
      group_name: "motor",
      auth_level: 0,
      pid,
      unit: "rpm",
      flags: 0,
      value: 12.5,
      f16: 0x4a40
    })
    assert.strictEqual(at(tool.did("val.get", { oid: 0x101 }), "value").value, 12.5)
    assert.strictEqual(at(tool.did("val.set", { name: "motor.speed", value: 0.1 }), "value").f16, 0x2e66)
    assert.strictEqual(at(tool.did("val.set", { name: "speed", group: "motor", f16: 0x7c00 }), "value").value, null)
    assert.deepStrictEqual(
      said(tool.did("val.list", { group: 1, name: "serial" }).values).map(({ oid }) => oid),
      [0x102]
    )
    assert.deepStrictEqual(tool.refusal("val.set", { name: "serial", value: 1 }), ["EPERM", "value:258"])
    assert.deepStrictEqual(tool.refusal("val.get", { name: "none" }), ["ENOENT", "value:none"])
    assert.deepStrictEqual(tool.refusal("val.list", { pid: 9 }), ["ESRCH", "pid:9"])
    assert.deepStrictEqual(at(tool.did("val.stats"), "stats").count, 3)
  })

  it("run to their end, or later where they permit it", () => {
    assert.deepStrictEqual(
      said(tool.did("cmd.list", { pid }).commands).map(({ name }) => name),
      ["answer", "later", "reset"]
    )
    assert.deepStrictEqual(tool.did("cmd.call", { name: "answer" }).command, {
      status: 0,
      result: 42,
      pid,
      oid: 0x201
    })
    assert.deepStrictEqual(tool.refusal("cmd.call", { name: "answer", async: true }), ["ENOTSUP", "no_async:513"])
    const listener = rig.client()
    const session = listener.open()
    listener.did("events.subscribe", { session, filters: { categories: ["cmd_completed"] } })
    assert.strictEqual(at(tool.did("cmd.call", { name: "later", async: true }), "command").pending, true)
    assert.deepStrictEqual(listener.events(), [])
    rig.time.advance(0)
    assert.deepStrictEqual(
      listener.events().map(({ data }) => at(data).result),
      [42]
    )
  })

  it("are for those whose level suffices", () => {
    const guarded = new RpcRig({ roles: { roleKeys: new Map(), nonce: () => new Uint8Array(8) } })
    const image = imageOf("busy", busyText)
    guarded.board.loader.load(
      { bytes: image, source: { kind: "file", uri: "/busy.hxe" } },
      { id: "board", level: 3 },
      () => {}
    )
    const client = guarded.client()
    assert.deepStrictEqual(
      said(client.did("val.list").values).map(({ name }) => name),
      ["speed", "serial"]
    )
    assert.deepStrictEqual(client.refusal("val.set", { name: "limit", value: 1 }), ["EPERM", "level:value:259:0/3"])
    assert.deepStrictEqual(client.refusal("cmd.call", { name: "reset" }), ["EPERM", "level:command:515:0/2"])
    assert.strictEqual(at(client.did("info"), "info").refusals, 2)
    guarded.stop()
  })
})

describe("programs over the board's own line", () => {
  it("stand still, go step by step, at a rate, or as fast as they can", () => {
    rig.time.advance(1000)
    assert.strictEqual(steps(), 0)
    // A clock that stands still wakes nobody.
    const { pending } = rig.time
    rig.time.advance(60_000)
    assert.isAtMost(rig.time.pending, pending)
    assert.isUndefined(rig.service.board.control.nextDue())
    const stepped = tool.did("step", { steps: 10, pid })
    assert.deepStrictEqual([at(stepped, "result").executed, steps()], [10, 10])
    assert.deepStrictEqual(at(tool.did("clock"), "clock").throttle_reason, "stopped")
    tool.did("clock", { op: "rate", rate: 100 })
    tool.did("clock", { op: "start" })
    rig.time.advance(5000)
    assert.isAtLeast(Number(steps()), 10 + 490)
    assert.isAtMost(Number(steps()), 10 + 510)
    assert.deepStrictEqual([at(tool.did("clock"), "clock").rate_hz, at(tool.did("clock"), "clock").mode], [100, "rate"])
    tool.did("clock", { op: "rate", rate: 0 })
    rig.time.advance(100)
    assert.isAbove(Number(steps()), 50_000)
  })

  it("keep the board waiting no longer when their turns are long", () => {
    tool.did("sched", { pid, quantum: 50_000 })
    assert.deepStrictEqual(tool.refusal("step", { steps: 21 })[1], "invalid_field:steps")
    tool.did("step", { steps: 20 })
    assert.strictEqual(steps(), 1_000_000)
    tool.did("clock", { op: "start" })
    rig.time.advance(95)
    assert.isAtMost(Number(steps()), 1_000_000 + 10 * 50_000)
  })

  it("are paused, go on, and end; another one's clock does not stop with them", () => {
    tool.did("clock", { op: "start" })
    assert.strictEqual(at(tool.did("pause", { pid }), "task").state, "paused")
    assert.deepStrictEqual(tool.refusal("pause", { pid: 9 }), ["ESRCH", "pid:9"])
    assert.strictEqual(at(tool.did("resume", { pid }), "task").state, "ready")
    assert.deepStrictEqual(tool.refusal("resume", { pid }), ["EBUSY", "state:ready"])
    assert.deepStrictEqual(tool.did("kill", { pid }).task, { pid, state: "terminated" })
    assert.strictEqual(at(tool.did("ps"), "tasks", "tasks", 0).state, "killed")
    assert.strictEqual(at(tool.did("clock"), "clock").running, true)
  })

  it("are given up when they are killed while they are still coming", () => {
    const { pid: coming, xfer } = tool.did("vm_load_begin", { label: "x" })
    assert.deepStrictEqual(tool.did("kill", { pid: coming }).task, { pid: coming, state: "terminated" })
    assert.strictEqual(tool.did("provision.status", { xfer }).state, "IDLE")
  })

  it("have turns of the length they are given, and memory and registers that can be seen and changed", () => {
    assert.deepStrictEqual(
      [at(tool.did("sched", { pid, quantum: 4, priority: 3 }), "task").quantum, at(tool.did("sched"), "scheduler")],
      [4, { counters: [{ pid, steps: 0, priority: 3, quantum: 4 }] }]
    )
    tool.did("poke", { pid, addr: 0x4800, data: "c0ffee" })
    assert.strictEqual(tool.did("peek", { pid, addr: 0x47ff, length: 5 }).data, "00c0ffee00")
    assert.strictEqual(tool.refusal("peek", { pid, addr: 0xffff, length: 2 })[0], "EFAULT")
    tool.did("step", { steps: 1 })
    const { registers } = tool.did("dumpregs", { pid })
    assert.deepStrictEqual([at(registers).steps, at(registers, "regs")[9], at(registers, "regs")[10]], [4, 1, 2])
  })

  it("tell what the board is, and what happened on it", () => {
    const { info } = tool.did("info", { pid })
    assert.deepStrictEqual(
      [at(info).node, at(info).program, at(info).auto, at(info).level, at(info, "mailbox_profile").mailboxes],
      [5, "busy", false, 3, 256]
    )
    const logs = said(tool.did("dmesg", { limit: 2 }).logs)
    assert.deepStrictEqual(
      logs.map(({ msg }) => msg),
      ["provisioning.started", "provisioning.complete"]
    )
  })
})

describe("mail over the board's own line", () => {
  it("goes to programs and comes from them, and the mailboxes are listed", () => {
    const targets = said(tool.did("list", { pid }).channels).map(({ target }) => target)
    assert.deepStrictEqual(targets, [
      `svc:stdio.in@${pid}`,
      `svc:stdio.out@${pid}`,
      `svc:stdio.err@${pid}`,
      `pid:${pid}`
    ])
    assert.strictEqual(said(tool.did("mailbox_snapshot").descriptors).length, 5)
    assert.deepStrictEqual(tool.did("send", { target: "app:log", data: "hello", channel: 3 }).sent, {
      pid: null,
      target: "app:log",
      length: 5
    })
    assert.deepStrictEqual(
      said(tool.did("listen", { target: "app:log", max_len: 4 }).messages).map((message) => [
        message.text,
        message.truncated,
        message.channel
      ]),
      [["hell", true, 3]]
    )
    assert.deepStrictEqual(tool.did("listen", { target: "app:log" }).messages, [])
    tool.did("send", { pid, data_hex: "414200" })
    tool.did("send", { pid, data: "out", channel: "out" })
    assert.deepStrictEqual(
      said(tool.did("listen", {}).messages).map((message) => [message.pid, message.data_hex]),
      [[pid, "6f7574"]]
    )
    const input = said(tool.did("list", { pid }).channels).find(({ target }) => target === `svc:stdio.in@${pid}`)
    assert.deepStrictEqual([input?.queue_depth, input?.bytes_used], [1, 11])
    assert.deepStrictEqual(tool.refusal("send", { pid, data: "x".repeat(100) })[0], "EMSGSIZE")
    assert.deepStrictEqual(tool.refusal("send", { target: "app:none", data: "x" }), ["ENOENT", "app:none"])
    assert.deepStrictEqual(tool.refusal("send", { data: "x" })[1], "invalid_field:pid")
  })

  it("of a program that is reserved is left to whoever has reserved it", () => {
    tool.did("send", { pid, data: "out", channel: "out" })
    const session = tool.open({ pid_lock: pid })
    assert.deepStrictEqual(rig.client().did("listen").messages, [])
    assert.strictEqual(said(tool.did("listen", { session }).messages).length, 1)
  })

  it("of a stream may be for every reader", () => {
    const { stdio } = tool.did("stdio_fanout", { pid, stream: "out", mode: "drop" })
    assert.strictEqual(at(stdio).mode_mask, 0x1b)
    const [row] = said(tool.did("list", { pid }).channels).filter(({ target }) => target === `svc:stdio.out@${pid}`)
    assert.strictEqual(row?.mode_mask, 0x1b)
  })
})

describe("what is kept, over the board's own line", () => {
  it("is kept, loaded again, and taken back", () => {
    const { persisted } = tool.did("provision.persist", { pid })
    assert.strictEqual(at(persisted).target, "FLASH")
    const { slot } = at(persisted)
    const worn = said(tool.did("provision.wear").wear).find((row) => row.partition === "image" && row.slot === slot)
    assert.deepStrictEqual([worn?.count, worn?.level], [1, "good"])
    tool.write(`{"cmd":"reload","pid":${pid}}\n`)
    rig.time.advance(10)
    const [reply] = tool.take()
    assert.match(String(at(reply, "reload").source), /^nv:\d@2$/)
    const newer = rig.stream(tool, "newer", imageOf("busy", `${busyText}    RET\n`), 500, { replace: true })
    tool.write(`{"cmd":"reload","pid":${newer.pid}}\n`)
    assert.deepStrictEqual(tool.take()[0]?.detail, "source:stream:newer")
    assert.strictEqual(at(tool.did("provision.rollback"), "rollback").from_generation, 2)
    assert.deepStrictEqual(tool.refusal("provision.rollback", { generation: 77 })[0], "ENOENT")
  })

  it("must be a copy the board has", () => {
    tool.write(`{"cmd":"reload","pid":${pid}}\n`)
    const [reply] = tool.take()
    assert.deepStrictEqual([reply?.code, reply?.detail], ["ENOTSUP", "source:stream:busy"])
    assert.notStrictEqual(at(tool.did("ps"), "tasks", "tasks", 0).state, "killed")
  })
})
