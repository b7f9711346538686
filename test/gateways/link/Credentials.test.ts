import { assert, describe, it } from "@effect/vitest"
import { fromTokens, type Grant, type Shown } from "../../../src/gateways/link/Credentials.ts"

const judge = (isOpenOnLoopback: boolean, shown: Partial<Shown>): Grant | "refused" | undefined => {
  let answer: Grant | "refused" | undefined
  fromTokens({
    boards: new Map([["press-1", "one"]]),
    operators: new Map([["ann", "two"]]),
    isOpenOnLoopback
  }).judge({ user: undefined, token: undefined, certified: [], isLoopback: false, ...shown }, (grant) => {
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

describe("a certificate", () => {
  const certified = ["press-1"]

  it("speaks for the one board it names, with or without that board's token", () => {
    for (const shown of [{}, { user: "press-1" }, { token: "one" }, { user: "press-1", token: "one" }])
      assert.deepStrictEqual(judge(false, { ...shown, certified }), board)
  })

  it("is refused beside another's name or token, or when it names several, on loopback too", () => {
    for (const shown of [
      { certified, user: "press-2" },
      { certified, token: "two" },
      { certified, user: "ann", token: "two" },
      { certified, token: "guess" },
      { certified: ["press-1", "press-2"] },
      { certified: ["press-1", "press-2"], token: "one" }
    ])
      assert.strictEqual(judge(true, { ...shown, isLoopback: true }), "refused")
  })
})
