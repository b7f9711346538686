/** The writes of a commit and of a rollback, in the order that makes them safe: all of it, the superblock, what follows. */
import { Result } from "effect"
import type { Refused } from "../Refused.ts"
import { isOnTrial, type Plan } from "./Change.ts"
import { after } from "./Generation.ts"
import type { BootSettings, Manifest } from "./Manifests.ts"
import { frozenOf, type Mounted, type PlacedManifest, usedSlots } from "./Mount.ts"
import type { ImageCheck } from "./Slots.ts"
import { counted } from "./Wear.ts"

/** Writes a planned commit, up to and with the superblock. A refusal is the check's; then nothing rules that did not before. */
export const writeCommit = (
  mounted: Mounted,
  plan: Plan,
  settings: Partial<BootSettings>,
  check: ImageCheck
): Refused | undefined => {
  const generation = after(mounted.superblock.generation)
  for (const { slot, image } of plan.images) {
    const wrong = mounted.slots.store(slot, image, generation, check)
    if (wrong !== undefined) return wrong
  }
  const frozenBank = mounted.values.freeze(generation, plan.values)
  const { entries, manifestSlot } = plan
  const manifest: Manifest = { ...mounted.active.manifest, ...settings, generation, frozenBank, entries }
  mounted.manifests.write(manifestSlot, manifest)
  rule(mounted, { slot: manifestSlot, manifest }, plan.previous, generation)
  return undefined
}

/** After a commit: it is on trial. */
export const followCommit = (mounted: Mounted): void => {
  mounted.boot.update({ pending: mounted.active.manifest.generation, failCount: 0, stopped: false })
  settle(mounted)
}

/** Writes a rollback, up to and with the superblock. */
export const writeRollback = (mounted: Mounted, target: PlacedManifest): void => {
  const generation = after(mounted.superblock.generation)
  mounted.values.thaw(generation)
  rule(mounted, target, provenBefore(mounted, target) ?? mounted.active, generation)
}

/** After a rollback: what was proven is not on trial again. */
export const followRollback = (mounted: Mounted, isByItself: boolean): void => {
  const { bootCount, confirmed } = mounted.boot.state
  const { generation } = mounted.active.manifest
  mounted.boot.update({
    pending: generation === confirmed ? 0 : generation,
    failCount: 0,
    stopped: false,
    ...(isByItself ? { rolledBackAt: bootCount } : {})
  })
  settle(mounted)
}

/** A configuration other than the one that rules, if all its images are still there and readable. */
export const wholeManifest = (mounted: Mounted, generation: number | undefined): PlacedManifest | undefined => {
  const { active, manifests, slots } = mounted
  for (let slot = 0; slot < manifests.slots; slot++) {
    const manifest = slot === active.slot ? undefined : manifests.read(slot)
    if (manifest === undefined || manifest.generation !== generation) continue
    const isWhole = manifest.entries.every(
      (entry) =>
        entry.slot === undefined ||
        (slots.holds(entry.slot, entry.imageCrc) && Result.isSuccess(slots.image(entry.slot)))
    )
    if (isWhole) return { slot, manifest }
  }
  return undefined
}

/** On trial, the proven one stays the one to go back to, unless it is the one that rules from now on. */
const provenBefore = (mounted: Mounted, target: PlacedManifest): PlacedManifest | undefined =>
  isOnTrial(mounted) &&
  mounted.previous?.manifest.generation === mounted.boot.state.confirmed &&
  mounted.previous.slot !== target.slot
    ? mounted.previous
    : undefined

/** The commit point: once the superblock stands, the other configuration rules. */
const rule = (mounted: Mounted, active: PlacedManifest, previous: PlacedManifest, generation: number): void => {
  const superblock = {
    provisioned: true,
    generation,
    active: active.slot,
    previous: previous.slot,
    previousGeneration: previous.manifest.generation,
    partitions: mounted.superblock.partitions.map((partition) => ({
      ...partition,
      writeCount: counted(partition.writeCount, mounted.regions.get(partition.type)?.writes ?? 0)
    }))
  }
  mounted.superblocks.write(superblock)
  for (const region of mounted.regions.values()) region.forgetWrites()
  mounted.superblock = superblock
  mounted.active = active
  mounted.previous = previous
}

const settle = (mounted: Mounted): void => {
  mounted.values.settle(mounted.superblock.generation, frozenOf(mounted.active.manifest))
  mounted.slots.retire(usedSlots(mounted.active.manifest, mounted.previous?.manifest))
}
