import { assert, describe, it } from "@effect/vitest"
import { type Sign, type SignKind, signKinds } from "../../../../src/protocol/vsm/Threat.ts"
import { discounted, factorOf, isFutile, learned, likeness } from "../../../../src/systems/policy/immune/Learning.ts"
import { remedyFor } from "../../../../src/systems/policy/immune/Templates.ts"
import { burstOf, levelOf, signed, stageOf, unsuspected } from "../../../../src/systems/policy/immune/Weighing.ts"

const minute = 60_000
const all = (): number => 1
const sign = (kind: SignKind, count = 1): Sign => ({ kind, subject: "device/a", count })

describe("the threat of somebody", () => {
  it("is one less what every piece of evidence leaves of doubt, and half as much ten minutes later", () => {
    const evidence = [
      { kind: "flood", weight: 0.75, at: 0 },
      { kind: "replay", weight: 0.6, at: 0 }
    ] as const
    assert.closeTo(levelOf(evidence, 0), 0.9, 1e-9)
    assert.closeTo(levelOf(evidence, 10 * minute), 1 - 0.625 * 0.7, 1e-9)
    assert.strictEqual(levelOf([], 0), 0)
    // A clock that goes back makes nothing graver.
    assert.closeTo(levelOf(evidence, -minute), 0.9, 1e-9)
  })

  it("calls for attention from 0.5 on, for a mitigation from 0.7 on, for isolation from 0.9 on", () => {
    assert.deepStrictEqual([0.49, 0.5, 0.69, 0.7, 0.89, 0.9, 1].map(stageOf), [
      "none",
      "watch",
      "watch",
      "mitigate",
      "mitigate",
      "isolate",
      "isolate"
    ])
  })

  it.each(signKinds)("is nothing before the last of a burst of %s within a minute", (kind) => {
    const burst = burstOf(kind)
    let suspect = unsuspected("device/a", 0)
    for (let seen = 1; seen < burst; seen++) {
      suspect = signed(suspect, sign(kind), seen * 100, all)
      assert.lengthOf(suspect.evidence, 0)
    }
    assert.lengthOf(signed(suspect, sign(kind), minute + 99, all).evidence, 1)
    assert.lengthOf(signed(suspect, sign(kind), 2 * minute, all).evidence, burst === 1 ? 1 : 0)
  })

  it("grows by four pieces at most from one word, however much it tells of", () => {
    const flooded = signed(unsuspected("device/a", 0), sign("bad-input", 1_000_000), 0, all)
    assert.lengthOf(flooded.evidence, 4)
    assert.lengthOf(flooded.signs, 0)
  })
})

describe("what is learned", () => {
  it("keeps a remedy from being used by itself that fails five times, and not after four", () => {
    const mitigation = { template: "bar", signature: "address:wrong-token" } as const
    let known = {}
    for (let round = 1; round <= 5; round++) {
      known = learned(known, mitigation as Parameters<typeof learned>[1], false)
      assert.strictEqual(isFutile(known, mitigation), round === 5)
    }
    for (let round = 0; round < 3; round++) known = learned(known, mitigation as Parameters<typeof learned>[1], true)
    assert.isFalse(isFutile(known, mitigation))
  })

  it("halves what a false alarm was made of, down to a sixteenth", () => {
    let discounts: Readonly<Record<string, number>> = {}
    const factors = Array.from({ length: 6 }, () => {
      discounts = discounted(discounts, "device:flood")
      return factorOf(discounts, "device:flood")
    })
    assert.deepStrictEqual(factors, [0.5, 0.25, 0.125, 0.0625, 0.0625, 0.0625])
    assert.strictEqual(factorOf(discounts, "__proto__"), 1)
  })

  it("likens incidents by the angle between them", () => {
    assert.closeTo(likeness({ a: 1, b: 1 }, { a: 2, b: 2 }), 1, 1e-9)
    assert.strictEqual(likeness({ a: 1 }, { b: 1 }), 0)
    assert.strictEqual(likeness({}, { b: 1 }), 0)
  })
})

describe("the remedy", () => {
  const terms = { isAutomatic: true, mitigateMillis: 1000, isolateMillis: 2000 }

  it("is one of a fixed list, by who it is and how grave", () => {
    const chosen = (["watch", "mitigate", "isolate"] as const).map((stage) =>
      ["address/x", "device/x", "user/x"].map((subject) => remedyFor(subject, stage, ["refused-act"], terms)?.template)
    )
    assert.deepStrictEqual(chosen, [
      [undefined, undefined, undefined],
      ["bar", "isolate", "throttle"],
      ["bar", "isolate", "deny"]
    ])
    assert.deepStrictEqual(remedyFor("user/x", "isolate", ["bad-input"], terms), {
      template: "revoke",
      ttlMillis: 2000
    })
  })
})
