/** One residency over a store in memory whose commits can be held, failed and fenced; time stands until it is moved. */
import { assert } from "@effect/vitest"
import { type Agreement, alone } from "../../src/actors/Agreement.ts"
import type { AnyBehaviour, EffectOrder } from "../../src/actors/Behaviour.ts"
import type { Envelope, Posted, Reply } from "../../src/actors/Envelope.ts"
import { type Address, addressKey, type Host } from "../../src/actors/Host.ts"
import type { Judge } from "../../src/actors/Judge.ts"
import type { ToGateway } from "../../src/actors/Links.ts"
import * as Registry from "../../src/actors/Registry.ts"
import { Residency } from "../../src/actors/Residency.ts"
import type { Claimed, CommitRow, Committed, DeadLetter, QuarantineEntry, Store } from "../../src/actors/Store.ts"
import { supervisorPart } from "../../src/actors/Supervisor.ts"
import type { Asker } from "../../src/protocol/Asker.ts"
import { uuidV7 } from "../../src/protocol/Ids.ts"

/** A stored actor, as a test may look at it. */
export interface StoredActor {
  version: number
  owner: string
  format: number
  head: Uint8Array | null
  parts: Map<string, Uint8Array>
  wakeAt: number | null
  quarantine: QuarantineEntry | undefined
  isTold?: boolean
}

interface Timer {
  readonly at: number
  readonly run: () => void
}

export const operator: Asker = { kind: "user", id: "ada", role: "operator" }
export const epoch = 1_790_000_000_000

export class ActorRig {
  readonly rows = new Map<string, StoredActor>()
  readonly journal: Array<
    Readonly<{ key: string; kind: string; id: string; version: number; at: number; body: Uint8Array }>
  > = []
  readonly dead: Array<DeadLetter & { readonly key: string }> = []
  readonly toGateway: Array<{ readonly node: string; readonly message: ToGateway }> = []
  readonly reported: Array<string> = []
  readonly performed: Array<string> = []
  /** The effects themselves, in the same order. */
  readonly orders: Array<EffectOrder> = []
  /** What the effects of `performed` are waited for with. */
  readonly ends: Array<(outcome: unknown) => void> = []
  /** What the next commits answer; empty is "written". */
  readonly nextCommits: Array<Committed["_tag"] | "lost after writing"> = []
  readonly batches: Array<ReadonlyArray<string>> = []
  isFresh = true
  holdsShards = true
  /** Whether tells reach anybody. */
  canPost = true
  /** Scans get no answer while this is on. */
  holdScans = false
  scans = 0
  /** The store does not take quarantines. */
  isQuarantineAway = false
  residency: Residency
  /** Messages that another member does not know, as `counter Add`, with the reason. */
  readonly heldBack = new Map<string, string>()
  /** Row format in force; that of the contract when not set. */
  format: number | undefined
  /** Commits wait in here while `holdCommits` is on. */
  holdCommits = false
  #held: Array<() => void> = []
  #timers: Array<Timer> = []
  #now = epoch
  #serial = 0
  readonly #behaviours: ReadonlyArray<AnyBehaviour>
  readonly #judge: Judge | undefined
  readonly #registry: Registry.Registry
  readonly #alone: Agreement
  /** Time of this rig: it stands until {@link advance}. */
  readonly host: Host = {
    now: () => this.#now,
    monotonic: () => this.#now - epoch,
    random: () => 0.5,
    schedule: (delayMillis, run) => {
      const timer = { at: this.#now + delayMillis, run }
      this.#timers.push(timer)
      return () => {
        this.#timers = this.#timers.filter((other) => other !== timer)
      }
    },
    defer: (run) => {
      this.#timers.push({ at: this.#now, run })
    },
    report: (what) => this.reported.push(what)
  }

  constructor(behaviours: ReadonlyArray<AnyBehaviour>, judge?: Judge) {
    this.#behaviours = behaviours
    this.#judge = judge
    this.#registry = Registry.make(behaviours)
    this.#alone = alone(this.#registry)
    this.residency = this.start("node-1")
  }

  get now(): number {
    return this.#now
  }

  /** Another process over the same rows; what the old one held in memory is gone. */
  start(node: string): Residency {
    this.residency = new Residency({
      node,
      host: this.host,
      store: this.store,
      registry: this.#registry,
      agreement: { heldBack: () => undefined, formatOf: (kind) => this.format ?? this.#alone.formatOf(kind) },
      idleMillis: 60_000,
      ...(this.#judge !== undefined && { judge: this.#judge }),
      toGateway: (to, message) => this.toGateway.push({ node: to, message }),
      perform: (_self, order, done) => {
        this.performed.push(order.id)
        this.orders.push(order)
        this.ends.push(done)
      },
      engine: {
        shardOf: () => 1,
        mayServe: () => this.holdsShards && this.isFresh,
        isFresh: () => this.isFresh,
        shards: () => (this.holdsShards ? [1] : []),
        post: (to, posted, _deadline, done) =>
          this.canPost ? this.residency.deliverPosted(to, posted, done) : done({ _tag: "NotHere" })
      }
    })
    assert.isAbove(this.#behaviours.length, 0)
    return this.residency
  }

  /** Runs everything due up to `millis` from now, in order. */
  advance(millis = 0): void {
    const until = this.#now + millis
    for (;;) {
      const next = this.#timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0]
      if (next === undefined) break
      this.#timers.splice(this.#timers.indexOf(next), 1)
      this.#now = Math.max(this.#now, next.at)
      next.run()
    }
    this.#now = until
  }

  /** The machine sleeps: the wall clock goes on, timers do not. */
  sleep(millis: number): void {
    this.#now += millis
    this.#timers = this.#timers.map(({ at, run }) => ({ at: at + millis, run }))
  }

  /** Lets held commits happen. */
  releaseCommits(): void {
    this.holdCommits = false
    const held = this.#held
    this.#held = []
    for (const run of held) run()
    this.advance()
  }

  requestId(): string {
    const serial = ++this.#serial
    return uuidV7(this.#now, (count) => new Uint8Array(count).fill(serial % 256))
  }

  /** Sends a message; `replies` grows when its reply comes. */
  send(address: Address, message: string, payload: unknown, options: Partial<Envelope> = {}): Array<Reply> {
    const replies: Array<Reply> = []
    const envelope = { message, payload, requestId: this.requestId(), asker: operator, ...options }
    this.residency.deliver(address, envelope, (reply) => replies.push(reply))
    return replies
  }

  /** As {@link send}, and its one reply. */
  ask(address: Address, message: string, payload: unknown, options: Partial<Envelope> = {}): Reply {
    const replies = this.send(address, message, payload, options)
    this.advance(1000)
    const [reply] = replies
    assert.strictEqual(replies.length, 1)
    if (reply === undefined) throw new Error("no reply")
    return reply
  }

  post(to: Address, posted: Posted): Array<Reply> {
    const replies: Array<Reply> = []
    this.residency.deliverPosted(to, posted, (reply) => replies.push(reply))
    return replies
  }

  readonly store: Store = {
    claim: (requests, owner, done) => {
      const answers = requests.map((request): Claimed => {
        const key = addressKey(request)
        let row = this.rows.get(key)
        if (row?.quarantine !== undefined)
          return { _tag: "Quarantined", since: row.quarantine.since, cause: row.quarantine.cause }
        if (row === undefined) {
          if (!request.creates) return { _tag: "Absent" }
          row = { version: 0, owner, format: 1, head: null, parts: new Map(), wakeAt: null, quarantine: undefined }
          this.rows.set(key, row)
        }
        row.version++
        row.owner = owner
        return { _tag: "Row", version: row.version, format: row.format, head: row.head, parts: new Map(row.parts) }
      })
      this.#timers.push({ at: this.#now, run: () => done(answers) })
    },
    commit: (_lane, _owner, rows, done) => {
      this.batches.push(rows.map(addressKey))
      const run = (): void => {
        const answer = this.nextCommits.shift() ?? "Written"
        if (answer === "Outage") return done({ _tag: "Outage", cause: "away" })
        if (answer === "Refused") return done({ _tag: "Refused", cause: "bad data" })
        if (answer === "RolledBack") return done({ _tag: "RolledBack" })
        const fenced = new Set<number>()
        for (const [index, row] of rows.entries()) if (!this.#write(row)) fenced.add(index)
        done(answer === "Written" ? { _tag: "Written", fenced } : { _tag: "Outage", cause: "answer lost" })
      }
      if (this.holdCommits) this.#held.push(run)
      else this.#timers.push({ at: this.#now, run })
    },
    due: (_shards, now, takeover, limit, done) => {
      this.scans++
      if (this.holdScans) return
      const actors = [...this.rows]
        .filter(([, row]) => row.quarantine === undefined && (takeover || (row.wakeAt !== null && row.wakeAt <= now)))
        .sort(([, left], [, right]) => (left.wakeAt ?? 0) - (right.wakeAt ?? 0))
        .slice(0, limit)
        .map(([key]) => ({ kind: key.slice(0, key.indexOf("/")), id: key.slice(key.indexOf("/") + 1) }))
      const untold = [...this.rows.values()].flatMap(({ quarantine, isTold, parts }) => {
        if (quarantine === undefined || isTold === true) return []
        const supervisor = parts.get(supervisorPart)
        return [{ ...quarantine, ...(supervisor !== undefined && { supervisor }) }]
      })
      done({ actors, untold })
    },
    quarantine: (entry, done) => {
      if (this.isQuarantineAway) return done({ _tag: "Outage", cause: "away" })
      const row = this.rows.get(addressKey(entry))
      if (row === undefined || row.version !== entry.expected) return done(false)
      row.version++
      row.quarantine = entry
      done(true)
    },
    told: (address, since, done) => {
      const row = this.rows.get(addressKey(address))
      if (row?.quarantine?.since === since) row.isTold = true
      done(undefined)
    }
  }

  #write(row: CommitRow): boolean {
    const key = addressKey(row)
    const stored = this.rows.get(key)
    if (stored === undefined || stored.version !== row.expected) return false
    stored.version++
    stored.head = row.head
    stored.format = row.format
    stored.wakeAt = row.wakeAt
    for (const [part, value] of row.put) stored.parts.set(part, value)
    for (const part of row.remove) stored.parts.delete(part)
    if (row.journal !== null) {
      const { kind, id, at, journal: body } = row
      this.journal.push({ key, kind, id, version: stored.version, at, body })
    }
    for (const letter of row.dead) this.dead.push({ key, ...letter })
    return true
  }
}
