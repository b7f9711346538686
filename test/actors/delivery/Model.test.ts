import { assert, describe, it } from "@effect/vitest"
import { lettersOf } from "../../../src/actors/delivery/Pages.ts"
import type { DeliveryRecord } from "../../../src/protocol/Delivery.ts"
import { DeliveryRig, stored } from "./DeliveryRig.ts"

/** A small generator of our own: the run is the same for the same seed. */
const draws = (seed: number) => {
  let state = seed
  return (most: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * most)
  }
}

const attemptsOf = (rig: DeliveryRig): ReadonlyArray<number> =>
  [...lettersOf((rig.state as DeliveryRecord).pages)].map(({ attempts }) => attempts)

describe("a delivery", () => {
  it("loses nothing, kills no letter and keeps the order of each key, however often and long its target goes away", () => {
    for (let seed = 1; seed <= 40; seed++) {
      const draw = draws(seed)
      const rig = new DeliveryRig()
      const arrived: Array<string> = []
      const sent: Array<string> = []
      let isThere = true
      let outages = 0
      const answer = (): void => {
        const matchId = rig.underWay[draw(rig.underWay.length)] ?? ""
        rig.now += 1 + draw(20)
        if (!isThere) return rig.away(matchId)
        // The target knows a repeat.
        if (!arrived.includes(matchId)) arrived.push(matchId)
        rig.delivered(matchId)
      }
      for (let step = 0; step < 400; step++) {
        const what = draw(12)
        if (what < 3) {
          const key = `k${draw(5)}`
          sent.push(`${key}-${sent.length}`)
          rig.deliver(`${key}-${sent.length - 1}`, key)
        } else if (what < 9 && rig.underWay.length > 0) answer()
        else if (what === 9 && draw(3) === 0) {
          isThere = !isThere
          if (!isThere) outages++
        } else if (what === 10) rig.move()
        else if (rig.view().queued > 0) rig.untilDue()
      }
      assert.isAbove(outages, 0)
      // One that was under way with another that was answered last may count for one.
      for (const attempts of attemptsOf(rig)) assert.isAtMost(attempts, outages, `seed ${seed}`)
      isThere = true
      while (rig.view().queued > 0) {
        if (rig.underWay.length === 0) rig.untilDue()
        else answer()
      }
      assert.deepInclude(rig.view(), { dead: 0, dropped: 0 }, `seed ${seed}`)
      for (const key of ["k0", "k1", "k2", "k3", "k4"]) {
        const of = (ids: ReadonlyArray<string>) => ids.filter((matchId) => matchId.startsWith(`${key}-`))
        assert.deepStrictEqual(of(arrived), of(sent), `seed ${seed}, ${key}`)
      }
      stored(rig.state)
    }
  })

  it("brings every letter once and in order per key, through any run of failures, moves and silence", () => {
    for (let seed = 1; seed <= 60; seed++) {
      const draw = draws(seed)
      const rig = new DeliveryRig()
      const arrived = new Map<string, Array<number>>()
      const counts = new Map<string, number>()
      for (let step = 0; step < 300; step++) {
        const what = draw(10)
        if (what < 3) {
          const key = `k${draw(6)}`
          const number = counts.get(key) ?? 0
          counts.set(key, number + 1)
          rig.deliver(`${key}-${number}`, key)
        } else if (what < 8 && rig.underWay.length > 0) {
          const matchId = rig.underWay[draw(rig.underWay.length)] ?? ""
          const [key = "", number] = matchId.split("-")
          if (draw(4) === 0) rig.failed(matchId)
          else {
            const seen = arrived.get(key) ?? []
            arrived.set(key, seen)
            if (!seen.includes(Number(number))) seen.push(Number(number))
            rig.delivered(matchId)
          }
        } else if (what === 8) rig.move()
        else if (rig.view().queued > 0) rig.untilDue()
        const keys = rig.underWay.map((matchId) => matchId.split("-")[0])
        assert.isAtMost(rig.view().inFlight, 6)
        assert.isAtMost(new Set(keys).size, 6)
      }
      while (rig.view().queued > 0) {
        const [matchId] = rig.underWay
        if (matchId === undefined) rig.untilDue()
        else {
          const [key = "", number] = matchId.split("-")
          const seen = arrived.get(key) ?? []
          arrived.set(key, seen)
          if (!seen.includes(Number(number))) seen.push(Number(number))
          rig.delivered(matchId)
        }
      }
      for (const [key, count] of counts)
        assert.deepStrictEqual(
          arrived.get(key),
          Array.from({ length: count }, (_, number) => number),
          `seed ${seed}, ${key}`
        )
      stored(rig.state)
    }
  })
})
