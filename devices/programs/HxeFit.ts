/** What the manifest of an HXE image asks of a board and this one may not give: judged before a byte of the image has come. */
import { codes } from "../../src/protocol/Codes.ts"
import type { HxeHeader } from "../../src/protocol/hxe/Hxe.ts"
import type { Manifest } from "../../src/protocol/image/Manifest.ts"
import type { BudgetProfile } from "../hxe/executive/BudgetProfile.ts"
import type { Refused } from "../Refused.ts"
import { compareVersions, isVersion } from "../Versions.ts"

/** Version of the virtual machine and its services: `requires.runtime` is held against it. */
export const hxeRuntimeVersion = "1.0.0"

/** What a board has for one more HXE program. */
export interface HxeRoom {
  readonly profile: BudgetProfile
  /** Bytes of memory that the programs hold which stay on the board. */
  readonly usedBytes: number
  /** Bytes of files a program may have; 0 on a board without files. */
  readonly storageBytes: number
}

const lacks = (detail: string): Refused => ({ code: codes.ENOTSUP, detail })

/** Bytes of memory that programs may hold: one alone where each has its own, else all together. */
const memoryBytes = ({ codeBytes, dataBytes, stackBytes, stackBytesDefault }: BudgetProfile): number =>
  codeBytes + dataBytes + (stackBytes ?? stackBytesDefault)

/** Steps of one turn of a program: what the board gives, or what its manifest limits it to. */
export const quantumOf = (manifest: Manifest | undefined, given: number): number =>
  Math.min(given, manifest?.limits?.fuel ?? given)

/** What an HXE program cannot be given at all, by a board of any size. */
const neverGiven = ({ entry, requires, limits, start }: Manifest): Refused | undefined => {
  if (entry !== undefined) return lacks("entry: an HXE image has its own")
  if (requires?.compat !== undefined) return lacks("requires.compat: it is for firmware")
  if ((start?.args?.length ?? 0) > 0) return lacks("start.args: HXE programs take no arguments")
  if (Object.keys(start?.env ?? {}).length > 0) return lacks("start.env: HXE programs have no environment")
  if (limits?.share !== undefined && limits.share < 1) return lacks("limits.share: HXE programs share evenly; use fuel")
  if (limits?.fuel === 0) return { code: codes.EINVAL, detail: "limits.fuel: it would never run" }
  return undefined
}

/** Why a board with this room does not take an image of this manifest; nothing where it may. */
export const misfitOf = (manifest: Manifest, { profile, usedBytes, storageBytes }: HxeRoom): Refused | undefined => {
  const { heap = 0, ram = 0, runtime, storage = 0 } = manifest.requires ?? {}
  const never = neverGiven(manifest)
  if (never !== undefined) return never
  if (runtime !== undefined && !isVersion(runtime)) {
    return { code: codes.EINVAL, detail: `requires.runtime: ${runtime} is no version` }
  }
  if (runtime !== undefined && compareVersions(hxeRuntimeVersion, runtime) < 0) {
    return lacks(`runtime:${runtime}/${hxeRuntimeVersion}`)
  }
  const freeBytes = memoryBytes(profile) - (profile.isShared ? usedBytes : 0)
  if (ram > freeBytes) return { code: codes.ENOMEM, detail: `budget:ram:${ram}/${freeBytes}` }
  // All memory of a program is laid out when it is loaded.
  if (heap > 0) return { code: codes.ENOMEM, detail: `budget:heap:${heap}/0` }
  if (storage > storageBytes) return { code: codes.ENOSPC, detail: `budget:storage:${storage}/${storageBytes}` }
  return undefined
}

/** Holds an image against what its manifest lets it use: all memory it will ever have is in its header. */
export const excessOf = (
  { codeLength, rodataLength, bssSize }: HxeHeader,
  stackBytes: number,
  manifest: Manifest | undefined
): Refused | undefined => {
  const limit = manifest?.limits?.memory
  const needed = codeLength + rodataLength + bssSize + stackBytes
  return limit === undefined || needed <= limit
    ? undefined
    : { code: codes.EDQUOT, detail: `limit:memory:${needed}/${limit}` }
}
