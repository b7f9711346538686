import { assert, describe, it } from "@effect/vitest"
import { codes } from "../../../src/protocol/Codes.ts"
import { ProgramRig } from "./ProgramRig.ts"

const [first, second] = ["ab".repeat(32), "cd".repeat(32)]
const running = { name: "motor", state: "running", pid: 1, sha256: first }
const lamp = { number: 257, name: "lamp", group: "blink", level: 0, flags: 16 }
const reset = { number: 257, name: "reset", help: "starts counting again", level: 1, flags: 0 }
const offers = { values: [lamp], commands: [reset], mailboxes: [{ name: "app:log", capacity: 96, mode: 27 }] }

/** Keys of the requests so far. */
const asked = (rig: ProgramRig) =>
  rig.tells
    .filter(({ payload }) => Object(payload).request?._tag === "ProgramDescribe")
    .map(({ payload }) => String(Object(payload).key))

const keyOf = (sha256: string) => `offers:${sha256}`

describe("what a program offers", () => {
  it("is asked of its board once for each image, and shown", () => {
    const rig = new ProgramRig()
    rig.ask("Reported", { report: running, at: 1 })
    rig.ask("Reported", { report: { ...running, state: "waiting" }, at: 2 })
    assert.deepStrictEqual(asked(rig), [keyOf(first)])
    rig.ask("BoardAnswered", { key: keyOf(first), code: codes.ok, value: offers })
    assert.deepStrictEqual(rig.view().offers, offers)
    rig.ask("Reported", { report: { ...running, pid: 2, sha256: second }, at: 3 })
    assert.deepStrictEqual(asked(rig), [keyOf(first), keyOf(second)])
    assert.isUndefined(rig.view().offers)
    // Late, and of the image before.
    rig.ask("BoardAnswered", { key: keyOf(first), code: codes.ok, value: offers })
    assert.isUndefined(rig.view().offers)
  })

  it("is not asked while the program is not on its board, and forgotten when it has gone", () => {
    const rig = new ProgramRig()
    rig.ask("Reported", { report: { name: "motor", state: "stopped", sha256: first }, at: 1 })
    assert.deepStrictEqual(asked(rig), [])
    rig.ask("Reported", { report: running, at: 2 })
    rig.ask("BoardAnswered", { key: keyOf(first), code: codes.ok, value: offers })
    rig.ask("Reported", { report: { name: "motor", state: "stopped", sha256: first }, at: 3 })
    assert.deepStrictEqual(rig.view().offers, offers)
    rig.ask("Reported", { report: { name: "motor", state: "absent" }, at: 4 })
    assert.isUndefined(rig.view().offers)
  })

  it("is asked again when the board did not answer, and not when it cannot", () => {
    const rig = new ProgramRig()
    rig.ask("Reported", { report: running, at: 1 })
    rig.ask("BoardAnswered", { key: keyOf(first), code: codes.ETIMEDOUT })
    rig.ask("Reported", { report: running, at: 2 })
    assert.lengthOf(asked(rig), 2)
    rig.ask("BoardAnswered", { key: keyOf(first), code: codes.EINVAL })
    rig.ask("Reported", { report: running, at: 3 })
    assert.lengthOf(asked(rig), 2)
    assert.deepStrictEqual([rig.view().offers, rig.view().orders], [undefined, []])
  })

  it("is no more than is cheap to write, and nothing that has another shape", () => {
    const rig = new ProgramRig()
    rig.ask("Reported", { report: running, at: 1 })
    rig.ask("BoardAnswered", { key: keyOf(first), code: codes.ok, value: { values: "many" } })
    assert.isUndefined(rig.view().offers)
    const many = Array.from({ length: 256 }, (_, index) => ({ ...reset, number: index, help: "x".repeat(200) }))
    rig.ask("BoardAnswered", { key: keyOf(first), code: codes.ok, value: { ...offers, commands: many } })
    const kept = rig.view().offers
    assert.deepStrictEqual(kept?.values, [lamp])
    assert.isAtLeast(kept?.commands.length ?? 0, 200)
    assert.isAtMost(JSON.stringify(kept).length, 17_000)
    assert.notProperty(kept?.commands[0], "help")
  })
})
