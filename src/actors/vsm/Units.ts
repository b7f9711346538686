/**
 * The units of a VSM in pages, by a hash of their ids: a VSM of a hundred thousand boards writes and copies one page when it gets
 * another board, and not all of them.
 */
import type { UnitInfo } from "../../protocol/vsm/VsmState.ts"

/** Units by pages; each page is in order of the ids. */
export type Units = ReadonlyArray<ReadonlyArray<UnitInfo>>

/** For ever: pages rest under their numbers. */
export const pageCount = 256

const emptyPage: ReadonlyArray<UnitInfo> = []
export const noUnits: Units = Array.from({ length: pageCount }, () => emptyPage)

/** FNV-1a, folded to the number of pages. */
const pageOf = (id: string): number => {
  let hash = 0x811c9dc5
  for (let at = 0; at < id.length; at++) hash = Math.imul(hash ^ id.charCodeAt(at), 0x01000193)
  return (hash >>> 0) % pageCount
}

/** The unit of that id. */
export const unitOf = (units: Units, id: string): UnitInfo | undefined =>
  units[pageOf(id)]?.find((unit) => unit.id === id)

/** With this unit, in place of what was known of it. */
export const withUnit = (units: Units, unit: UnitInfo): Units => {
  const number = pageOf(unit.id)
  const page = (units[number] ?? emptyPage).filter(({ id }) => id !== unit.id)
  const place = page.findIndex(({ id }) => id > unit.id)
  return units.with(number, page.toSpliced(place < 0 ? page.length : place, 0, unit))
}

/** Without the unit of that id. */
export const withoutUnit = (units: Units, id: string): Units => {
  const number = pageOf(id)
  const page = units[number] ?? emptyPage
  const kept = page.filter((unit) => unit.id !== id)
  return kept.length === page.length ? units : units.with(number, kept)
}

/** How many there are. */
export const unitCount = (units: Units): number => units.reduce((count, page) => count + page.length, 0)

/** The first ones behind an id, in order of the ids. */
export const unitsAfter = (units: Units, after: string, limit: number): ReadonlyArray<UnitInfo> =>
  units
    .flatMap((page) => page.filter(({ id }) => id > after))
    .sort((left, right) => (left.id < right.id ? -1 : 1))
    .slice(0, limit)
