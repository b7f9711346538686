/** Opening what is in the memories: what rules is read, and what a power cut left half done is finished or taken back. */
import { Result } from "effect"
import { codes } from "../../src/protocol/Codes.ts"
import { type Refused, refuse } from "../Refused.ts"
import { BootRecord } from "./BootRecord.ts"
import { after } from "./Generation.ts"
import { Keys } from "./Keys.ts"
import { defaultSettings, type Manifest, Manifests } from "./Manifests.ts"
import type { NvDevice, NvDevices } from "./NvDevice.ts"
import { misfitOf, type Partition, type PartitionName, partitionTypes, superblockBytes } from "./NvMap.ts"
import { Region } from "./Region.ts"
import { Slots } from "./Slots.ts"
import { type Superblock, Superblocks } from "./Superblock.ts"
import { Values } from "./Values.ts"

/** A manifest and where it lies. */
export interface PlacedManifest {
  readonly slot: number
  readonly manifest: Manifest
}

/** A store that is open. `superblock`, `active` and `previous` change together, once the superblock is written. */
export interface Mounted {
  readonly superblocks: Superblocks
  readonly regions: ReadonlyMap<number, Region>
  readonly manifests: Manifests
  readonly slots: Slots
  readonly values: Values
  readonly boot: BootRecord
  readonly keys: Keys
  superblock: Superblock
  active: PlacedManifest
  previous: PlacedManifest | undefined
  /** Generation that was given up at mount because it cannot be read any more. */
  readonly unreadable: number | undefined
}

/** For whoever must decide: nothing but a format helps, and it takes everything. */
const bothDamaged =
  "both superblocks are damaged; a format makes these memories usable again, what they held is lost then"

type Need = Exclude<PartitionName, "log">

const regionsOf = (map: ReadonlyArray<Partition>, devices: NvDevices): Map<number, Region> =>
  new Map(map.map((partition) => [partition.type, new Region(partition, devices)]))

const regionFor = (regions: ReadonlyMap<number, Region>, name: Need): Region => {
  const region = regions.get(partitionTypes[name])
  if (region === undefined) throw new RangeError(`no partition ${name}`)
  return region
}

/** Slots of images that these configurations name. */
export const usedSlots = (...manifests: ReadonlyArray<Manifest | undefined>): ReadonlySet<number> =>
  new Set(manifests.flatMap((manifest) => manifest?.entries.flatMap(({ slot }) => slot ?? []) ?? []))

/** The bank a manifest names, as `Values` wants it. */
export const frozenOf = (manifest: Manifest): { readonly bank: number; readonly generation: number } | undefined =>
  manifest.frozenBank === undefined ? undefined : { bank: manifest.frozenBank, generation: manifest.generation }

const placed = (manifests: Manifests, slot: number | undefined): PlacedManifest | undefined => {
  const manifest = slot === undefined || slot >= manifests.slots ? undefined : manifests.read(slot)
  return slot === undefined || manifest === undefined ? undefined : { slot, manifest }
}

/**
 * Opens what is there. ENOENT when nothing was ever kept in these memories, or a format of them was cut short; ENOTSUP when
 * this board cannot serve their map; EBADMSG when both superblocks are damaged, or neither the configuration that rules nor
 * a proven one before it can be read. What is damaged is not written to.
 */
export const mount = (devices: NvDevices): Result.Result<Mounted, Refused> => {
  if (devices.nvm.size < 2 * superblockBytes) return refuse(codes.ENOTSUP, "nvm")
  const superblocks = new Superblocks(devices.nvm)
  let superblock = superblocks.read()
  if (superblock === undefined) {
    return superblocks.isFormatting || isUnused(devices.nvm)
      ? refuse(codes.ENOENT, "superblock")
      : refuse(codes.EBADMSG, bothDamaged)
  }
  superblocks.forgetFormat()
  const misfit = misfitOf(superblock.partitions, devices)
  if (misfit !== undefined) return Result.fail(misfit)
  const regions = regionsOf(superblock.partitions, devices)
  const manifests = new Manifests(regionFor(regions, "manifest"))
  const { generation, previousGeneration } = superblock
  manifests.dropAfter(generation)

  // A commit that was cut short may have written over the slot of the one before: then there is none to go back to.
  const before = placed(manifests, superblock.previous)
  let previous = before?.manifest.generation === previousGeneration ? before : undefined
  let active = placed(manifests, superblock.active)
  const boot = new BootRecord(regionFor(regions, "boot"), active?.manifest.generation ?? previousGeneration)
  const unreadable = active === undefined ? generation : undefined
  if (active === undefined) {
    if (previous?.manifest.generation !== boot.state.confirmed) return refuse(codes.EBADMSG, "manifest")
    active = previous
    previous = undefined
    superblock = {
      ...superblock,
      generation: after(generation),
      active: active.slot,
      previous: undefined,
      previousGeneration: 0
    }
    superblocks.write(superblock)
  }

  settleBoot(boot, active.manifest, previous?.manifest)
  const keys = new Keys(regionFor(regions, "keys"))
  const slots = new Slots(regionFor(regions, "image"), keys)
  const used = usedSlots(active.manifest, previous?.manifest)
  slots.recover(used)
  slots.retire(used)
  const values = new Values(regionFor(regions, "values"), superblock.generation, frozenOf(active.manifest))
  if (boot.state.confirmed === active.manifest.generation) raiseFloors(keys, active.manifest)
  return Result.succeed({
    superblocks,
    regions,
    manifests,
    slots,
    values,
    boot,
    keys,
    superblock,
    active,
    previous,
    unreadable
  })
}

/** A format that was cut short at its first write has torn a superblock and touched nothing else. */
const isUnused = (nvm: NvDevice): boolean =>
  nvm.read(2 * superblockBytes, nvm.size - 2 * superblockBytes).every((byte) => byte === 0xff)

/** The superblock is written before the boot record: a cut between them leaves a record of the configuration before. */
const settleBoot = (boot: BootRecord, active: Manifest, previous: Manifest | undefined): void => {
  const { state } = boot
  if (active.generation !== state.confirmed) {
    if (state.pending !== active.generation) boot.update({ pending: active.generation, failCount: 0, stopped: false })
    return
  }
  if (state.pending === 0 && state.failCount === 0) return
  const gaveUp = previous?.generation === state.pending && state.failCount >= previous.bootFailuresMax
  boot.update({ pending: 0, failCount: 0, ...(gaveUp ? { rolledBackAt: state.bootCount } : {}) })
}

/** A configuration that proved itself sets the least security version of its programs. */
export const raiseFloors = (keys: Keys, manifest: Manifest): void => {
  for (const { kind, name, secver } of manifest.entries) keys.raise(kind, name, secver)
}

/**
 * Makes the memories an empty store: no program, no value, no key. Erase counters of image slots stay; everything else is
 * gone. What was there is gone for good with the first write.
 */
export const format = (devices: NvDevices, map: ReadonlyArray<Partition>): Result.Result<Mounted, Refused> => {
  const misfit = misfitOf(map, devices)
  if (misfit !== undefined) return Result.fail(misfit)
  // An erase that was cut short gets its counter back before the record of it goes.
  const before = mount(devices)
  const counts = new Map(
    Result.isSuccess(before)
      ? before.success.superblock.partitions.map(({ type, writeCount }) => [type, writeCount])
      : []
  )
  const superblocks = new Superblocks(devices.nvm)
  superblocks.beginFormat()
  const regions = regionsOf(map, devices)
  for (const name of ["boot", "manifest", "values", "keys"] as const) {
    const region = regionFor(regions, name)
    for (let slot = 0; slot < region.slots; slot++) region.erase(slot)
  }
  new Values(regionFor(regions, "values"), 1, undefined)
  new BootRecord(regionFor(regions, "boot"), 1).update({})
  const empty: Manifest = { ...defaultSettings, generation: 1, frozenBank: undefined, entries: [] }
  new Manifests(regionFor(regions, "manifest")).write(0, empty)
  superblocks.endFormat({
    provisioned: false,
    generation: 1,
    active: 0,
    previous: undefined,
    previousGeneration: 0,
    partitions: map.map((partition) => ({ ...partition, writeCount: counts.get(partition.type) ?? 0 }))
  })
  return mount(devices)
}
