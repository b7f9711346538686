/** The files of a program: a seam, and files in memory. A program sees its own folder and nothing else. */

/** Whole files by path below the program's folder. Paths were judged by `isSafePath`. */
export interface ProgramFiles {
  readonly read: (path: string) => Uint8Array | undefined
  /** False when it could not be written, for lack of room say. */
  readonly write: (path: string, bytes: Uint8Array) => boolean
  readonly remove: (path: string) => boolean
  readonly rename: (from: string, to: string) => boolean
  readonly makeFolder: (path: string) => boolean
  /** Names in a folder; "" is the program's own. */
  readonly list: (path: string) => ReadonlyArray<string>
}

/** Whether a path stays in its folder: relative, no drive, no empty part, no `..`. */
export const isSafePath = (path: string): boolean => {
  const parts = path.replaceAll("\\", "/").split("/")
  return !path.includes(":") && !path.includes("\0") && parts.every((part) => part.trim() !== "" && part !== "..")
}

/** Files that last as long as the process. All together hold at most so many bytes. */
export const memoryFiles = (bytesMax: number): ProgramFiles => {
  const files = new Map<string, Uint8Array>()
  const folders = new Set<string>()
  return {
    read: (path) => files.get(path),
    write: (path, bytes) => {
      let used = bytes.length
      for (const [other, content] of files) if (other !== path) used += content.length
      if (used > bytesMax) return false
      files.set(path, new Uint8Array(bytes))
      return true
    },
    remove: (path) => files.delete(path),
    rename: (from, to) => {
      const content = files.get(from)
      if (content === undefined || files.has(to)) return false
      files.delete(from)
      files.set(to, content)
      return true
    },
    makeFolder: (path) => {
      if (files.has(path)) return false
      folders.add(path)
      return true
    },
    list: (path) => {
      const prefix = path === "" ? "" : `${path}/`
      const names = [...files.keys(), ...folders]
        .filter((name) => name.startsWith(prefix) && name !== path)
        .map((name) => name.slice(prefix.length).split("/")[0] ?? "")
      return [...new Set(names)].sort()
    }
  }
}
