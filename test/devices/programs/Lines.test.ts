import { assert, describe, it } from "@effect/vitest"
import { Lines } from "../../../devices/programs/Lines.ts"

const bench = () => {
  const said: Array<string> = []
  let now = 0
  const lines = new Lines(
    () => now,
    (text) => said.push(text)
  )
  return {
    said,
    lines,
    print: (text: string) => lines.push(new TextEncoder().encode(text)),
    at: (millis: number) => {
      now = millis
    }
  }
}

describe("what a program prints", () => {
  it("is said line by line, also when a line comes in pieces", () => {
    const { print, said } = bench()
    print("mo")
    print("tor\r\nha")
    assert.deepStrictEqual(said, ["motor"])
    print("lt\n\n")
    assert.deepStrictEqual(said, ["motor", "halt", ""])
  })

  it("is said to its end when the program ends", () => {
    const { lines, print, said } = bench()
    print("no end")
    lines.end()
    lines.end()
    assert.deepStrictEqual(said, ["no end"])
  })

  it("is cut where a line is too long, and never inside a character", () => {
    const { lines, print, said } = bench()
    print(`${"x".repeat(1023)}é${"y".repeat(1100)}`)
    lines.end()
    assert.deepStrictEqual(
      said.map((line) => Buffer.byteLength(line)),
      [1023, 1024, 78]
    )
    assert.strictEqual(said.join(""), `${"x".repeat(1023)}é${"y".repeat(1100)}`)
  })

  it("may be no text at all", () => {
    const { lines, said } = bench()
    lines.push(new Uint8Array(3000).fill(0xff))
    lines.end()
    assert.lengthOf(said, 3)
    for (const line of said) assert.isAtMost(Buffer.byteLength(line), 1024)
  })

  it("is counted, not said, beyond twenty lines a second", () => {
    const { at, print, said } = bench()
    print("line\n".repeat(50))
    assert.lengthOf(said, 20)
    at(1000)
    print("next\n")
    assert.deepStrictEqual(said.slice(20), ["30 lines are left out", "next"])
  })
})
