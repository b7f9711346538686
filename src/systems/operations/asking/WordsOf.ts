/** Makes the words of a fleet of what is stored of it and what is known of its boards. Pure. */
import type { BoardWords, FieldWords, FleetWords, ProgramWords } from "../../../protocol/intent/FleetWords.ts"
import { isMap } from "../../../protocol/TwinPath.ts"
import type { TwinMap, TwinValue } from "../../../protocol/TwinValue.ts"
import type { KnownImage, KnownProgram, SeenTwin } from "./FleetRows.ts"

/** Fields of one profile that are spoken of, in the order of their names. */
const fieldsMax = 200
/** How deep they may lie in a twin. */
const depthMax = 4

/** Everything that words are made of. */
export interface Fleet extends Pick<FleetWords, "devices" | "rollouts" | "vsms"> {
  /** Zones of VSMs and rules, in which there may be no device yet. */
  readonly zones: ReadonlyArray<string>
  readonly twins: ReadonlyArray<SeenTwin>
  readonly images: ReadonlyArray<KnownImage>
  readonly programs: ReadonlyArray<KnownProgram>
  /** Descriptions of boards; of two of one thing the earlier holds. */
  readonly boards: ReadonlyArray<BoardWords>
  /** Units of fields by their names, as the config has them. */
  readonly units: ReadonlyMap<string, string>
}

type FieldType = FieldWords["type"]

const typeOf = (value: TwinValue): FieldType | undefined => {
  if (typeof value === "number") return "number"
  if (typeof value === "boolean") return "boolean"
  return typeof value === "string" ? "text" : undefined
}

/** The leaves of a twin's section by their names, as `motor.speed`. A key with a dot in it has no such name. */
const leavesOf = (section: TwinMap, prefix = "", depth = 1): ReadonlyArray<readonly [string, FieldType]> =>
  Object.entries(section).flatMap(([key, value]): ReadonlyArray<readonly [string, FieldType]> => {
    if (key.includes(".")) return []
    if (isMap(value)) return depth < depthMax ? leavesOf(value, `${prefix}${key}.`, depth + 1) : []
    const type = typeOf(value)
    return type === undefined ? [] : [[`${prefix}${key}`, type]]
  })

interface Seen {
  readonly type: FieldType
  readonly isSettable: boolean
}

/** By profile and name, the fields that its boards have. What somebody has desired of one can be desired of all. */
const seenIn = (twins: ReadonlyArray<SeenTwin>): ReadonlyMap<string, ReadonlyMap<string, Seen>> => {
  const all = new Map<string, Map<string, Seen>>()
  for (const { desired, profile, reported } of twins) {
    const seen = all.get(profile) ?? new Map<string, Seen>()
    all.set(profile, seen)
    for (const [name, type] of leavesOf(reported)) if (!seen.has(name)) seen.set(name, { type, isSettable: false })
    for (const [name, type] of leavesOf(desired))
      seen.set(name, { type: seen.get(name)?.type ?? type, isSettable: true })
  }
  return all
}

const covers = (described: { readonly profiles?: ReadonlyArray<string> }, profile: string): boolean =>
  described.profiles === undefined || described.profiles.includes(profile)

/** What was described first of a name and profile holds for it; a later one keeps the profiles that are left. */
const layered = <A extends { readonly name: string; readonly profiles?: ReadonlyArray<string> }>(
  layers: ReadonlyArray<ReadonlyArray<A>>,
  profiles: ReadonlySet<string>
): ReadonlyArray<A> => {
  const found: Array<A> = []
  for (const layer of layers) {
    const before = found.slice()
    for (const one of layer) {
      const own = [...profiles].filter((profile) => covers(one, profile))
      const left = own.filter((profile) => !before.some((each) => each.name === one.name && covers(each, profile)))
      if (left.length > 0) found.push({ ...one, profiles: left })
    }
  }
  return found
}

/** Fields that nobody has described, one row for all profiles whose boards have it alike. */
const undescribed = (
  seen: ReadonlyMap<string, ReadonlyMap<string, Seen>>,
  described: ReadonlyArray<FieldWords>,
  profiles: ReadonlySet<string>
): ReadonlyArray<FieldWords> => {
  const rows = new Map<string, { readonly field: FieldWords; readonly profiles: Array<string> }>()
  for (const profile of profiles) {
    const fields = [...(seen.get(profile) ?? [])].toSorted(([a], [b]) => (a < b ? -1 : 1)).slice(0, fieldsMax)
    for (const [name, { type, isSettable }] of fields) {
      if (described.some((each) => each.name === name && covers(each, profile))) continue
      const key = `${name} ${type} ${isSettable}`
      const row = rows.get(key) ?? { field: { name, type, ...(isSettable && { isSettable }) }, profiles: [] }
      row.profiles.push(profile)
      rows.set(key, row)
    }
  }
  return [...rows.values()].map(({ field, profiles }) => ({ ...field, profiles }))
}

const programsOf = (
  images: ReadonlyArray<KnownImage>,
  programs: ReadonlyArray<KnownProgram>
): ReadonlyArray<ProgramWords> => {
  const all = new Map<string, { readonly versions: Set<string>; readonly values: Set<string> }>()
  const at = (name: string) => {
    const found = all.get(name) ?? { versions: new Set(), values: new Set() }
    all.set(name, found)
    return found
  }
  for (const { name, version } of images) at(name).versions.add(version)
  for (const { name, values } of programs) for (const value of values) at(name).values.add(value)
  for (const { name } of programs) at(name)
  return [...all].map(([name, { values, versions }]) => ({ name, versions: [...versions], values: [...values] }))
}

/** The words of the fleet. Only what its boards have is spoken of. */
export const wordsOf = (fleet: Fleet): FleetWords => {
  const { boards, devices, images, programs, rollouts, twins, units, vsms, zones } = fleet
  const profiles = new Set(devices.flatMap(({ profile }) => profile ?? []))
  const described = layered(
    boards.map(({ fields }) => fields),
    profiles
  )
  const fields = [...described, ...undescribed(seenIn(twins), described, profiles)]
  const names = new Map(
    boards
      .flatMap((each) => each.profiles)
      .toReversed()
      .map((each) => [each.name, each])
  )
  return {
    devices,
    zones,
    profiles: [...profiles].map((name) => names.get(name) ?? { name }),
    fields: fields.map((field) => {
      const unit = units.get(field.name)
      return unit === undefined || field.type !== "number" ? field : { ...field, unit }
    }),
    commands: layered(
      boards.map(({ commands }) => commands),
      profiles
    ),
    programs: programsOf(images, programs),
    rollouts,
    vsms
  }
}
