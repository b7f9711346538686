import { assert, describe, it } from "@effect/vitest"
import { compareVersions, isInRange, isVersion } from "../../devices/Versions.ts"

describe("compareVersions", () => {
  it("orders as semantic versions do", () => {
    const ordered = [
      "1.0.0-alpha",
      "1.0.0-alpha.1",
      "1.0.0-alpha.beta",
      "1.0.0-beta.2",
      "1.0.0-beta.11",
      "1.0.0-rc.1",
      "1.0.0",
      "1.2.0",
      "1.10.0",
      "2.0.0"
    ]
    for (const [index, left] of ordered.entries()) {
      for (const [other, right] of ordered.entries()) {
        assert.strictEqual(Math.sign(compareVersions(left, right)), Math.sign(index - other), `${left} ${right}`)
      }
    }
    assert.strictEqual(compareVersions("1.0.0+one", "1.0.0+two"), 0)
  })

  it("takes a number that is left out for 0, on either side", () => {
    assert.isBelow(compareVersions("1.2", "1.2.3"), 0)
    assert.isAbove(compareVersions("1.2.3", "1.2"), 0)
    assert.strictEqual(compareVersions("1", "1.0.0"), 0)
  })
})

describe("a range of versions", () => {
  const ranges: ReadonlyArray<readonly [range: string, inside: ReadonlyArray<string>, outside: ReadonlyArray<string>]> =
    [
      ["*", ["0.0.0-a", "0.0.1", "9.9.9"], []],
      ["^1.2", ["1.2.0", "1.9.4"], ["1.1.9", "1.2.0-rc.1", "2.0.0-rc.1", "2.0.0"]],
      ["^0.2.3", ["0.2.3", "0.2.9"], ["0.2.2", "0.3.0"]],
      ["^0", ["0.0.1", "0.9.0"], ["1.0.0"]],
      ["~1.2.3", ["1.2.3", "1.2.9"], ["1.2.2", "1.3.0-a", "1.3.0"]],
      ["~1", ["1.0.0", "1.9.0"], ["0.9.0", "2.0.0"]],
      ["1.2", ["1.2.0", "1.2.7"], ["1.3.0", "1.1.0"]],
      ["1.x", ["1.0.0", "1.7.7"], ["2.0.0"]],
      ["1.2.3", ["1.2.3", "1.2.3+build"], ["1.2.4", "1.2.4-a", "1.2.3-a"]],
      ["=1.2.3-rc.1", ["1.2.3-rc.1"], ["1.2.3-rc.1.1", "1.2.3"]],
      [">=1.2 <2", ["1.2.0", "1.9.9", "2.0.0-a"], ["1.1.9", "2.0.0"]],
      [">1.2.3", ["1.2.4", "1.2.4-a"], ["1.2.3"]],
      [">1.2", ["1.3.0"], ["1.2.9"]],
      ["<=1.2", ["1.2.9", "0.1.0"], ["1.3.0"]],
      ["<=1.2.3", ["1.2.3"], ["1.2.4"]],
      ["^1 || ^3", ["1.4.0", "3.0.0"], ["2.0.0"]]
    ]
  for (const [range, inside, outside] of ranges) {
    it(`such as ${range} holds what it should`, () => {
      for (const version of inside) assert.isTrue(isInRange(version, range), version)
      for (const version of outside) assert.isFalse(isInRange(version, range), version)
    })
  }

  it("that is none is no answer", () => {
    for (const range of ["", "latest", "^", "1.2.3.4", ">= 1", "^1 || new"])
      assert.isUndefined(isInRange("1.0.0", range), range)
  })
})

describe("isVersion", () => {
  it("takes versions with their last numbers left out, and nothing else", () => {
    for (const text of ["1", "1.2", "1.2.3", "1.2.3-rc.1+b"]) assert.isTrue(isVersion(text), text)
    for (const text of ["", "v1", "1.x", "*", "1.2.3.4", "^1"]) assert.isFalse(isVersion(text), text)
  })
})
