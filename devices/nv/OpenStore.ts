/** The store of a board that starts: the one it has, or an empty one where nothing was ever kept. */
import { Result } from "effect"
import { codes } from "../../src/protocol/Codes.ts"
import type { Partition } from "./NvMap.ts"
import { type NvOptions, type NvResult, NvStore } from "./NvStore.ts"

/**
 * Opens the store of a board, or makes one in blank memories. What is there and cannot be read is refused and never written
 * over: somebody may still want it. `NvStore.format` starts anew.
 */
export const openStore = (options: NvOptions, map: ReadonlyArray<Partition>): NvResult<NvStore> => {
  const mounted = NvStore.mount(options)
  return Result.isFailure(mounted) && mounted.failure.code === codes.ENOENT ? NvStore.format(options, map) : mounted
}
