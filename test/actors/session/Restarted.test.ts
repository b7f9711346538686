import { assert, describe, it } from "@effect/vitest"
import { codes } from "../../../src/protocol/Codes.ts"
import { provision, type SessionRig, verified } from "./SessionRig.ts"

const observer = { kind: "rollout", id: "r-1" }
const ended = (rig: SessionRig) =>
  rig.tells.flatMap(({ message, payload }) => (message === "SessionEnded" ? [Object(payload)] : []))
const observed = (): SessionRig => {
  const rig = provision({ observer })
  rig.ask("TransferEnded", { code: 0 })
  return rig
}

describe("a board that is restarted before it has installed the image", () => {
  it("and lost it before it could check it ends the session with a sentence, and may be tried again", () => {
    const rig = observed()
    rig.ask("BoardAnswered", { key: "verify", code: codes.ESRCH })
    const { state, code, detail } = rig.view()
    assert.deepStrictEqual([state, code], ["failed", codes.ESRCH])
    assert.match(detail ?? "", /restarted .* no longer holds it; send it again/)
    assert.deepStrictEqual(
      ended(rig).map(({ isTransient }) => isTransient),
      [true]
    )
  })

  it("and lost it after it had checked it ends the session once it had time to say otherwise", () => {
    const rig = observed()
    rig.ask("BoardAnswered", { key: "verify", code: 0, image: { state: 3 } })
    rig.ask("BoardAnswered", { key: "commit", code: codes.ESRCH })
    rig.advance(4999)
    assert.isUndefined(rig.view().endedAt)
    rig.advance(1)
    const { code, detail, installed } = rig.view()
    assert.deepStrictEqual([code, installed], [codes.ESRCH, "staged"])
    assert.match(detail ?? "", /no longer holds it/)
    assert.deepStrictEqual(
      ended(rig).map(({ isTransient }) => isTransient),
      [true]
    )
  })

  it.each([
    ["before", true],
    ["after", false]
  ] as const)("and says %s its answer that the image is installed goes on with it", (_when, isBefore) => {
    const rig = verified()
    if (isBefore) rig.ask("ImageReported", { state: 8, generation: 2 })
    rig.ask("BoardAnswered", { key: "commit", code: codes.ESRCH })
    if (!isBefore) rig.ask("ImageReported", { state: 8, generation: 2 })
    rig.advance(20_000)
    assert.deepStrictEqual([rig.view().installed, rig.view().endedAt], ["trial", undefined])
    rig.ask("ImageReported", { state: 9, generation: 2 })
    assert.deepStrictEqual([rig.view().installed, rig.view().code], ["confirmed", undefined])
  })

  it("and keeps what it was sent goes on as if nothing had been", () => {
    const rig = observed()
    rig.ask("BoardAnswered", { key: "verify", code: 0, image: { state: 3 } })
    rig.ask("BoardAnswered", { key: "commit", code: 0, image: { state: 8 } })
    assert.strictEqual(rig.view().installed, "trial")
  })
})

const absent = { state: 0, code: codes.ESRCH }
const onTrial = (): SessionRig => {
  const rig = observed()
  rig.ask("BoardAnswered", { key: "verify", code: 0, image: { state: 3 } })
  rig.ask("BoardAnswered", { key: "commit", code: 0, image: { state: 8 } })
  return rig
}

describe("a board that is restarted while the image is on trial", () => {
  it("and says that it has it no longer ends the session, is not tried again, and does not count as having failed it", () => {
    const rig = onTrial()
    rig.tells = []
    rig.ask("ImageReported", absent)
    rig.advance(4999)
    assert.isUndefined(rig.view().endedAt)
    rig.advance(1)
    const { state, installed, code, detail } = rig.view()
    assert.deepStrictEqual([state, installed, code], ["ready", "trial", codes.ESRCH])
    assert.match(detail ?? "", /restarted while the image was on trial and no longer has it/)
    assert.deepStrictEqual(
      rig.tells.flatMap(({ message, payload }) => (message === "CloseTransfer" ? [Object(payload)] : [])),
      [{ session: "s-1" }],
      "the board is told nothing, and nothing is held against the image"
    )
    assert.deepStrictEqual(
      ended(rig).map(({ isTransient }) => isTransient),
      [undefined]
    )
    assert.deepStrictEqual(rig.events.at(-1)?.type, "provisioning.error")
  })

  it.each([
    ["on trial", 8],
    ["confirmed", 9]
  ] as const)("and says after that that it is %s goes on with it", (installed, state) => {
    const rig = onTrial()
    rig.ask("ImageReported", absent)
    rig.advance(1000)
    rig.ask("ImageReported", { state })
    rig.advance(20_000)
    assert.deepStrictEqual(
      [rig.view().code, rig.view().installed],
      [undefined, installed === "confirmed" ? "confirmed" : "trial"]
    )
  })

  it("and says that it went back ends the session as it always did", () => {
    const rig = onTrial()
    rig.ask("ImageReported", absent)
    rig.ask("ImageReported", { state: 10, code: codes.Trap, detail: "it did not start" })
    assert.deepStrictEqual([rig.view().installed, rig.view().code], ["rolled-back", codes.Trap])
  })
})

describe("a board that is busy with another image", () => {
  it.each(["TransferEnded", "commit"] as const)("may be tried again (%s)", (where) => {
    const rig = provision({ observer })
    const code = codes.EBUSY
    if (where === "TransferEnded") rig.ask("TransferEnded", { code })
    else {
      rig.ask("TransferEnded", { code: 0 })
      rig.ask("BoardAnswered", { key: "verify", code: 0, image: { state: 3 } })
      rig.ask("BoardAnswered", { key: "commit", code, detail: "trial" })
    }
    assert.deepStrictEqual(
      ended(rig).map((end) => [end.code, end.isTransient]),
      [[codes.EBUSY, true]]
    )
  })
})

describe("a session", () => {
  it("says that the board failed the image before, when and how, and that nothing was sent", () => {
    const rig = provision({ observer })
    const failedBefore = { sha256: "ab".repeat(32), at: 5, code: codes.Trap }
    rig.ask("TransferEnded", { code: codes.EPERM, detail: "press-1 failed the image", failedBefore })
    assert.deepStrictEqual([rig.view().state, rig.view().failedBefore], ["failed", failedBefore])
    assert.deepStrictEqual(
      ended(rig).map((end) => [end.bytes, end.failedBefore, end.isTransient]),
      [[0, failedBefore, undefined]]
    )
  })

  it("sends an image that failed before when it is told to", () => {
    const again = (rig: SessionRig) =>
      rig.tells.flatMap(({ message, payload }) => (message === "OpenTransfer" ? [Object(payload).again] : []))
    assert.deepStrictEqual([again(provision()), again(provision({ again: true }))], [[undefined], [true]])
  })

  it.each([
    ["taken back", { state: 10, code: codes.Trap, detail: "trapped" }, { code: codes.Trap, detail: "trapped" }],
    [
      "taken back without a reason",
      { state: 10 },
      { code: codes.EIO, detail: "the board went back to the image before" }
    ],
    ["taken back because somebody wanted it", { state: 10, code: codes.ok }, undefined],
    ["kept", { state: 9 }, undefined]
  ] as const)("tells the device of an image that was %s", (_what, report, judged) => {
    const rig = verified()
    rig.ask("BoardAnswered", { key: "commit", code: 0, image: { state: 8 } })
    rig.ask("ImageReported", report)
    const closes = rig.tells.flatMap(({ message, payload }) =>
      message === "CloseTransfer" ? [Object(payload).failed] : []
    )
    assert.deepStrictEqual(closes, [judged === undefined ? undefined : { sha256: "ab".repeat(32), ...judged }])
  })

  it("tells the device of an image on trial of which nobody knows the end", () => {
    const rig = verified()
    rig.ask("BoardAnswered", { key: "commit", code: 0, image: { state: 8 } })
    rig.advance(600_000)
    const [close] = rig.tells.filter(({ message }) => message === "CloseTransfer")
    assert.strictEqual(Object(close?.payload).failed?.code, codes.ETIMEDOUT)
  })
})
