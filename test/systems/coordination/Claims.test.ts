import { assert, describe, it } from "@effect/vitest"
import { uuidV7 } from "../../../src/protocol/Ids.ts"
import { type ClaimMode, overlaps, type Priority } from "../../../src/protocol/vsm/Claim.ts"
import * as Claims from "../../../src/systems/coordination/Claims.ts"
import { randomOf } from "../../support/Random.ts"

const start = 1_790_000_000_000
const empty: Claims.Ledger = { fence: 0, claims: new Map() }

/** An op made so many ms after the start. */
const opAt = (millis: number): string => uuidV7(start + millis, (count) => new Uint8Array(count).fill(7))

const asked = (lease: string, age: number, resource: string, more: Partial<Claims.Asked> = {}): Claims.Asked => ({
  lease,
  op: opAt(age),
  by: "user/ada",
  claims: [{ resource, mode: "exclusive" }],
  priority: "normal",
  holdMillis: 1000,
  waitMillis: 5000,
  ...more
})

const claimed = (ledger: Claims.Ledger, wanted: Claims.Asked, now = start): Claims.Settled => {
  const after = Claims.claim(ledger, wanted, now)
  if ("_tag" in after) throw after
  return after
}

const stateOf = (ledger: Claims.Ledger, lease: string) => ledger.claims.get(lease)?.state

describe("claims", () => {
  it("are held by one at a time, each with a higher fence; a younger op waits for an older one", () => {
    const one = claimed(empty, asked("one", 1, "device/press-1"))
    const two = claimed(one, asked("two", 2, "device/press-1"))
    assert.deepStrictEqual([stateOf(two, "one"), stateOf(two, "two")], ["held", "waiting"])
    const after = Claims.release(two, "one", start + 10)
    assert.deepStrictEqual([stateOf(after, "one"), stateOf(after, "two")], ["released", "held"])
    assert.deepStrictEqual([one.claims.get("one")?.fence, after.claims.get("two")?.fence], [1, 2])
    assert.strictEqual(after.claims.get("two")?.waitedMillis, 10)
  })

  it("are taken from a younger op by an older one, and from any op by one of higher priority", () => {
    const young = claimed(empty, asked("young", 5, "device/press-1"))
    const old = claimed(young, asked("old", 1, "device/press-1"))
    assert.deepStrictEqual([stateOf(old, "young"), stateOf(old, "old")], ["wounded", "held"])
    assert.deepStrictEqual(
      old.lost.map(({ lease, lostTo }) => [lease, lostTo]),
      [["young", opAt(1)]]
    )
    const urgent = claimed(old, asked("urgent", 9, "device/press-1", { priority: "critical" }))
    assert.deepStrictEqual([stateOf(urgent, "old"), stateOf(urgent, "urgent")], ["wounded", "held"])
  })

  it("share what is only read, and a whole device is its capabilities", () => {
    const read = { claims: [{ resource: "device/press-1/motor", mode: "read" as const }] }
    const first = claimed(empty, asked("first", 1, "", read))
    const second = claimed(first, asked("second", 2, "", read))
    assert.strictEqual(stateOf(second, "second"), "held")
    const whole = claimed(second, asked("whole", 3, "device/press-1"))
    assert.strictEqual(stateOf(whole, "whole"), "waiting")
    assert.strictEqual(stateOf(claimed(whole, asked("other", 4, "device/press-10")), "other"), "held")
    const late = claimed(whole, asked("late", 5, "", read))
    assert.strictEqual(stateOf(late, "late"), "waiting", "no reader overtakes a stronger claim that waits")
  })

  it("of one op do not stand in each other's way", () => {
    const one = claimed(empty, asked("one", 1, "device/press-1"))
    assert.strictEqual(stateOf(claimed(one, asked("two", 1, "device/press-1")), "two"), "held")
  })

  it("are refused with who has them when nobody may wait, and when too many do", () => {
    const one = claimed(empty, asked("one", 1, "device/press-1"))
    const refused = Claims.claim(one, asked("two", 2, "device/press-1", { waitMillis: 0 }), start)
    assert.deepInclude(refused, { _tag: "Conflict", untilMs: start + 1000 })
    let many: Claims.Ledger = one
    for (let number = 0; number < 1023; number++) many = claimed(many, asked(`w${number}`, 3, "device/press-1"))
    assert.deepInclude(Claims.claim(many, asked("more", 3, "device/press-1"), start), { _tag: "Backpressure" })
  })

  it("end when nobody renews them, are held on while somebody does, and waiting ends too", () => {
    const one = claimed(empty, asked("one", 1, "device/press-1"))
    const two = claimed(one, asked("two", 2, "device/press-1", { waitMillis: 1500 }))
    const renewed = Claims.renew(two, "one", start + 900)
    assert.strictEqual(stateOf(Claims.settled(renewed, start + 1000), "one"), "held")
    const waited = Claims.settled(renewed, start + 1500)
    assert.deepInclude(waited.claims.get("two"), { state: "refused", lostTo: opAt(1) })
    assert.strictEqual(waited.claims.get("two")?.refusal?._tag, "Timeout")
    const expired = Claims.settled(waited, start + 1900)
    assert.deepStrictEqual([stateOf(expired, "one"), expired.lost.length], ["expired", 1])
    assert.strictEqual(Claims.settled(expired, start + 100_000).claims.size, 0, "what is over is forgotten")
  })

  it("know when an op may have been made", () => {
    assert.isTrue(Claims.isPlausible(opAt(0), start))
    assert.isFalse(Claims.isPlausible(opAt(0), start + 90_000_000))
    assert.isFalse(Claims.isPlausible(opAt(120_000), start))
    assert.isFalse(Claims.isPlausible("no id", start))
  })
})

interface Op {
  readonly op: string
  readonly priority: Priority
  leases: Array<string>
}

describe("any run of ops that claim more and more", () => {
  it("never lets two hold what only one may, gives rising fences, and comes to its end: no deadlock", () => {
    const resources = ["device/a", "device/a/x", "device/a/y", "device/b", "device/b/x", "zone/hall"]
    const modes: ReadonlyArray<ClaimMode> = ["read", "write", "exclusive"]
    let wounds = 0
    for (let seed = 1; seed <= 200; seed++) {
      const random = randomOf(seed)
      let now = start
      let ledger: Claims.Ledger = empty
      let serial = 0
      const ops: Array<Op> = []
      const fences = new Map<string, number>()
      const check = (after: Claims.Ledger) => {
        const held = [...after.claims.values()].filter(({ state }) => state === "held")
        for (const one of held)
          for (const other of held)
            for (const mine of one.op === other.op ? [] : one.claims)
              for (const yours of other.claims)
                assert.isFalse(
                  overlaps(mine.resource, yours.resource) && (mine.mode !== "read" || yours.mode !== "read"),
                  `seed ${seed}: ${one.lease} and ${other.lease}`
                )
        const before = Math.max(0, ...fences.values())
        for (const { lease, fence = 0 } of held) {
          if (fences.has(lease)) continue
          assert.isAbove(fence, before, `seed ${seed}: fences rise`)
          fences.set(lease, fence)
        }
      }
      const step = (isEnding: boolean): void => {
        const op = ops[random(Math.max(1, ops.length))]
        const what = random(6)
        if (!isEnding && (what === 0 || op === undefined)) {
          ops.push({ op: opAt(++serial), priority: random(5) === 0 ? "high" : "normal", leases: [] })
        } else if (!isEnding && what < 4 && op !== undefined && op.leases.length < 4) {
          const lease = `${seed}-${++serial}`
          const claims = Array.from({ length: 1 + random(2) }, () => ({
            resource: resources[random(resources.length)] ?? "",
            mode: modes[random(3)] ?? "read"
          }))
          const wanted = { lease, op: op.op, by: "", claims, priority: op.priority, holdMillis: 1e9, waitMillis: 1e9 }
          const after = claimed(ledger, wanted, now)
          wounds += after.lost.length
          ledger = after
          op.leases.push(lease)
        } else if (op !== undefined) {
          // An op that waits for something does not end: only who has all it wants gives it back.
          const states = op.leases.map((lease) => stateOf(ledger, lease))
          if (states.includes("waiting")) return
          for (const lease of op.leases) ledger = Claims.release(ledger, lease, now)
          ops.splice(ops.indexOf(op), 1)
        }
        check(ledger)
        now++
      }
      for (let count = 0; count < 80; count++) step(false)
      for (let count = 0; count < 3000 && ops.length > 0; count++) step(true)
      assert.deepStrictEqual(ops, [], `seed ${seed}: everybody had his turn`)
    }
    assert.isAbove(wounds, 100)
  })
})
