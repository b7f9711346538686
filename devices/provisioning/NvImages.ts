/** The store of this board as the provisioning service needs it, and what the store tells as events of the service. */
import { Result } from "effect"
import type { HxeImage } from "../../src/protocol/hxe/Hxe.ts"
import { imageKinds } from "../../src/protocol/image/ImageKind.ts"
import { entrySources, type Manifest, type ManifestEntry } from "../nv/Manifests.ts"
import type { NvStore } from "../nv/NvStore.ts"
import type { Wear } from "../nv/Wear.ts"
import type { Refused } from "../Refused.ts"
import { refusal } from "./ErrorCodes.ts"
import type { ImageKeeper, KeptProgram, RolledBackTo } from "./ImageKeeper.ts"
import type { Unnumbered } from "./ProvisioningEvents.ts"
import type { SecurityVersions } from "./SignaturePolicy.ts"
import { type Source, source } from "./Source.ts"

const sourceNumber = ({ kind }: Source): number => (kind === "stream" ? entrySources.rpc : entrySources[kind])

const entryOf = (name: string, image: HxeImage, program: KeptProgram) => ({
  name,
  kind: imageKinds.hxe,
  autostart: program.autostart,
  // What was brought here is wanted: a configuration that cannot run it does not prove itself.
  required: program.autostart,
  multiple: image.header.allowsMultiple,
  signed: image.signature !== undefined,
  stackBytes: image.manifest?.stackSizeBytes ?? 0,
  heapBytes: image.manifest?.heapSizeBytes ?? 0,
  source: sourceNumber(program.source),
  requiredCaps: image.header.requiredCaps,
  secver: image.signature?.securityVersion ?? 0,
  image: { bytes: program.bytes, headerCrc: image.header.crc32 }
})

const isSame = (one: ManifestEntry | undefined, other: ManifestEntry | undefined): boolean =>
  one?.slot === other?.slot && one?.imageCrc === other?.imageCrc

const entriesOf = (manifest: Manifest): ReadonlyMap<string, ManifestEntry> =>
  new Map(manifest.entries.filter(({ kind }) => kind === imageKinds.hxe).map((entry) => [entry.name, entry]))

/** Where the memory map puts images decides on which memory they rest: the target of a persist is only told on. */
export const nvImages = (store: NvStore): ImageKeeper => ({
  persist: (program) => {
    const { image } = program
    const { appName } = image.header
    // A configuration knows its programs by name.
    if (appName === undefined) return Result.fail(refusal("EINVAL", "no_name"))
    const committed = store.commit({ put: [entryOf(appName, image, program)] })
    if (Result.isFailure(committed)) return Result.fail(committed.failure)
    const { generation, stored } = committed.success
    const kept = stored.find(({ name }) => name === appName)
    if (kept === undefined) return Result.fail(refusal("EIO", "not_stored"))
    return Result.succeed({ generation, slot: kept.slot, imageCrc32: kept.imageCrc, bytes: kept.bytes })
  },
  activate: () => store.confirm(),
  rollback: (generation) => {
    const back = store.rollback(generation)
    if (Result.isFailure(back)) return Result.fail(back.failure)
    return rolledBack(store, back.success.from, back.success.to)
  }
})

/** What changed between two configurations; the store already rules by the second. */
const rolledBack = (store: NvStore, from: Manifest, to: Manifest): Result.Result<RolledBackTo, Refused> => {
  const before = entriesOf(from)
  const after = entriesOf(to)
  const concerned = [...new Set([...before.keys(), ...after.keys()])].filter(
    (name) => !isSame(before.get(name), after.get(name))
  )
  const programs: Array<RolledBackTo["programs"][number]> = []
  for (const name of concerned) {
    const entry = after.get(name)
    if (entry?.slot === undefined) continue
    const image = store.image(name)
    if (Result.isFailure(image)) return Result.fail(image.failure)
    programs.push({ appName: name, slot: entry.slot, bytes: image.success.bytes, autostart: entry.autostart })
  }
  return Result.succeed({
    fromGeneration: from.generation,
    toGeneration: to.generation,
    slot: programs[0]?.slot ?? 0,
    concerned,
    programs
  })
}

/** The least security versions the store knows; it raises them itself when a configuration has proved itself. */
export const nvSecurityVersions = (store: NvStore): SecurityVersions => ({
  highestOf: (appName) => store.floor(imageKinds.hxe, appName),
  accept: () => {}
})

/** What the store says of its wear, as an event of the service; none while all is well. */
export const wearEvent = ({ count, level, limit, partition, percent, slot }: Wear): Unnumbered | undefined =>
  level === "good"
    ? undefined
    : {
        type: "provisioning.wear",
        pid: null,
        data: {
          xfer: 0,
          phase: "persist",
          source: slot === undefined ? null : source.nv(slot, 0),
          app_name: null,
          partition,
          slot: slot ?? 0,
          count,
          limit,
          pct: percent,
          level
        }
      }
