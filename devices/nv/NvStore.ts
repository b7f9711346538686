/**
 * What a board keeps without power: the programs it starts with, their images, the values they persist, its boot record
 * and the keys it trusts. One writer. A power cut at any write leaves the configuration before or the one after.
 */

import { Result } from "effect"
import { codes } from "../../src/protocol/Codes.ts"
import { type Refused, refuse } from "../Refused.ts"
import { isSameBytes } from "../SameBytes.ts"
import { type BootReason, type BootState, bootReasons } from "./BootRecord.ts"
import { type Change, floorOf, isOnTrial, planOf } from "./Change.ts"
import { followCommit, followRollback, wholeManifest, writeCommit, writeRollback } from "./Commit.ts"
import { Debounce } from "./Debounce.ts"
import type { TrustedKey } from "./Keys.ts"
import { LiveMount, opening } from "./LiveMount.ts"
import type { Manifest } from "./Manifests.ts"
import { format, type Mounted, mount, type PlacedManifest, raiseFloors } from "./Mount.ts"
import type { NvDevices } from "./NvDevice.ts"
import type { NvEvent, RollbackReason } from "./NvEvents.ts"
import type { Partition } from "./NvMap.ts"
import { type ListedSlot, listSlots } from "./SlotList.ts"
import type { ImageCheck, StoredImage } from "./Slots.ts"
import { isValueKey } from "./Values.ts"
import { defaultLimits, type Wear, type WearLimits } from "./Wear.ts"
import { WearWatch } from "./WearWatch.ts"

/** Outcome of what may be refused. EIO means that a memory failed: what the store says from then on was read anew. */
export type NvResult<A> = Result.Result<A, Refused>

/** What a store needs. */
export interface NvOptions {
  readonly devices: NvDevices
  /** The kind's own check of an image that was written and read back. Without one its CRC-32 says enough. */
  readonly check?: ImageCheck
  /** Told after it is durable. Must not call the store. */
  readonly observe?: (event: NvEvent) => void
  readonly limits?: Partial<WearLimits>
  /** Least milliseconds between a value's change and its writing. Default 100. */
  readonly saveIntervalMillis?: number
}

/** A commit that is durable. */
export interface Committed {
  readonly generation: number
  readonly stored: ReadonlyArray<{
    readonly name: string
    readonly slot: number
    readonly imageCrc: number
    readonly bytes: number
  }>
}

/** A rollback that is durable: what was left, and what rules now. */
export interface RolledBack {
  readonly from: Manifest
  readonly to: Manifest
}

/** The store of one board. */
export class NvStore {
  readonly #options: NvOptions
  readonly #wear: WearWatch
  readonly #waiting: Debounce
  readonly #live: LiveMount

  private constructor(options: NvOptions, mounted: Mounted) {
    this.#options = options
    this.#wear = new WearWatch({ ...defaultLimits, ...options.limits }, (event) => options.observe?.(event))
    this.#waiting = new Debounce(options.saveIntervalMillis ?? 100)
    this.#live = new LiveMount(options.devices, mounted)
    if (mounted.unreadable !== undefined) {
      this.#tellRollback(mounted.unreadable, mounted.active.manifest.generation, "crc")
    }
    this.#wear.look(mounted)
  }

  /** Opens what is there. ENOENT: never formatted. ENOTSUP: a map for other memories. EBADMSG: damaged beyond repair; then nothing is written. */
  static mount(options: NvOptions): NvResult<NvStore> {
    return NvStore.#opened(options, () => mount(options.devices))
  }

  /** Makes the memories an empty store. Whatever was there is gone, keys and security versions with it. */
  static format(options: NvOptions, map: ReadonlyArray<Partition>): NvResult<NvStore> {
    return NvStore.#opened(options, () => format(options.devices, map))
  }

  static #opened(options: NvOptions, open: () => NvResult<Mounted>): NvResult<NvStore> {
    return Result.map(opening(open), (mounted) => new NvStore(options, mounted))
  }

  /** The configuration that rules. */
  get manifest(): Manifest {
    return this.#live.now.active.manifest
  }

  /** The one to go back to. */
  get previous(): Manifest | undefined {
    return this.#live.now.previous?.manifest
  }

  /** Steps with each commit and each rollback. */
  get generation(): number {
    return this.#live.now.superblock.generation
  }

  /** Something was committed since the format. */
  get isProvisioned(): boolean {
    return this.#live.now.superblock.provisioned
  }

  /** The configuration that rules has not proved itself. */
  get isOnTrial(): boolean {
    return isOnTrial(this.#live.now)
  }

  /** The image of a program of the configuration that rules. ENOENT when it has none, EIO when it is damaged. */
  image(name: string): NvResult<StoredImage> {
    return this.#live.run((mounted) => {
      const entry = mounted.active.manifest.entries.find((each) => each.name === name)
      if (entry?.slot === undefined) return refuse(codes.ENOENT, name)
      if (!mounted.slots.holds(entry.slot, entry.imageCrc)) return refuse(codes.EIO, `slot:${entry.slot}`)
      return mounted.slots.image(entry.slot)
    })
  }

  /** All slots with what they hold. Reads every file. */
  slots(): NvResult<ReadonlyArray<ListedSlot>> {
    return this.#live.run((mounted) => Result.succeed(listSlots(mounted)))
  }

  /**
   * Changes the configuration, one program or several at once. Durable when it returns; then it is on trial. EINVAL: names.
   * EPERM `rollback`: security version too low. EBUSY `trial`: the one that rules must be confirmed or rolled back first.
   * ENOSPC: slots, bytes, entries or keys. EIO: worn, or what was written does not read back.
   */
  commit(change: Change): NvResult<Committed> {
    return this.#live.run((mounted) => {
      const planned = planOf(mounted, change, this.#wear.limitOf(mounted, "image"))
      if (Result.isFailure(planned)) return Result.fail(planned.failure)
      const saved = this.#save(mounted, this.#waiting.all())
      if (Result.isFailure(saved)) return Result.fail(saved.failure)
      const plan = planned.success
      const wrong = writeCommit(mounted, plan, change.settings ?? {}, this.#options.check ?? (() => undefined))
      if (wrong !== undefined) return Result.fail(wrong)
      this.#live.tidy(() => followCommit(mounted))
      const { generation } = mounted.superblock
      const stored = plan.images.map(({ slot, image: { name, bytes } }) => {
        const imageCrc = plan.entries.find((entry) => entry.name === name)?.imageCrc ?? 0
        return { name, slot, imageCrc, bytes: bytes.length }
      })
      for (const each of stored) this.#options.observe?.({ type: "persisted", generation, ...each })
      this.#wear.look(mounted)
      return Result.succeed({ generation, stored })
    })
  }

  /**
   * Goes back to the configuration before, or to another one that is still whole, with the values as they were then. What
   * waits to be saved is dropped. ENOENT: there is none. EPERM `rollback`: it has a program of a lower security version
   * than was confirmed since, and `allowOlder` is not said.
   */
  rollback(generation?: number, allowOlder = false): NvResult<RolledBack> {
    return this.#live.run((mounted) => {
      const target = wholeManifest(mounted, generation ?? mounted.previous?.manifest.generation)
      if (target === undefined) return refuse(codes.ENOENT, "generation")
      const isOlder = target.manifest.entries.some(({ kind, name, secver }) => secver < mounted.keys.floor(kind, name))
      return isOlder && !allowOlder ? refuse(codes.EPERM, "rollback") : this.#goBack(mounted, target, "manual")
    })
  }

  /** Goes back to the proven configuration by itself. ENOENT: the one that rules is it, or it is not whole any more. */
  giveUp(reason: Exclude<RollbackReason, "manual">): NvResult<RolledBack> {
    return this.#live.run((mounted) => {
      const target = isOnTrial(mounted) ? wholeManifest(mounted, mounted.boot.state.confirmed) : undefined
      return target === undefined ? refuse(codes.ENOENT, "confirmed") : this.#goBack(mounted, target, reason)
    })
  }

  /** The configuration that rules has proved itself; its security versions are the least ones from now on. */
  confirm(): NvResult<void> {
    return this.#live.run((mounted) => {
      const { manifest } = mounted.active
      if (!mounted.keys.hasRoomFor(manifest.entries.filter(({ secver }) => secver > 0))) {
        return refuse(codes.ENOSPC, "keys")
      }
      const { confirmed, pending, failCount, stopped } = mounted.boot.state
      const isKnown = confirmed === manifest.generation && pending === 0 && failCount === 0 && !stopped
      const proven = { confirmed: manifest.generation, pending: 0, failCount: 0, lastReason: 0, stopped: false }
      if (!isKnown) mounted.boot.update(proven)
      raiseFloors(mounted.keys, manifest)
      return Result.succeed(undefined)
    })
  }

  get bootState(): BootState {
    return this.#live.now.boot.state
  }

  /** The board started. */
  countBoot(): NvResult<void> {
    return this.#boot(({ bootCount }) => ({ bootCount: bootCount + 1 }))
  }

  /** What is on trial is about to be loaded. The count stays unless it proves itself. */
  countAttempt(): NvResult<void> {
    return this.#boot(({ failCount }) => ({ failCount: Math.min(0xff, failCount + 1), lastReason: 0 }))
  }

  /** Why it failed. */
  noteFailure(reason: BootReason): NvResult<void> {
    return this.#boot(() => ({ lastReason: bootReasons[reason] }))
  }

  /** No more attempts, until somebody commits, confirms or rolls back. */
  stopTrying(): NvResult<void> {
    return this.#boot(() => ({ stopped: true }))
  }

  /** Bits of a value, saved or about to be. */
  value(key: number): number | undefined {
    return this.#waiting.get(key) ?? this.#live.now.values.get(key)
  }

  /** Keys whose value was damaged. */
  staleValues(): ReadonlySet<number> {
    return this.#live.now.values.stale()
  }

  valueKeys(): ReadonlyArray<number> {
    return [...new Set([...this.#live.now.values.keys(), ...this.#waiting.all().keys()])]
  }

  /** To be saved `debounceMillis` from now, with what it is then. EINVAL when it cannot have this key. */
  setValue(key: number, bits: number, debounceMillis: number, nowMillis: number): NvResult<void> {
    if (!isValueKey(key)) return refuse(codes.EINVAL, "key")
    this.#waiting.set(key, bits & 0xffff, debounceMillis, nowMillis)
    return Result.succeed(undefined)
  }

  /** When `saveDue` has something to do; undefined while nothing waits. */
  nextSave(): number | undefined {
    return this.#waiting.nextDue()
  }

  /** Saves what is due. Durable when it returns; what is refused waits on. */
  saveDue(nowMillis: number): NvResult<void> {
    return this.#live.run((mounted) => this.#save(mounted, this.#waiting.due(nowMillis)))
  }

  /** Saves all that waits, due or not. */
  saveAll(): NvResult<void> {
    return this.#live.run((mounted) => this.#save(mounted, this.#waiting.all()))
  }

  /** Forgets the values under keys that nobody declares any more. Says how many. */
  collectValues(declared: ReadonlySet<number>): NvResult<number> {
    return this.#live.run((mounted) => {
      for (const key of this.#waiting.all().keys()) if (!declared.has(key)) this.#waiting.delete(key)
      const gone = mounted.values.keys().filter((key) => !declared.has(key))
      return Result.map(mounted.values.save(new Map(gone.map((key) => [key, undefined]))), () => gone.length)
    })
  }

  trustedKeys(): ReadonlyArray<TrustedKey> {
    return this.#live.now.keys.trusted()
  }

  /** Adds a key or changes the one of its id. ENOSPC when there is no room. */
  trust(key: TrustedKey): NvResult<void> {
    return this.#live.run((mounted) => {
      const isKnown = mounted.keys.trusted().some(({ keyId }) => isSameBytes(keyId, key.keyId))
      const { entries } = mounted.active.manifest
      const hasRoom = mounted.keys.hasRoomFor(
        entries.filter(({ secver }) => secver > 0),
        1
      )
      return isKnown || hasRoom ? mounted.keys.trust(key) : refuse(codes.ENOSPC, "keys")
    })
  }

  /** ENOENT when it is not trusted. */
  distrust(keyId: Uint8Array): NvResult<void> {
    return this.#live.run((mounted) => mounted.keys.distrust(keyId))
  }

  /** Least security version a new image of this kind and name may have. */
  floor(kind: number, name: string): number {
    return floorOf(this.#live.now, kind, name)
  }

  /** Image slots one by one, the other partitions as a whole, as of the last commit. */
  wear(): ReadonlyArray<Wear> {
    return this.#wear.all(this.#live.now)
  }

  #boot(change: (state: BootState) => Partial<BootState>): NvResult<void> {
    return this.#live.run(({ boot }) => Result.succeed(boot.update(change(boot.state))))
  }

  #save(mounted: Mounted, changes: ReadonlyMap<number, number>): NvResult<void> {
    const saved = mounted.values.save(changes)
    if (Result.isSuccess(saved)) for (const key of changes.keys()) this.#waiting.delete(key)
    return saved
  }

  #goBack(mounted: Mounted, target: PlacedManifest, reason: RollbackReason): NvResult<RolledBack> {
    const from = mounted.active.manifest
    writeRollback(mounted, target)
    this.#waiting.clear()
    this.#live.tidy(() => followRollback(mounted, reason !== "manual"))
    this.#tellRollback(from.generation, target.manifest.generation, reason)
    return Result.succeed({ from, to: target.manifest })
  }

  #tellRollback(fromGeneration: number, toGeneration: number, reason: RollbackReason): void {
    this.#options.observe?.({ type: "rollback", fromGeneration, toGeneration, reason })
  }
}
