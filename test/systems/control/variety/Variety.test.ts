import { assert, describe, it } from "@effect/vitest"
import type { HolonEvent } from "../../../../src/protocol/Event.ts"
import { countsOf, entropyOf, mutualInformation } from "../../../../src/systems/control/variety/Entropy.ts"
import { roleOf } from "../../../../src/systems/control/variety/Roles.ts"
import {
  absorptionOf,
  amplificationOf,
  attenuationOf,
  channelUse,
  varietyOf
} from "../../../../src/systems/control/variety/Variety.ts"
import { randomFrom } from "../../../support/Random.ts"

const counts = (...all: ReadonlyArray<number>) => new Map(all.map((count, at) => [`c-${at}`, count]))
const uniform = (classes: number, each: number) => counts(...Array.from({ length: classes }, () => each))

let serial = 0
const event = (type: string, more: Partial<HolonEvent> = {}): HolonEvent => ({
  id: `e-${++serial}`,
  type,
  source: { actor: "device", id: "press-1" },
  seq: serial,
  ts: { ms: serial, ctr: 0, node: "0000000000000000" },
  at: serial,
  vsm: "line-1",
  severity: "warn",
  data: {},
  causes: [],
  ...more
})

/** What comes of a disturbance, by how far the answer is from the right one. */
const ends: ReadonlyArray<(cause: string) => HolonEvent> = [
  (cause) => event("command.ended", { data: { code: 0 }, causes: [cause] }),
  (cause) => event("command.late", { causes: [cause] }),
  (cause) => event("command.ended", { data: { code: 5 }, causes: [cause] }),
  (cause) => event("algedonic.person-called", { causes: [cause] })
]

/** A simulated VSM: of so many answers it gives the best one to each of four disturbances. */
const simulated = (answers: number): ReadonlyArray<HolonEvent> => {
  const random = randomFrom(7)
  return Array.from({ length: 4000 }).flatMap(() => {
    const kind = Math.floor(random() * ends.length)
    const cause = event(`press.fault-${kind}`)
    const answer = Math.min(kind, answers - 1)
    const end = ends[kind - answer]?.(cause.id)
    return [cause, event(`policy.answer-${answer}`, { causes: [cause.id] }), ...(end === undefined ? [] : [end])]
  })
}

describe("entropy", () => {
  it("is that of the distribution behind a log, within 0.02 bit", () => {
    assert.strictEqual(Math.round(entropyOf(counts(40, 30, 20, 10)) * 1e6) / 1e6, 1.86808)
    assert.strictEqual(entropyOf(new Map()), 0)
    assert.strictEqual(entropyOf(counts(100)), 0)
    const ends = [0.5, 0.75, 0.875, 1]
    const random = randomFrom(42)
    const drawn = Array.from({ length: 20_000 }, () => {
      const at = random()
      return String(ends.findIndex((end) => at < end))
    })
    assert.closeTo(entropyOf(countsOf(drawn)), 1.75, 0.02)
    assert.closeTo(entropyOf(uniform(16, 500)), 4, 0.02)
  })

  it("of what goes together says how much one tells of the other", () => {
    const random = randomFrom(3)
    const pick = () => String(Math.floor(random() * 4))
    const same = Array.from({ length: 5000 }, () => pick()).map((each) => [each, each] as const)
    assert.closeTo(mutualInformation(same), 2, 0.02)
    const apart = Array.from({ length: 5000 }, () => [pick(), pick()] as const)
    assert.closeTo(mutualInformation(apart), 0, 0.02)
  })
})

describe("the variety of a VSM", () => {
  it("grows with the number of its answers, and that of what comes of them falls", () => {
    const all = [1, 2, 3, 4].map((answers) => varietyOf(simulated(answers), { seconds: 300 }))
    for (const [at, next] of all.entries()) {
      const before = all[at - 1]
      if (before === undefined) continue
      assert.isAbove(next.ratio, before.ratio)
      assert.isBelow(next.outcomeBits, before.outcomeBits)
    }
    assert.deepStrictEqual([all[0]?.shortage, all[3]?.shortage], ["critical", "none"])
    assert.isTrue(all.every(({ isLawful }) => isLawful))
    assert.closeTo(all[3]?.usedBits ?? 0, 2, 0.02)
    assert.strictEqual(all[3]?.absorbed, 1)
  })

  it("answers at random where answers say nothing about what they answer", () => {
    const random = randomFrom(11)
    const log = Array.from({ length: 4000 }).flatMap(() => {
      const cause = event(`press.fault-${Math.floor(random() * 4)}`)
      return [cause, event(`policy.answer-${Math.floor(random() * 4)}`, { causes: [cause.id] })]
    })
    const found = varietyOf(log, { seconds: 300, possible: 4 })
    assert.strictEqual(found.shortage, "none")
    assert.closeTo(found.usedBits, 0, 0.02)
    assert.strictEqual(found.potentialBits, 2)
  })

  it("of a log in which nothing happens is nothing, and no shortage", () => {
    assert.deepInclude(varietyOf([], { seconds: 300 }), {
      disturbances: 0,
      disturbanceBits: 0,
      ratio: 0,
      gap: 0,
      shortage: "none",
      absorbed: 1,
      isLawful: true
    })
  })

  it("names whose acts are kept from happening too often", () => {
    const source = { actor: "recursion", id: "root" }
    const log = [event("recursion.blocked", { source }), event("recursion.admitted", { source }), event("press.hot")]
    assert.deepStrictEqual(varietyOf(log, { seconds: 300 }).blocked, { recursion: 0.5 })
  })

  it("takes events for what they are", () => {
    const roles = [
      "press.hot",
      "command.accepted",
      "command.ended",
      "operator.refused",
      "vsm.activated",
      "algedonic.felt"
    ]
    assert.deepStrictEqual(
      roles.map((type) => roleOf(event(type))),
      ["disturbance", "response", "outcome", "blocked", "other", "disturbance"]
    )
  })
})

describe("channels", () => {
  it("carry so many bits a second of those that they can", () => {
    const { bitsPerSecond, use, state } = channelUse(uniform(16, 1000), 10, 500)
    assert.closeTo(bitsPerSecond, 6400, 5)
    assert.closeTo(use, 1.6, 0.01)
    assert.strictEqual(state, "saturated")
    assert.strictEqual(channelUse(new Map(), 10, 500).state, "free")
  })

  it("are attenuated and amplified, and levels absorb", () => {
    assert.deepStrictEqual(attenuationOf(100, 10), { share: 0.9, decibels: 10 })
    assert.deepStrictEqual(attenuationOf(0, 0), { share: 0, decibels: 0 })
    assert.closeTo(amplificationOf(uniform(2, 1000), [uniform(4, 1000), uniform(4, 1000)]), 4, 0.02)
    assert.deepStrictEqual(absorptionOf(100, [90, 9, 1]), [0.9, 0.9, 1])
  })
})
