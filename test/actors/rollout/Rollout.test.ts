import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { rollout } from "../../../src/actors/rollout/Rollout.ts"
import { cut, verdictOf } from "../../../src/actors/rollout/Waves.ts"
import { codes } from "../../../src/protocol/Codes.ts"
import { Rollout, type RolloutBoard } from "../../../src/protocol/Rollout.ts"
import { encodeStored } from "../../../src/protocol/Stored.ts"
import { cutOf, fleet, RolloutRig, rules, sha256, start, started } from "./RolloutRig.ts"

const { storage } = rollout.reactions

describe("a rollout", () => {
  it("begins with a canary, then goes on wave by wave, some boards at a time", () => {
    const rig = started(5)
    assert.deepStrictEqual(rig.begun(), ["board-0"])
    rig.ended("board-0")
    assert.deepStrictEqual([rig.begun(), rig.board("board-0").step], [[], "observing"])
    rig.observed("board-0")
    assert.deepStrictEqual(rig.begun(), ["board-1", "board-2"])
    rig.good("board-2")
    assert.deepStrictEqual(rig.begun(), ["board-3"])
    rig.good("board-1")
    rig.good("board-3")
    assert.deepStrictEqual(rig.begun(), ["board-4"])
    rig.good("board-4")
    assert.deepStrictEqual([rig.view().state, rig.view().reason], ["succeeded", "all boards are good"])
  })

  it("emits facts that its contract declares", () => {
    const rig = started(2, { needsApproval: true })
    rig.ask("Pause")
    rig.ask("Resume")
    rig.good("board-0")
    rig.ask("Approve")
    rig.ended("board-1", { state: "failed", code: codes.ENOTSUP, detail: "no room" })
    const schemas = new Map<string, Schema.Codec<unknown>>(Object.entries(Rollout.events))
    for (const { type, data } of rig.events) {
      const schema = schemas.get(type)
      assert.isTrue(schema !== undefined && Schema.is(schema)(data), `${type} ${JSON.stringify(data)}`)
    }
    assert.deepStrictEqual(
      new Set(rig.events.map(({ type }) => type)),
      new Set(Object.keys(Rollout.events)),
      "all of them have had their turn"
    )
  })

  it("judges by the health after the change, not by the installation", () => {
    const rig = started(3)
    rig.ended("board-0")
    rig.observed("board-0", codes.Trap)
    assert.deepStrictEqual([rig.view().state, rig.board("board-0").code], ["stopped", codes.Trap])
    assert.deepStrictEqual(rig.begun(), ["board-0"])
  })

  it("stops a wave that fails, takes it back, and leaves earlier waves as they are", () => {
    const rig = started(4)
    rig.good("board-0")
    rig.good("board-1")
    rig.tells = []
    rig.ended("board-2", { state: "failed", code: codes.ENOSPC, detail: "no room" })
    assert.strictEqual(rig.view().state, "stopped")
    assert.deepStrictEqual(
      rig.tells.map(({ to, message, payload }) => [to.id, message, Object(payload).request?.act]),
      [
        ["board-1", "AskBoard", "rollback"],
        ["r-1.board-3.1", "Abort", undefined]
      ]
    )
    rig.ask("BoardAnswered", { key: "rollback board-1", code: 0 })
    rig.ended("board-3", { state: "idle", code: codes.ECANCELED })
    assert.deepStrictEqual(
      rig.view().boards.map(({ step }) => step),
      ["good", "rolled-back", "failed", "cancelled"]
    )
    assert.strictEqual(
      rig.view().reason,
      "more boards of wave 2 failed than may, and the wave goes back to what it had"
    )
  })

  it("takes a board back that had the image when its wave failed", () => {
    const rig = started(3)
    rig.good("board-0")
    rig.ended("board-1", { state: "failed", code: codes.ENOSPC })
    rig.tells = []
    rig.ended("board-2")
    assert.deepStrictEqual(
      rig.tells.map(({ to, payload }) => [to.id, Object(payload).request?.act]),
      [["board-2", "rollback"]]
    )
    rig.ask("BoardAnswered", { key: "rollback board-2", code: codes.ETIMEDOUT, detail: "no answer" })
    assert.deepStrictEqual([rig.board("board-2").step, rig.board("board-2").detail], ["failed", "no answer"])
  })

  it("bears as many failures as its rules allow", () => {
    const rig = started(4, { errorShare: 0.34, successShare: 0.6 })
    rig.good("board-0")
    rig.ended("board-1", { state: "failed", code: codes.ENOSPC })
    assert.strictEqual(rig.view().state, "running")
    rig.good("board-2")
    rig.good("board-3")
    assert.strictEqual(rig.view().state, "succeeded")
  })

  it("takes a board that is away for no failure, and takes it up again when told to", () => {
    const rig = started(2)
    rig.ended("board-0", { state: "failed", code: codes.ETIMEDOUT, bytes: 0 })
    assert.strictEqual(rig.board("board-0").step, "away")
    rig.good("board-1")
    assert.strictEqual(rig.view().state, "succeeded")
    rig.begun()
    rig.ask("Retry")
    assert.deepStrictEqual([rig.begun(), rig.view().state], [["board-0"], "running"])
    rig.good("board-0")
    assert.deepStrictEqual([rig.view().state, rig.board("board-0").attempts], ["succeeded", 2])
  })

  it("takes a board that went away in the middle for away, and one that fell silent with the image for a failure", () => {
    const rig = started(2)
    rig.ended("board-0", { state: "failed", code: codes.ETIMEDOUT, bytes: 5 })
    assert.strictEqual(rig.board("board-0").step, "away")
    rig.ended("board-1", { state: "ready", installed: "trial", code: codes.ETIMEDOUT })
    assert.strictEqual(rig.board("board-1").step, "failed")
  })

  it("does not send a board an image again that it failed, until somebody says so", () => {
    const rig = started(2)
    rig.ended("board-0", { state: "failed", code: codes.EBADMSG })
    rig.begun()
    for (const message of ["Pause", "Resume", "Approve", "Start"])
      assert.strictEqual(
        Object(rig.ask(message, message === "Start" ? { sha256, devices: fleet(1) } : {}))._tag,
        "InvalidTransition"
      )
    assert.deepStrictEqual(rig.begun(), [])
    rig.ask("Retry")
    assert.deepStrictEqual(rig.begun(), ["board-0"])
  })

  it("begins nothing while it is paused, and takes note of what ends", () => {
    const rig = started(3)
    rig.begun()
    rig.ask("Pause")
    rig.good("board-0")
    assert.deepStrictEqual([rig.begun(), rig.board("board-0").step], [[], "good"])
    rig.ask("Resume")
    assert.deepStrictEqual(rig.begun(), ["board-1", "board-2"])
  })

  it("waits for a person between waves", () => {
    const rig = started(2, { needsApproval: true })
    rig.begun()
    rig.good("board-0")
    assert.deepStrictEqual([rig.view().state, rig.begun()], ["awaiting", []])
    rig.ask("Approve")
    assert.deepStrictEqual(rig.begun(), ["board-1"])
  })

  it("ends by itself when it is cancelled: sessions are aborted, good boards keep the image", () => {
    const rig = started(5)
    rig.good("board-0")
    rig.tells = []
    rig.ask("Cancel")
    assert.deepStrictEqual(
      rig.tells.map(({ to, message }) => [to.id, message]),
      [
        ["r-1.board-1.1", "Abort"],
        ["r-1.board-2.1", "Abort"]
      ]
    )
    for (const id of ["board-1", "board-2"]) rig.ended(id, { state: "idle", code: codes.ECANCELED })
    assert.deepStrictEqual(
      [rig.view().state, rig.view().boards.map(({ step }) => step)],
      ["cancelled", ["good", "cancelled", "cancelled", "cancelled", "cancelled"]]
    )
  })

  it("writes the board that moved, not the thousands beside it", () => {
    const { state } = started(10_000, { waveSize: 10_000 })
    const payload = { session: "r-1.board-0.1", device: "board-0", state: "ready", installed: "confirmed", bytes: 5 }
    const outcome = rollout.transitions["SessionEnded"]?.(state, payload, new RolloutRig().context())
    const before = cutOf(state).parts
    const { head, parts } = cutOf(outcome?.state)
    assert.deepStrictEqual(
      [...parts].filter(([key, part]) => before.get(key) !== part).map(([key]) => key),
      ["board/0"]
    )
    assert.isBelow(encodeStored(head).length, 1000)
  })

  it("keeps what a newer node has written beside", () => {
    const { head, parts } = cutOf(started(1).state)
    const newer = new Map([...parts].map(([key, part]) => [key, { ...Object(part), mood: "calm" }]))
    const joined = storage?.join({ ...Object(head), budget: 5 }, newer, "r-1", 1)
    assert.strictEqual(Object(joined).budget, 5)
    assert.strictEqual(Object(joined).boards[0].mood, "calm")
    const again = cutOf(joined)
    assert.deepStrictEqual([Object(again.head).budget, Object(again.parts.get("board/0")).mood], [5, "calm"])
  })

  it("stops a wave of hundreds, and takes back no more boards at a time than it provisions", () => {
    const boards = 100
    const rig = started(boards, { canary: boards, parallel: 40 })
    for (let at = 0; at < boards - 1; at++) rig.good(`board-${at}`)
    rig.tells = []
    rig.ended(`board-${boards - 1}`, { state: "failed", code: codes.ENOSPC })
    const back = () => rig.tells.splice(0).flatMap(({ message, to }) => (message === "AskBoard" ? [to.id] : []))
    let asked = back()
    assert.strictEqual(asked.length, 40)
    assert.strictEqual(Object(rig.ask("Retry"))._tag, "InvalidTransition")
    const taken = new Set<string>()
    while (asked.length > 0) {
      for (const id of asked) {
        taken.add(id)
        rig.ask("BoardAnswered", { key: `rollback ${id}`, code: 0 })
      }
      asked = back()
    }
    assert.strictEqual(taken.size, boards - 1)
    assert.strictEqual(rig.view().boards.filter(({ step }) => step === "rolled-back").length, boards - 1)
    assert.isUndefined(rig.due())
  })

  it("begins hundreds of boards, and aborts them, without filling its outbox", () => {
    const rig = started(256, { canary: 256, parallel: 256 })
    while ((rig.due() ?? Infinity) < start + 10_000) rig.untilDue()
    assert.strictEqual(rig.begun().length, 256)
    rig.ask("Cancel")
    while ((rig.due() ?? Infinity) < start + 10_000) rig.untilDue()
    assert.strictEqual(new Set(rig.tells.map(({ to }) => to.id)).size, 256)
    assert.strictEqual(rig.tells.length, 256)
  })

  it("is cancelled at once, however many boards it has", () => {
    const rig = started(10_000)
    const before = performance.now()
    const outcome = rollout.transitions["Cancel"]?.(rig.state, {}, rig.context())
    assert.isBelow(performance.now() - before, 100)
    assert.strictEqual(Object(outcome?.state).state, "cancelled")
    assert.isBelow(outcome?.events?.length ?? 0, 10)
  })

  it("needs its approval also after a pause", () => {
    const rig = started(2, { needsApproval: true })
    rig.good("board-0")
    rig.begun()
    rig.ask("Pause")
    rig.ask("Resume")
    assert.deepStrictEqual([rig.view().state, rig.begun()], ["awaiting", []])
    rig.ask("Approve")
    assert.deepStrictEqual([rig.view().state, rig.begun(), rig.view().reason], ["running", ["board-1"], undefined])
  })

  it("gives up a board of whose session nobody hears again", () => {
    const rig = started(2, { errorShare: 1, successShare: 0 })
    rig.begun()
    rig.untilDue()
    assert.deepStrictEqual([rig.board("board-0").step, rig.board("board-0").code], ["failed", codes.ETIMEDOUT])
    assert.deepStrictEqual(rig.begun(), ["board-1"])
  })

  it("leaves a board for later that is never watched to the end, and one that went away", () => {
    const rig = started(3)
    rig.ended("board-0")
    rig.untilDue()
    assert.strictEqual(rig.board("board-0").step, "away")
    rig.ended("board-1")
    rig.observed("board-1", codes.NotAttached)
    assert.strictEqual(rig.board("board-1").step, "away")
    rig.good("board-2")
    assert.strictEqual(
      rig.view().reason,
      "1 of 3 boards are good, 2 away; retry takes up those that failed or were away"
    )
  })

  it("gives up a board of whose way back nobody hears", () => {
    const rig = started(2, { canary: 2 })
    rig.good("board-0")
    rig.ended("board-1", { state: "failed", code: codes.ENOSPC })
    rig.untilDue()
    assert.deepStrictEqual([rig.board("board-0").step, rig.due()], ["failed", undefined])
  })

  it("does not wait for a session, a watch or a way back that could not be told", () => {
    const rig = started(3, { canary: 3, parallel: 3 })
    const cause = "there is no device"
    rig.ended("board-0")
    rig.undeliver({ to: { kind: "device", id: "board-0" }, message: "Observe", payload: {}, cause })
    assert.deepStrictEqual([rig.board("board-0").step, rig.board("board-0").detail], ["failed", cause])
    rig.undeliver({ to: { kind: "session", id: "r-1.board-1.1" }, message: "Abort", payload: {}, cause })
    assert.strictEqual(rig.board("board-1").step, "provisioning")
    rig.undeliver({ to: { kind: "session", id: "r-1.board-1.1" }, message: "Provision", payload: {}, cause })
    assert.strictEqual(rig.board("board-1").step, "failed")
    rig.ended("board-2")
    rig.undeliver({ to: { kind: "device", id: "board-2" }, message: "AskBoard", payload: {}, cause })
    assert.strictEqual(rig.board("board-2").step, "failed")
  })

  it("does not call boards good that nobody has touched", () => {
    const rig = started(5)
    rig.good("board-0")
    rig.ended("board-1", { state: "failed", code: codes.ENOSPC })
    rig.ended("board-2", { state: "idle", code: codes.ECANCELED })
    rig.ask("Retry")
    rig.good("board-1")
    const { state, reason } = rig.view()
    assert.deepStrictEqual(
      [state, reason],
      ["succeeded", "2 of 5 boards are good, 2 cancelled, 1 waiting; retry takes up those that failed or were away"]
    )
  })

  it("counts a repeated or late word for nothing", () => {
    const rig = started(2)
    rig.good("board-0")
    const before = rig.state
    rig.ended("board-0")
    rig.observed("board-0", codes.Trap)
    rig.ask("SessionEnded", { session: "r-1.board-1.9", device: "board-1", state: "failed", bytes: 0 })
    assert.strictEqual(rig.state, before)
  })
})

describe("waves", () => {
  it.prop(
    "hold every board once, in order, the canary first and none too large",
    {
      count: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 60 })),
      size: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 9 }))
    },
    ({ count, size }) => {
      const boards = cut(fleet(count), { canary: 2, waveSize: size }, 0)
      assert.deepStrictEqual(
        boards.map(({ id }) => id),
        fleet(count)
      )
      const sizes = new Map<number, number>()
      for (const { wave } of boards) sizes.set(wave, (sizes.get(wave) ?? 0) + 1)
      for (const [wave, boardsOfWave] of sizes) assert.isAtMost(boardsOfWave, wave === 0 ? 2 : size)
      assert.deepStrictEqual(
        [...sizes.keys()],
        [...sizes.keys()].sort((left, right) => left - right)
      )
    }
  )

  it("of which all boards are away have passed", () => {
    const boards = cut(fleet(2), rules, 0).map((board): RolloutBoard => ({ ...board, step: "away" }))
    assert.strictEqual(verdictOf(boards, rules), "passed")
  })
})
