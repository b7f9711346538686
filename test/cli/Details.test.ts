import { assert, describe, it } from "@effect/vitest"
import { explained } from "../../src/cli/Details.ts"
import { BoardRefused } from "../../src/cli/Following.ts"
import { sentenceOf } from "../../src/cli/Sentence.ts"
import { codes } from "../../src/protocol/Codes.ts"
import { ImageRejected } from "../../src/protocol/image/ImageErrors.ts"

describe("explained", () => {
  it("says a token as a sentence, and the token with it", () => {
    assert.strictEqual(
      explained("crc_mismatch", "EBADMSG"),
      "its checksum does not fit: it was cut off or changed on its way; build it again, or copy it again (crc_mismatch, EBADMSG)"
    )
  })

  it("says what stands after the colon", () => {
    assert.match(
      explained("unsupported_version:7"),
      /^where an image has its version, 7 stands, .* \(unsupported_version:7\)$/
    )
  })

  it("says which instruction of a program failed, also for boards that tell no more than that one did", () => {
    assert.match(
      explained("division_by_zero:DIV at 0x10"),
      /^its DIV at 0x10 divided by zero; .* \(division_by_zero:DIV/
    )
    assert.match(explained("memory_fault"), /^its instruction reached outside of .* \(memory_fault\)$/)
    assert.match(explained("pc_out_of_range:0x18"), /^it left its code at 0x18; /)
  })

  it("leaves sentences as they are, without a second full stop", () => {
    assert.strictEqual(explained("This board cannot do it.", "ENOTSUP", "95"), "This board cannot do it (ENOTSUP, 95)")
    assert.strictEqual(explained("key:6df8a62c"), "key:6df8a62c")
    assert.strictEqual(explained("toString"), "toString")
  })
})

describe("a refusal", () => {
  it("of a board is one sentence with its code", () => {
    const refused = new BoardRefused({ what: "blink on heater-1", code: codes.EPERM, detail: "unsigned" })
    assert.match(refused.message, /^blink on heater-1: nobody has signed it; .* \(unsigned, EPERM, 1\)$/)
    const bare = new BoardRefused({ what: "fw on heater-1", code: codes.ENOTSUP })
    assert.strictEqual(bare.message, "fw on heater-1: This board or version cannot do it (ENOTSUP, 95)")
  })

  it("of the library says its token in words", () => {
    const rejected = new ImageRejected({ code: codes.EBADMSG, codeName: "EBADMSG", detail: "hxe_too_small" })
    assert.match(
      sentenceOf(rejected),
      /^the image is refused: it is too short for an HXE image.*\(hxe_too_small, EBADMSG\)$/
    )
  })
})
