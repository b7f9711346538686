import { assert, describe, it } from "@effect/vitest"
import { phi } from "../../../src/systems/coordination/Suspicion.ts"
import * as Zombies from "../../../src/systems/coordination/Zombies.ts"
import { randomOf } from "../../support/Random.ts"

const names = ["a", "b", "c"]

/** Three nodes under load, of which some may behave as their faults say. Time is simulated, second by second. */
class Cluster {
  nodes: Zombies.Nodes = new Map()
  now = 0
  readonly changes: Array<Zombies.Change & { readonly at: number }> = []
  readonly #random: (below: number) => number
  readonly #counts = new Map(names.map((name) => [name, { seq: 0, accepted: 0, completed: 0, progress: 0 }]))

  constructor(seed: number) {
    this.#random = randomOf(seed)
  }

  /** Runs for so many seconds; what `fault` says of a node is what it does otherwise. */
  run(seconds: number, fault: (name: string) => Fault | undefined = () => undefined): this {
    for (const until = this.now + seconds * 1000; this.now < until; ) {
      this.now += 1000
      for (const name of names) this.#second(name, fault(name))
      if (this.now % Zombies.lookMillis !== 0) continue
      const { nodes, changes } = Zombies.looked(this.nodes, this.now)
      this.nodes = nodes
      for (const change of changes) this.changes.push({ ...change, at: this.now })
    }
    return this
  }

  verdict(name: string): Zombies.Verdict | undefined {
    return this.nodes.get(name)?.verdict
  }

  #second(name: string, fault: Fault | undefined): void {
    const counts = this.#counts.get(name)
    if (counts === undefined || fault === "killed") return this.#gossip(name)
    const jitter = 10 + this.#random(81)
    counts.seq++
    counts.accepted += 70
    const isStuck = fault === "stuck" || fault === "lying"
    if (!isStuck) {
      counts.completed = counts.accepted - this.#random(5)
      counts.progress = this.now
    }
    const mailbox = fault === "lying" ? 0 : counts.accepted - counts.completed
    const beat: Zombies.Heartbeat = {
      node: name,
      incarnation: "first",
      seq: counts.seq,
      clock: this.now,
      load: 0.7,
      accepted: counts.accepted,
      completed: counts.completed,
      mailbox,
      lastProgressMillis: counts.progress,
      residentBytes: fault === "leaking" ? 900_000_000 : 120_000_000 + this.#random(1_000_000)
    }
    this.nodes = Zombies.heard(this.nodes, beat, this.now + jitter)
    for (let call = 0; call < 4; call++)
      this.nodes = Zombies.timed(this.nodes, name, isStuck || fault === "leaking" ? 3000 : 10 + this.#random(81))
    this.#gossip(name)
  }

  /** Everybody else says what he thinks of the node. */
  #gossip(name: string): void {
    const record = this.nodes.get(name)
    if (record === undefined) return
    for (const from of names)
      this.nodes = Zombies.gossiped(this.nodes, from, name, phi(record.beats, this.now), this.now)
  }
}

type Fault = "killed" | "stuck" | "lying" | "leaking"

const only =
  (node: string, fault: Fault) =>
  (name: string): Fault | undefined =>
    name === node ? fault : undefined

describe("nodes", () => {
  it("stay in service through half an hour of load with jitter: what little speaks against one has passed by the next look", () => {
    for (let seed = 1; seed <= 5; seed++) {
      const { changes } = new Cluster(seed).run(1800)
      assert.sameMembers([...new Set(changes.map(({ to }) => to).concat("healthy", "suspect"))], ["healthy", "suspect"])
      assert.isAtMost(changes.length, 20, `seed ${seed}`)
    }
  })

  it("are dead when their heartbeats stop and most agree, and healthy again when they start anew", () => {
    const cluster = new Cluster(1).run(60)
    cluster.run(20, only("b", "killed"))
    assert.strictEqual(cluster.verdict("b"), "dead")
    assert.strictEqual(cluster.verdict("a"), "healthy")
    const beat = {
      node: "b",
      incarnation: "second",
      clock: cluster.now,
      load: 0.1,
      accepted: 0,
      completed: 0,
      mailbox: 0
    }
    cluster.nodes = Zombies.heard(
      cluster.nodes,
      { ...beat, seq: 1, lastProgressMillis: cluster.now, residentBytes: 100_000_000 },
      cluster.now
    )
    assert.strictEqual(cluster.verdict("b"), "healthy")
  })

  it("that are silent for one observer alone are suspect, and not dead", () => {
    const cluster = new Cluster(1).run(60)
    let { nodes } = cluster
    const later = cluster.now + 20_000
    for (const name of ["a", "c"]) {
      const last = nodes.get(name)?.last
      if (last !== undefined) nodes = Zombies.heard(nodes, { ...last, seq: last.seq + 1, clock: later }, later)
    }
    nodes = Zombies.looked(nodes, later).nodes
    assert.strictEqual(nodes.get("b")?.verdict, "suspect")
    assert.deepStrictEqual(nodes.get("b")?.signs, ["heartbeat"])
  })

  it.each(["stuck", "lying", "leaking"] as const)(
    "that send heartbeats and are %s are in quarantine within a minute",
    (fault) => {
      const cluster = new Cluster(2).run(60).run(60, only("c", fault))
      const change = cluster.changes.find(({ to }) => to === "quarantined")
      assert.strictEqual(change?.node, "c")
      assert.isAtLeast(change?.signs.length ?? 0, 2)
      assert.isTrue(names.filter((name) => name !== "c").every((name) => cluster.verdict(name) === "healthy"))
    }
  )

  it("come out of quarantine after a minute without a sign and a minute of probation, and go back over one", () => {
    const well = new Cluster(3).run(60).run(60, only("c", "leaking")).run(40)
    assert.strictEqual(well.verdict("c"), "probation")
    assert.strictEqual(well.run(80).verdict("c"), "healthy")
    const again = new Cluster(3).run(60).run(60, only("c", "leaking")).run(40)
    assert.strictEqual(again.run(15, only("c", "leaking")).verdict("c"), "quarantined")
  })

  it("are not put into quarantine where too few would be left; a person may", () => {
    const cluster = new Cluster(4).run(60).run(120, (name) => (name === "a" ? undefined : "leaking"))
    const out = names.filter((name) => !Zombies.isServing(cluster.verdict(name) ?? "dead"))
    assert.lengthOf(out, 1)
    assert.sameMembers(
      names.map((name) => cluster.verdict(name)),
      ["healthy", "quarantined", "zombie"]
    )
    const left = names.find((name) => cluster.verdict(name) === "zombie") ?? ""
    const decided = Zombies.decided(cluster.nodes, left, "quarantined", cluster.now)
    assert.strictEqual(decided.get(left)?.verdict, "quarantined")
    assert.strictEqual(Zombies.decided(decided, "nobody", "quarantined", 0), decided)
  })

  it("say so themselves when they count backwards, or the same twice", () => {
    const cluster = new Cluster(5).run(60)
    const last = cluster.nodes.get("a")?.last
    assert.isDefined(last)
    const wrong = [
      { ...last, seq: last.seq },
      { ...last, seq: last.seq + 1, clock: last.clock - 1 },
      { ...last, seq: last.seq + 1, completed: last.accepted + 1 },
      { ...last, seq: last.seq + 1, measuredLoad: last.load - 0.4 }
    ]
    for (const beat of wrong) {
      const nodes = Zombies.looked(Zombies.heard(cluster.nodes, beat, cluster.now), cluster.now).nodes
      assert.deepStrictEqual(nodes.get("a")?.signs, ["inconsistency"], JSON.stringify(beat))
    }
  })
})

describe("phi", () => {
  it("rises with silence, slower where heartbeats came irregularly, and stays a number", () => {
    const regular = { lastAt: 0, intervals: Array.from({ length: 100 }, () => 1000) }
    const irregular = { lastAt: 0, intervals: Array.from({ length: 100 }, (_, place) => 500 + (place % 2) * 1000) }
    assert.isBelow(phi(regular, 1000), 1)
    assert.isAbove(phi(regular, 2000), 8)
    assert.isBelow(phi(irregular, 2000), 8)
    assert.isTrue(Number.isFinite(phi(regular, 10_000_000)))
    let before = 0
    for (let at = 0; at < 60_000; at += 50) {
      const value = phi(irregular, at)
      assert.isAtLeast(value, before)
      before = value
    }
    assert.strictEqual(phi({ lastAt: 0, intervals: [] }, 5000), 0)
  })
})
