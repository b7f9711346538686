import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { covers, matches } from "../../src/protocol/Capability.ts"

/** The oracle: the same glob as a regular expression. */
const byPattern = (glob: string, name: string): boolean =>
  new RegExp(`^${glob.replaceAll(".", "\\.").replaceAll("*", ".*")}$`).test(name)

const Letters = Schema.Array(Schema.Literals(["a", "b", ".", "*"])).check(Schema.isMaxLength(8))
const Name = Schema.Array(Schema.Literals(["a", "b", "."])).check(Schema.isMaxLength(8))

describe("a glob over capabilities", () => {
  it("matches a name by itself, a family by its first part, and everything by a star", () => {
    assert.isTrue(matches("device.read", "device.read"))
    assert.isTrue(matches("device.*", "device.invoke"))
    assert.isTrue(matches("*.read", "image.read"))
    assert.isTrue(matches("*", "device.read"))
  })

  it("does not match what only begins or ends alike", () => {
    assert.isFalse(matches("device.read", "device.reads"))
    assert.isFalse(matches("device.*", "devices.read"))
    assert.isFalse(matches("*.read", "device.reader"))
    assert.isFalse(matches("a*a", "a"))
  })

  it.prop("matches as the same pattern does", { glob: Letters, name: Name }, ({ glob, name }) => {
    assert.strictEqual(matches(glob.join(""), name.join("")), byPattern(glob.join(""), name.join("")))
  })

  it("leaves what names no right to those who have all", () => {
    assert.isFalse(covers(["device.*"], ""))
    assert.isFalse(covers([], "device.read"))
    assert.isTrue(covers(["device.*", "*"], ""))
  })
})
