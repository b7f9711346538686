import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { budgetProfiles } from "../../../../devices/hxe/executive/BudgetProfile.ts"
import { HostAccess } from "../../../../devices/hxe/executive/HostAccess.ts"
import { Bench, type ImageParts, imageOf, refusalOf } from "./Programs.ts"
import { busyLoop, ldi, ldi32, program, ret, svc, texts } from "./Words.ts"

const full: ImageParts = {
  rodata: texts(8, { 0: "hi" }),
  values: [{ name: "rpm", unit: "rpm", groupName: "motor" }, { name: "lamp" }],
  commands: [{ name: "reset", help: "restart it", groupName: "motor" }],
  mailboxes: [{ target: "app:log", capacity: 96, modeMask: 0x13 }, { target: "svc:own" }]
}

describe("loading", () => {
  it("registers what the image declares and says where", () => {
    const bench = new Bench()
    const reply = bench.load(imageOf(busyLoop, { ...full, header: { appName: "motor" } }))
    assert.deepStrictEqual([reply.pid, reply.name, reply.base, reply.callMode], [1, "motor", "motor", "relative"])
    assert.deepStrictEqual([reply.values, reply.commands], [[0x100, 0x101], [0x100]])
    assert.deepStrictEqual(reply.mailboxes, [
      { target: "app:log", descriptor: 5, capacity: 96, mode: 0x1b, owner: undefined },
      { target: "svc:own", descriptor: 6, capacity: 64, mode: 3, owner: 1 }
    ])
    assert.deepStrictEqual(reply.warnings, ["mailbox_fanout_implied:app:log"])
    const { values, commands, mailboxes, handles } = bench.executive.counts()
    assert.deepStrictEqual([values, commands, mailboxes, handles], [2, 1, 6, 3])
    assert.deepStrictEqual(bench.told("task_state"), ["task_state"])
    const row = bench.executive.ps().tasks[0]
    assert.deepStrictEqual(
      [row?.state, row?.registerBase, row?.stackBase, row?.stackBytes],
      ["ready", 0x1000, 0xeffc, 0x1000]
    )
    assert.deepStrictEqual(bench.memory(1, 0x4000, 2), new TextEncoder().encode("hi"))
  })

  it("places the second task below the first", () => {
    const bench = new Bench()
    bench.load(imageOf(busyLoop))
    const second = bench.load(imageOf(busyLoop))
    const machine = bench.executive.task(second.pid)?.machine
    assert.deepStrictEqual([machine?.registerBase, machine?.stackLimit, machine?.sp], [0x1040, 0xdffc, 0xeffc])
  })

  it("takes eleven tasks, and no stack that would lie on the program's own data", () => {
    const bench = new Bench()
    for (let count = 0; count < 11; count++) bench.load(imageOf(busyLoop))
    assert.deepStrictEqual(refusalOf(bench.executive.load(imageOf(busyLoop))), { code: 28, detail: "budget:tasks:1/0" })
    const large = new Bench()
    const image = imageOf(busyLoop, { rodata: new Uint8Array(0x8000) })
    for (let count = 0; count < 3; count++) large.load(image)
    assert.deepStrictEqual(refusalOf(large.executive.load(image)), { code: 28, detail: "budget:stack:4096/4092" })
    large.load(imageOf(busyLoop, { rodata: new Uint8Array(0x8000), manifest: { stackSizeBytes: 512 } }))
  })

  it("names the first instance plainly and numbers the others", () => {
    const bench = new Bench()
    const long = "a".repeat(31)
    const names = [0, 1, 2].map(() => bench.load(imageOf(busyLoop, { header: { appName: long } })).name)
    assert.deepStrictEqual(names, [long, `${"a".repeat(28)}_#0`, `${"a".repeat(28)}_#1`])
    const single = imageOf(busyLoop, { header: { appName: long, allowsMultiple: false } })
    assert.deepStrictEqual(refusalOf(bench.executive.load(single)), { code: 17, detail: `app_exists:${long}` })
    const labelled = imageOf(busyLoop, { header: { appName: undefined } })
    assert.strictEqual(bench.load(labelled, { label: "/apps/press.hxe" }).name, "press")
    assert.strictEqual(bench.load(labelled).name, "task_5")
    bench.executive.kill(1)
    assert.strictEqual(bench.load(imageOf(busyLoop, { header: { appName: long } })).name, long)
  })

  it("lets instances of one program have the same values", () => {
    const bench = new Bench()
    const pids = [0, 1].map(() => bench.load(imageOf(busyLoop, { values: [{ name: "rpm" }] })).pid)
    const host = new HostAccess(bench.executive)
    for (const pid of pids) assert.strictEqual(host.setValue(pid, "rpm", pid, 0), undefined)
    assert.deepStrictEqual(
      pids.map((pid) => host.valueOf(pid, "rpm")?.value),
      [1, 2]
    )
  })

  const broken: ReadonlyArray<readonly [what: string, parts: ImageParts, code: number, detail: string]> = [
    ["a value twice", { ...full, values: [{ valueId: 1 }, { valueId: 1 }] }, 17, "value:1:1"],
    ["a command twice", { ...full, commands: [{ commandId: 3 }, { commandId: 3 }] }, 17, "command:1:3"],
    [
      "a mailbox that has another shape for somebody else",
      { ...full, mailboxes: [{ target: "app:new" }, { target: "app:log", capacity: 32, modeMask: 3 }] },
      17,
      "mailbox_conflict:app:log"
    ],
    ["a bad mailbox name", { ...full, mailboxes: [{ target: "app:new" }, { target: "app:" }] }, 22, "mailbox:app:"],
    [
      "a mailbox of another task",
      { ...full, mailboxes: [{ target: "svc:stdio.out", ownerPid: 1 }] },
      1,
      "mailbox:svc:stdio.out"
    ],
    ["too many texts", { ...full, values: [{ name: "n".repeat(5000) }] }, 28, "budget:strings:5024/4054"],
    [
      "too many values",
      { ...full, values: Array.from({ length: 255 }, (_, valueId) => ({ valueId })) },
      28,
      "budget:values:255/254"
    ],
    ["a bit that is reserved", { ...full, header: { requiredCaps: 0x8000_0001 } }, 95, "caps:80000000"],
    ["files on a board without", { ...full, header: { requiredCaps: 0x43 } }, 95, "caps:40"],
    ["more mailboxes than there are", { ...full, header: { requiredCaps: 0xff00 } }, 95, "caps:ff00"]
  ]

  it.each(broken)("refuses %s and leaves nothing behind", (_what, parts, code, detail) => {
    const bench = new Bench()
    bench.load(imageOf(busyLoop, { ...full, header: { appName: "first" } }))
    const before = bench.executive.counts()
    const list = bench.executive.parts.mailboxes.list()
    const told = bench.events.length
    const image = imageOf(busyLoop, parts)
    assert.deepStrictEqual(refusalOf(bench.executive.load(image)), { code, detail })
    assert.deepStrictEqual(bench.executive.counts(), before)
    assert.deepStrictEqual(bench.executive.parts.mailboxes.list(), list)
    assert.strictEqual(bench.events.length, told)
    const next = bench.load(imageOf(busyLoop))
    assert.strictEqual(next.pid, 2)
    assert.strictEqual(bench.executive.ps().tasks[1]?.registerBase, 0x1040)
  })

  it("keeps the process id and the place of a reservation after a refusal, until it is released", () => {
    const bench = new Bench()
    const start = bench.executive.counts()
    const reserved = bench.executive.reserve({ label: "press.hxe", source: "file:/press.hxe" })
    if (Result.isFailure(reserved)) return assert.fail()
    const pid = reserved.success
    assert.deepStrictEqual(
      bench.executive.ps().tasks.map((row) => [row.pid, row.state, row.program, row.source]),
      [[1, "loading", "press.hxe", "file:/press.hxe"]]
    )
    assert.strictEqual(bench.executive.step(10).executed, 0)
    const image = imageOf(busyLoop)
    assert.strictEqual(bench.executive.admit(image.header, pid), undefined)
    const tooLarge = { ...image.header, rodataLength: 0xb000 }
    assert.deepStrictEqual(bench.executive.admit(tooLarge, pid), { code: 28, detail: "budget:data:45056/45052" })
    const twice = imageOf(busyLoop, { values: [{ valueId: 1 }, { valueId: 1 }] })
    assert.strictEqual(refusalOf(bench.executive.load(twice, { pid })).code, 17)
    assert.strictEqual(bench.executive.ps().tasks[0]?.state, "loading")
    const loaded = bench.load(image, { pid })
    assert.strictEqual(loaded.pid, pid)
    assert.deepStrictEqual(refusalOf(bench.executive.load(image, { pid })), { code: 3, detail: "pid:1" })
    bench.executive.remove(pid)
    const other = bench.executive.reserve()
    if (Result.isFailure(other)) return assert.fail()
    assert.strictEqual(other.success, 2)
    assert.deepStrictEqual(bench.executive.kill(2), Result.succeed("terminated"))
    assert.deepStrictEqual(bench.executive.counts(), start)
  })

  it("replaces a task only when the new one is whole", () => {
    const bench = new Bench({ profile: { ...budgetProfiles.small, tasks: 1 } })
    const old = bench.load(imageOf(busyLoop, { ...full, header: { appName: "press", allowsMultiple: false } }))
    const next = imageOf(busyLoop, {
      ...full,
      mailboxes: [{ target: "app:log", capacity: 40, modeMask: 3 }],
      header: { appName: "press", allowsMultiple: false }
    })
    assert.strictEqual(refusalOf(bench.executive.load(next)).code, 28)
    const twice = imageOf(busyLoop, { values: [{ valueId: 1 }, { valueId: 1 }], header: { appName: "press" } })
    const before = bench.executive.counts()
    assert.strictEqual(refusalOf(bench.executive.load(twice, { replaces: [old.pid] })).code, 17)
    assert.deepStrictEqual(bench.executive.counts(), before)
    assert.strictEqual(bench.executive.step(3).executed, 3)
    const replaced = bench.load(next, { replaces: [old.pid] })
    assert.deepStrictEqual([replaced.pid, replaced.name], [2, "press"])
    assert.deepStrictEqual(
      bench.executive.ps().tasks.map(({ pid }) => pid),
      [2]
    )
    assert.deepStrictEqual(bench.executive.instancesOf("press"), [2])
    const log = bench.executive.parts.mailboxes.list().find(({ target }) => target === "app:log")
    assert.deepStrictEqual([log?.capacity, log?.mode], [40, 3])
  })

  it("makes a task that waits to be started, if asked to", () => {
    const bench = new Bench()
    const { pid } = bench.load(imageOf(busyLoop), { autostart: false })
    assert.strictEqual(bench.executive.step(10).executed, 0)
    assert.strictEqual(bench.executive.nextDue(), undefined)
    assert.strictEqual(bench.executive.start(pid), undefined)
    assert.strictEqual(bench.executive.step(10).executed, 10)
    assert.strictEqual(bench.executive.start(99)?.code, 3)
  })
})

describe("the end of a task", () => {
  const busyWithEverything = program(
    ldi32(1, 0x4000),
    svc(5, 0),
    ldi(1, 0x9),
    ldi(2, 1),
    ldi(3, 0),
    ldi(4, 0),
    svc(7, 0),
    ldi32(1, 0x901),
    ldi32(2, 0x4010),
    svc(7, 5),
    ldi(1, 8),
    ldi(2, 2),
    ldi(4, 0),
    svc(8, 0),
    ldi32(1, 5000),
    ldi(2, 0),
    svc(15, 0x22),
    ldi(0, 0),
    ret
  )
  const rodata = texts(64, { 0: "app:global", 16: "app:notes" })

  it("by a return frees all but its row and what can still be read of it", () => {
    const bench = new Bench()
    const start = bench.executive.counts()
    const { pid } = bench.load(imageOf(busyWithEverything, { ...full, rodata }))
    bench.executive.step(18)
    const held = bench.executive.counts()
    assert.deepStrictEqual([held.values, held.commands, held.timers, held.mailboxes, held.handles], [3, 2, 1, 8, 5])
    bench.executive.step(10)
    const ended = bench.executive.counts()
    assert.strictEqual(bench.executive.task(pid)?.state, "returned")
    assert.deepStrictEqual({ ...ended, rows: 0, mailboxes: 0 }, { ...start, rows: 0, mailboxes: 0 })
    bench.executive.remove(pid)
    assert.deepStrictEqual(bench.executive.counts(), start)
  })

  it("by force frees everything, whatever it was doing", () => {
    for (let turns = 0; turns < 18; turns++) {
      const bench = new Bench()
      const start = bench.executive.counts()
      const { pid } = bench.load(imageOf(busyWithEverything, { ...full, rodata }))
      const host = new HostAccess(bench.executive)
      host.watchValue(pid, "rpm", 0, {}, () => undefined)
      host.tapMail(pid, "svc:stdio.out", undefined, () => undefined)
      bench.executive.step(turns)
      assert.deepStrictEqual(bench.executive.kill(pid), Result.succeed("killed"))
      assert.deepStrictEqual(bench.executive.counts(), { ...start, rows: 1 })
      assert.deepStrictEqual(bench.executive.kill(pid), Result.succeed("killed"))
      bench.executive.remove(pid)
      assert.deepStrictEqual(bench.executive.counts(), start)
    }
  })

  it("by force ends its waiting too: nothing is due or told of it later", () => {
    for (const words of [
      program(ldi(0, 50), svc(6, 0)),
      program(ldi(1, 1), ldi(3, 8), ldi(4, 50), ldi(5, 0), svc(5, 3))
    ]) {
      const bench = new Bench()
      const { pid } = bench.load(imageOf(words))
      bench.executive.step(10)
      assert.strictEqual(bench.executive.nextDue(), 50)
      bench.executive.kill(pid)
      assert.strictEqual(bench.executive.nextDue(), undefined)
      const told = bench.events.length
      bench.now = 100
      bench.executive.step(10)
      assert.strictEqual(bench.events.length, told)
    }
  })

  it("keeps the mailbox that others have open", () => {
    const bench = new Bench()
    const start = bench.executive.counts()
    const open = program(ldi32(1, 0x4000), svc(5, 0), busyLoop.slice(0, 16), "2100000c")
    const [first, second] = [0, 1].map(() => bench.load(imageOf(open, { rodata })).pid)
    bench.executive.step(20)
    bench.executive.kill(first ?? 0)
    const isThere = (): boolean => bench.executive.parts.mailboxes.list().some(({ target }) => target === "app:global")
    assert.isTrue(isThere())
    bench.executive.kill(second ?? 0)
    assert.isFalse(isThere())
    assert.deepStrictEqual(bench.executive.counts(), { ...start, rows: 2 })
  })

  it("wakes who waits on its mailbox with a handle that is no longer good", () => {
    const bench = new Bench()
    const owner = bench.load(imageOf(busyLoop, { header: { appName: "owner" } })).pid
    const wait = program(
      ldi32(1, 0x4000),
      svc(5, 0),
      ldi32(2, 0x4020),
      ldi(3, 8),
      ldi32(4, 0xffff),
      ldi(5, 0),
      svc(5, 3),
      ret
    )
    const waiter = bench.load(imageOf(wait, { rodata: texts(64, { 0: "svc:stdio.in@1" }) })).pid
    bench.executive.step(40)
    assert.strictEqual(bench.executive.task(waiter)?.state, "waiting_mbx")
    bench.executive.kill(owner)
    bench.executive.step(10)
    assert.deepStrictEqual([bench.executive.task(waiter)?.state, bench.register(waiter, 0)], ["returned", 2])
  })

  it("is listed until there are too many to remember", () => {
    const bench = new Bench()
    for (let count = 0; count < 20; count++) {
      bench.load(imageOf(ret))
      bench.run()
    }
    const pids = bench.executive.ps().tasks.map(({ pid }) => pid)
    assert.deepStrictEqual(
      pids,
      Array.from({ length: 16 }, (_, index) => index + 5)
    )
  })

  it("gives its leftover mailboxes to a new program that needs them", () => {
    const bench = new Bench({ profile: budgetProfiles.small })
    for (let count = 0; count < 10; count++) {
      bench.load(imageOf(ret))
      bench.run()
    }
    assert.isAtMost(bench.executive.counts().mailboxes, 16)
  })

  it("shows on the link with its state, status and code", () => {
    const bench = new Bench()
    const host = new HostAccess(bench.executive)
    const names = ["good", "bad", "wrong", "gone", "waits", "ready", "paused"]
    const words = [
      ret,
      program(ldi(0, 7), ret),
      "ff000000",
      busyLoop,
      program(ldi(0, 99), svc(6, 0)),
      busyLoop,
      busyLoop
    ]
    for (const [index, appName] of names.entries()) {
      const image = imageOf(words[index] ?? ret, { header: { appName } })
      bench.load(image, { autostart: appName !== "ready", identity: { version: "1.2.0" } })
    }
    bench.now = 40
    bench.executive.step(100)
    bench.executive.kill(4)
    bench.executive.pause(7)
    assert.deepStrictEqual(
      host.programs().map(({ name, state, exit, code, detail, pid }) => [name, state, exit, code, detail, pid]),
      [
        ["good", 8, 0, undefined, undefined, 1],
        ["bad", 9, 7, 226, "exit 7", 2],
        ["wrong", 9, -250, 220, "illegal_opcode:word FF000000 at 0x00", 3],
        ["gone", 7, undefined, undefined, undefined, 4],
        ["waits", 5, undefined, undefined, undefined, 5],
        ["ready", 2, undefined, undefined, undefined, 6],
        ["paused", 6, undefined, undefined, undefined, 7]
      ]
    )
    const [first] = host.programs()
    assert.deepStrictEqual([first?.kind, first?.version, first?.up, first?.mem], [1, "1.2.0", 40, 0])
    assert.strictEqual(host.programs()[4]?.mem, 8 + 4096)
  })
})

describe("pause and resume", () => {
  it("stop a task where it is and let it go on", () => {
    const bench = new Bench()
    const { pid } = bench.load(imageOf(busyLoop))
    bench.executive.step(10)
    assert.strictEqual(bench.executive.pause(pid), undefined)
    assert.strictEqual(bench.executive.step(10).executed, 0)
    assert.strictEqual(bench.executive.resume(pid), undefined)
    assert.strictEqual(bench.executive.step(10).executed, 10)
    assert.strictEqual(bench.executive.resume(pid)?.code, 16)
    bench.executive.kill(pid)
    assert.strictEqual(bench.executive.pause(pid)?.code, 16)
  })

  it("do not lose what a task waited for", () => {
    const bench = new Bench()
    const { pid } = bench.load(imageOf(program(ldi(0, 50), svc(6, 0), ret)))
    bench.executive.step(10)
    bench.executive.pause(pid)
    bench.executive.resume(pid)
    assert.strictEqual(bench.executive.task(pid)?.state, "sleeping")
    bench.executive.pause(pid)
    bench.now = 50
    bench.executive.step(10)
    assert.strictEqual(bench.executive.task(pid)?.state, "paused")
    bench.executive.resume(pid)
    bench.executive.step(10)
    assert.strictEqual(bench.executive.task(pid)?.state, "returned")
  })
})
