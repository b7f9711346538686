/** What the image slots hold, as the link tells it. */
import { createHash } from "node:crypto"
import { Result } from "effect"
import { isLater } from "./Generation.ts"
import { type Mounted, usedSlots } from "./Mount.ts"

/** Numbers of what a slot is to the board, as on the link. */
export const slotUses = {
  empty: 0,
  staging: 1,
  staged: 6,
  pending: 7,
  trial: 8,
  confirmed: 9,
  bad: 10,
  old: 11
} as const

/** One slot. */
export interface ListedSlot {
  readonly slot: number
  /** Number of `slotUses`. */
  readonly state: number
  readonly name: string
  readonly kind: number
  /** Of the file; undefined where there is none, or it cannot be read. */
  readonly sha256: Uint8Array | undefined
  readonly bytes: number
  /** Of the configuration it was written for. */
  readonly generation: number
  readonly secver: number
  /** Erases. */
  readonly wear: number
  /** What was kept with the file. */
  readonly attachment: Uint8Array | undefined
}

const useOf = ({ active, previous, boot, slots }: Mounted, slot: number): number => {
  const header = slots.header(slot)
  if (header === undefined || header.fileBytes === 0) return slotUses.empty
  if (header.state === "staging" || header.state === "written") return slotUses.staging
  const { state } = boot
  if (usedSlots(active.manifest).has(slot)) {
    if (active.manifest.generation === state.confirmed) return slotUses.confirmed
    return state.failCount === 0 ? slotUses.pending : slotUses.trial
  }
  const left = usedSlots(previous?.manifest).has(slot) ? previous?.manifest.generation : undefined
  // What was left for an older one without ever having proved itself.
  const isBad = left !== undefined && left !== state.confirmed && isLater(left, active.manifest.generation)
  return isBad ? slotUses.bad : slotUses.old
}

/** All slots. Reads every file. */
export const listSlots = (mounted: Mounted): ReadonlyArray<ListedSlot> =>
  Array.from({ length: mounted.slots.count }, (_, slot) => {
    const header = mounted.slots.header(slot)
    const state = useOf(mounted, slot)
    const image = state === slotUses.empty || state === slotUses.staging ? undefined : mounted.slots.image(slot)
    const found = image !== undefined && Result.isSuccess(image) ? image.success : undefined
    return {
      slot,
      state,
      name: header?.name ?? "",
      kind: header?.kind ?? 0,
      sha256: found === undefined ? undefined : new Uint8Array(createHash("sha256").update(found.bytes).digest()),
      bytes: header?.fileBytes ?? 0,
      generation: header?.generation ?? 0,
      secver: header?.secver ?? 0,
      wear: mounted.slots.eraseCount(slot),
      attachment: found?.attachment
    }
  })
