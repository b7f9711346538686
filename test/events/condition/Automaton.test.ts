import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { tester } from "../../../src/events/condition/Automaton.ts"
import { parseExpression } from "../../../src/protocol/condition/Expression.ts"
import { parseGlob } from "../../../src/protocol/condition/Pattern.ts"
import { randomFrom } from "../../support/Random.ts"

const expression = (text: string) => tester(Result.getOrThrow(parseExpression(text)))

describe("a machine", () => {
  it("answers as JavaScript's own expressions do, for random ones and texts", () => {
    const random = randomFrom(11)
    const pick = (of: string): string => [...of][Math.floor(random() * [...of].length)] ?? ""
    const piece = (depth: number): string => {
      const kind = Math.floor(random() * (depth > 0 ? 8 : 5))
      if (kind < 3) return pick("ab1é😀_ ")
      if (kind === 3) return pick(".dwsDW").replace(/[dwsDW]/, "\\$&")
      if (kind === 4) return `[${random() < 0.5 ? "^" : ""}${pick("a1")}-${pick("bz9é").replace("9", "c")}_]`
      return `(${choice(depth - 1)})`
    }
    const repeated = (depth: number): string => piece(depth) + pick("____*+?").replace("_", "")
    const sequence = (depth: number): string =>
      Array.from({ length: Math.floor(random() * 4) }, () => repeated(depth)).join("")
    const choice = (depth: number): string =>
      random() < 0.3 ? `${sequence(depth)}|${sequence(depth)}` : sequence(depth)
    let compared = 0
    for (let count = 0; count < 3000; count++) {
      const text = `${random() < 0.3 ? "^" : ""}${sequence(2)}${random() < 0.3 ? "$" : ""}`
      const pattern = parseExpression(text)
      if (Result.isFailure(pattern)) continue
      const holds = tester(pattern.success)
      // Dots take line ends here, and \s is ASCII.
      const native = new RegExp(text, "su")
      for (let each = 0; each < 20; each++) {
        const subject = Array.from({ length: Math.floor(random() * 8) }, () => pick("ab1é😀_ c\nA")).join("")
        assert.strictEqual(holds(subject), native.test(subject), `${text} of ${JSON.stringify(subject)}`)
        compared++
      }
    }
    assert.isAbove(compared, 30_000)
  })

  it("takes a time that grows with the text alone, where going back would take for ever", () => {
    const text = `${"a".repeat(4000)}!`
    for (const evil of ["^(a+)+$", "^(a|aa)+$", "^(a*)*b$", "^(a|a?)+$", "(x+x+)+y", "^(.*a){10}$"])
      assert.isFalse(expression(evil)(text), evil)
    assert.isFalse(tester(Result.getOrThrow(parseGlob("*a*a*a*a*a*a*a*a*b")))(text))
  })

  it("stays right when it meets more sets of states than it remembers", () => {
    const holds = expression("(a|b)*a(a|b){11}$")
    const random = randomFrom(3)
    for (let count = 0; count < 2000; count++) {
      const text = Array.from({ length: 40 }, () => (random() < 0.5 ? "a" : "b")).join("")
      assert.strictEqual(holds(text), text.at(-12) === "a", text)
    }
  })
})
