import { assert, describe, it } from "@effect/vitest"
import { signKinds } from "../../../../src/protocol/vsm/Threat.ts"
import { operator } from "../../../support/ActorRig.ts"
import { type Below, randomOf } from "../../../support/Random.ts"
import { bob, Wards } from "./Wards.ts"

const minute = 60_000
const day = 24 * 60 * minute
const boards = ["press-1", "press-2", "press-3"]
const subjects = [
  ...boards.map((id) => `device/${id}`),
  "user/ada",
  "user/bob",
  "user/eve",
  "address/10.0.0.7",
  "address/10.0.0.8"
]
const templates = ["bar", "isolate", "throttle", "deny", "revoke"]

const pick = <A>(from: ReadonlyArray<A>, random: Below): A => {
  const found = from[random(from.length)]
  assert.isDefined(found)
  return found
}

/** One thing that happens. */
const step = (wards: Wards, random: Below): void => {
  const { mitigations } = wards.view()
  const named = mitigations.length === 0 ? "root.1" : pick(mitigations, random).id
  const asker = random(2) === 0 ? operator : bob
  switch (random(10)) {
    case 0:
    case 1:
    case 2:
    case 3: {
      const others = random(4) === 0 ? { others: 1 } : {}
      return wards.see(pick(signKinds, random), pick(subjects, random), 1 + random(20), others)
    }
    case 4: {
      const ttlMillis = 1000 + random(day - 1000)
      wards.ask(
        "Mitigate",
        { subject: pick(subjects, random), template: pick(templates, random), ttlMillis, reason: "x" },
        asker
      )
      return
    }
    case 5:
      wards.ask(
        "Approve",
        { mitigation: named, ...(random(2) === 0 && { ttlMillis: 1000 + random(day - 1000) }) },
        asker
      )
      return
    case 6:
      wards.ask(
        random(2) === 0 ? "Lift" : "Reject",
        { mitigation: named, ...(random(3) === 0 && { isFalseAlarm: true }) },
        asker
      )
      return
    case 7:
      wards.takesPolicies = random(4) !== 0
      return wards.kill()
    case 8:
      wards.rig.canPost = random(2) === 0
      return
    default:
      return wards.advance(random(20 * minute))
  }
}

/** What must be so whatever has happened. */
const check = (wards: Wards, now: number): void => {
  const active = wards.view().mitigations.filter(({ state }) => state === "active")
  assert.strictEqual(new Set(active.map(({ subject }) => subject)).size, active.length, "one remedy a subject")
  const apart = new Set(
    active.filter(({ template }) => template === "deny" || template === "revoke").map(({ subject }) => subject)
  )
  assert.isBelow(apart.size, 3, "half of the accounts are left")
  for (const { until, ttlMillis, approvals, by } of active) {
    assert.isAtMost(ttlMillis, by === "immune" && approvals.length < 2 ? 60 * minute : day)
    assert.isTrue(ttlMillis <= 60 * minute || approvals.length >= 2, "two people for more than an hour")
    assert.isAbove(until, now - 1000)
  }
}

describe("an immune system, whatever happens in whatever order", () => {
  it.each([1, 2, 3, 4, 5, 6])("keeps its rules, and lets everybody come back in the end (%i)", (seed) => {
    const random = randomOf(seed)
    const wards = new Wards()
    for (const id of boards) wards.attach(id)
    wards.see("duplicate-id", "device/press-1")
    for (let number = 0; number < 60; number++) {
      step(wards, random)
      check(wards, wards.rig.now)
    }
    wards.rig.canPost = true
    wards.takesPolicies = true
    wards.kill()
    for (let hours = 0; hours < 26; hours++) {
      wards.rig.sleep(60 * minute)
      wards.kill()
      wards.advance(5000)
    }
    assert.deepStrictEqual(
      wards
        .view()
        .mitigations.filter(({ state }) => state === "active" || state === "proposed" || state === "approved"),
      []
    )
    assert.deepStrictEqual(wards.view().threats, [])
    assert.deepStrictEqual(wards.bars, [])
    for (const [number, id] of boards.entries()) assert.strictEqual(wards.attach(id, 9 + number), "Success", id)
    assert.deepStrictEqual(wards.rig.reported, [])
  })
})
