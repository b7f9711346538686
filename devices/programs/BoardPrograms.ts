/** The programs of a board that is run by this process: its memories, its runtimes, its trust. */
import { Result } from "effect"
import { imageKinds } from "../../src/protocol/image/ImageKind.ts"
import type { Clock } from "../agent/Clock.ts"
import type { Programs, ProgramVoice } from "../agent/Programs.ts"
import type { BoardFiles } from "../hal/BoardFiles.ts"
import { pinCapabilities } from "../hal/ProgramPins.ts"
import { budgetProfiles } from "../hxe/executive/BudgetProfile.ts"
import type { ProgramHal } from "../hxe/executive/ProgramHal.ts"
import { MemoryNvDevice } from "../nv/MemoryNvDevice.ts"
import type { NvDevices } from "../nv/NvDevice.ts"
import { hostMap, hostShape } from "../nv/NvMap.ts"
import type { NvStore } from "../nv/NvStore.ts"
import { openStore } from "../nv/OpenStore.ts"
import type { Profile } from "../profiles/Profile.ts"
import { guardedClock } from "./GuardedClock.ts"
import { HxeRuntime, hxeCapabilities } from "./HxeRuntime.ts"
import type { BoardTrust } from "./ImageChecks.ts"
import { ProgramHost } from "./ProgramHost.ts"
import { Shelf } from "./Shelf.ts"
import { StoreNews } from "./StoreNews.ts"
import { UntouchedPrograms } from "./UntouchedPrograms.ts"

/** Largest image, bytes: what a slot of the host's map holds with its manifest. */
const imageBytesMax = 262_144

/** Chunks a board takes ahead. */
const windowMax = 8

/** The memories of a board. They outlive its boots. */
export interface Memories {
  readonly open: () => NvDevices
  /** Nothing was ever written to them. */
  readonly isBlank: () => boolean
}

/** What a board needs to take programs. */
export interface BoardPrograms {
  readonly memories: Memories
  readonly trust: BoardTrust
  /** Absent where programs have no files. */
  readonly files?: BoardFiles
}

/** What the programs of one boot run on. */
export interface ProgramSurroundings {
  readonly profile: Profile
  readonly clock: Clock
  readonly report: ReportFault
  /** The hardware of the profile; absent where programs reach none of it. */
  readonly hal?: ProgramHal
}

/** Memories of a board whose storage is simulated: they end with the process, and are not there before they are used. */
export const simulatedMemories = (): Memories => {
  let devices: NvDevices | undefined
  return {
    open: () => {
      devices ??= { nvm: new MemoryNvDevice(hostShape.nvm), flash: new MemoryNvDevice(hostShape.flash) }
      return devices
    },
    isBlank: () => devices === undefined
  }
}

/** Memories that are there. */
export const memoriesOf = (devices: NvDevices): Memories => ({ open: () => devices, isBlank: () => false })

/**
 * The programs of one boot of a board, for its agent. Undefined where the profile has none, or what lies in the memories
 * cannot be read: then `report` says why, and the board takes no images.
 */
export const programsOn = (
  { memories, trust, files }: BoardPrograms,
  { profile, clock, report, hal }: ProgramSurroundings
): ((voice: ProgramVoice) => Programs) | undefined => {
  const budget = profile.hxe
  if (budget === undefined) return undefined
  const own = guardedClock(clock, report)
  const news = new StoreNews(clock)
  const open = () => openStore({ devices: memories.open(), observe: news.observe }, hostMap)
  const hostOf = (store: NvStore) => (voice: ProgramVoice) => {
    const shelf = new Shelf(store, own)
    news.speakTo(voice)
    return new ProgramHost({
      voice,
      clock: own,
      shelf,
      runtimes: (events) => [
        new HxeRuntime({
          now: clock.board,
          events,
          trust,
          imageBytesMax,
          store: shelf.values,
          restored: (name, counts) => news.restored(name, counts),
          profile: budgetProfiles[budget],
          ...(files === undefined ? {} : { files: files.of }),
          ...(hal === undefined ? {} : { hal })
        })
      ],
      ...(files === undefined ? {} : { files }),
      profile: profile.id,
      trust,
      imageBytesMax,
      chunkBytesMax: profile.link.chunkBytesMax,
      windowMax,
      capabilities: [
        ...hxeCapabilities,
        ...(files === undefined ? [] : ["file"]),
        ...(hal?.gpio === undefined ? [] : pinCapabilities(profile))
      ]
    })
  }
  if (memories.isBlank()) {
    const kinds = profile.kinds.map((kind) => imageKinds[kind])
    return (voice) => new UntouchedPrograms(kinds, () => hostOf(Result.getOrThrow(open()))(voice))
  }
  const opened = open()
  if (Result.isSuccess(opened)) return hostOf(opened.success)
  report("the board takes no programs: what it has kept cannot be read", opened.failure)
  return undefined
}

/** Tells what a person should know. */
export type ReportFault = (what: string, cause: unknown) => void
