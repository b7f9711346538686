import { assert, describe, it } from "@effect/vitest"
import type { FrameToBoard } from "../../../src/actors/Behaviour.ts"
import { codes } from "../../../src/protocol/Codes.ts"
import { Bench } from "./Bench.ts"

const asker = { kind: "program", id: "press-1:motor" }
const start = { _tag: "ProgramControl", program: "motor", act: "start" } as const
const ask = (bench: Bench, key: string, request: object = start, lifeMillis = 60_000): void => {
  bench.ask("AskBoard", { asker, key, request, lifeMillis })
}
/** What its askers are told; its VSM is none. */
const answers = (bench: Bench) =>
  bench.tells
    .filter(({ to }) => to.kind !== "vsm")
    .map(({ to, message, payload }) => [`${to.kind}/${to.id}`, message, payload])
const heartbeats = (bench: Bench, seconds: number): void => {
  for (let second = 0; second < seconds; second++) {
    bench.up({ type: "heartbeat", seq: 0, up: 1, epoch: 1 })
    bench.advance(1000)
  }
}

const carried: ReadonlyArray<readonly [object, FrameToBoard]> = [
  [
    { _tag: "ValueGet", program: "motor", ids: [257] },
    { type: "value-get", req: 1, program: "motor", ids: [257] }
  ],
  [
    { _tag: "ValueSet", program: "motor", id: "rpm", value: 12.5, level: 2 },
    { type: "value-set", req: 1, program: "motor", id: "rpm", value: 12.5, level: 2 }
  ],
  [
    { _tag: "ValueWatch", program: "motor", id: "rpm", on: true, epsilon: 0.5, rateMillis: 100 },
    { type: "value-watch", req: 1, program: "motor", id: "rpm", on: true, epsilon: 0.5, rate: 100 }
  ],
  [
    { _tag: "MailSend", program: "motor", target: "app:log", data: "aGk=", channel: 7 },
    { type: "mail-send", req: 1, program: "motor", target: "app:log", data: new Uint8Array([104, 105]), channel: 7 }
  ],
  [
    { _tag: "MailTap", program: "motor", target: "app:log", on: true, ratePerSecond: 20 },
    { type: "mail-tap", req: 1, program: "motor", target: "app:log", on: true, rate: 20 }
  ],
  [
    { _tag: "ImageOp", act: "slots" },
    { type: "image-op", req: 1, op: 7 }
  ]
]

describe("a request of another actor", () => {
  it("goes to the board with a number, and its answer to the asker, once", () => {
    const bench = new Bench().ready()
    ask(bench, "k-1")
    assert.deepStrictEqual(bench.frames, [{ type: "program-ctl", req: 1, op: 1, program: "motor" }])
    bench.up({ type: "answer", seq: 0, req: 1, code: 0, value: true })
    bench.up({ type: "answer", seq: 0, req: 1, code: 0, value: true })
    assert.deepStrictEqual(answers(bench), [
      ["program/press-1:motor", "BoardAnswered", { key: "k-1", code: 0, value: true }]
    ])
  })

  it("is answered in the chain in which it was asked for, by the board or by a timer", () => {
    const bench = new Bench().ready()
    const [answered, overdue] = [bench.id(), bench.id()]
    bench.ask("AskBoard", { asker, key: "k-1", request: start, lifeMillis: 60_000 }, answered)
    bench.up({ type: "answer", seq: 0, req: 1, code: 0 })
    bench.ask("AskBoard", { asker, key: "k-2", request: start, lifeMillis: 3000 }, overdue)
    heartbeats(bench, 5)
    assert.deepStrictEqual(
      bench.tells.map(({ because }) => because),
      [answered, overdue].map((id) => ({ causes: [id], root: id }))
    )
  })

  it("to be told of a value or a mailbox is made again to a board that was restarted, and survives its node", () => {
    const bench = new Bench().ready({ requests: 8 })
    const watch = { _tag: "ValueWatch", program: "motor", id: "rpm", on: true, epsilon: 0.5 }
    const tap = { _tag: "MailTap", program: "motor", target: "app:log", on: true }
    const answerAll = (code: number, seq = 0): void => {
      for (const { req } of [...bench.state.work.errands.values()]) bench.up({ type: "answer", seq, req, code })
    }
    ask(bench, "k-1", watch)
    ask(bench, "k-2", { ...watch, id: "load" })
    ask(bench, "k-3", { ...watch, id: "refused" })
    ask(bench, "k-4", tap)
    for (const { key, req } of [...bench.state.work.errands.values()])
      bench.up({ type: "answer", seq: 0, req, code: key === "k-3" ? codes.EPERM : 0 })
    ask(bench, "k-5", { ...watch, id: "load", on: false })
    answerAll(0)
    bench.failOver()
    bench.clear()
    bench.attach({ requests: 8, link: 2 })
    bench.advance(50)
    assert.deepStrictEqual([bench.sent("value-watch"), bench.sent("mail-tap")], [[], []], "the same boot knows them")
    bench.attach({ requests: 8, boot: 8 })
    bench.advance(50)
    const again = [...bench.sent("value-watch"), ...bench.sent("mail-tap")]
    assert.deepStrictEqual(
      again.map((frame) => (frame.type === "value-watch" ? [frame.id, frame.on, frame.epsilon] : [frame.type])),
      [["rpm", true, 0.5], ["mail-tap"]]
    )
    answerAll(codes.ESRCH)
    bench.attach({ requests: 8, boot: 9 })
    bench.advance(50)
    assert.deepStrictEqual([bench.sent("value-watch"), bench.sent("mail-tap")], [[], []], "the program is gone")
  })

  it("speaks of a transfer only in the name of its session", () => {
    const bench = new Bench().ready()
    bench.ask("OpenTransfer", { session: "s-1", sha256: "ab".repeat(32), size: 10, kind: "hxe", flags: 0 })
    bench.clear()
    ask(bench, "rollback", { _tag: "ImageOp", act: "rollback" })
    bench.ask("AskBoard", {
      asker: { kind: "session", id: "s-1" },
      key: "verify",
      request: { _tag: "ImageOp", act: "verify" },
      lifeMillis: 60_000
    })
    assert.deepStrictEqual(
      bench.sent("image-op").map((frame) => (frame.type === "image-op" ? [frame.op, frame.xfer] : [])),
      [
        [4, undefined],
        [1, 1]
      ]
    )
  })

  it("is answered at once for a board that was turned away", () => {
    const bench = new Bench().ready()
    bench.ask("Retire")
    ask(bench, "k-1")
    assert.deepStrictEqual(
      answers(bench).map(([, , payload]) => Object(payload).code),
      [codes.Retired]
    )
    assert.strictEqual(bench.state.work.errands.size, 0)
  })

  it("is joined by its copy", () => {
    const bench = new Bench().ready()
    ask(bench, "k-1")
    ask(bench, "k-1")
    assert.strictEqual(bench.sent("program-ctl").length, 1)
  })

  it("waits for an absent board, and survives its node", () => {
    const bench = new Bench().ready()
    bench.ask("Lost", { node: "a-1", connection: 1, reason: 4 })
    ask(bench, "k-1")
    bench.failOver()
    assert.deepStrictEqual(bench.frames, [])
    bench.attach({ link: 2 })
    bench.advance(50)
    assert.strictEqual(bench.sent("program-ctl").length, 1)
  })

  it("goes out again while it is unanswered, ever more rarely, and ends when its time is over", () => {
    const bench = new Bench().ready()
    ask(bench, "k-1", start, 40_000)
    heartbeats(bench, 39)
    assert.strictEqual(bench.sent("program-ctl").length, 4)
    heartbeats(bench, 2)
    assert.deepStrictEqual(
      answers(bench).map(([, , payload]) => [Object(payload).key, Object(payload).code]),
      [["k-1", codes.ETIMEDOUT]]
    )
    heartbeats(bench, 60)
    assert.deepStrictEqual(bench.sent("program-ctl"), [])
  })

  it("goes out after the ones before it, as many at a time as the board takes", () => {
    const bench = new Bench().ready({ requests: 2 })
    for (const key of ["a", "b", "c"]) ask(bench, key)
    assert.strictEqual(bench.sent("program-ctl").length, 2)
    bench.up({ type: "answer", seq: 0, req: 1, code: 0 })
    assert.deepStrictEqual(
      bench.sent("program-ctl").map((frame) => (frame.type === "program-ctl" ? frame.req : 0)),
      [3]
    )
  })

  it("is refused when too many wait", () => {
    const bench = new Bench().ready()
    for (let at = 0; at <= 64; at++) ask(bench, `k-${at}`)
    assert.deepStrictEqual(
      answers(bench).map(([, , payload]) => [Object(payload).key, Object(payload).code]),
      [["k-64", codes.EAGAIN]]
    )
  })

  it("ends by an error of the board that names it", () => {
    const bench = new Bench().ready()
    ask(bench, "k-1")
    bench.up({ type: "error", seq: 2, code: codes.ENOTSUP, req: 1 })
    assert.deepStrictEqual(
      answers(bench).map(([, , payload]) => Object(payload).code),
      [codes.ENOTSUP]
    )
  })

  it("ends when the device is retired", () => {
    const bench = new Bench().ready()
    ask(bench, "k-1")
    bench.ask("Retire")
    assert.deepStrictEqual(
      answers(bench).map(([, , payload]) => Object(payload).code),
      [codes.Retired]
    )
  })

  it.each(carried)("carries %o", (request, frame) => {
    const bench = new Bench().ready()
    ask(bench, "k", request)
    assert.deepStrictEqual(bench.frames, [frame])
  })
})

describe("programs of a board", () => {
  const status = (bench: Bench, seq: number, programs: ReadonlyArray<object>, all = false): void => {
    bench.up({ type: "program-status", seq, programs, ...(all ? { all } : {}) })
  }
  const list = (bench: Bench) => Object(bench.ask("GetPrograms")).programs

  it("are known to the device, and each one's actor hears its news", () => {
    const bench = new Bench().ready()
    status(bench, 2, [{ name: "motor", state: 4, pid: 1, cpu: 0.5 }])
    assert.deepStrictEqual(list(bench), [{ name: "motor", state: "running", pid: 1, cpu: 0.5 }])
    assert.deepStrictEqual(
      answers(bench).map(([to, message, payload]) => [to, message, Object(payload).report.state]),
      [["program/press-1:motor", "Reported", "running"]]
    )
    bench.clear()
    status(bench, 3, [{ name: "motor", state: 4, pid: 1, cpu: 0.9 }])
    assert.deepStrictEqual(bench.tells, [], "a figure of load is no news")
    status(bench, 4, [{ name: "motor", state: 9, code: 220, pid: 1 }])
    assert.strictEqual(bench.tells.length, 1)
  })

  it("are gone when a complete list leaves them out", () => {
    const bench = new Bench().ready()
    status(bench, 2, [
      { name: "motor", state: 4 },
      { name: "lamp", state: 4 }
    ])
    bench.clear()
    status(bench, 3, [{ name: "lamp", state: 4 }], true)
    assert.deepStrictEqual(
      list(bench).map(({ name }: { name: string }) => name),
      ["lamp"]
    )
    assert.deepStrictEqual(
      answers(bench).map(([to, , payload]) => [to, Object(payload).report.state]),
      [["program/press-1:motor", "absent"]]
    )
  })

  const talk = (bench: Bench, program: string): void => {
    bench.up({ type: "log", seq: 0, level: 2, text: "ready", program })
    bench.up({ type: "value", seq: 0, program, values: [{ id: 257, value: 3, at: 0 }] })
    bench.up({ type: "mail", seq: 0, program, target: "app:log", data: new Uint8Array([104, 105]) })
  }

  it("make no actor that the board has not told of, or has made up", () => {
    const bench = new Bench().ready()
    talk(bench, "ghost")
    status(bench, 2, [
      { name: "x".repeat(32), state: 4 },
      { name: "gone", state: 0 }
    ])
    assert.deepStrictEqual(bench.tells, [])
    assert.strictEqual(bench.types().filter((type) => type === "board.log").length, 1)
    for (let at = 0; at < 100; at++) status(bench, 3 + at, [{ name: `made-${at}`, state: 4 }])
    assert.strictEqual(bench.tells.length, 64)
    assert.strictEqual(list(bench).length, 64)
  })

  it("do not fill the device's row while their actor does not answer", () => {
    const bench = new Bench().ready()
    status(bench, 2, [{ name: "motor", state: 4 }])
    bench.clear()
    bench.tellCount = 64
    talk(bench, "motor")
    assert.deepStrictEqual(bench.tells, [])
    bench.tellCount = 192
    status(bench, 3, [{ name: "motor", state: 9, code: 220 }])
    assert.deepStrictEqual(bench.tells, [])
    bench.tellCount = 0
    status(bench, 4, [{ name: "motor", state: 9, code: 220 }], true)
    assert.deepStrictEqual(
      answers(bench).map(([, message, payload]) => [message, Object(payload).report.state]),
      [["Reported", "failed"]]
    )
  })

  it("have their lines, values and mail handed on", () => {
    const bench = new Bench().ready()
    status(bench, 2, [{ name: "motor", state: 4 }])
    bench.clear()
    talk(bench, "motor")
    assert.deepStrictEqual(
      answers(bench).map(([, message, payload]) => [message, Object(payload).text ?? Object(payload).data ?? 0]),
      [
        ["Printed", "ready"],
        ["ValuesTold", 0],
        ["MailTold", "aGk="]
      ]
    )
  })
})
