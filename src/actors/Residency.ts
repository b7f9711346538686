/** All cells of a node: who is resident, who must be woken, and which door a message goes through. */
import { type HolonError, Malformed, NotFound } from "../protocol/Errors.ts"
import type { Agreement } from "./Agreement.ts"
import { Cell } from "./Cell.ts"
import { Claims } from "./Claims.ts"
import { fromBytes } from "./Codec.ts"
import { Crossings } from "./Crossings.ts"
import { type Envelope, type Posted, type Reply, unavailable } from "./Envelope.ts"
import { Escalations } from "./Escalations.ts"
import { actOf } from "./Guard.ts"
import { type Address, addressKey, type Cancel, type Host } from "./Host.ts"
import { denialOf, isByPolicies, Judge } from "./Judge.ts"
import { Lanes } from "./Lanes.ts"
import type { FrameOutcome, Offer } from "./Links.ts"
import { Refusals } from "./Refusals.ts"
import type { Registry } from "./Registry.ts"
import type { Store } from "./Store.ts"
import type { DropReason, Home, Surroundings } from "./Surroundings.ts"

/** What a node's residency gets from the cluster engine. */
export interface Engine {
  readonly shardOf: (address: Address) => number
  /** Whether this node holds the shard and its lease is fresh. */
  readonly mayServe: (shard: number) => boolean
  readonly isFresh: () => boolean
  readonly shards: () => ReadonlyArray<number>
  /** An ask through the cluster: at least once, repeated silently until the deadline. */
  readonly post: (to: Address, posted: Posted, deadlineMillis: number, done: (reply: Reply) => void) => void
}

/** A node's residency and what is around it. */
export interface Options {
  readonly node: string
  readonly host: Host
  readonly store: Store
  readonly registry: Registry
  readonly agreement: Agreement
  readonly engine: Engine
  /** Says whether somebody may do something. Default by rights alone. */
  readonly judge?: Judge
  readonly toGateway: Surroundings["toGateway"]
  readonly perform: Surroundings["perform"]
  /** An actor that nobody has used for this long is passivated. */
  readonly idleMillis: number
}

const failureWindowMillis = 60_000
const scanMillis = 1000
const scanRetryMillis = 500
const scanLimit = 1000
/**
 * All that a node can hold. The flag stays while its actor is awake, so a second page would begin with the first one again.
 */
const takeoverLimit = 1_000_000
const rewakeMillis = 200

/** Counters since the start of the node, for metrics. */
export interface Counts {
  claims: number
  drops: Record<DropReason, number>
  failures: number
  /** Times of others that were too far ahead to go by them. */
  skewed: number
}

const unknownHere = (kind: string, message: string): Reply =>
  unavailable(`the node that has this actor does not know message ${message} of ${kind} yet`)

/** The cells of one node. A message for an actor that belongs here and sleeps wakes it. */
export class Residency {
  readonly counts: Counts = {
    claims: 0,
    failures: 0,
    skewed: 0,
    drops: { idle: 0, moved: 0, fenced: 0, outage: 0, refused: 0, crashed: 0, quarantined: 0, absent: 0 }
  }
  /** Says whether somebody may do something. */
  readonly judge: Judge
  /** What operators were refused, on its way into the journal. */
  readonly refusals: Refusals
  private readonly options: Options
  private readonly around: Surroundings
  private readonly cells = new Map<string, Cell>()
  private readonly failures = new Map<string, Array<number>>()
  private readonly escalations: Escalations
  private readonly timers = new Set<Cancel>()
  private stopped = false
  private isScanning = false

  constructor(options: Options) {
    this.options = options
    this.judge = options.judge ?? Judge.defaultValue()
    const { node, host, store, registry, agreement, engine, toGateway, perform } = options
    const crossings = new Crossings({ host, registry, post: engine.post })
    this.around = {
      node,
      host,
      store,
      registry,
      agreement,
      lanes: new Lanes(host, store, node),
      claims: new Claims(host, store, node, engine.isFresh),
      mayServe: engine.mayServe,
      post: engine.post,
      toGateway,
      perform,
      judge: this.judge,
      countFailure: (self) => this.countFailure(addressKey(self)),
      refused: (asker, act) => this.refusals.note(asker, act),
      barred: (crossing) => crossings.refusalOf(crossing),
      skewed: () => {
        this.counts.skewed++
      },
      dropped: (cell, reason) => this.dropped(cell, reason)
    }
    this.refusals = new Refusals({
      host,
      registry,
      post: engine.post,
      later: (millis, run) => this.later(millis, run)
    })
    this.escalations = new Escalations({ host, store, registry, post: engine.post })
    this.every(scanMillis, () => this.scan(false, engine.shards()))
    this.every(options.idleMillis / 2, () => this.sweep())
  }

  get size(): number {
    return this.cells.size
  }

  /** Resident actors by kind. */
  residents(): ReadonlyMap<string, number> {
    const byKind = new Map<string, number>()
    for (const { kind } of this.cells.values()) byKind.set(kind, (byKind.get(kind) ?? 0) + 1)
    return byKind
  }

  /** Standing queries on actors of this node, by kind of the actor. */
  watches(): ReadonlyMap<string, number> {
    const byKind = new Map<string, number>()
    for (const { kind, watched } of this.cells.values())
      if (watched > 0) byKind.set(kind, (byKind.get(kind) ?? 0) + watched)
    return byKind
  }

  /** A message the cluster brought here: wakes the actor if it sleeps. */
  deliver(address: Address, envelope: Envelope, done: (reply: Reply) => void): void {
    const cell = this.cellFor(address)
    if (cell === undefined) return done({ _tag: "NotHere" })
    cell.put(envelope, done)
  }

  /**
   * As {@link deliver}, for the travelling form. Its sender knew the message, so a newer node sent it: one that tells must
   * not give it up for that.
   */
  deliverPosted(address: Address, posted: Posted, done: (reply: Reply) => void): void {
    const codec = this.options.registry.get(address.kind)?.codec.messages.get(posted.message)
    if (codec === undefined) return done(unknownHere(address.kind, posted.message))
    const payload = fromBytes(codec.payload, posted.body)
    if (payload._tag === "Failure")
      return done({ _tag: "Failed", error: new Malformed({ path: "payload", reason: payload.failure.reason }) })
    const { message, requestId, asker, tell } = posted
    this.deliver(address, { message, payload: payload.success, requestId, asker, ...(tell && { tell }) }, done)
  }

  /** Direct call of a resident cell by an edge of this node; `false` when the message must go through the cluster. */
  direct(address: Address, envelope: Envelope, done: (reply: Reply) => void): boolean {
    const cell = this.cells.get(addressKey(address))
    if (cell === undefined || !cell.isOpen) return false
    cell.put(envelope, done)
    return true
  }

  /** An up frame for a device's cell. */
  frame(offer: Offer, done: (outcome: FrameOutcome) => void): void {
    const cell = this.cells.get(`device/${offer.id}`)
    if (cell === undefined) return done({ _tag: "NotHere" })
    cell.offer(offer, done)
  }

  /** Watches an actor of this node. Ends without an error when it moves: the client asks again where it lives then. */
  watchPosted(
    address: Address,
    posted: Posted,
    receive: (item: unknown) => void,
    ended: (error: HolonError | undefined) => void
  ): () => void {
    const nothing = (): void => {}
    const refuse = (error: HolonError | undefined): (() => void) => {
      ended(error)
      return nothing
    }
    const type = this.options.registry.get(address.kind)
    const message = type?.behaviour.contract.messages[posted.message]
    const codec = type?.codec.messages.get(posted.message)
    if (message?.delivery !== "watch" || codec === undefined)
      return refuse(new NotFound({ what: `message ${posted.message} of ${address.kind} that can be watched` }))
    const payload = fromBytes(codec.payload, posted.body)
    const asked = { tag: posted.message, message, payload: payload._tag === "Success" ? payload.success : undefined }
    const denied = denialOf(this.around.judge, posted.asker, asked, address, { isForwarded: true })
    if (denied !== undefined) {
      if (!isByPolicies(denied)) this.refusals.note(posted.asker, actOf(posted.message, message, address))
      return refuse(denied)
    }
    if (payload._tag === "Failure") return refuse(new Malformed({ path: "payload", reason: payload.failure.reason }))
    const watcher = { message: posted.message, payload: payload.success, asker: posted.asker, receive, ended }
    return this.cellFor(address)?.watch(watcher) ?? refuse(undefined)
  }

  /** Makes a cell for each actor that is not resident and belongs here. */
  wake(addresses: ReadonlyArray<Address>): void {
    for (const address of addresses) {
      const resident = this.cells.get(addressKey(address))
      if (resident === undefined) this.cellFor(address)
      else resident.nudge()
    }
  }

  /** These shards are ours from now on: wakes who is due or flagged for it. */
  acquired(shards: ReadonlyArray<number>): void {
    this.scan(true, shards)
  }

  /** The shard leaves this node: ends its cells, each after the commit under way. */
  release(shard: number, done: () => void): void {
    this.end(
      [...this.cells.values()].filter((cell) => cell.shard === shard),
      done
    )
  }

  private end(cells: ReadonlyArray<Cell>, done: () => void): void {
    let open = cells.length
    if (open === 0) return done()
    for (const cell of cells) {
      cell.close("moved", () => {
        if (--open === 0) done()
      })
    }
  }

  /** The lock session has died: whatever is resident may already live elsewhere. */
  dropAll(): void {
    for (const cell of [...this.cells.values()]) cell.drop("moved")
  }

  /** The node stops: ends every cell after the commit under way, and wakes nobody from now on. */
  close(done: () => void): void {
    this.stop()
    this.end([...this.cells.values()], done)
  }

  /** Wakes nobody from now on. What is resident stays. */
  stop(): void {
    this.stopped = true
    for (const cancel of this.timers) cancel()
    this.timers.clear()
  }

  private cellFor(address: Address): Cell | undefined {
    const key = addressKey(address)
    const resident = this.cells.get(key)
    if (resident !== undefined) return resident
    const { engine, registry } = this.options
    const type = registry.get(address.kind)
    const shard = engine.shardOf(address)
    if (type === undefined || this.stopped || !engine.mayServe(shard)) return undefined
    this.counts.claims++
    const cell = new Cell(address, shard, type, this.around)
    this.cells.set(key, cell)
    return cell
  }

  private dropped(cell: Home, reason: DropReason): void {
    this.counts.drops[reason]++
    if (this.cells.get(cell.key) === cell) this.cells.delete(cell.key)
    // A release is a new beginning: the failures before it have had their consequence.
    if (reason === "quarantined") this.failures.delete(cell.key)
    const isOver = reason === "idle" || reason === "moved" || reason === "quarantined" || reason === "absent"
    if (isOver || this.stopped) return
    // Whoever asks and whatever memory said: an actor that was dropped by an outage wakes again within a second.
    this.rewake(cell)
  }

  /** Again and again while the lease is stale: what dropped the cell is often what made it so. */
  private rewake(cell: Home): void {
    const { engine, host } = this.options
    this.later(rewakeMillis * (1 + host.random()), () => {
      if (this.cellFor(cell) === undefined && engine.shards().includes(cell.shard)) this.rewake(cell)
    })
  }

  private countFailure(key: string): number {
    const now = this.options.host.monotonic()
    const recent = (this.failures.get(key) ?? []).filter((at) => at > now - failureWindowMillis)
    recent.push(now)
    this.failures.set(key, recent)
    this.counts.failures++
    return recent.length
  }

  private scan(takeover: boolean, shards: ReadonlyArray<number>): void {
    const { engine, host, store } = this.options
    if (shards.length === 0 || !engine.isFresh()) {
      if (takeover) this.later(scanRetryMillis, () => this.rescan(shards))
      return
    }
    if (!takeover) {
      if (this.isScanning) return
      this.isScanning = true
    }
    // What is due and resident is found again every time: it must not hide who sleeps.
    const limit = takeover ? takeoverLimit : scanLimit + this.cells.size
    store.due(shards, host.now(), takeover, limit, (due) => {
      if (!takeover) this.isScanning = false
      if ("_tag" in due) {
        if (takeover) this.later(scanRetryMillis, () => this.rescan(shards))
        return
      }
      this.wake(due.actors)
      this.escalations.found(due.untold)
    })
  }

  /** Again after a scan that failed, for the shards still held. */
  private rescan(shards: ReadonlyArray<number>): void {
    const held = new Set(this.options.engine.shards())
    this.scan(
      true,
      shards.filter((shard) => held.has(shard))
    )
  }

  /** Ends cells that nobody uses, and those whose shard has left. */
  private sweep(): void {
    const { engine, host, idleMillis } = this.options
    const now = host.monotonic()
    const held = new Set(engine.shards())
    for (const cell of [...this.cells.values()]) {
      if (!held.has(cell.shard)) cell.close("moved", () => {})
      else if (!cell.needsToStay(now, idleMillis)) cell.close("idle", () => {})
    }
    for (const [key, times] of this.failures)
      if (times.every((at) => at <= now - failureWindowMillis)) this.failures.delete(key)
  }

  private every(millis: number, run: () => void): void {
    this.later(millis, () => {
      run()
      this.every(millis, run)
    })
  }

  private later(millis: number, run: () => void): void {
    if (this.stopped) return
    const cancel = this.options.host.schedule(millis, () => {
      this.timers.delete(cancel)
      if (!this.stopped) run()
    })
    this.timers.add(cancel)
  }
}
