/** Clearing away what programs left on a board that they are no longer on: kept values and files. */
import { Result } from "effect"
import { codes } from "../../src/protocol/Codes.ts"
import type { ImageKind } from "../../src/protocol/image/ImageKind.ts"
import type { Outcome } from "../agent/Application.ts"
import type { BoardFiles } from "../hal/BoardFiles.ts"
import type { Program } from "./Program.ts"
import { programStates, type Runtime } from "./Runtime.ts"
import type { Shelf } from "./Shelf.ts"

/** Name of the board's command for it. */
export const sweepCommand = "sweep"

/** What there is to look at. */
interface Swept {
  readonly programs: ReadonlyArray<Program>
  readonly runtimeOf: (kind: ImageKind) => Runtime | undefined
  readonly shelf: Shelf
  /** None where programs have no files. */
  readonly files: BoardFiles | undefined
}

/**
 * Answers how many values and the files of how many programs went. Where one program cannot say what it keeps, nothing goes:
 * 5 for an image that cannot be read.
 */
export const sweep = ({ programs, runtimeOf, shelf, files }: Swept): Outcome => {
  const there = programs.filter(({ standing }) => standing.state !== programStates.rolledBack)
  const keys = new Set<number>()
  for (const { name, image, task } of there) {
    const own = runtimeOf(image.kind)?.keysOf?.(image.bytes, { name, manifest: image.manifest }, task)
    if (own === undefined) continue
    if (Result.isFailure(own)) return { code: codes.EIO, detail: `${name}: ${own.failure.detail}` }
    for (const key of own.success) keys.add(key)
  }
  const values = shelf.values.keepOnly(keys)
  if (Result.isFailure(values)) return values.failure
  const cleared = files?.keepOnly(new Set(there.map(({ name }) => name))) ?? 0
  return { code: codes.ok, value: { values: values.success, files: cleared } }
}
