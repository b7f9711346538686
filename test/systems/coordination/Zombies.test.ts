import { assert, describe, it } from "@effect/vitest"
import type { Vitals } from "../../../src/protocol/vsm/Vitals.ts"
import { isSlow } from "../../../src/systems/coordination/Suspicion.ts"
import * as Zombies from "../../../src/systems/coordination/Zombies.ts"
import { randomOf } from "../../support/Random.ts"

const names = ["a", "b", "c"]
const stepMillis = 500

type Fault = "stuck" | "losing" | "leaking" | "slow"

/** Three nodes under load as the first of them sees them; some behave as their faults say. Time is simulated. */
class Seen {
  nodes: Zombies.Nodes = new Map()
  now = 0
  /** When a node was first called a zombie, by name. */
  readonly zombies = new Map<string, number>()
  suspicions = 0
  readonly #random: (below: number) => number
  readonly #counts = new Map(names.map((name) => [name, { seq: 0, accepted: 0, completed: 0, progressAt: 0 }]))
  readonly #hanging = new Map<string, number>()

  constructor(seed: number) {
    this.#random = randomOf(seed)
  }

  run(seconds: number, fault: (name: string) => Fault | undefined = () => undefined): this {
    for (const until = this.now + seconds * 1000; this.now < until; ) {
      this.now += stepMillis
      for (const name of names) this.#step(name, fault(name))
      if (this.now % Zombies.lookMillis !== 0) continue
      this.nodes = Zombies.looked(this.nodes, "a")
      for (const [name, doubt] of Object.entries(Zombies.doubtsOf(this.nodes))) {
        if (doubt === "zombie" && !this.zombies.has(name)) this.zombies.set(name, this.now)
        else this.suspicions++
      }
    }
    return this
  }

  vitals(name: string): Vitals {
    const { last } = this.nodes.get(name) ?? {}
    if (last === undefined) throw new Error(`no ${name}`)
    return last
  }

  #step(name: string, fault: Fault | undefined): void {
    const counts = this.#counts.get(name)
    if (counts === undefined) return
    const isStanding = fault === "stuck" || fault === "losing"
    counts.seq++
    counts.accepted += 35
    if (!isStanding) {
      counts.completed = counts.accepted - this.#random(5)
      counts.progressAt = this.now
    }
    this.nodes = Zombies.heard(this.nodes, name, {
      seq: counts.seq,
      clock: this.now,
      accepted: counts.accepted,
      completed: counts.completed,
      waiting: fault === "losing" ? 0 : counts.accepted - counts.completed,
      progressAt: counts.progressAt,
      residentBytes: fault === "leaking" ? 900_000_000 : 120_000_000 + this.#random(1_000_000),
      doubts: {}
    })
    const since = isStanding ? (this.#hanging.get(name) ?? this.now) : this.now
    if (isStanding) this.#hanging.set(name, since)
    else this.#hanging.delete(name)
    const isSlowed = fault === "leaking" || fault === "slow"
    const millis = isStanding ? this.now - since : isSlowed ? 3000 : 10 + this.#random(81)
    this.nodes = Zombies.timed(this.nodes, name, millis)
  }
}

const only =
  (node: string, fault: Fault) =>
  (name: string): Fault | undefined =>
    name === node ? fault : undefined

describe("nodes", () => {
  it("are no zombies through half an hour of load with calls of 50 ± 40 ms", () => {
    for (let seed = 1; seed <= 5; seed++) {
      const seen = new Seen(seed).run(1800)
      assert.strictEqual(seen.zombies.size, 0)
      assert.isAtMost(seen.suspicions, 20, `seed ${seed}`)
    }
  })

  it.each(["stuck", "losing", "leaking"] as const)(
    "that send heartbeats and are %s are zombies within half a minute, and no others are",
    (fault) => {
      const seen = new Seen(2).run(60)
      const from = seen.now
      seen.run(60, only("c", fault))
      assert.deepStrictEqual([...seen.zombies.keys()], ["c"])
      assert.isAtMost((seen.zombies.get("c") ?? 0) - from, 30_000)
      assert.isAtLeast(seen.nodes.get("c")?.signs.length ?? 0, 2)
    }
  )

  it("with one sign alone are suspect, however long", () => {
    const seen = new Seen(3).run(60).run(300, only("b", "slow"))
    assert.strictEqual(seen.nodes.get("b")?.doubt, "suspect")
    assert.deepStrictEqual(seen.nodes.get("b")?.signs, ["latency"])
    assert.strictEqual(seen.zombies.size, 0)
  })

  it("are fine again soon after they have become well", () => {
    const seen = new Seen(3).run(60).run(60, only("c", "stuck"))
    assert.strictEqual(seen.nodes.get("c")?.doubt, "zombie")
    assert.isUndefined(seen.run(30).nodes.get("c")?.doubt)
  })

  it("are not blamed for what most of them show: then the store stands still", () => {
    const seen = new Seen(4).run(60).run(120, () => "stuck")
    assert.strictEqual(seen.zombies.size, 0)
    const most = new Seen(4).run(60).run(120, (name) => (name === "a" ? undefined : "stuck"))
    assert.strictEqual(most.zombies.size, 0)
  })

  it("do not judge themselves", () => {
    const seen = new Seen(4).run(60).run(60, only("a", "stuck"))
    assert.isUndefined(seen.nodes.get("a")?.doubt)
  })

  it("that count backwards, or more than they were given, contradict themselves", () => {
    const seen = new Seen(5).run(60)
    const last = seen.vitals("b")
    const next = { ...last, seq: last.seq + 1 }
    const wrong = [
      { ...last, seq: last.seq - 1 },
      { ...next, clock: last.clock - 5000 },
      { ...next, accepted: last.accepted - 1 },
      { ...next, completed: last.completed - 1 },
      { ...next, completed: last.accepted + 1 }
    ]
    for (const vitals of wrong)
      assert.deepStrictEqual(
        Zombies.looked(Zombies.heard(seen.nodes, "b", vitals), "a").get("b")?.signs,
        ["inconsistency"],
        JSON.stringify(vitals)
      )
    for (const vitals of [last, next, { ...next, clock: last.clock - 500 }])
      assert.deepStrictEqual(Zombies.looked(Zombies.heard(seen.nodes, "b", vitals), "a").get("b")?.signs, [])
  })

  it("that have left are forgotten", () => {
    const { nodes } = new Seen(5).run(60)
    assert.sameMembers([...Zombies.keeping(nodes, new Set(["a", "c"])).keys()], ["a", "c"])
    assert.strictEqual(Zombies.keeping(nodes, new Set(names)), nodes)
  })
})

describe("a node's latency", () => {
  const calls = (millis: number) => Array.from({ length: 32 }, (_, place) => millis + (place % 3))

  it("is too much beside its peers, or beside what it was", () => {
    const peers = [calls(10), calls(12)]
    assert.isTrue(isSlow(calls(400), peers, undefined))
    assert.isFalse(isSlow(calls(200), peers, undefined))
    assert.isTrue(isSlow(calls(400), [], 100))
    assert.isFalse(isSlow(calls(250), [], 100))
  })

  it("is measured by the middle: a few slow calls say nothing, and neither do a few calls", () => {
    const few = [...calls(10).slice(0, 20), ...calls(5000).slice(0, 12)]
    assert.isFalse(isSlow(few, [calls(10), calls(10)], 10))
    assert.isFalse(isSlow([5000, 5000], [calls(10), calls(10)], 10))
  })
})
