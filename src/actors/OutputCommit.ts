/**
 * The state of one resident actor, how far it is stored, and what waits for that.
 *
 * Whatever a transition lets out waits until the state it was computed from is durable; the actor goes on meanwhile. A
 * failed commit fails all that waits and drops the cell: memory is never repaired.
 */
import { countOf, type EncodedEmission, journalBody } from "../protocol/JournalBody.ts"
import { encodeStored } from "../protocol/Stored.ts"
import type { PartChanges } from "./Answered.ts"
import { withKept } from "./Codec.ts"
import { letterOfTell } from "./DeadLetters.ts"
import type { Posted, Reply } from "./Envelope.ts"
import { unavailable, unconfirmed } from "./Envelope.ts"
import type { Address, Host } from "./Host.ts"
import type { Committer } from "./Lanes.ts"
import type { LeavingTell } from "./Leaving.ts"
import { type EncodedTell, forgetTell, Outbox, type Sender } from "./Outbox.ts"
import type { Kind } from "./Registry.ts"
import type { CommitRow, DeadLetter } from "./Store.ts"
import type { StoredState } from "./StoredState.ts"
import type { DropReason, Home, Surroundings } from "./Surroundings.ts"

/** Whose state it is. */
export interface Owner extends Home {
  readonly type: Kind
  readonly around: Surroundings
  readonly isDead: boolean
  readonly drop: (reason: DropReason) => void
  /** Counts a failure for good; answers whether the actor goes into quarantine for it. */
  readonly failedForGood: (cause: unknown) => boolean
  /** A commit is durable, and what waited for it has left. */
  readonly stored: () => void
  /** A tell will never arrive: it is given up once its sender has heard of that. */
  readonly undelivered: (tell: EncodedTell, number: string, cause: string) => void
}

/** How far another clock may be ahead and still move this one, ms. */
const skewMaxMillis = 30_000

/** What leaves once `need` is durable. */
interface Output {
  readonly need: number
  readonly release: () => void
  readonly fail: (() => void) | undefined
}

/** See the file. */
export class OutputCommit implements Committer, Sender, PartChanges {
  readonly key: string
  readonly host: Host
  private readonly owner: Owner
  private current: unknown
  private readonly kept: { readonly [key: string]: unknown } | undefined
  private rowVersion: number

  /** Counts changes in memory; `durable` is the last of them that is stored. */
  private layer = 0
  private durable = 0
  private snapshotLayer = 0
  private snapshotState: unknown
  private inFlight = false
  /** The store has refused what memory holds: it is never written again, also not with a later change. */
  private isSpoilt = false
  private queued = false
  private outputs: Array<Output> = []

  /**
   * Time of the last commit, ms: a hybrid logical clock of the actor. It is never behind what led to a commit, and each
   * commit is later than the one before it, whatever the clocks of nodes say.
   */
  private clock: number
  private nextSeq: number
  private emissions: Array<EncodedEmission> = []
  private roots: Set<string> | undefined
  private deadLetters: Array<DeadLetter> = []
  private storedParts: ReadonlyMap<string, unknown>
  private readonly puts = new Map<string, Uint8Array>()
  private readonly removes = new Set<string>()
  private outbox: Outbox | undefined

  constructor(owner: Owner, version: number, { state, nextSeq, clock, parts, kept }: StoredState) {
    this.owner = owner
    this.key = owner.key
    this.host = owner.around.host
    this.rowVersion = version
    this.current = state
    this.nextSeq = nextSeq
    this.clock = clock
    this.storedParts = parts
    this.kept = kept
  }

  /** What memory holds. */
  get state(): unknown {
    return this.current
  }

  /** What is durable, as far as anybody may be told. */
  get durableState(): unknown {
    return this.layer === this.durable ? this.current : this.snapshotState
  }

  /** The row version that this activation holds. */
  get version(): number {
    return this.rowVersion
  }

  /** Tells that no receiver has acknowledged yet. */
  get tellCount(): number {
    return this.outbox?.size ?? 0
  }

  /** Memory is ahead of the row, or a statement is under way. */
  get isPending(): boolean {
    return this.inFlight || this.layer > this.durable
  }

  /** As {@link isPending}, but for what will never be written. */
  get isLeaving(): boolean {
    return this.inFlight || (this.layer > this.durable && this.queued && !this.isSpoilt)
  }

  // ----------------------------------------------------------------------------------------------------------- changes

  /** Something of the row has changed: it is written when its lane is free. */
  change(): void {
    this.layer++
    if (this.inFlight || this.queued) return
    this.queued = true
    this.owner.around.lanes.add(this)
  }

  setState(state: unknown): void {
    this.current = state
    this.change()
  }

  /** `roots`: of the chains that its events go on with. Answers the place of its first fact in the commit. */
  emit(emission: EncodedEmission, roots: ReadonlyArray<string>): number {
    const first = countOf(this.emissions)
    this.emissions.push(emission)
    for (const root of roots) {
      this.roots ??= new Set()
      this.roots.add(root)
    }
    this.change()
    return first
  }

  /** Stands in the row with the next commit and leaves after it. `first`: as for {@link Outbox.add}. */
  tell(tells: ReadonlyArray<LeavingTell>, first: number | undefined): void {
    this.outbox ??= new Outbox(this)
    this.outbox.add(tells, first)
    this.change()
  }

  /** The next commit is later than this, ms by another clock, unless that is wrong. */
  heardOf(time: number): void {
    if (time <= this.clock) return
    if (time > this.host.now() + skewMaxMillis) this.owner.around.skewed()
    else this.clock = time
  }

  bury(letter: DeadLetter): void {
    this.deadLetters.push(letter)
    this.change()
  }

  /** Whoever puts or removes a part of the layer calls {@link change} after it. */
  put(key: string, value: Uint8Array): void {
    this.removes.delete(key)
    this.puts.set(key, value)
  }

  remove(key: string): void {
    this.puts.delete(key)
    this.removes.add(key)
  }

  // ------------------------------------------------------------------------------------------------------- what leaves

  /** Lets out at once what rests on a durable state, and the rest with its commit. */
  let(release: () => void, fail: (() => void) | undefined): void {
    if (this.layer === this.durable) return release()
    this.outputs.push({ need: this.layer, release, fail })
  }

  answer(done: (reply: Reply) => void, reply: Reply): void {
    this.let(
      () => done(reply),
      () => done(unavailable(unconfirmed))
    )
  }

  /** One that fails must not keep the others, nor the lane, from theirs. */
  private letOut(output: (() => void) | undefined): void {
    try {
      output?.()
    } catch (cause) {
      this.host.report(`${this.key}: what it let out failed`, cause)
    }
  }

  /** The actor goes: no tell leaves any more, and what waits fails with an unknown outcome. */
  end(): void {
    this.outbox?.close()
    const { outputs } = this
    this.outputs = []
    for (const { fail } of outputs) this.letOut(fail)
  }

  // ------------------------------------------------------------------------------------------------------------ the row

  snapshot(): CommitRow | undefined {
    this.queued = false
    if (this.owner.isDead || this.isSpoilt || this.layer === this.durable) return undefined
    try {
      return this.toRow()
    } catch (cause) {
      this.commitRefused(cause)
      return undefined
    }
  }

  private toRow(): CommitRow {
    const { kind, id, shard, type, around } = this.owner
    const { reactions } = type.behaviour
    const format = around.agreement.formatOf(kind)
    const now = this.host.now()
    this.clock = Math.max(now, this.clock + 1)
    const { clock } = this
    this.outbox?.snapshot({ kind, id, version: this.rowVersion + 1, committedAt: clock }, this)
    const seq = this.nextSeq
    this.nextSeq += countOf(this.emissions)
    const cut = this.cut(format)
    const put = [...this.puts, ...cut.put]
    const remove = [...this.removes, ...cut.remove]
    const journal = this.emissions.length === 0 ? null : journalBody(seq, this.emissions)
    const dead = this.deadLetters
    const due = reactions.dueAt?.(this.current) ?? null
    const row: CommitRow = {
      kind,
      id,
      shard,
      expected: this.rowVersion,
      format,
      head: encodeStored([cut.head, this.nextSeq, clock]),
      wakeAt: this.tellCount > 0 ? now : due,
      atTakeover: reactions.atTakeover?.(this.current) ?? false,
      put,
      remove,
      journal,
      ...(this.roots !== undefined && { roots: [...this.roots] }),
      at: clock,
      dead
    }
    this.emissions = []
    this.roots = undefined
    this.deadLetters = []
    this.puts.clear()
    this.removes.clear()
    this.inFlight = true
    this.snapshotLayer = this.layer
    this.snapshotState = this.current
    return row
  }

  /** The head, and the behaviour's parts that are other objects than at the last commit. */
  private cut(format: number): { head: unknown; put: Array<[string, Uint8Array]>; remove: Array<string> } {
    const { behaviour, codec } = this.owner.type
    const { storage } = behaviour.reactions
    const put: Array<[string, Uint8Array]> = []
    const remove: Array<string> = []
    if (storage === undefined) {
      const state = codec.stateOf(format)
      if (state === undefined) throw new Error(`rows of format ${format} are not written by this release`)
      return { head: withKept(state.encode(this.current), this.kept), put, remove }
    }
    const { head, parts } = storage.split(this.current, format)
    for (const [key, value] of parts) if (this.storedParts.get(key) !== value) put.push([key, encodeStored(value)])
    for (const key of this.storedParts.keys()) if (!parts.has(key)) remove.push(key)
    this.storedParts = parts
    return { head, put, remove }
  }

  committed(): void {
    this.inFlight = false
    if (this.owner.isDead) return
    this.rowVersion++
    this.durable = this.snapshotLayer
    let released = 0
    const { outputs } = this
    for (; released < outputs.length; released++) {
      const output = outputs[released]
      if (output === undefined || output.need > this.durable) break
      this.letOut(output.release)
    }
    if (released > 0) this.outputs = outputs === this.outputs ? outputs.slice(released) : this.outputs
    this.outbox?.committed(this.rowVersion)
    this.owner.stored()
    if (!this.owner.isDead && this.layer > this.durable && !this.queued) {
      this.queued = true
      this.owner.around.lanes.add(this)
    }
  }

  fenced(): void {
    this.owner.drop("fenced")
  }

  commitUnknown(): void {
    this.owner.drop("outage")
  }

  commitRefused(cause: unknown): void {
    this.host.report(`${this.key}: its row cannot be stored`, cause)
    this.inFlight = false
    this.isSpoilt = true
    if (!this.owner.failedForGood(cause)) this.owner.drop("refused")
  }

  // -------------------------------------------------------------------------------------------------------------- tells

  /** Takes a part of the loaded row; answers whether it was a tell. */
  loadTell(key: string, value: Uint8Array): boolean {
    this.outbox ??= new Outbox(this)
    return this.outbox.load(key, value)
  }

  /** After a load: sends the tells that the row still holds. */
  wake(): void {
    this.outbox?.wake(this.rowVersion)
  }

  post(to: Address, posted: Posted, deadlineMillis: number, done: (reply: Reply) => void): void {
    this.owner.around.post(to, posted, deadlineMillis, done)
  }

  tellEnded(tell: EncodedTell, number: string, cause: string | undefined): void {
    const { owner } = this
    if (owner.isDead) return
    if (cause !== undefined) return owner.undelivered(tell, number, cause)
    forgetTell(number, this)
    this.change()
  }

  /** Puts a tell that will never arrive with the dead letters, in the commit of what its sender made of that. */
  giveUp(tell: EncodedTell, number: string, cause: string): void {
    forgetTell(number, this)
    this.bury(letterOfTell(this.owner.around.registry, this.key, number, tell, cause))
  }
}
