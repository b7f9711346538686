import { assert, describe, it } from "@effect/vitest"
import { fromTokens, type Grant, type Shown } from "../../../src/gateways/link/Credentials.ts"

const judge = (isOpenOnLoopback: boolean, shown: Partial<Shown>): Grant | "refused" | undefined => {
  let answer: Grant | "refused" | undefined
  fromTokens({
    boards: new Map([["press-1", "one"]]),
    operators: new Map([["ann", "two"]]),
    isOpenOnLoopback
  }).judge({ user: undefined, token: undefined, isLoopback: false, ...shown }, (grant) => {
    answer = grant
  })
  return answer
}

const board: Grant = { board: { id: "press-1" }, isOperator: false }
const operator: Grant = { board: "none", isOperator: true }

describe("a token", () => {
  it("speaks for its board or its operator, by name or alone", () => {
    assert.deepStrictEqual(judge(false, { user: "press-1", token: "one" }), board)
    assert.deepStrictEqual(judge(false, { token: "one" }), board)
    assert.deepStrictEqual(judge(false, { user: "ann", token: "two" }), operator)
    assert.deepStrictEqual(judge(false, { token: "two" }), operator)
  })

  it("is refused when it is wrong or another's, on loopback too", () => {
    for (const shown of [
      { user: "press-1", token: "two" },
      { user: "press-2", token: "one" },
      { token: "" },
      { token: "on" }
    ])
      assert.strictEqual(judge(true, { ...shown, isLoopback: true }), "refused")
  })

  it("may be missing on loopback in development only", () => {
    assert.deepStrictEqual(judge(true, { isLoopback: true }), { board: "any", isOperator: true })
    assert.strictEqual(judge(true, {}), "refused")
    assert.strictEqual(judge(false, { isLoopback: true }), "refused")
  })
})
