/** Answers about devices, from what is stored of them. */
import { Effect, Schema } from "effect"
import { NotFound } from "../../../protocol/Errors.ts"
import { chosen, targetsLine } from "../../../protocol/intent/Choose.ts"
import type { Targets } from "../../../protocol/intent/Intent.ts"
import { some } from "../../../protocol/intent/Meaning.ts"
import type { Plan } from "../../../protocol/intent/Plan.ts"
import { ProgramReport } from "../../../protocol/Program.ts"
import { valueAt } from "./DevicePlans.ts"
import { type Aimed, aimAtAny, counted, fieldOf, NoArguments, planner } from "./Planner.ts"

/** Devices that are told one by one; of a larger fleet the first of them, and how many there are. */
export const rowsMax = 1000

/** An answer in a sentence and, for scripts and tables, rows. */
export const answer = (
  sentence: string,
  rows: ReadonlyArray<Readonly<Record<string, Schema.Json>>>,
  more: Readonly<Record<string, Schema.Json>> = {}
): Plan => ({
  _tag: "Answer",
  sentence,
  data: { ...more, rows: rows.slice(0, rowsMax), ...(rows.length > rowsMax && { left: rows.length - rowsMax }) }
})

const nothingMeant = (targets: Targets) => new NotFound({ what: `device that is meant by ${targetsLine(targets)}` })

const shown = (value: Schema.Json, unit: string | undefined): string =>
  `${typeof value === "object" ? JSON.stringify(value) : value}${unit === undefined ? "" : ` ${unit}`}`

/** How far numbers reach, or how often each value is there. */
const spread = (values: ReadonlyArray<Schema.Json>, unit: string | undefined): string => {
  const numbers = values.filter((value) => typeof value === "number")
  if (numbers.length === values.length) {
    const low = numbers.reduce((left, right) => Math.min(left, right))
    const high = numbers.reduce((left, right) => Math.max(left, right))
    return low === high ? shown(low, unit) : `${shown(low, undefined)} to ${shown(high, unit)}`
  }
  const counts = new Map<string, number>()
  for (const value of values) counts.set(shown(value, unit), (counts.get(shown(value, unit)) ?? 0) + 1)
  return [...counts].map(([value, count]) => `${count} × ${value}`).join(", ")
}

const isJson = Schema.is(Schema.Json)

/** What a field is; of one that only can be desired, what it is to be. */
const fieldValue = ({ twin }: Aimed, name: string): Schema.Json | undefined => {
  const value = valueAt(twin.reported, name) ?? valueAt(twin.desired, name)
  return isJson(value) ? value : undefined
}

/** What a field of each device is. */
export const readingField = planner(Schema.Struct({ field: Schema.String }), ({ field: name }, targets, known) =>
  Effect.gen(function* () {
    const devices = yield* aimAtAny(targets, known)
    if (devices.length === 0) return yield* nothingMeant(targets)
    const found = devices.flatMap((device) => {
      const value = fieldValue(device, name)
      if (value === undefined) return []
      const unit = fieldOf(name, device.status.profile, known)?.unit
      const isLate = device.status.connection.state !== "online"
      const row = { device: device.id, [name]: value, ...(unit !== undefined && { unit }) }
      return [{ device, value, unit, row: isLate ? { ...row, state: device.status.connection.state } : row }]
    })
    const [first, ...others] = found
    if (first === undefined)
      return yield* new NotFound({ what: `${name} that ${some(devices.map(({ id }) => id))} told of` })
    const rows = found.map(({ row }) => row)
    const { connection } = first.device.status
    const when = connection.state === "online" ? "" : `, as it was last told; it is ${connection.state}`
    if (others.length === 0)
      return answer(`${name} of ${first.device.id} is ${shown(first.value, first.unit)}${when}`, rows)
    const noun = counted(
      found.map(({ device }) => device),
      known
    )
    const values = found.map(({ value }) => value)
    return answer(`${name} of ${noun}: ${spread(values, first.unit)}`, rows)
  })
)

const ago = (millis: number): string => {
  const seconds = Math.max(0, Math.round(millis / 1000))
  if (seconds < 120) return `${seconds} s`
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`
}

const stateOf = ({ id, status }: Aimed, now: number) => {
  const { lastSeen, reason, since, state } = status.connection
  return {
    device: id,
    state,
    since,
    reason,
    profile: status.profile,
    ...(lastSeen > 0 && { seenMillisAgo: Math.max(0, now - lastSeen) }),
    ...(status.zone !== undefined && { zone: status.zone }),
    ...(status.vsm !== undefined && { vsm: status.vsm })
  }
}

const countedStates = (states: ReadonlyArray<string>): string =>
  [...new Set(states)].map((state) => `${states.filter((each) => each === state).length} ${state}`).join(", ")

/** Whether devices are there. */
export const readingState = planner(NoArguments, (_, targets, known) =>
  Effect.gen(function* () {
    const devices = yield* aimAtAny(targets, known)
    const [first, ...others] = devices
    if (first === undefined) return yield* nothingMeant(targets)
    const rows = devices.map((device) => stateOf(device, known.now))
    const { connection, failing = [] } = first.status
    const seen = connection.lastSeen === 0 ? "it was never heard" : `heard ${ago(known.now - connection.lastSeen)} ago`
    const programs = failing.length === 0 ? "" : `; ${some(failing.map(({ program }) => program))} failed there`
    if (others.length === 0) return answer(`${first.id} is ${connection.state}, ${seen}${programs}`, rows)
    return answer(`${counted(devices, known)}: ${countedStates(rows.map(({ state }) => state))}`, rows)
  })
)

/** Devices, or how many they are. None is an answer. */
export const listing = planner(
  Schema.Struct({ count: Schema.optionalKey(Schema.Boolean) }),
  ({ count = false }, targets, { vocabulary }) =>
    Effect.sync(() => {
      const found = chosen(targets, vocabulary)
      const total = { count: found.length }
      const noun = found.length === 1 ? "1 device" : `${found.length} devices`
      if (count || found.length === 0) return answer(noun, [], total)
      const rows = found.map(({ id, profile = "", state = "never", vsm = "", zone = "" }) => ({
        device: id,
        state,
        profile,
        zone,
        vsm
      }))
      return answer(`${noun}: ${countedStates(rows.map(({ state }) => state))}`, rows, total)
    })
)

const isReports = Schema.is(Schema.Struct({ programs: Schema.Array(ProgramReport) }))

/** Programs of boards. */
export const listingPrograms = planner(NoArguments, (_, targets, known) =>
  Effect.gen(function* () {
    const devices = yield* aimAtAny(targets, known)
    if (devices.length === 0) return yield* nothingMeant(targets)
    const rows = devices.flatMap(({ id, programs }) =>
      isReports(programs)
        ? programs.programs.map(({ name, state, version = "" }) => ({ device: id, program: name, state, version }))
        : []
    )
    const where = devices.length === 1 ? some(devices.map(({ id }) => id)) : counted(devices, known)
    if (rows.length === 0) return answer(`no programs on ${where}`, rows)
    return answer(`${rows.length === 1 ? "1 program" : `${rows.length} programs`} on ${where}`, rows)
  })
)
