import { assert, describe, it } from "@effect/vitest"
import { memoryJournal } from "../../../devices/agent/MemoryJournal.ts"
import { seeded } from "../../../devices/simulated/Seeded.ts"
import type { UpFrame } from "../../../src/protocol/Frame.ts"
import { sync } from "../../../src/protocol/frame/LinkFrames.ts"
import { type Line, Rig, welcome } from "./ScriptedPeer.ts"

/** A command as the cluster sees it. */
interface Order {
  readonly id: string
  readonly idempotent: boolean
  /** Boot that was told it may run. */
  accepted?: number
  result?: number
  /** Ended by the cluster, which then never let it run. */
  ended: boolean
}

/**
 * The cluster's side of one board, written apart from the agent: it consumes each number once, acknowledges some, and lets
 * commands run by the rules of the link.
 */
class Cluster {
  readonly random: () => number
  readonly ackMode: number
  readonly journal: boolean
  readonly orders = new Map<string, Order>()
  readonly events: Array<string> = []
  /** First bytes of each number on the wire, by boot. */
  readonly wire = new Map<string, string>()
  epoch = 0
  boot = 0
  last = 0
  ahead = new Set<number>()
  #read = 0
  #line: Line | undefined
  #owed: Array<number> = []

  constructor(random: () => number, ackMode: number, journal: boolean) {
    this.random = random
    this.ackMode = ackMode
    this.journal = journal
  }

  /** Whether all commands have come to their end. */
  get settled(): boolean {
    return [...this.orders.values()].every((order) => order.ended || order.result !== undefined)
  }

  attach(line: Line, boot: number): void {
    if (boot !== this.boot) {
      for (const order of this.orders.values()) {
        // A board without a journal cannot tell whether it ran.
        const lost = order.accepted !== undefined && order.result === undefined && !this.journal && !order.idempotent
        if (lost) order.ended = true
      }
      this.boot = boot
      this.last = 0
      this.ahead = new Set()
    }
    this.#line = line
    this.#read = line.bytes.length
    this.#owed = []
    this.welcome(0)
    this.remind()
  }

  welcome(bits: number): void {
    this.epoch++
    this.#line?.say(
      welcome({ epoch: this.epoch, last: this.last, ackMode: this.ackMode, sync: bits, lease: 600_000, window: 6 })
    )
  }

  remind(): void {
    for (const order of this.orders.values()) if (this.random() < 0.7) this.send(order)
  }

  send(order: Order): void {
    if (order.ended || order.result !== undefined) return
    this.#line?.say({
      type: "invoke",
      epoch: this.epoch,
      id: order.id,
      name: "work",
      ttl: 86_400_000,
      idempotent: order.idempotent
    })
  }

  /** Takes what is on the wire: `lose` leaves the rest of it unread for ever. */
  take(count: number, acknowledge: number): void {
    const line = this.#line
    if (line === undefined) return
    const frames = line.frames
    for (let n = 0; n < count && this.#read < frames.length; n++) {
      const bytes = line.bytes[this.#read]
      const frame = frames[this.#read]
      this.#read++
      if (frame === undefined || bytes === undefined || frame.seq === 0) continue
      const key = `${this.boot}/${frame.seq}`
      const hex = Buffer.from(bytes).toString("hex")
      assert.strictEqual(this.wire.get(key) ?? hex, hex, "a number always carries the same frame")
      this.wire.set(key, hex)
      if (this.random() < 0.1) continue
      this.consume(frame)
      this.#owed.push(frame.seq)
    }
    if (this.random() < acknowledge) this.acknowledge()
  }

  acknowledge(): void {
    const line = this.#line
    if (line === undefined) return
    if (this.ackMode === 1) return line.say({ type: "ack", epoch: this.epoch, boot: this.boot, last: this.last })
    const owed = this.#owed
    this.#owed = []
    for (const seq of owed) line.puback(seq)
  }

  consume(frame: UpFrame): void {
    if (frame.type === "progress" && this.orders.get(frame.id)?.ended) {
      this.#line?.say({ type: "error", epoch: this.epoch, code: 62, req: frame.id })
    }
    if (frame.seq <= this.last || this.ahead.has(frame.seq)) return
    assert.isAtMost(frame.seq, this.last + 64)
    this.ahead.add(frame.seq)
    while (this.ahead.delete(this.last + 1)) this.last++
    if (frame.type === "event") this.events.push(frame.name)
    if (frame.type === "progress" || frame.type === "result") {
      const order = this.orders.get(frame.id)
      if (order === undefined || order.ended) return
      if (frame.type === "progress") order.accepted = this.boot
      else order.result ??= frame.code
    }
  }
}

const run = (seed: number): { readonly executed: number; readonly links: number } => {
  const random = seeded(seed, "schedule")
  const withJournal = seed % 2 === 0
  const cuts = seed % 4 < 2
  const cluster = new Cluster(random, seed % 3 === 0 ? 1 : 0, withJournal)
  const journal = memoryJournal()
  const executed = new Map<string, number>()
  let boot = 1
  let rig = makeRig()
  let pushed: Array<string> = []
  let orders = 0
  let links = 0

  function makeRig(): Rig {
    const made = new Rig({ random, boot, agent: { waitingMax: 10_000 }, ...(withJournal ? { journal } : {}) })
    made.agent.start()
    return made
  }
  const observe = (): void => {
    for (const { command } of rig.runs.splice(0)) {
      const order = cluster.orders.get(command.id)
      assert.isDefined(order)
      assert.isFalse(order?.ended, "what the cluster has ended never starts")
      executed.set(command.id, (executed.get(command.id) ?? 0) + 1)
      if (executed.get(command.id) !== 1) assert.isTrue(command.idempotent, "an id runs once")
      running.push(command.id)
    }
    running = running.filter((id) => random() < 0.7 || !finish(id))
  }
  let running: Array<string> = []
  const executions = new Map<string, Rig["runs"][number]>()
  const finish = (id: string): boolean => {
    executions.get(id)?.execution.finish({ code: 0 })
    return true
  }
  const collect = (): void => {
    for (const made of rig.runs) executions.set(made.command.id, made)
    observe()
  }
  const step = (calm: boolean): void => {
    collect()
    if (rig.agent.state === "down") rig.time.advance(60_000)
    if (rig.agent.state === "opening") {
      rig.line.events.opened()
      links++
      cluster.attach(rig.line, rig.agent.boot)
    }
    const dice = random()
    if (calm) {
      cluster.remind()
      cluster.take(1000, 1)
      return
    }
    if (dice < 0.3) {
      const name = `e.n${pushed.length}`
      pushed.push(name)
      rig.voice.event(name)
    } else if (dice < 0.4) {
      const id = `018f3a6e-4c00-7abc-8def-${(++orders).toString(16).padStart(12, "0")}`
      const order: Order = { id, idempotent: random() < 0.3, ended: false }
      cluster.orders.set(id, order)
      cluster.send(order)
    } else if (dice < 0.45) cluster.remind()
    else if (dice < 0.5) {
      // The cluster ends a command that no board was told to run.
      for (const order of cluster.orders.values()) {
        if (!withJournal && order.accepted === undefined && order.result === undefined) order.ended = true
      }
    } else if (dice < 0.8) cluster.take(Math.floor(random() * 8), 0.6)
    else if (dice < 0.86) cluster.welcome(random() < 0.5 ? sync.doNotResend : 0)
    else if (dice < 0.94) rig.line.lose()
    else if (dice < 0.96 && cuts) {
      rig.agent.cut()
      executions.clear()
      running = []
      boot = rig.agent.boot + 1
      pushed = []
      cluster.events.length = 0
      rig = makeRig()
    } else rig.time.advance(random() * 1000)
  }
  for (let n = 0; n < 150; n++) step(false)
  for (let n = 0; n < 60; n++) {
    // A gateway that waits in vain for frames it never saw closes the link in the end.
    if (n % 10 === 9) rig.line.lose()
    step(true)
  }
  collect()
  cluster.take(1000, 1)
  assert.deepStrictEqual([...cluster.events].sort(), [...pushed].sort(), "no numbered frame is lost or taken twice")
  assert.isTrue(cluster.settled, "every command comes to its end")
  assert.strictEqual(rig.agent.owed, 0)
  const seqs = [...cluster.wire.keys()].filter((key) => key.startsWith(`${cluster.boot}/`)).length
  assert.strictEqual(seqs, cluster.last, "numbers have no gap")
  return { executed: executed.size, links }
}

describe("any schedule of losses, acknowledgements and reconnects", () => {
  it("loses no numbered frame, leaves no gap in the numbers and runs no command twice", () => {
    let executed = 0
    let links = 0
    for (let seed = 1; seed <= 200; seed++) {
      try {
        const { executed: ran, links: made } = run(seed)
        executed += ran
        links += made
      } catch (cause) {
        throw new Error(`seed ${seed}`, { cause })
      }
    }
    assert.isAbove(executed, 1000)
    assert.isAbove(links, 2000)
  })
})
