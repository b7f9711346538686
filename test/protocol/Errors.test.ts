import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { codeEntry, codes, codeTable } from "../../src/protocol/Codes.ts"
import { codeOfError, errorOfCode, HolonError, Malformed, NotFound, Unavailable } from "../../src/protocol/Errors.ts"

const json = Schema.toCodecJson(HolonError)

describe("codes", () => {
  it("have one entry each, which says its number, name and status", () => {
    assert.strictEqual(codeTable.size, Object.keys(codes).length)
    assert.deepStrictEqual(codeEntry(codes.EMSGSIZE), {
      code: 90,
      name: "EMSGSIZE",
      httpStatus: 413,
      sentence: "The frame or value is too large."
    })
  })

  it("of a later version are described too", () => {
    assert.deepStrictEqual(codeEntry(999), {
      code: 999,
      name: "code 999",
      httpStatus: 502,
      sentence: "The board answered with code 999."
    })
  })
})

describe("errors of codes", () => {
  for (const code of Object.values(codes))
    it(`${codeEntry(code).name} has a message, crosses JSON and keeps its HTTP status`, () => {
      for (const detail of ["", "left heater"]) {
        const error = errorOfCode(code, detail)
        assert.match(error.message, /^\S.*[^:; ]$/)
        const sent: unknown = JSON.parse(JSON.stringify(Schema.encodeSync(json)(error)))
        const received = Schema.decodeUnknownSync(json)(sent)
        assert.strictEqual(received._tag, error._tag)
        assert.strictEqual(received.message, error.message)
        assert.strictEqual(codeOfError(received), codeOfError(error))
      }
    })

  it("survive the way to an error and back where one code stands for its kind", () => {
    for (const code of [
      1, 2, 5, 11, 16, 62, 74, 90, 95, 110, 116, 122, 129, 130, 200, 205, 206, 207, 209, 213, 220, 240
    ])
      assert.strictEqual(codeOfError(errorOfCode(code)), code)
  })

  it("say what the board said", () => {
    assert.include(errorOfCode(codes.EIO, "sensor 3 is open").message, "sensor 3 is open")
    assert.include(errorOfCode(codes.EAGAIN, "heap", 500).message, "retry in 1 s")
    assert.deepStrictEqual(
      errorOfCode(codes.Draining, "", 800),
      new Unavailable({ cause: "The node is leaving.", retryAfterMs: 800 })
    )
  })

  it("say a device in quarantine as unavailable", () => {
    assert.deepStrictEqual(errorOfCode(codes.Quarantined), new Unavailable({ cause: "quarantined" }))
  })
})

describe("messages", () => {
  it("say what and where", () => {
    assert.strictEqual(new Malformed({ path: "state.led", reason: "not text" }).message, "state.led: not text")
    assert.strictEqual(new NotFound({ what: "device press-9" }).message, "there is no device press-9")
    assert.strictEqual(String(new NotFound({ what: "device press-9" })), "NotFound: there is no device press-9")
  })
})
