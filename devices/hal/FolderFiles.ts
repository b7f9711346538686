/** Files of programs in folders of a disk: each program has its own, below one folder of its board. */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { memoryFiles, type ProgramFiles } from "../hxe/executive/ProgramFiles.ts"
import { type BoardFiles, programFilesBytesMax } from "./BoardFiles.ts"

/** Where a file is written before it takes its place. No folder of a program has a name that begins with a dot. */
const besideName = ".new"

/** Folder of a program: names may hold what a file system reads otherwise. */
const folderOf = (program: string): string => encodeURIComponent(program).replaceAll(".", "%2E")

/** One spelling for each file: two of them would be two files in memory and one on the disk. */
const plainPath = (path: string): string =>
  path
    .replaceAll("\\", "/")
    .split("/")
    .filter((part) => part !== ".")
    .join("/")

/** Tells what a person should know. */
type Report = (what: string, cause: unknown) => void

/**
 * Files of all programs below a folder, which is made when the first file is. They are read once, when a program first asks,
 * and written through: a program that reads in a loop takes no time from others. A file is the old or the new one after a
 * crash; the newest may be lost with the power.
 */
export const folderFiles = (root: string, report: Report): BoardFiles => {
  const known = new Map<string, ProgramFiles>()
  return {
    of: (program) => {
      const files = known.get(program) ?? filesIn(root, join(root, folderOf(program)), report)
      known.set(program, files)
      return files
    },
    keepOnly: (programs) => {
      const kept = new Set([...programs].map(folderOf))
      for (const program of known.keys()) if (!programs.has(program)) known.delete(program)
      let cleared = 0
      for (const name of foldersIn(root, report)) {
        if (kept.has(name)) continue
        rmSync(join(root, name), { recursive: true, force: true })
        cleared++
      }
      return cleared
    }
  }
}

const foldersIn = (root: string, report: Report): ReadonlyArray<string> => {
  try {
    return readdirSync(root, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))
  } catch (cause) {
    if (!isAbsent(cause)) report(`the files in ${root} cannot be read`, cause)
    return []
  }
}

const isAbsent = (cause: unknown): boolean => cause instanceof Error && "code" in cause && cause.code === "ENOENT"

const filesIn = (root: string, folder: string, report: Report): ProgramFiles => {
  const memory = memoryFiles(programFilesBytesMax)
  readInto(memory, folder, "", report)
  /** False when the disk refuses; a program hears no more of it. */
  const onDisk = (change: () => void): boolean => {
    try {
      change()
      return true
    } catch {
      return false
    }
  }
  const write = (path: string, bytes: Uint8Array): boolean => {
    const before = memory.read(path)
    if (path === "" || !memory.write(path, bytes)) return false
    const isThere = onDisk(() => {
      const place = join(folder, path)
      mkdirSync(dirname(place), { recursive: true, mode: 0o700 })
      writeFileSync(join(root, besideName), bytes, { mode: 0o600 })
      renameSync(join(root, besideName), place)
    })
    if (!isThere) {
      if (before === undefined) memory.remove(path)
      else memory.write(path, before)
    }
    return isThere
  }
  const rename = (from: string, to: string): boolean =>
    memory.read(from) !== undefined &&
    memory.read(to) === undefined &&
    to !== "" &&
    onDisk(() => {
      mkdirSync(dirname(join(folder, to)), { recursive: true, mode: 0o700 })
      renameSync(join(folder, from), join(folder, to))
    }) &&
    memory.rename(from, to)
  const makeFolder = (path: string): boolean =>
    path !== "" &&
    memory.makeFolder(path) &&
    onDisk(() => mkdirSync(join(folder, path), { recursive: true, mode: 0o700 }))
  return {
    read: (path) => memory.read(plainPath(path)),
    write: (path, bytes) => write(plainPath(path), bytes),
    remove: (path) => {
      const plain = plainPath(path)
      return memory.read(plain) !== undefined && onDisk(() => rmSync(join(folder, plain))) && memory.remove(plain)
    },
    rename: (from, to) => rename(plainPath(from), plainPath(to)),
    makeFolder: (path) => makeFolder(plainPath(path)),
    list: (path) => memory.list(plainPath(path))
  }
}

const isTaken = (memory: ProgramFiles, place: string, path: string): boolean =>
  statSync(place).size <= programFilesBytesMax && memory.write(path, readFileSync(place))

/** Takes in what lies in a folder. Links are left alone: they may lead out of it. */
const readInto = (memory: ProgramFiles, folder: string, path: string, report: Report): void => {
  const place = join(folder, path)
  try {
    for (const entry of readdirSync(place, { withFileTypes: true })) {
      const inner = path === "" ? entry.name : `${path}/${entry.name}`
      if (entry.isDirectory()) {
        memory.makeFolder(inner)
        readInto(memory, folder, inner, report)
      } else if (entry.isFile() && !isTaken(memory, join(folder, inner), inner)) {
        report(`the file ${join(folder, inner)} is not shown to its program: there is no room for it`, undefined)
      }
    }
  } catch (cause) {
    if (!isAbsent(cause)) report(`the files in ${place} cannot be read`, cause)
  }
}
