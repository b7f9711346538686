/** What a board says of images and programs, in the words of the actors that hear it. */
import type { ImageReport } from "../../protocol/BoardRequest.ts"
import type { ImageStatus } from "../../protocol/frame/ImageFrames.ts"
import type { ProgramEntry } from "../../protocol/frame/ProgramFrames.ts"
import { type ProgramReport, programStates } from "../../protocol/Program.ts"

const hex = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex")

/** The state of a transfer or of the slots. */
export const imageReportOf = ({ state, code, detail, generation, sha256 }: ImageStatus): ImageReport => ({
  state,
  ...(code === undefined ? {} : { code }),
  ...(detail === undefined ? {} : { detail }),
  ...(generation === undefined ? {} : { generation }),
  ...(sha256?.length === 32 ? { sha256: hex(sha256) } : {})
})

/** The state of a program; `undefined` for an entry without a name or with a state that this release does not know. */
export const programReportOf = (entry: ProgramEntry): ProgramReport | undefined => {
  const { name, kind, sha256, version, restarts, exit, code, cpu, mem, pid, detail } = entry
  const state = programStates[entry.state ?? -1]
  if (name === undefined || name === "" || state === undefined) return undefined
  return {
    name,
    state,
    ...(kind === undefined ? {} : { kind }),
    ...(sha256 === undefined ? {} : { sha256: hex(sha256) }),
    ...(version === undefined ? {} : { version }),
    ...(restarts === undefined ? {} : { restarts }),
    ...(exit === undefined ? {} : { exit }),
    ...(code === undefined ? {} : { code }),
    ...(detail === undefined ? {} : { detail }),
    ...(pid === undefined ? {} : { pid }),
    ...(cpu === undefined ? {} : { cpu }),
    ...(mem === undefined ? {} : { memoryBytes: mem })
  }
}
