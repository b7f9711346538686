/** How worn the memories of a store are, and what is said of it: once for each slot and level. */
import type { Mounted } from "./Mount.ts"
import type { NvEvent } from "./NvEvents.ts"
import { type PartitionName, partitionTypes } from "./NvMap.ts"
import { type Wear, type WearLimits, wearOf } from "./Wear.ts"

/** The wear of one store, for as long as it is open. */
export class WearWatch {
  readonly #limits: WearLimits
  readonly #observe: (event: NvEvent) => void
  readonly #told = new Set<string>()

  constructor(limits: WearLimits, observe: (event: NvEvent) => void) {
    this.#limits = limits
    this.#observe = observe
  }

  /** Writes, or erases, that a partition stands by its maker's word. */
  limitOf({ superblock }: Mounted, name: PartitionName): number {
    const partition = superblock.partitions.find(({ type }) => type === partitionTypes[name])
    return partition?.onFlash === true ? this.#limits.flashErases : this.#limits.nvmWrites
  }

  /** Image slots one by one, the other partitions as a whole, as of the last commit. */
  all(mounted: Mounted): ReadonlyArray<Wear> {
    const { superblock } = mounted
    const partitions = Object.entries(partitionTypes).flatMap(([name, type]) => {
      const found = superblock.partitions.find((partition) => partition.type === type)
      if (found === undefined || type === partitionTypes.image) return []
      return [wearOf(name as PartitionName, undefined, found.writeCount, this.#limits.nvmWrites)]
    })
    return [...partitions, ...this.#slots(mounted)]
  }

  /** Tells of slots that are worn, or soon will be. */
  look(mounted: Mounted): void {
    for (const wear of this.#slots(mounted)) {
      const once = `${wear.slot}:${wear.level}`
      if (wear.level === "good" || this.#told.has(once)) continue
      this.#told.add(once)
      this.#observe({ type: "wear", wear })
    }
  }

  #slots(mounted: Mounted): ReadonlyArray<Wear> {
    const { slots } = mounted
    const limit = this.limitOf(mounted, "image")
    return Array.from({ length: slots.count }, (_, slot) => wearOf("image", slot, slots.eraseCount(slot), limit))
  }
}
