import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { program } from "../../../src/actors/program/Program.ts"
import { codes } from "../../../src/protocol/Codes.ts"
import { Program, programOf } from "../../../src/protocol/Program.ts"
import { ProgramRig } from "./ProgramRig.ts"

const running = { name: "motor", state: "running", pid: 1 }

describe("a program", () => {
  it("keeps the newest lines and messages, and no more than are cheap to write", () => {
    const rig = new ProgramRig()
    for (let at = 1; at <= 20; at++) rig.ask("Printed", { text: `${at}`.padEnd(1000), at })
    for (let at = 1; at <= 20; at++) rig.ask("MailTold", { target: "app:log", data: "a".repeat(8000), at })
    const { lines, mail } = rig.view()
    assert.deepStrictEqual(
      lines.map(({ at }) => at),
      [13, 14, 15, 16, 17, 18, 19, 20]
    )
    assert.deepStrictEqual(
      mail.map(({ at }) => at),
      [17, 18, 19, 20]
    )
    rig.ask("Printed", { text: "x".repeat(9000), at: 21 })
    assert.deepStrictEqual(
      rig.view().lines.map(({ at }) => at),
      [21]
    )
  })

  it("gives up an order of which its device never says anything", () => {
    const rig = new ProgramRig()
    rig.ask("Reported", { report: running, at: 5 })
    rig.ask("Control", { act: "stop" }, "r-1")
    rig.now += 90_000
    assert.strictEqual(program.reactions.dueAt?.(rig.state), rig.now)
    rig.wake()
    assert.deepStrictEqual(
      rig.view().orders.map(({ state, code }) => [state, code]),
      [["done", codes.ETIMEDOUT]]
    )
    assert.isUndefined(program.reactions.dueAt?.(rig.state))
  })

  it("has its board and its name in its id, whatever the name", () => {
    assert.deepStrictEqual(programOf("press-1:motor:2"), { device: "press-1", name: "motor:2" })
  })

  it("shows what its board told last, and puts each change of state on the event stream", () => {
    const rig = new ProgramRig()
    rig.ask("Reported", { report: running, at: 5 })
    rig.ask("Reported", { report: { ...running, cpu: 0.5 }, at: 6 })
    rig.ask("Reported", { report: { ...running, state: "failed", code: codes.Trap, restarts: 3 }, at: 7 })
    assert.deepStrictEqual([rig.view().report.state, rig.view().since], ["failed", 7])
    assert.deepStrictEqual(
      rig.events.map(({ type, severity, data }) => [type, severity, Object(data).from, Object(data).to]),
      [
        ["program.changed", "info", "absent", "running"],
        ["program.changed", "error", "running", "failed"]
      ]
    )
    for (const { data } of rig.events) assert.isTrue(Schema.is(Program.events["program.changed"])(data))
  })

  it("keeps its image in the store for as long as its board has it", () => {
    const rig = new ProgramRig()
    const [first, second] = ["ab".repeat(32), "cd".repeat(32)]
    const orders = () => rig.effects.splice(0).map(({ name, id }) => `${name} ${id.slice(0, 2)}`)
    rig.ask("Reported", { report: { ...running, sha256: first }, at: 1 })
    assert.deepStrictEqual(orders(), ["use ab"])
    rig.complete("use", first, "unavailable")
    rig.wake()
    assert.deepStrictEqual(orders(), ["use ab"])
    rig.complete("use", first, "used")
    rig.ask("Reported", { report: { ...running, sha256: second }, at: 2 })
    rig.complete("use", second, "used")
    assert.deepStrictEqual(orders(), ["use cd", "release ab"])
    rig.ask("Reported", { report: { name: "motor", state: "absent" }, at: 3 })
    rig.complete("release", second, "released")
    assert.deepStrictEqual([orders(), rig.view().holds], [["release cd"], undefined])
  })

  it("passes an order to its board once, and answers how it ended", () => {
    const rig = new ProgramRig()
    rig.ask("Control", { act: "restart" }, "r-7")
    rig.ask("Control", { act: "restart" }, "r-7")
    assert.deepStrictEqual(
      rig.tells.map(({ to, message, payload }) => [to.id, message, Object(payload).request, Object(payload).key]),
      [["press-1", "AskBoard", { _tag: "ProgramControl", program: "motor", act: "restart" }, "r-7"]]
    )
    rig.ask("BoardAnswered", { key: "r-7", code: codes.EBUSY, detail: "still stopping" })
    rig.ask("BoardAnswered", { key: "r-7", code: 0 })
    const order = Object(rig.ask("GetOrder", { id: "r-7" }))
    assert.deepStrictEqual(
      [order.what, order.state, order.code, order.detail],
      ["restart", "done", codes.EBUSY, "still stopping"]
    )
  })

  it("refuses an order when too many are open, and forgets the oldest ends", () => {
    const rig = new ProgramRig()
    for (let at = 0; at < 32; at++) rig.ask("SetValue", { id: 257, value: at }, `r-${at}`)
    assert.strictEqual(Object(rig.ask("SetValue", { id: 257, value: 1 }, "r-32"))._tag, "Backpressure")
    for (let at = 0; at < 100; at++) {
      rig.ask("BoardAnswered", { key: `r-${at}`, code: 0 })
      rig.ask("SetValue", { id: 257, value: at }, `r-${at + 32}`)
    }
    assert.isAtMost(rig.view().orders.length, 32 + 50 + 1)
    assert.strictEqual(Object(rig.ask("GetOrder", { id: "r-0" }))._tag, "NotFound")
  })

  it("keeps the newest lines, messages and values", () => {
    const rig = new ProgramRig()
    for (let at = 0; at < 150; at++) rig.ask("Printed", { text: `line ${at}`, at })
    for (let at = 0; at < 60; at++) rig.ask("MailTold", { target: "app:log", data: "aGk=", at })
    rig.ask("ValuesTold", { values: [{ id: "rpm", value: 1, at: 1 }] })
    rig.ask("ValuesTold", { values: [{ id: "rpm", value: 2, at: 2 }] })
    const { lines, mail, values } = rig.view()
    assert.deepStrictEqual([lines.length, lines[0]?.text, mail.length], [100, "line 50", 50])
    assert.deepStrictEqual(values, [{ id: "rpm", value: 2, at: 2 }])
    assert.strictEqual(rig.samples.length, 2)
  })
})
