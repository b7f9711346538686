/** What a rule makes of what its slots took: meanings, or what is wrong with them. */
import type { Bindings, Noun } from "./Bindings.ts"
import { type CapabilityName, capabilities } from "./Capabilities.ts"
import { chosen, selects, targetsLine } from "./Choose.ts"
import type { DeviceWords } from "./FleetWords.ts"
import type { Arguments, Selection, Targets, UnclearReason } from "./Intent.ts"
import type { Vocabulary } from "./Vocabulary.ts"

/** Something that can be done. */
export interface Meaning {
  readonly capability: CapabilityName
  readonly targets?: Targets
  readonly args: Arguments
  /** What was concluded and not said. */
  readonly doubts: ReadonlyArray<string>
}

/** Why it cannot be done. */
export interface Problem {
  readonly problem: UnclearReason
  readonly question: string
  readonly missing?: ReadonlyArray<string>
  readonly suggestions?: ReadonlyArray<string>
  readonly capability: CapabilityName
  /** What may be meant instead, where a singular stands for several devices: one of them, or all. */
  readonly instead?: ReadonlyArray<Meaning>
}
export type Outcome = Meaning | Problem

/** Tells the two apart. */
export const isProblem = (outcome: Outcome): outcome is Problem => "problem" in outcome

/** Makes a problem. */
export const problem = (
  capability: CapabilityName,
  reason: UnclearReason,
  question: string,
  more: { readonly missing?: ReadonlyArray<string>; readonly suggestions?: ReadonlyArray<string> } = {}
): Problem => ({ capability, problem: reason, question, ...more })

/** Devices that an utterance aims at. */
export interface Aim {
  readonly targets: Targets
  readonly devices: ReadonlyArray<DeviceWords>
  readonly doubts: ReadonlyArray<string>
}

/** Readings of one list of devices that are looked at. */
const readingsMax = 16

/** All ways of choosing one of each noun. */
const combined = (nouns: ReadonlyArray<Noun>): ReadonlyArray<ReadonlyArray<Selection>> =>
  nouns.reduce<ReadonlyArray<ReadonlyArray<Selection>>>(
    (all, { choices }) =>
      all.length * choices.length > readingsMax ? all : all.flatMap((one) => choices.map((choice) => [...one, choice])),
    [[]]
  )

/** The first few names of a list that may be long. */
export const some = (names: ReadonlyArray<string>): string =>
  names.length <= 3 ? names.join(", ") : `${names.slice(0, 3).join(", ")} and ${names.length - 3} more`

/** Devices that are offered one by one. */
const offeredMax = 3

const oneOf = (
  { applies, capability }: Wanted,
  nouns: ReadonlyArray<Noun>,
  targets: Targets,
  vocabulary: Vocabulary
): Problem | undefined => {
  for (const [at, { isOne }] of nouns.entries()) {
    const selection = targets.of[at]
    if (!isOne || selection === undefined) continue
    const devices = chosen({ of: [selection], except: targets.except }, vocabulary)
    const ids = devices.map(({ id }) => id)
    if (ids.length < 2) continue
    const fit = devices.filter(applies).slice(0, offeredMax)
    const choices = [...fit.map(({ id }) => ({ id })), ...(devices.every(applies) ? [selection] : [])]
    const instead = choices.map((choice) => ({
      capability,
      targets: { ...targets, of: targets.of.map((other, place) => (place === at ? choice : other)) },
      args: {},
      doubts: []
    }))
    const question = `There are ${ids.length} of them: ${some(ids)}. Which one, or all?`
    return { ...problem(capability, "ambiguous", question, { suggestions: ids.slice(0, offeredMax) }), instead }
  }
  return undefined
}

/** What a capability asks of the devices it is about. */
export interface Wanted {
  readonly capability: CapabilityName
  /** Whether a device has what it takes. */
  readonly applies: (device: DeviceWords) => boolean
  /** What those that do not apply lack: "a field target". */
  readonly lack: string
  /** "the heater" may be several here: "which heater is offline". */
  readonly isPlural?: boolean
}

const aimAt = (nouns: ReadonlyArray<Noun>, targets: Targets, wanted: Wanted, vocabulary: Vocabulary): Aim | Problem => {
  const { applies, capability, isPlural, lack } = wanted
  const several = isPlural === true ? undefined : oneOf(wanted, nouns, targets, vocabulary)
  if (several !== undefined) return several
  const devices = chosen(targets, vocabulary)
  if (devices.length === 0)
    return problem(capability, "nothing", `No device is that: ${targetsLine(targets)}. Which devices do you mean?`)
  const fit = devices.filter(applies)
  const others = devices.filter((device) => !applies(device))
  const isNamed = others.some(({ id }) => targets.of.some((selection) => selection.id === id))
  // A question about many is answered by those that can; an order is for all of them or for none.
  if (fit.length === 0 || (others.length > 0 && (isNamed || capabilities[capability].effect === "actuates")))
    return problem(capability, "inapplicable", `${some(others.map(({ id }) => id))}: there is no ${lack}. What else?`)
  const all = chosen({ of: targets.of, except: [] }, vocabulary)
  const idle = targets.except.filter((except) => !all.some((device) => selects(except, device, vocabulary)))
  const doubts =
    idle.length === 0
      ? []
      : [`${idle.map((one) => targetsLine({ of: [one], except: [] })).join(", ")} would not have been among them`]
  return { targets, devices: fit, doubts }
}

/** Two readings that choose the same devices are one. */
export const aims = (bound: Bindings, wanted: Wanted, vocabulary: Vocabulary): ReadonlyArray<Aim | Problem> => {
  const none: ReadonlyArray<ReadonlyArray<Noun>> = [[]]
  const narrow = bound.narrow ?? [{}]
  const inner = bound.targets?.except ?? []
  const exceptions = [...(inner.length === 0 ? none : inner)].flatMap((one) =>
    (bound.except ?? none).map((other) => [...one, ...other])
  )
  const found = (bound.targets?.of ?? []).flatMap((nouns) =>
    exceptions.flatMap((except) =>
      combined(nouns).flatMap((of) =>
        combined(except).flatMap((without) =>
          narrow.map((place) =>
            aimAt(nouns, { of: of.map((each) => ({ ...each, ...place })), except: without }, wanted, vocabulary)
          )
        )
      )
    )
  )
  const bySet = new Map<string, Aim>()
  const problems: Array<Problem> = []
  for (const each of found) {
    if ("problem" in each) problems.push(each)
    else {
      const key = each.devices.map(({ id }) => id).join(" ")
      if (!bySet.has(key)) bySet.set(key, each)
    }
  }
  const isHard = problems.some((each) => each.problem !== "nothing" && each.problem !== "inapplicable")
  if (bySet.size === 0 || isHard) return problems.slice(0, 1)
  return [...bySet.values()]
}

/** The same problem, whose ways out have these arguments. */
export const insteadWith = (found: Problem, args: Arguments): Problem =>
  found.instead === undefined ? found : { ...found, instead: found.instead.map((meaning) => ({ ...meaning, args })) }

/** The meanings of a capability at each aim. */
export const meaningsAt = (
  bound: Bindings,
  wanted: Wanted,
  args: Arguments,
  vocabulary: Vocabulary
): ReadonlyArray<Outcome> =>
  aims(bound, wanted, vocabulary).map((aim) =>
    "problem" in aim
      ? insteadWith(aim, args)
      : { capability: wanted.capability, targets: aim.targets, args, doubts: aim.doubts }
  )

/** Whether all devices were named one by one. */
export const isNamedOnly = (bound: Bindings): boolean =>
  (bound.targets?.of ?? []).every((nouns) => nouns.every(({ choices }) => choices.every(({ id }) => id !== undefined)))

/** Any device will do. */
export const anyDevice = { applies: () => true, lack: "such thing" } as const
