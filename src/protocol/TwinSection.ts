/**
 * The reported section of a twin: leaves by path, each with the report that wrote it last, so that a late report never
 * undoes a newer one and every order of arrival ends in the same section.
 *
 * Two layers: a large `base` that rarely changes, and `recent` with the leaves written since `base` was made. A report
 * copies and stores `recent` only.
 */
import { cborBytes, textBytes } from "./CborSize.ts"
import { PathMap, type ReadonlyPathMap } from "./PathMap.ts"
import { eachAbove, holdsNull, isBelow, isMap, isSame, type LeafValue, nest, pathBelow } from "./TwinPath.ts"
import { depthMax } from "./TwinSchema.ts"
import type { TwinMap, TwinPatch, TwinPatchValue } from "./TwinValue.ts"

/** Leaves of one section. */
export const leavesMax = 1024
/** CBOR bytes of one section. */
export const sectionBytesMax = 32 * 1024
/**
 * Leaves in `recent` before it is folded into `base`. A small limit keeps the head small, a large one folds rarely: where
 * reports touch leaves all over a section, an eighth of them writes the fewest bytes.
 */
const recentMax = (leaves: number): number => Math.max(48, leaves >> 3)

/**
 * Which report wrote a leaf. `order` counts the boots of the board as their hellos came. `rank` is the report's number; an
 * unnumbered one has half a number less than the last numbered one before it, and so loses ties. `at` is the fact's time, ms.
 */
export type Stamp = readonly [order: number, boot: number, rank: number, at: number, estimated: boolean]

/** A leaf; `v` is the version of the document at which its value last changed. */
export interface Leaf {
  readonly value: LeafValue
  readonly v: number
  readonly stamp: Stamp
}

/** What a late report must not undo: `deleted` hides older leaves at and below its path, `mapped` an older leaf at it. */
export interface Mark {
  readonly deleted?: Stamp
  readonly mapped?: Stamp
}

/** Leaves in columns, the form they rest in. Never changed once made. */
export interface StoredBase {
  readonly paths: ReadonlyArray<string>
  readonly values: ReadonlyArray<LeafValue>
  readonly versions: ReadonlyArray<number>
  /** Index into `stamps` for each leaf. */
  readonly written: ReadonlyArray<number>
  readonly stamps: ReadonlyArray<Stamp>
}

/** The large layer, with its index. */
export interface Base {
  readonly stored: StoredBase
  readonly index: ReadonlyMap<string, number>
}

export interface Section {
  readonly base: Base
  /** Null: the leaf stands in `base` and is gone. */
  readonly recent: ReadonlyPathMap<Leaf | null>
  readonly marks: ReadonlyMap<string, Mark>
  readonly leaves: number
  /** At least the section's size as CBOR. */
  readonly bytes: number
}

/** Indexes a base as it was stored. */
export const indexed = (stored: StoredBase): Base => ({
  stored,
  index: new Map(stored.paths.map((path, index) => [path, index]))
})

/** A section that holds nothing. */
export const emptySection: Section = {
  base: indexed({ paths: [], values: [], versions: [], written: [], stamps: [] }),
  recent: PathMap.empty(),
  marks: new Map(),
  leaves: 0,
  bytes: 1
}

const leafAt = ({ stored, index }: Base, path: string): Leaf | undefined => {
  const place = index.get(path)
  if (place === undefined) return undefined
  const value = stored.values[place]
  const stamp = stored.stamps[stored.written[place] ?? -1]
  if (value === undefined || stamp === undefined) throw new Error(`base has no leaf ${path}`)
  return { value, v: stored.versions[place] ?? 0, stamp }
}

/** Value of the leaf at a path: the usual look, without making a leaf. */
export const valueAt = (section: Section, path: string): LeafValue | undefined => {
  const leaf = section.recent.get(path)
  if (leaf !== undefined) return leaf?.value
  const place = section.base.index.get(path)
  return place === undefined ? undefined : section.base.stored.values[place]
}

/** Calls `visit` for every leaf. */
export const eachLeaf = (section: Section, visit: (path: string, leaf: Leaf) => void): void => {
  for (const path of section.base.stored.paths) {
    if (section.recent.get(path) !== undefined) continue
    const leaf = leafAt(section.base, path)
    if (leaf !== undefined) visit(path, leaf)
  }
  section.recent.forEach((leaf, path) => {
    if (leaf !== null) visit(path, leaf)
  })
}

/** The section as a nested map. */
export const mapOf = (section: Section): TwinMap => {
  const leaves: Array<readonly [string, LeafValue]> = []
  eachLeaf(section, (path, { value }) => leaves.push([path, value]))
  return nest(leaves)
}

/** Whether what `left` wrote stands against `right`. */
const stands = (left: Stamp, right: Stamp): boolean => (left[0] === right[0] ? left[2] >= right[2] : left[0] > right[0])
const isOlder = (left: Stamp, right: Stamp | undefined): boolean => right !== undefined && !stands(left, right)

const fold = (section: Section, recent: ReadonlyPathMap<Leaf | null>): Base => {
  const paths: Array<string> = []
  const values: Array<LeafValue> = []
  const versions: Array<number> = []
  const written: Array<number> = []
  const stamps: Array<Stamp> = []
  const places = new Map<Stamp, number>()
  eachLeaf({ ...section, recent }, (path, { value, v, stamp }) => {
    let place = places.get(stamp)
    if (place === undefined) {
      place = stamps.push(stamp) - 1
      places.set(stamp, place)
    }
    paths.push(path)
    values.push(value)
    versions.push(v)
    written.push(place)
  })
  return indexed({ paths, values, versions, written, stamps })
}

/** What a report did: the new section and the paths whose value changed, or the code of its refusal as a whole. */
export type Merged =
  | { readonly _tag: "Merged"; readonly section: Section; readonly changed: ReadonlyArray<string> }
  | { readonly _tag: "Refused"; readonly code: 90 | 210 | 211 }

class Refusal {
  readonly code: 90 | 210 | 211
  constructor(code: 90 | 210 | 211) {
    this.code = code
  }
}

/** What the maps above a new leaf take beside the text of its path. */
const placeBytesMax = (path: string): number => {
  let bytes = 4
  for (let at = path.indexOf("/"); at >= 0; at = path.indexOf("/", at + 1)) bytes += 2
  return bytes
}

/** One report on its way into a section. */
class Merge {
  readonly section: Section
  readonly stamp: Stamp
  readonly version: number
  readonly recent: PathMap<Leaf | null>
  marks: ReadonlyMap<string, Mark>
  leaves: number
  bytes: number
  readonly changed: Array<string> = []
  /** Paths that had something below them when the report came; made when a first leaf is new. */
  private inner: Set<string> | undefined

  constructor(section: Section, stamp: Stamp, version: number, marks: ReadonlyMap<string, Mark>) {
    this.section = section
    this.stamp = stamp
    this.version = version
    this.recent = section.recent.copy()
    this.marks = marks
    this.leaves = section.leaves
    this.bytes = section.bytes
  }

  patch(above: string, patch: TwinPatch, depth: number): void {
    if (depth > depthMax) throw new Refusal(210)
    for (const key of Object.keys(patch)) {
      const value = patch[key]
      if (value === undefined) continue
      const path = pathBelow(above, key)
      if (value === null) this.remove(path)
      else if (isMap(value)) this.descend(path, value, depth)
      else this.put(path, value)
    }
  }

  private descend(path: string, patch: TwinPatch, depth: number): void {
    const leaf = this.leaf(path)
    if (leaf !== undefined) {
      if (!stands(this.stamp, leaf.stamp)) return
      this.drop(path)
      // The leaf hid what was older below it, and goes on doing so for what comes late.
      this.mark(path, { deleted: leaf.stamp })
    }
    if (Object.keys(patch).length === 0) this.mark(path, { mapped: this.stamp })
    this.patch(path, patch, depth + 1)
  }

  private put(path: string, value: Exclude<TwinPatchValue, null | TwinPatch>): void {
    if (typeof value === "object" && holdsNull(value)) throw new Refusal(211)
    const { stamp } = this
    const leaf = this.leaf(path)
    if (leaf !== undefined) {
      if (!stands(stamp, leaf.stamp)) return
      if (isSame(leaf.value, value)) {
        this.recent.set(path, { value: leaf.value, v: leaf.v, stamp })
        return
      }
      this.bytes += Math.max(0, cborBytes(value) - cborBytes(leaf.value))
    } else {
      if (this.marks.size > 0 && this.isHidden(path)) return
      if (this.clear(path) || (this.marks.size > 0 && this.isMapped(path))) {
        this.mark(path, { deleted: stamp })
        return
      }
      this.leaves++
      this.bytes += textBytes(path) + cborBytes(value) + placeBytesMax(path)
      if (this.inner !== undefined) this.noteAbove(path, this.inner)
    }
    this.recent.set(path, { value: value === 0 ? 0 : value, v: this.version, stamp })
    this.changed.push(path)
  }

  private remove(path: string): void {
    if (this.marks.size > 0 && this.isHidden(path)) return
    const leaf = this.leaf(path)
    if (leaf === undefined) this.clear(path)
    else if (stands(this.stamp, leaf.stamp)) this.drop(path)
    this.mark(path, { deleted: this.stamp })
  }

  /** `full`: every older leaf that the report did not write is gone. */
  sweep(): void {
    const gone: Array<string> = []
    eachLeaf({ ...this.section, recent: this.recent }, (path, { stamp }) => {
      if (isOlder(stamp, this.stamp)) gone.push(path)
    })
    for (const path of gone) this.drop(path)
    this.mark("", { deleted: this.stamp })
  }

  /** Drops older leaves below a path; answers whether a newer one stands there. */
  private clear(path: string): boolean {
    this.inner ??= this.innerPaths()
    if (!this.inner.has(path)) return false
    const below: Array<string> = []
    let isNewer = false
    eachLeaf({ ...this.section, recent: this.recent }, (other, { stamp }) => {
      if (!isBelow(other, path)) return
      if (stands(this.stamp, stamp)) below.push(other)
      else isNewer = true
    })
    for (const other of below) this.drop(other)
    return isNewer
  }

  private innerPaths(): Set<string> {
    const inner = new Set<string>()
    eachLeaf({ ...this.section, recent: this.recent }, (path) => this.noteAbove(path, inner))
    return inner
  }

  private noteAbove(path: string, inner: Set<string>): void {
    eachAbove(path, (above) => inner.add(above))
  }

  private leaf(path: string): Leaf | undefined {
    const leaf = this.recent.get(path)
    if (leaf !== undefined) return leaf ?? undefined
    return leafAt(this.section.base, path)
  }

  private drop(path: string): void {
    const leaf = this.leaf(path)
    if (leaf === undefined) return
    if (this.section.base.index.has(path)) this.recent.set(path, null)
    else this.recent.delete(path)
    this.leaves--
    this.bytes -= cborBytes(leaf.value)
    this.changed.push(path)
  }

  private isHidden(path: string): boolean {
    for (const [place, { deleted }] of this.marks)
      if ((place === path || isBelow(path, place)) && isOlder(this.stamp, deleted)) return true
    return false
  }

  /** Whether a newer report says that there is a map at this path. */
  private isMapped(path: string): boolean {
    for (const [place, { deleted, mapped }] of this.marks) {
      if (place === path && isOlder(this.stamp, mapped)) return true
      if (isBelow(place, path) && (isOlder(this.stamp, deleted) || isOlder(this.stamp, mapped))) return true
    }
    return false
  }

  private mark(path: string, added: Mark): void {
    const known = this.marks.get(path)
    const deleted = later(known?.deleted, added.deleted)
    const mapped = later(known?.mapped, added.mapped)
    this.marks = new Map(this.marks).set(path, {
      ...(deleted === undefined ? {} : { deleted }),
      ...(mapped === undefined ? {} : { mapped })
    })
  }

  result(): Section {
    const { section, marks, leaves } = this
    let { bytes } = this
    if (leaves > leavesMax) throw new Refusal(90)
    const isFull = this.recent.size > recentMax(leaves)
    const base = isFull ? fold(section, this.recent) : section.base
    const recent = isFull ? emptySection.recent : this.recent
    if (bytes > sectionBytesMax) {
      bytes = cborBytes(mapOf({ ...section, base, recent }))
      if (bytes > sectionBytesMax) throw new Refusal(90)
    }
    return { base, recent, marks, leaves, bytes }
  }
}

const later = (left: Stamp | undefined, right: Stamp | undefined): Stamp | undefined => {
  if (left === undefined || right === undefined) return left ?? right
  return stands(right, left) ? right : left
}

/** Marks that a report can still come too late for. */
const openMarks = (marks: ReadonlyMap<string, Mark>, order: number, settled: number): ReadonlyMap<string, Mark> => {
  if (marks.size === 0) return marks
  const isOpen = (stamp: Stamp | undefined): stamp is Stamp =>
    stamp !== undefined && stamp[0] === order && stamp[2] > settled
  const open = new Map<string, Mark>()
  for (const [path, { deleted, mapped }] of marks) {
    const mark: Mark = { ...(isOpen(deleted) ? { deleted } : {}), ...(isOpen(mapped) ? { mapped } : {}) }
    if (mark.deleted !== undefined || mark.mapped !== undefined) open.set(path, mark)
  }
  return open
}

/** One report for {@link mergeReport}. */
export interface ReportedPatch {
  readonly state: TwinPatch
  readonly isFull: boolean
  readonly stamp: Stamp
  /** Version of the document if this changes it. */
  readonly version: number
  /** No report of this boot with this number or a lower one can still come. */
  readonly settled: number
}

/** Merges a report (RFC 7396; an emptied map goes; per leaf the newer report wins). Changes all of it or nothing. */
export const mergeReport = (section: Section, report: ReportedPatch): Merged => {
  const { stamp } = report
  const merge = new Merge(section, stamp, report.version, openMarks(section.marks, stamp[0], report.settled))
  try {
    merge.patch("", report.state, 1)
    if (report.isFull) merge.sweep()
    return { _tag: "Merged", section: merge.result(), changed: merge.changed }
  } catch (cause) {
    if (cause instanceof Refusal) return { _tag: "Refused", code: cause.code }
    throw cause
  }
}
