/** What a commit changes, and whether it may: worked out before anything is written. */
import { crc32 } from "node:zlib"
import { Result } from "effect"
import { codes } from "../../src/protocol/Codes.ts"
import { type Refused, refuse } from "../Refused.ts"
import { type BootSettings, defaultEntry, type ManifestEntry } from "./Manifests.ts"
import { type Mounted, type PlacedManifest, usedSlots } from "./Mount.ts"
import { isName } from "./PaddedName.ts"
import type { StoredImage } from "./Slots.ts"

/** The file of a program. */
export interface NewImage {
  readonly bytes: Uint8Array
  /** The CRC in an HXE file's own header. */
  readonly headerCrc?: number
  /** Kept with it, such as the signed manifest that came with it. */
  readonly attachment?: Uint8Array
}

/** A program as it shall be from now on. What is not said is as for a program nobody knows. */
export interface NewEntry extends Partial<Omit<ManifestEntry, "name" | "slot">> {
  readonly name: string
  /** To be stored; `keep` what is; without it the program is taken from its source at each start. */
  readonly image?: NewImage | "keep"
}

/** The next configuration is the one that rules, with this changed. */
export interface Change {
  /** Added, or in the place of the one of this name. */
  readonly put?: ReadonlyArray<NewEntry>
  /** Names. Their values and security versions stay. */
  readonly remove?: ReadonlyArray<string>
  readonly settings?: Partial<BootSettings>
  /** For the factory: takes images of a lower security version. */
  readonly allowOlder?: boolean
}

/** What to write. */
export interface Plan {
  readonly entries: ReadonlyArray<ManifestEntry>
  readonly images: ReadonlyArray<{ readonly slot: number; readonly image: StoredImage }>
  readonly manifestSlot: number
  /** What will be kept to go back to. */
  readonly previous: PlacedManifest
  /** Which values go with it. */
  readonly values: "live" | "frozen"
}

/** Whether the configuration that rules has not proved itself. */
export const isOnTrial = ({ active, boot }: Mounted): boolean => active.manifest.generation !== boot.state.confirmed

/** Least security version a new image of this kind and name may have. */
export const floorOf = ({ keys, active }: Mounted, kind: number, name: string): number => {
  const running = active.manifest.entries.find((entry) => entry.name === name && entry.kind === kind)
  return Math.max(keys.floor(kind, name), running?.secver ?? 0)
}

/**
 * A configuration on trial is replaced only while the proven one before it keeps its slot: where there is no third, the
 * board could end with neither.
 */
const manifestSlotOf = (
  mounted: Mounted
): Result.Result<Pick<Plan, "manifestSlot" | "previous" | "values">, Refused> => {
  const { active, previous, boot, manifests } = mounted
  const proven = isOnTrial(mounted) && previous?.manifest.generation === boot.state.confirmed ? previous : undefined
  const others = Array.from({ length: manifests.slots }, (_, slot) => slot).filter((slot) => slot !== active.slot)
  const unused = others.find((slot) => slot !== previous?.slot)
  const manifestSlot = unused ?? (proven === undefined ? others[0] : undefined)
  if (manifestSlot === undefined) return refuse(codes.EBUSY, "trial")
  // The values to go back to are those from before the trial.
  return Result.succeed({ manifestSlot, previous: proven ?? active, values: proven === undefined ? "live" : "frozen" })
}

const entryOf = (mounted: Mounted, entry: NewEntry, slots: Iterator<number>): Result.Result<ManifestEntry, Refused> => {
  const { image, ...said } = entry
  const plain: ManifestEntry = { ...defaultEntry, ...said, slot: undefined }
  if (image === undefined) return Result.succeed(plain)
  if (image === "keep") {
    const kept = mounted.active.manifest.entries.find(({ name }) => name === entry.name)
    if (kept === undefined) return refuse(codes.ENOENT, entry.name)
    const { slot, kind, secver, imageCrc } = kept
    return Result.succeed({ ...plain, slot, kind, secver, imageCrc })
  }
  const next = slots.next()
  const slot = next.done === true ? undefined : next.value
  return Result.succeed({ ...plain, slot, imageCrc: crc32(image.bytes) })
}

/** The whole commit, or why not: EINVAL, ENOENT, EBUSY, EPERM, ENOSPC, EIO. */
export const planOf = (mounted: Mounted, change: Change, erasesMax: number): Result.Result<Plan, Refused> => {
  const put = change.put ?? []
  const remove = change.remove ?? []
  const names = [...put.map(({ name }) => name), ...remove]
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) return refuse(codes.EINVAL, `twice:${twice}`)
  const bad = put.find(({ name }) => !isName(name))
  if (bad !== undefined) return refuse(codes.EINVAL, "name")
  const { active, previous, manifests } = mounted
  const unknown = remove.find((name) => !active.manifest.entries.some((entry) => entry.name === name))
  if (unknown !== undefined) return refuse(codes.ENOENT, unknown)

  const place = manifestSlotOf(mounted)
  if (Result.isFailure(place)) return Result.fail(place.failure)
  const stored = put.filter(({ image }) => image !== undefined && image !== "keep")
  const picked = mounted.slots.pick(stored.length, usedSlots(active.manifest, previous?.manifest), erasesMax)
  if (Result.isFailure(picked)) return Result.fail(picked.failure)

  const free = picked.success[Symbol.iterator]()
  const fresh: Array<ManifestEntry> = []
  const images: Array<Plan["images"][number]> = []
  for (const entry of put) {
    const made = entryOf(mounted, entry, free)
    if (Result.isFailure(made)) return Result.fail(made.failure)
    const { kind, name, slot, secver } = made.success
    if (change.allowOlder !== true && secver < floorOf(mounted, kind, name)) return refuse(codes.EPERM, "rollback")
    fresh.push(made.success)
    if (entry.image === undefined || entry.image === "keep" || slot === undefined) continue
    const { bytes, headerCrc = 0, attachment } = entry.image
    const image: StoredImage = { name, kind, bytes, headerCrc, secver, attachment }
    if (!mounted.slots.fits(image)) return refuse(codes.ENOSPC, `bytes:${bytes.length}/${mounted.slots.bytesMax}`)
    images.push({ slot, image })
  }
  // A program that is replaced keeps its place: among equals, the order is the order of starting.
  const kept = active.manifest.entries
    .filter(({ name }) => !remove.includes(name))
    .map((entry) => fresh.find(({ name }) => name === entry.name) ?? entry)
  const entries = [...kept, ...fresh.filter((entry) => !kept.includes(entry))]
  if (entries.length > manifests.entriesMax) return refuse(codes.ENOSPC, `entries:${entries.length}`)
  if (!mounted.keys.hasRoomFor(entries.filter(({ secver }) => secver > 0))) return refuse(codes.ENOSPC, "keys")
  return Result.succeed({ ...place.success, entries, images })
}
