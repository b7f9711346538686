import { assert, describe, it } from "@effect/vitest"
import { countedBoot, drawnBoot } from "../../../devices/agent/BootNumber.ts"

const cell = (kept?: string) => ({
  kept,
  writable: true,
  read() {
    return this.kept
  },
  write(text: string) {
    if (this.writable) this.kept = text
    return this.writable
  }
})

describe("boot numbers", () => {
  it("counts on from the number that was kept", () => {
    const kept = cell("41")
    const next = countedBoot(kept, () => 0.5)
    assert.strictEqual(next(), 42)
    assert.strictEqual(next(), 43)
    assert.strictEqual(kept.kept, "43")
  })

  it("draws the first one, so that a lost cell does not repeat old numbers", () => {
    assert.isAbove(countedBoot(cell(), () => 0.5)(), 1_000_000)
    assert.isAbove(countedBoot(cell("garbage"), () => 0.5)(), 1_000_000)
    assert.isAbove(countedBoot(cell("-3"), () => 0.5)(), 1_000_000)
  })

  it("never uses a number it could not keep", () => {
    const full = cell("7")
    full.writable = false
    assert.notStrictEqual(countedBoot(full, () => 0.25)(), 8)
  })

  it("draws numbers of 32 bits from one up", () => {
    assert.strictEqual(drawnBoot(() => 0)(), 1)
    assert.isAtMost(drawnBoot(() => 1 - 2 ** -53)(), 2 ** 32 - 1)
  })
})
