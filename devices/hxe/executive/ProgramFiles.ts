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

const pathCharactersMax = 255
/** What a file or folder in memory takes beside its bytes. */
const entryBytes = 64

/** Whether a path stays in its folder: relative, no drive, no empty part, no `..`, and no longer than a name may be. */
export const isSafePath = (path: string): boolean => {
  if (path.length > pathCharactersMax) return false
  const parts = path.replaceAll("\\", "/").split("/")
  return !path.includes(":") && !path.includes("\0") && parts.every((part) => part.trim() !== "" && part !== "..")
}

/** Files that last as long as the process. All together hold at most so many bytes, of which each takes some for its name. */
export const memoryFiles = (bytesMax: number): ProgramFiles => {
  const files = new Map<string, Uint8Array>()
  const folders = new Set<string>()
  const cost = (path: string, bytes: number): number => entryBytes + path.length + bytes
  const usedBeside = (path: string): number => {
    let used = 0
    for (const [other, content] of files) if (other !== path) used += cost(other, content.length)
    for (const other of folders) if (other !== path) used += cost(other, 0)
    return used
  }
  return {
    read: (path) => files.get(path),
    write: (path, bytes) => {
      if (usedBeside(path) + cost(path, bytes.length) > bytesMax) return false
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
      if (files.has(path) || usedBeside(path) + cost(path, 0) > bytesMax) return false
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
