import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import {
  derivedId,
  isDeviceId,
  isUuid,
  isUuidV7,
  millisOf,
  uuidBytes,
  uuidText,
  uuidV7
} from "../../src/protocol/Ids.ts"

const randomBytes =
  (fill: number) =>
  (count: number): Uint8Array =>
    new Uint8Array(count).fill(fill)

describe("UUIDv7", () => {
  it("is the example of RFC 9562, appendix A.6", () => {
    const random = (): Uint8Array => Uint8Array.of(0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f)
    const uuid = uuidV7(0x017f22e279b0, random)
    assert.strictEqual(uuid, "017f22e2-79b0-7cc3-98c4-dc0c0c07398f")
    assert.strictEqual(millisOf(uuid), 0x017f22e279b0)
  })

  it.prop(
    "keeps its time and its shape",
    {
      now: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 ** 48 - 1 })),
      fill: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))
    },
    ({ now, fill }) => {
      const uuid = uuidV7(now, randomBytes(fill))
      assert.isTrue(isUuidV7(uuid))
      assert.isTrue(isUuid(uuid))
      assert.strictEqual(millisOf(uuid), now)
      assert.strictEqual(uuidText(uuidBytes(uuid) ?? new Uint8Array(16)), uuid)
    }
  )

  it("refuses times and random bytes that it cannot hold", () => {
    for (const now of [-1, 2 ** 48, 0.5, Number.NaN]) assert.throws(() => uuidV7(now, randomBytes(0)), RangeError)
    assert.throws(() => uuidV7(0, () => new Uint8Array(9)), RangeError)
  })

  it("tells other texts apart", () => {
    for (const text of [
      "",
      "017f22e2-79b0-4cc3-98c4-dc0c0c07398f",
      "017f22e2-79b0-7cc3-c8c4-dc0c0c07398f",
      "017F22E2-79B0-7CC3-98C4-DC0C0C07398F",
      "017f22e279b07cc398c4dc0c0c07398f",
      "017f22e2-79b0-7cc3-98c4-dc0c0c07398f\n"
    ]) {
      assert.isFalse(isUuidV7(text), text)
      assert.isUndefined(millisOf(text), text)
    }
    assert.isUndefined(uuidBytes("017F22E2-79B0-7CC3-98C4-DC0C0C07398F"))
  })
})

describe("an id that follows from another", () => {
  const from = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"

  it("is a UUIDv7 as old, the same for the same name, and another for any other", () => {
    const names = Array.from({ length: 10_000 }, (_, at) => `device/press-${at} SetDesired 0`)
    const ids = names.map((name) => derivedId(from, name))
    assert.strictEqual(new Set(ids).size, names.length)
    for (const id of ids) assert.strictEqual(millisOf(id), millisOf(from))
    assert.strictEqual(derivedId(from, names[7] ?? ""), ids[7])
    assert.notStrictEqual(derivedId("017f22e2-79b0-7cc3-98c4-dc0c0c073990", names[7] ?? ""), ids[7])
  })

  it("is none of what is no UUIDv7", () => {
    assert.throws(() => derivedId("press-1", "a"), RangeError)
  })
})

describe("device ids", () => {
  it("are small and plain", () => {
    for (const id of ["a", "0", "press-1", "x".repeat(63), "a--b-"]) assert.isTrue(isDeviceId(id), id)
    for (const id of ["", "-a", "Press", "a_b", "a.b", "x".repeat(64), "é", "a\n", "a/b", "+", "#"])
      assert.isFalse(isDeviceId(id), id)
  })
})
