import { assert, describe, it } from "@effect/vitest"
import { crc16 } from "../../src/protocol/Crc16.ts"

describe("the checksum of a chunk", () => {
  it("is that of the check string, and the start value for nothing", () => {
    assert.strictEqual(crc16(new TextEncoder().encode("123456789")), 0x29b1)
    assert.strictEqual(crc16(new Uint8Array(0)), 0xffff)
  })
})
