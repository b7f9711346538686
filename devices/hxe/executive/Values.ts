/** The values that programs publish: numbers that others may read, set, follow, and that may outlive a restart. */
import { f16Value } from "../../../src/protocol/hxe/F16.ts"
import { valueFlags } from "../../../src/protocol/hxe/Hxe.ts"
import type { Emit } from "./Events.ts"
import { allGroups, isOverShare, noUse, Occupancy, oidOf, type RegistryUse, registryStatus } from "./RegistryStatus.ts"
import { type StringPool, stringBytes } from "./StringPool.ts"
import type { Subscriber, ValueDeclaration, ValueRecord } from "./ValueRecord.ts"
import type { ValueStore } from "./ValueStore.ts"
import { ValueWatches } from "./ValueWatches.ts"

/** What the registry needs of the executive. */
export interface ValuesOptions {
  readonly limit: number
  readonly strings: StringPool
  /** The board's clock in milliseconds. */
  readonly now: () => number
  readonly emit: Emit
  /** Sends a note to a subscriber; false when it was not taken. */
  readonly notify: (subscriber: Subscriber, note: Uint8Array) => boolean
  /** Ends a subscriber's handle. */
  readonly closeHandle: (subscriber: Subscriber) => void
  readonly store?: ValueStore
}

/** How a value is registered. */
export interface RegisterValue {
  /** Added to its persist key; none where the program's values are not kept. */
  readonly persistKeyBase: number | undefined
  /** What a program that is about to go will give back. */
  readonly soonFree?: RegistryUse
  /** By a call of the program itself, which may take a share of the table and no more. */
  readonly isCall?: boolean
}

/** Modes in which a program has its value kept. */
export const persistModes = { volatile: 0, load: 1, loadAndSave: 2 } as const

/** What became of kept values when a program started. */
export interface RestoreCounts {
  readonly restored: number
  /** Nothing was kept. */
  readonly defaulted: number
  /** What was kept no longer reads well. */
  readonly stale: number
  /** What was kept does not fit the range any more. */
  readonly reset: number
}

const reservedKeys: ReadonlySet<number> = new Set([0, 0xffff])

/** Note to a subscriber: number, old and new bits. */
const changeNote = (oid: number, before: number, after: number): Uint8Array => {
  const note = new DataView(new ArrayBuffer(6))
  note.setUint16(0, oid, true)
  note.setUint16(2, before, true)
  note.setUint16(4, after, true)
  return new Uint8Array(note.buffer)
}

/** Whether a kept value may be used for what is declared now. */
const fits = (bits: number, { initBits, minimumBits, maximumBits }: ValueDeclaration): boolean => {
  const value = f16Value(bits)
  if (Number.isNaN(value)) return Number.isNaN(f16Value(initBits))
  if (minimumBits === 0 && maximumBits === 0) return true
  return value >= f16Value(minimumBits) && value <= f16Value(maximumBits)
}

/** All values of a board, by owner and number. */
export class Values {
  readonly watches: ValueWatches
  readonly #options: ValuesOptions
  readonly #records = new Map<number, Map<number, ValueRecord>>()
  readonly #occupancy: Occupancy
  #count = 0

  constructor(options: ValuesOptions) {
    this.#options = options
    this.#occupancy = new Occupancy("values", options.limit, options.emit)
    this.watches = new ValueWatches(options.now)
  }

  get count(): number {
    return this.#count
  }

  /** Registers a value with its start value. */
  register(
    owner: number,
    declaration: ValueDeclaration,
    { persistKeyBase, soonFree = noUse, isCall = false }: RegisterValue
  ): { readonly status: number; readonly oid: number } {
    const oid = oidOf(declaration.groupId, declaration.valueId)
    const own = this.#records.get(owner) ?? new Map<number, ValueRecord>()
    if (own.has(oid)) return { status: registryStatus.exists, oid: 0 }
    if (this.#count - soonFree.entries >= this.#options.limit) return { status: registryStatus.noSpace, oid: 0 }
    const size = stringBytes(declaration.name) + stringBytes(declaration.unit) + stringBytes(declaration.groupName)
    const limits = { entries: this.#options.limit, stringBytes: this.#options.strings.limit }
    if (isCall && isOverShare([...own.values()], size, limits)) return { status: registryStatus.noSpace, oid: 0 }
    if (!this.#options.strings.take(size, soonFree.stringBytes)) return { status: registryStatus.noSpace, oid: 0 }
    const { persistKey, flags } = declaration
    const key = persistKey === 0 || persistKeyBase === undefined ? 0 : (persistKeyBase + persistKey) & 0xffff
    own.set(oid, {
      oid,
      owner,
      declaration,
      flags,
      bits: declaration.initBits,
      changedAt: undefined,
      subscribers: [],
      persistence: {
        key: reservedKeys.has(key) ? 0 : key,
        debounceMillis: declaration.debounceMillis,
        isSaved: (flags & valueFlags.persist) !== 0,
        due: undefined
      },
      stringBytes: size
    })
    this.#records.set(owner, own)
    this.#count += 1
    this.#occupancy.update(this.#count)
    return { status: registryStatus.ok, oid }
  }

  /** A task's own value first, then the one of the task with the lowest number; without caller only the latter. */
  find(caller: number | undefined, oid: number): ValueRecord | undefined {
    const own = caller === undefined ? undefined : this.#records.get(caller)?.get(oid)
    if (own !== undefined) return own
    let found: ValueRecord | undefined
    for (const records of this.#records.values()) {
      const record = records.get(oid)
      if (record !== undefined && (found === undefined || record.owner < found.owner)) found = record
    }
    return found
  }

  /** The values of one task, in the order of their numbers. */
  ofOwner(owner: number, group: number = allGroups): ReadonlyArray<ValueRecord> {
    return [...(this.#records.get(owner)?.values() ?? [])]
      .filter((record) => group === allGroups || record.declaration.groupId === group)
      .sort((left, right) => left.oid - right.oid)
  }

  /** Reads a value. `caller` is none for the host that named no task. */
  get(
    caller: number | undefined,
    oid: number,
    level: number
  ): { readonly status: 0; readonly bits: number } | { readonly status: number } {
    const record = this.find(caller, oid)
    if (record === undefined) return { status: registryStatus.notFound }
    if (caller !== record.owner && level < record.declaration.authLevel) return { status: registryStatus.notPermitted }
    return { status: registryStatus.ok, bits: record.bits }
  }

  /** Sets a value. The checks come in this order: there, permitted, writable, not too soon, not too small a change. */
  set(caller: number | undefined, oid: number, bits: number, level: number): number {
    const record = this.find(caller, oid)
    return record === undefined ? registryStatus.notFound : this.setRecord(record, caller, bits, level)
  }

  /** Sets a value that was found. */
  setRecord(record: ValueRecord, caller: number | undefined, bits: number, level: number): number {
    const { authLevel, rateMillis, epsilonBits } = record.declaration
    if (caller !== record.owner && level < authLevel) return registryStatus.notPermitted
    if ((record.flags & valueFlags.readOnly) !== 0) return registryStatus.notPermitted
    const now = this.#options.now()
    if (rateMillis !== 0 && record.changedAt !== undefined && now - record.changedAt < rateMillis) {
      return registryStatus.busy
    }
    const after = bits & 0xffff
    if (epsilonBits !== 0 && Math.abs(f16Value(after) - f16Value(record.bits)) < f16Value(epsilonBits)) {
      return registryStatus.ok
    }
    this.#change(record, after, now)
    return registryStatus.ok
  }

  /** Has a task's mailbox hear of changes. */
  subscribe(caller: number, oid: number, handle: number): number {
    const record = this.find(caller, oid)
    if (record === undefined) return registryStatus.notFound
    if (caller !== record.owner && record.declaration.authLevel > 0) return registryStatus.notPermitted
    record.subscribers = [...record.subscribers, { pid: caller, handle }]
    return registryStatus.ok
  }

  /** Has the owner's value kept or not. Loading takes what is kept at once. */
  persist(caller: number, oid: number, mode: number): number {
    const record = this.find(caller, oid)
    if (record === undefined) return registryStatus.notFound
    if (record.owner !== caller) return registryStatus.notPermitted
    if (mode === persistModes.volatile) {
      record.flags &= ~valueFlags.persist
      record.persistence.isSaved = false
      record.persistence.due = undefined
      return registryStatus.ok
    }
    if (mode !== persistModes.load && mode !== persistModes.loadAndSave) return registryStatus.invalid
    record.flags |= valueFlags.persist
    record.persistence.isSaved = mode === persistModes.loadAndSave
    this.#restore(record)
    return registryStatus.ok
  }

  /** Takes up what was kept of a task's values, before the task runs. */
  restore(owner: number): RestoreCounts {
    const counts = { restored: 0, defaulted: 0, stale: 0, reset: 0 }
    for (const record of this.ofOwner(owner)) {
      if ((record.flags & valueFlags.persist) === 0) continue
      const outcome = this.#restore(record)
      if (outcome !== undefined) counts[outcome] += 1
    }
    return counts
  }

  /** Removes a task's values and subscriptions. What was waiting to be saved is saved. */
  removeTask(pid: number): void {
    for (const record of this.ofOwner(pid)) {
      this.#save(record)
      this.watches.forget(record)
      for (const subscriber of record.subscribers) this.#options.closeHandle(subscriber)
      this.#options.strings.give(record.stringBytes)
      this.#count -= 1
    }
    this.#records.delete(pid)
    for (const records of this.#records.values()) {
      for (const record of records.values()) {
        record.subscribers = record.subscribers.filter((subscriber) => subscriber.pid !== pid)
      }
    }
    this.#occupancy.update(this.#count)
  }

  /** When `run` has something to do. */
  nextDue(): number | undefined {
    let next = this.watches.nextDue()
    for (const records of this.#records.values()) {
      for (const { persistence } of records.values()) {
        if (persistence.due !== undefined) next = Math.min(next ?? persistence.due, persistence.due)
      }
    }
    return next
  }

  /** Saves and tells what is due. */
  run(): void {
    const now = this.#options.now()
    for (const records of this.#records.values()) {
      for (const record of records.values()) {
        if (record.persistence.due !== undefined && record.persistence.due <= now) this.#save(record)
      }
    }
    this.watches.run()
  }

  /** Saves everything that waits for it. */
  flush(): void {
    for (const records of this.#records.values()) for (const record of records.values()) this.#save(record)
  }

  #change(record: ValueRecord, after: number, now: number): void {
    const before = record.bits
    record.bits = after
    record.changedAt = now
    const { groupId, valueId } = record.declaration
    this.#options.emit("value_changed", record.owner, {
      oid: record.oid,
      group_id: groupId,
      value_id: valueId,
      old_f16: before,
      new_f16: after
    })
    const { persistence } = record
    if (persistence.isSaved && persistence.key !== 0 && this.#options.store !== undefined && before !== after) {
      // The first unsaved change sets the time, so that a value that never rests is still saved.
      persistence.due ??= now + persistence.debounceMillis
      if (persistence.due <= now) this.#save(record)
    }
    const note = changeNote(record.oid, before, after)
    for (const subscriber of record.subscribers) {
      if (this.#options.notify(subscriber, note)) continue
      record.subscribers = record.subscribers.filter((other) => other !== subscriber)
      this.#options.closeHandle(subscriber)
    }
    this.watches.changed(record)
  }

  #save(record: ValueRecord): void {
    if (record.persistence.due === undefined) return
    record.persistence.due = undefined
    this.#options.store?.save(record.persistence.key, record.bits)
  }

  #restore(record: ValueRecord): keyof RestoreCounts | undefined {
    const { key } = record.persistence
    if (key === 0 || this.#options.store === undefined) return undefined
    const stored = this.#options.store.load(key)
    if (stored === undefined) return "defaulted"
    if (stored === "stale") return "stale"
    if (!fits(stored, record.declaration)) return "reset"
    record.bits = stored
    return "restored"
  }
}
