import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { bindText, bindTree } from "../../../src/protocol/condition/Bind.ts"
import { format } from "../../../src/protocol/condition/Format.ts"
import { interpret } from "../../../src/protocol/condition/Interpret.ts"
import { events, twins } from "../../../src/protocol/condition/Source.ts"
import { isNever } from "../../../src/protocol/pattern/Never.ts"
import { Conditions } from "../../support/Conditions.ts"

const bound = (text: string) => Result.getOrThrow(bindText(text, events))

describe("isNever", () => {
  it("is right about everything that it says never holds", () => {
    const random = new Conditions(11)
    let never = 0
    for (let count = 0; count < 4000; count++) {
      // Two conditions on the same fields contradict each other now and then.
      const tree = { _tag: "All", of: [random.tree(2), random.tree(2), random.tree(1)] } as const
      const condition = bindTree(tree, twins)
      if (Result.isFailure(condition) || !isNever(condition.success)) continue
      never++
      for (let document = 0; document < 20; document++)
        assert.isFalse(interpret(condition.success, random.document()), format(tree))
    }
    assert.isAbove(never, 100)
  })

  it("knows the types of the events", () => {
    assert.isTrue(isNever(bound('type == "a.b"'), ["b.*", "a.c"]))
    assert.isFalse(isNever(bound('type == "a.b"'), ["b.*", "a.*"]))
    assert.isFalse(isNever(bound('type != "a.b"'), ["a.b"]))
  })

  const possible = [
    "temp > 90 or temp < 80",
    "not (temp > 90 and temp < 80)",
    "temp >= 90 and temp <= 90",
    "a > 1 and b < 1",
    "not temp > 90 and not temp <= 90",
    "temp > 1 and (temp < 0 or temp == 2)",
    "not exists a and (exists b or a == 1)"
  ]
  for (const text of possible) it(`leaves ${text} alone`, () => assert.isFalse(isNever(bound(text))))

  it("decides a large condition", () => {
    const branches = Array.from({ length: 400 }, (_, index) => `(x == ${index} and y != ${index})`)
    assert.isFalse(isNever(bound(`${branches.join(" or ")} and z > 1`)))
    assert.isTrue(isNever(bound(`x > 1000 and (${branches.join(" or ")})`)))
  })
})
