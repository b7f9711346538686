import { assert, describe, it } from "@effect/vitest"
import { codes } from "../../../src/protocol/Codes.ts"
import { type RolloutRig, sha256, start, started } from "./RolloutRig.ts"

const busy = (rig: RolloutRig, id: string): void =>
  rig.ended(id, { state: "failed", code: codes.EBUSY, detail: "session x is bringing an image", isTransient: true })
const failedBefore = { sha256, at: start, code: codes.Trap }
const known = (rig: RolloutRig, id: string): void =>
  rig.ended(id, { state: "failed", code: codes.EPERM, detail: "it failed it before", bytes: 0, failedBefore })
const sent = (rig: RolloutRig) =>
  rig.tells
    .splice(0)
    .flatMap(({ message, payload }) =>
      message === "Provision" ? [[Object(payload).device, Object(payload).again]] : []
    )

describe("a board that another session keeps busy", () => {
  it("counts for nothing, is tried again after a while, and is good in the end", () => {
    const rig = started(2)
    rig.begun()
    busy(rig, "board-0")
    const { step, code, busy: tries } = rig.board("board-0")
    assert.deepStrictEqual([step, code, tries, rig.begun()], ["waiting", codes.EBUSY, 1, []])
    assert.strictEqual(rig.due(), start + 5000)
    rig.untilDue()
    assert.deepStrictEqual(rig.begun(), ["board-0"])
    assert.isUndefined(rig.board("board-0").code)
    rig.good("board-0")
    assert.deepStrictEqual([rig.board("board-0").attempts, rig.begun()], [2, ["board-1"]])
  })

  it("is left for later when it is busy again and again, and no failure then", () => {
    const rig = started(2)
    let tries = 0
    while (rig.board("board-0").step === "provisioning") {
      tries++
      busy(rig, "board-0")
      if (rig.board("board-0").step === "waiting") rig.untilDue()
    }
    assert.strictEqual(rig.board("board-0").step, "away")
    assert.strictEqual(tries, 21)
    assert.isBelow(rig.now, start + 30 * 60_000)
    assert.strictEqual(rig.view().state, "running")
    rig.good("board-1")
    assert.strictEqual(rig.view().state, "succeeded")
  })

  it("lets the others of its wave go on meanwhile", () => {
    const rig = started(3, { canary: 3, parallel: 1 })
    rig.begun()
    busy(rig, "board-0")
    assert.deepStrictEqual(rig.begun(), ["board-1"])
    rig.untilDue()
    assert.deepStrictEqual([rig.begun(), rig.due() === start + 5000], [[], false])
    rig.good("board-1")
    assert.deepStrictEqual(rig.begun(), ["board-0"])
  })

  it("is not tried while the rollout is paused, nor after its end", () => {
    const rig = started(1)
    rig.ask("Pause")
    rig.begun()
    busy(rig, "board-0")
    const late = (rig.due() ?? Infinity) > start + 60_000
    rig.now += 60_000
    rig.ask("Resume")
    assert.deepStrictEqual([late, rig.begun()], [true, ["board-0"]])
    rig.ask("Cancel")
    busy(rig, "board-0")
    assert.strictEqual(rig.board("board-0").step, "cancelled")
  })

  it("was restarted before it installed the image: it is tried again, too", () => {
    const rig = started(1)
    rig.begun()
    rig.ended("board-0", { state: "ready", installed: "staged", code: codes.ESRCH, isTransient: true })
    rig.untilDue()
    assert.deepStrictEqual(rig.begun(), ["board-0"])
  })
})

describe("a board that failed the image before", () => {
  it("is sent nothing, fails no wave, and is counted and named as such", () => {
    const rig = started(3)
    known(rig, "board-0")
    assert.deepStrictEqual([rig.board("board-0").step, rig.board("board-0").code], ["failed-before", codes.Trap])
    rig.good("board-1")
    rig.good("board-2")
    assert.deepStrictEqual(
      [rig.view().state, rig.view().reason],
      ["succeeded", "2 of 3 boards are good, 1 failed before; retry takes up those that failed or were away"]
    )
    assert.strictEqual(Object(rig.events.at(-1)?.data).failedBefore, 1)
  })

  it("is sent the image when the rollout was started so", () => {
    assert.deepStrictEqual(
      [sent(started(1)), sent(started(1, {}, { again: true }))],
      [[["board-0", undefined]], [["board-0", true]]]
    )
  })

  it("is sent it by a retry, as one that failed in this rollout is; one that was away is not", () => {
    const rig = started(3, { canary: 3, parallel: 3, errorShare: 0.5, successShare: 0 })
    known(rig, "board-0")
    rig.ended("board-1", { state: "ready", installed: "rolled-back", code: codes.Trap })
    rig.ended("board-2", { state: "failed", code: codes.ETIMEDOUT, bytes: 0 })
    sent(rig)
    rig.ask("Retry")
    assert.deepStrictEqual(sent(rig), [
      ["board-0", true],
      ["board-1", true],
      ["board-2", undefined]
    ])
  })
})
