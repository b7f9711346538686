import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { session } from "../../../src/actors/session/Session.ts"
import { next } from "../../../src/actors/session/States.ts"
import { codes } from "../../../src/protocol/Codes.ts"
import { Session, SessionState, SessionView } from "../../../src/protocol/Session.ts"
import { found, provision, SessionRig, sha256, start, verified } from "./SessionRig.ts"

describe("a session", () => {
  it("brings an image to its board: transfer, check, installation", () => {
    const rig = provision({ instance: "motor-2" })
    assert.deepStrictEqual(rig.told(), [["press-1", "OpenTransfer"]])
    rig.ask("TransferMoved", { bytes: 400 })
    assert.deepStrictEqual([rig.view().state, rig.view().bytes, rig.view().total], ["loading", 400, 1000])
    rig.ask("TransferEnded", { code: 0 })
    assert.deepStrictEqual([rig.view().state, rig.told()], ["verify", [["press-1", "AskBoard", "verify"]]])
    rig.ask("BoardAnswered", { key: "verify", code: 0, image: { state: 3 } })
    assert.deepStrictEqual([rig.view().state, rig.told()], ["ready", [["press-1", "AskBoard", "commit"]]])
    rig.ask("BoardAnswered", { key: "commit", code: 0, image: { state: 8, generation: 2 } })
    assert.strictEqual(rig.view().installed, "trial")
    rig.ask("ImageReported", { state: 9, generation: 2 })
    const { state, installed, endedAt } = rig.view()
    assert.deepStrictEqual([state, installed, endedAt], ["ready", "confirmed", start])
    assert.deepStrictEqual(rig.told(), [["press-1", "CloseTransfer"]])
    assert.deepStrictEqual(rig.types(), [
      "provisioning.started",
      "provisioning.progress",
      "provisioning.complete",
      "provisioning.persisted"
    ])
  })

  it("emits facts that its contract declares", () => {
    const rig = verified()
    rig.ask("BoardAnswered", { key: "commit", code: 0, image: { state: 8, generation: 2 } })
    rig.ask("ImageReported", { state: 10, code: codes.Trap, detail: "trapped" })
    for (const { type, data } of rig.events) {
      const schema = Object.entries(Session.events).find(([name]) => name === type)?.[1]
      if (schema === undefined) throw new Error(`no event ${type}`)
      assert.isTrue(Schema.is(schema)(data), `${type} ${JSON.stringify(data)}`)
    }
    assert.strictEqual(rig.types().at(-1), "provisioning.rollback")
    assert.deepStrictEqual([rig.view().installed, rig.view().code], ["rolled-back", codes.Trap])
  })

  it("moves only as its table says", () => {
    const leads = SessionState.literals.flatMap((state) =>
      (["begin", "whole", "verified", "fail", "abort", "cleaned"] as const).flatMap((trigger) => {
        const to = next(state, trigger)
        return to === undefined ? [] : [`${state} ${trigger} ${to}`]
      })
    )
    assert.deepStrictEqual(leads, [
      "idle begin loading",
      "loading whole verify",
      "loading fail failed",
      "loading abort aborting",
      "verify verified ready",
      "verify fail failed",
      "verify abort aborting",
      "aborting cleaned idle"
    ])
  })

  it("ends before a byte is sent when there is no such image", () => {
    const rig = new SessionRig()
    rig.ask("Provision", { device: "press-1", sha256 })
    rig.complete("describe", "missing")
    assert.deepStrictEqual([rig.view().state, rig.view().code], ["failed", codes.ENOENT])
    assert.deepStrictEqual(rig.told(), [["press-1", "CloseTransfer", 2]])
    assert.strictEqual(Object(rig.events.at(-1)?.data).where, "begin")
  })

  it.each([
    ["the offer", "begin", 0],
    ["a chunk", "write", 400]
  ] as const)("ends with the board's code when it refuses %s", (_what, where, bytes) => {
    const rig = provision()
    if (bytes > 0) rig.ask("TransferMoved", { bytes })
    rig.ask("TransferEnded", { code: codes.ENOTSUP })
    assert.deepStrictEqual([rig.view().state, rig.view().code], ["failed", codes.ENOTSUP])
    assert.strictEqual(Object(rig.events.at(-1)?.data).where, where)
  })

  it("ends when the board finds the image wrong, and has it forgotten there", () => {
    const rig = provision()
    rig.ask("TransferEnded", { code: 0 })
    rig.tells = []
    rig.ask("BoardAnswered", { key: "verify", code: codes.EKEYREJECTED, detail: "signature wrong" })
    assert.deepStrictEqual(
      [rig.view().state, rig.view().code, rig.view().detail],
      ["failed", codes.EKEYREJECTED, "signature wrong"]
    )
    assert.deepStrictEqual(rig.told(), [["press-1", "CloseTransfer", 2]])
  })

  it("fails when nothing moves for too long, however far it is, and says so twice: an error, and the abort", () => {
    const rig = provision({ stallMillis: 10_000 })
    rig.advance(9000)
    rig.ask("TransferMoved", { bytes: 10 })
    rig.advance(9000)
    assert.strictEqual(rig.view().state, "loading")
    rig.advance(1000)
    assert.deepStrictEqual([rig.view().state, rig.view().code], ["failed", codes.ETIMEDOUT])
    assert.deepStrictEqual(rig.types().slice(-2), ["provisioning.error", "provisioning.aborted"])
  })

  it("goes on with a board that was restarted in the middle and begins anew", () => {
    const rig = provision({ stallMillis: 10_000 })
    rig.ask("TransferMoved", { bytes: 900 })
    for (const bytes of [0, 300, 600]) {
      rig.advance(8000)
      rig.ask("TransferMoved", { bytes })
      assert.deepStrictEqual([rig.view().state, rig.view().bytes], ["loading", bytes])
    }
    for (const { type, data } of rig.events)
      if (type === "provisioning.progress") assert.isAtLeast(Object(data).rate_bps, 0)
  })

  it("fails when a board that is back says again and again what it held before", () => {
    const rig = provision({ stallMillis: 10_000 })
    rig.ask("TransferMoved", { bytes: 500 })
    rig.advance(6000)
    rig.ask("TransferMoved", { bytes: 500 })
    rig.advance(4000)
    assert.strictEqual(rig.view().state, "failed")
  })

  it("does not call a trial good of whose end it never heard", () => {
    const rig = verified()
    rig.ask("BoardAnswered", { key: "commit", code: 0, image: { state: 8, generation: 2 } })
    rig.advance(600_000)
    const { state, installed, code } = rig.view()
    assert.deepStrictEqual([state, installed, code], ["ready", "trial", codes.ETIMEDOUT])
    assert.deepStrictEqual([rig.types().at(-1), Object(rig.events.at(-1)?.data).where], ["provisioning.error", "boot"])
  })

  it("has the patience with the check and the installation that it has with the transfer", () => {
    const rig = provision({ stallMillis: 900_000 })
    rig.ask("TransferEnded", { code: 0 })
    rig.ask("BoardAnswered", { key: "verify", code: 0, image: { state: 3 } })
    const lives = rig.tells.flatMap(({ message, payload }) =>
      message === "AskBoard" ? Object(payload).lifeMillis : []
    )
    assert.deepStrictEqual(lives, [900_000, 900_000])
  })

  it("ends at once when there is no such device", () => {
    const rig = provision()
    const cause = "there is no device press-1"
    const lost = { to: { kind: "device", id: "press-1" }, message: "OpenTransfer", payload: {}, cause }
    rig.undeliver(lost)
    assert.deepStrictEqual([rig.view().state, rig.view().code, rig.view().detail], ["failed", codes.ESRCH, cause])
    const events = rig.types().length
    rig.undeliver({ ...lost, message: "CloseTransfer" })
    assert.strictEqual(rig.types().length, events)
  })

  it("ends when the board has failed to install, though its answer has no code", () => {
    const rig = verified()
    rig.ask("BoardAnswered", { key: "commit", code: 0, image: { state: 4 } })
    assert.deepStrictEqual([rig.view().code, rig.view().endedAt], [codes.EIO, start])
    assert.strictEqual(Object(rig.events.at(-1)?.data).where, "persist")
  })

  it("can be aborted until the image is installed, and answers what it became", () => {
    const rig = provision()
    rig.tells = []
    const view = Schema.decodeUnknownSync(SessionView)(rig.ask("Abort", { reason: "wrong image" }))
    assert.deepStrictEqual([view.state, view.code, view.detail], ["idle", codes.ECANCELED, "wrong image"])
    assert.deepStrictEqual(rig.told(), [["press-1", "CloseTransfer", 0]])
    const again = Object(rig.ask("Abort"))
    assert.deepStrictEqual([again._tag, again.message], ["InvalidTransition", "the session is over"])
    assert.strictEqual(
      Object(verified().ask("Abort")).message,
      "the image is installed; stop the program instead: holon program stop press-1 motor"
    )
  })

  it("takes one image, and no second", () => {
    const rig = provision()
    assert.strictEqual(Object(rig.ask("Provision", { device: "press-2", sha256 }))._tag, "InvalidTransition")
  })

  it("begins to read again on a node that takes it over, and changes nothing for a late answer", () => {
    const rig = new SessionRig()
    rig.ask("Provision", { device: "press-1", sha256 })
    assert.isTrue(rig.isWokenAtTakeover(), "else it stands until its time is over")
    rig.effects = []
    rig.wake()
    assert.deepStrictEqual(
      rig.effects.map(({ name }) => name),
      ["describe"]
    )
    rig.complete("describe", found)
    assert.isFalse(rig.isWokenAtTakeover(), "its device has the tell")
    rig.complete("describe", found)
    assert.deepStrictEqual(rig.told(), [["press-1", "OpenTransfer"]])
  })

  it("lets go of its image at the end, again and again until that is done", () => {
    const rig = provision()
    rig.ask("Abort")
    const releases = () => rig.effects.filter(({ name }) => name === "release").length
    assert.strictEqual(releases(), 1)
    rig.complete("release", "unavailable")
    rig.advance(60_000)
    assert.strictEqual(releases(), 1)
    rig.complete("release", "released")
    assert.isUndefined(session.reactions.dueAt?.(rig.state))
  })

  it("puts progress on the event stream a hundred times at most, and no more than once a second", () => {
    const rig = provision()
    for (let bytes = 1; bytes <= 1000; bytes++) {
      rig.now += 100
      rig.ask("TransferMoved", { bytes })
    }
    const progress = rig.events.filter(({ type }) => type === "provisioning.progress")
    assert.isAtMost(progress.length, 100)
    assert.isAtLeast(progress.length, 90)
    assert.strictEqual(Object(progress.at(-1)?.data).percent, 100)
  })
})
