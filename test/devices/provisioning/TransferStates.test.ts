import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import {
  nextTransferState,
  transferStateCodes,
  transferStates,
  transferTriggers
} from "../../../devices/provisioning/TransferStates.ts"

/** Written apart from the table of the code: from, trigger, to. */
const allowed = new Set([
  "IDLE begin LOADING",
  "LOADING write LOADING",
  "LOADING writeRejected FAILED",
  "LOADING overflow FAILED",
  "LOADING gapsExceeded FAILED",
  "LOADING timeout FAILED",
  "LOADING end VERIFY",
  "LOADING abort ABORTING",
  "VERIFY verified READY",
  "VERIFY verifyFailed FAILED",
  "VERIFY timeout FAILED",
  "VERIFY abort ABORTING",
  "FAILED purge IDLE",
  "FAILED abort ABORTING",
  "ABORTING cleaned IDLE",
  "READY close IDLE"
])

describe("nextTransferState", () => {
  it("knows every state by its number on the wire", () => {
    assert.deepStrictEqual(
      transferStates.map((state) => transferStateCodes[state]),
      [0, 1, 2, 3, 4, 5]
    )
  })

  for (const state of transferStates) {
    for (const trigger of transferTriggers) {
      const to = transferStates.find((candidate) => allowed.has(`${state} ${trigger} ${candidate}`))
      it(`${to === undefined ? "refuses" : `moves to ${to} on`} ${trigger} in ${state}`, () => {
        assert.deepStrictEqual(
          nextTransferState(state, trigger),
          to === undefined ? Result.fail({ state, trigger }) : Result.succeed(to)
        )
      })
    }
  }

  it("has no transition that the table above does not name", () => {
    let found = 0
    for (const state of transferStates) {
      for (const trigger of transferTriggers) if (Result.isSuccess(nextTransferState(state, trigger))) found++
    }
    assert.strictEqual(found, allowed.size)
  })
})
