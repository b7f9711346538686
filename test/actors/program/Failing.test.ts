import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { program } from "../../../src/actors/program/Program.ts"
import { codes } from "../../../src/protocol/Codes.ts"
import { Device } from "../../../src/protocol/Device.ts"
import { ProgramRig } from "./ProgramRig.ts"

const sha256 = "ab".repeat(32)
const running = { name: "motor", state: "running", pid: 1, restarts: 0, sha256, version: "1.0.0" }
const failed = { ...running, state: "failed", code: codes.Trap, detail: "illegal instruction" }
/** But for what is asked of its board. */
const told = (rig: ProgramRig) =>
  rig.tells
    .splice(0)
    .filter(({ message }) => message !== "AskBoard")
    .map(({ to, message, payload }) => [`${to.kind}/${to.id}`, message, payload] as const)
const tags = (rig: ProgramRig) => told(rig).map(([, message]) => message)
const due = (rig: ProgramRig): number | undefined => program.reactions.dueAt?.(rig.state)
/** Its image is in the store: no due but that of the failure. */
const begun = (): ProgramRig => {
  const rig = new ProgramRig()
  rig.ask("Reported", { report: running, at: 1 })
  rig.complete("use", sha256, "used")
  return rig
}
const advance = (rig: ProgramRig, millis: number): void => {
  const until = rig.now + millis
  for (let at = due(rig); at !== undefined && at <= until; at = due(rig)) {
    rig.now = Math.max(rig.now, at)
    rig.wake()
  }
  rig.now = until
}

describe("a program that fails", () => {
  it("and is not started again is told to its device, once, with what is known of it", () => {
    const rig = begun()
    rig.ask("Reported", { report: failed, at: 7 })
    advance(rig, 4999)
    assert.deepStrictEqual(told(rig), [])
    advance(rig, 1)
    const { name: _, pid: __, ...facts } = failed
    const payload = { program: "motor", since: 7, ...facts }
    assert.deepStrictEqual(told(rig), [["device/press-1", "ProgramFailing", payload]])
    assert.isTrue(Schema.is(Device.messages.ProgramFailing.payload)(payload))
    rig.ask("Reported", { report: { ...failed, pid: 2 }, at: 9 })
    advance(rig, 600_000)
    assert.deepStrictEqual(told(rig), [])
    assert.isUndefined(due(rig))
  })

  it("is the affair of its board while that starts it again, and of its device once the restarts are used up", () => {
    const rig = begun()
    for (let restarts = 1; restarts <= 3; restarts++) {
      rig.ask("Reported", { report: { ...failed, restarts }, at: restarts })
      advance(rig, 60_000)
      rig.ask("Reported", { report: { ...running, restarts }, at: restarts })
    }
    assert.deepStrictEqual(told(rig), [])
    rig.ask("Reported", { report: { ...failed, restarts: 3 }, at: 9 })
    advance(rig, 5000)
    assert.deepStrictEqual(
      told(rig).map(([, message, payload]) => [message, Object(payload).restarts]),
      [["ProgramFailing", 3]]
    )
  })

  it("so fast that its board never tells of it running is told as well", () => {
    const rig = begun()
    for (const [restarts, pid] of [
      [1, 1],
      [2, 2],
      [2, 3]
    ] as const)
      rig.ask("Reported", { report: { ...failed, restarts, pid }, at: 5 })
    advance(rig, 5000)
    assert.deepStrictEqual(tags(rig), ["ProgramFailing"])
  })

  it("and never comes back though its board said it would is told too", () => {
    const rig = begun()
    rig.ask("Reported", { report: { ...failed, restarts: 1 }, at: 5 })
    advance(rig, 119_999)
    assert.deepStrictEqual(told(rig), [])
    advance(rig, 1)
    assert.deepStrictEqual(tags(rig), ["ProgramFailing"])
  })

  it.each([
    ["runs again", running],
    ["is stopped", { ...running, state: "stopped" }],
    ["is gone", { name: "motor", state: "absent" }]
  ])("and then %s is said to be over, and its next failure is another one", (_what, over) => {
    const rig = begun()
    rig.ask("Reported", { report: failed, at: 7 })
    advance(rig, 5000)
    told(rig)
    rig.ask("Reported", { report: over, at: 8 })
    rig.ask("Reported", { report: over, at: 9 })
    assert.deepStrictEqual(told(rig), [["device/press-1", "ProgramRecovered", { program: "motor", since: 7 }]])
    rig.ask("Reported", { report: failed, at: 10 })
    advance(rig, 5000)
    assert.deepStrictEqual(
      told(rig).map(([, message, payload]) => [message, Object(payload).since]),
      [["ProgramFailing", 10]]
    )
  })

  it("with another image has failed anew", () => {
    const rig = begun()
    rig.ask("Reported", { report: failed, at: 7 })
    advance(rig, 5000)
    told(rig)
    rig.ask("Reported", { report: { ...failed, sha256: "cd".repeat(32) }, at: 8 })
    advance(rig, 5000)
    assert.deepStrictEqual(tags(rig), ["ProgramRecovered", "ProgramFailing"])
  })

  it("and is taken back for the one before is nobody's affair", () => {
    const rig = begun()
    rig.ask("Reported", { report: failed, at: 7 })
    rig.ask("Reported", { report: { ...failed, state: "rolled-back" }, at: 8 })
    rig.ask("Reported", { report: { ...running, sha256: "cd".repeat(32) }, at: 9 })
    advance(rig, 1000)
    assert.deepStrictEqual(
      [told(rig), program.reactions.supervisor?.("press-1:motor")],
      [[], { kind: "device", id: "press-1" }]
    )
  })
})
