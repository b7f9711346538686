import { assert, describe, it } from "@effect/vitest"
import { applyFields, booleanField, numberField, pointerOf, wordField } from "../../../devices/agent/Fields.ts"

const board = () => {
  const settings = { target: 20, on: false, led: "off" }
  return {
    settings,
    apply: (delta: Parameters<typeof applyFields>[0]) =>
      applyFields(delta, {
        target: numberField(0, 100, (target) => {
          settings.target = target
        }),
        on: booleanField((on) => {
          settings.on = on
        }),
        led: wordField(["on", "off"], (led) => {
          settings.led = led
        })
      })
  }
}

describe("applyFields", () => {
  it("applies what it can and refuses the rest, field by field", () => {
    const { settings, apply } = board()
    const { reported, refused } = apply({ target: 200, on: true, led: "blue", fan: 1 })
    assert.deepStrictEqual(reported, { on: true })
    assert.deepStrictEqual(refused, { "/target": 34, "/led": 34, "/fan": 2 })
    assert.deepStrictEqual(settings, { target: 20, on: true, led: "off" })
  })

  it("refuses another type with 22", () => {
    assert.deepStrictEqual(board().apply({ target: "hot", on: 1, led: true }).refused, {
      "/target": 22,
      "/on": 22,
      "/led": 22
    })
  })

  it("does nothing for a field that is to be forgotten", () => {
    assert.deepStrictEqual(board().apply({ target: null }), { reported: {}, refused: {} })
  })

  it("has no field of an object's prototype", () => {
    assert.deepStrictEqual(board().apply({ toString: 1 }).refused, { "/toString": 2 })
  })

  it("escapes names in pointers", () => {
    assert.strictEqual(pointerOf(["a/b", "c~d"]), "/a~1b/c~0d")
  })
})
