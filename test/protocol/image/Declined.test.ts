import { assert, describe, it } from "@effect/vitest"
import { codes } from "../../../src/protocol/Codes.ts"
import { declinedSentence } from "../../../src/protocol/image/Declined.ts"

describe("an image that a board declines", () => {
  it("is told apart by the number the board gave", () => {
    assert.include(declinedSentence(codes.EPERM), "security version")
    assert.include(declinedSentence(codes.ENOKEY), "trust")
    assert.include(declinedSentence(codes.ENOTSUP), "no images of this kind")
  })

  it("has the sentence of the code where no more is known, without a full stop", () => {
    assert.strictEqual(declinedSentence(codes.EFAULT).endsWith("."), false)
    assert.isAbove(declinedSentence(codes.EFAULT).length, 10)
  })
})
