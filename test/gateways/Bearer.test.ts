import { assert, describe, it } from "@effect/vitest"
import { bearerToken } from "../../src/gateways/Bearer.ts"

describe("the token of an authorization header", () => {
  it("follows the scheme, which is written in any case", () => {
    for (const header of ["Bearer one", "bearer one", "BEARER   one", "Bearer one "])
      assert.strictEqual(bearerToken(header), "one", header)
    assert.strictEqual(bearerToken("Bearer ada's own"), "ada's own")
  })

  it("is none in a header of another form, or without one", () => {
    for (const header of [undefined, "", "Bearer", "Bearer ", "Basic b25l", "one", "Bearerone", "Bearer one\u0000"])
      assert.isUndefined(bearerToken(header), header)
  })
})
