/** The files of the programs of a board: a seam, and files in memory. */
import { memoryFiles, type ProgramFiles } from "../hxe/executive/ProgramFiles.ts"

/** Bytes of all files of one program, with some for each name. */
export const programFilesBytesMax = 262_144

/** The files of all programs of one board. They outlive its boots. */
export interface BoardFiles {
  /** The files of a program, by its name. */
  readonly of: (program: string) => ProgramFiles
  /** Clears away what belongs to any other program. Says to how many of them. */
  readonly keepOnly: (programs: ReadonlySet<string>) => number
}

/** Files of a board whose storage is simulated: they end with the process. */
export const simulatedFiles = (): BoardFiles => {
  const known = new Map<string, ProgramFiles>()
  return {
    of: (program) => {
      const files = known.get(program) ?? memoryFiles(programFilesBytesMax)
      known.set(program, files)
      return files
    },
    keepOnly: (programs) => {
      let cleared = 0
      for (const [program, files] of known) {
        if (programs.has(program)) continue
        if (files.list("").length > 0) cleared++
        known.delete(program)
      }
      return cleared
    }
  }
}
