/** The words of a fleet, made ready to be found in utterances. Made once per state of the fleet, used for many utterances. */
import type { CommandWords, FieldWords, FleetWords, ProgramWords, RolloutWords } from "./FleetWords.ts"
import { Names, withPlural } from "./Names.ts"

/** A kind of board as a word says it. */
export interface KindForm {
  readonly name: string
  readonly isPlural: boolean
}

/** The names of a fleet by what they name. */
export interface Vocabulary {
  readonly fleet: FleetWords
  readonly devices: Names<string>
  /** By the whole path and by each end of it: `hall.line-3`, `line 3`. */
  readonly zones: Names<string>
  /** Profiles by what their boards are called, in singular and plural. */
  readonly kinds: Names<KindForm>
  readonly fields: Names<FieldWords>
  readonly asks: Names<FieldWords>
  readonly verbs: Names<FieldWords>
  readonly periods: Names<FieldWords>
  readonly commands: Names<CommandWords>
  readonly programs: Names<ProgramWords>
  readonly values: Names<string>
  readonly rollouts: Names<RolloutWords>
  readonly vsms: Names<string>
  /** Each VSM and those above it. */
  readonly ancestors: ReadonlyMap<string, ReadonlySet<string>>
}

/** The zone and all that it is in. */
const withAncestors = (zone: string): ReadonlyArray<string> => {
  const segments = zone.split(".")
  return segments.map((_, index) => segments.slice(0, index + 1).join("."))
}

const addAll = <A>(names: Names<A>, words: Iterable<string>, value: A): void => {
  for (const word of words) for (const form of withPlural(word)) names.add(form, value)
}

const ancestorsOf = (fleet: FleetWords): ReadonlyMap<string, ReadonlySet<string>> => {
  const parents = new Map(fleet.vsms.map(({ id, parent }) => [id, parent]))
  return new Map(
    fleet.vsms.map(({ id }) => {
      const line = new Set<string>()
      // A loop in the data ends at the first that comes twice.
      for (let at: string | undefined = id; at !== undefined && !line.has(at); at = parents.get(at)) line.add(at)
      return [id, line]
    })
  )
}

const hasSameIds = (devices: FleetWords["devices"], before: FleetWords["devices"]): boolean =>
  devices.length === before.length && devices.every(({ id }, at) => id === before[at]?.id)

/**
 * Makes the words of a fleet ready. Of `before`, the same fleet a while ago, the names of devices are taken over while they are
 * the same: to cut up fifty thousand takes longer than all else.
 */
export const vocabularyOf = (fleet: FleetWords, before?: Vocabulary): Vocabulary => {
  const named = before !== undefined && hasSameIds(fleet.devices, before.fleet.devices) ? before.devices : undefined
  const vocabulary: Vocabulary = {
    fleet,
    devices: named ?? new Names(),
    zones: new Names(),
    kinds: new Names(),
    fields: new Names(),
    asks: new Names(),
    verbs: new Names(),
    periods: new Names(),
    commands: new Names(),
    programs: new Names(),
    values: new Names(),
    rollouts: new Names(),
    vsms: new Names(),
    ancestors: ancestorsOf(fleet)
  }
  if (named === undefined) for (const { id } of fleet.devices) vocabulary.devices.add(id, id)
  const ofDevices = new Set(fleet.devices.flatMap(({ zone }) => zone ?? []))
  const zones = new Set([...fleet.zones, ...ofDevices].flatMap(withAncestors))
  for (const zone of zones) {
    const segments = zone.split(".")
    for (const index of segments.keys()) vocabulary.zones.add(segments.slice(index).join("."), zone)
  }
  for (const { name, words } of fleet.profiles) {
    const one = { name, isPlural: false }
    const many = { name, isPlural: true }
    for (const word of [name, ...(words ?? [name.slice(name.lastIndexOf("-") + 1)])]) {
      const [singular = word, plural = word] = withPlural(word)
      vocabulary.kinds.add(singular, one)
      vocabulary.kinds.add(plural, many)
    }
  }
  for (const field of fleet.fields) {
    // What the device itself is switched by has names such as `on`, which are words of the grammar.
    const names = field.isMain === true ? [] : [field.name]
    addAll(vocabulary.fields, [...names, ...(field.words ?? [])], field)
    for (const ask of field.asks ?? []) vocabulary.asks.add(ask, field)
    for (const verb of field.verbs ?? []) vocabulary.verbs.add(verb, field)
    for (const verb of field.periods ?? []) vocabulary.periods.add(verb, field)
  }
  for (const command of fleet.commands)
    for (const word of [command.name, ...(command.words ?? [])]) vocabulary.commands.add(word, command)
  for (const program of fleet.programs) {
    vocabulary.programs.add(program.name, program)
    for (const value of program.values ?? []) vocabulary.values.add(value, value)
  }
  for (const rollout of fleet.rollouts) vocabulary.rollouts.add(rollout.id, rollout)
  for (const { id } of fleet.vsms) vocabulary.vsms.add(id, id)
  return vocabulary
}
