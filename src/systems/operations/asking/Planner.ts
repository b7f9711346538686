/** How an intent becomes a plan: what planners work with, and the devices that an intent means as they are at that moment. */
import { Effect, Result, Schema } from "effect"
import { DeviceStatus, TwinDocument } from "../../../protocol/Device.ts"
import { type HolonError, InvalidTransition, Malformed, NotFound, TooLarge } from "../../../protocol/Errors.ts"
import { chosen, targetsLine } from "../../../protocol/intent/Choose.ts"
import type { FieldWords } from "../../../protocol/intent/FleetWords.ts"
import type { Intent, Targets } from "../../../protocol/intent/Intent.ts"
import type { Plan, Spared, Step } from "../../../protocol/intent/Plan.ts"
import type { Vocabulary } from "../../../protocol/intent/Vocabulary.ts"
import { misfitOf, sentenceOf } from "../../../protocol/Misfit.ts"
import { nearest } from "../../../protocol/Nearest.ts"
import { refusalOf } from "../../../protocol/vsm/Spawn.ts"
import { contains } from "../../../protocol/Zone.ts"
import type { Scope } from "./Asking.ts"
import type { FleetRows, FleetUnread, KnownImage } from "./FleetRows.ts"

/** What planners look at. */
export interface Known {
  readonly vocabulary: Vocabulary
  readonly look: FleetRows["Service"]["look"]
  readonly images: Effect.Effect<ReadonlyArray<KnownImage>, FleetUnread>
  /** For what is made: a session, a rollout. */
  readonly newId: Effect.Effect<string>
  readonly now: number
  /** What is in other zones is as if it were not there. */
  readonly scope: Scope
}

/** What of an intent its planner needs: the capability has chosen the planner. */
export type Asked = Pick<Intent, "args" | "targets">

/** Makes a plan of an intent. Fails with what makes all of it senseless. */
export type Planner = (intent: Asked, known: Known) => Effect.Effect<Plan, HolonError | FleetUnread>

/** Of what says all in its name. */
export const NoArguments = Schema.Record(Schema.String, Schema.Never)

/** A planner whose arguments are as the schema says: an intent may come from a script that has never read a sentence. */
export const planner = <A>(
  schema: Schema.Codec<A, unknown>,
  plan: (args: A, targets: Targets, known: Known) => Effect.Effect<Plan, HolonError | FleetUnread>
): Planner => {
  const decode = Schema.decodeUnknownResult(schema, { onExcessProperty: "error" })
  return ({ args, targets = { of: [], except: [] } }, known) => {
    const decoded = decode(args)
    if (Result.isSuccess(decoded)) return plan(decoded.success, targets, known)
    return Effect.fail(new Malformed({ path: "args", reason: sentenceOf(misfitOf(decoded.failure)) }))
  }
}

/** A device as it is stored. */
export interface Aimed {
  readonly id: string
  readonly status: DeviceStatus
  readonly twin: TwinDocument
}

/** Devices that are meant, those that are meant and cannot be, and those that the exceptions have left out. */
export interface Aim {
  readonly devices: ReadonlyArray<Aimed>
  readonly spared: ReadonlyArray<Spared>
  readonly excepted: ReadonlyArray<string>
}

const isStatus = Schema.is(DeviceStatus)
const isTwin = Schema.is(TwinDocument)

/** Devices that one order is for, or one question, at most: each of them is looked at. */
export const aimedMax = 2560

/** Why nothing is done to a unit. */
export const spare = (unit: string, error: HolonError): Spared => ({ unit, refusal: refusalOf(error) })

const isSeen = (scope: Scope, { zone }: DeviceStatus): boolean =>
  scope === undefined || zone === undefined || scope.some((each) => contains(each, zone))

/** Ids that are named one by one. A device that is not known any more is named all the same. */
const namedIn = ({ of }: Targets): ReadonlyArray<string> => of.flatMap(({ id }) => id ?? [])

/** The ids that are meant, those of devices that are gone among them. */
const meantBy = (targets: Targets, vocabulary: Vocabulary): ReadonlyArray<string> => {
  const known = chosen(targets, vocabulary).map(({ id }) => id)
  const there = new Set(vocabulary.fleet.devices.map(({ id }) => id))
  return [...known, ...new Set(namedIn(targets).filter((id) => !there.has(id)))]
}

const bounded = (ids: ReadonlyArray<string>, most: number) =>
  ids.length > most ? Effect.fail(new TooLarge({ limit: most, actual: ids.length })) : Effect.succeed(ids)

/**
 * The devices that are meant, as they are stored now. What has retired or gone since the words were read is spared with the
 * reason; it is an error only where nothing else is left.
 */
export const aim = (
  targets: Targets,
  { look, scope, vocabulary }: Known,
  most = aimedMax
): Effect.Effect<Aim, HolonError | FleetUnread> =>
  Effect.gen(function* () {
    const ids = yield* bounded(meantBy(targets, vocabulary), most)
    if (ids.length === 0) return yield* new NotFound({ what: `device that is meant by ${targetsLine(targets)}` })
    const found = yield* look("device", ids, ["GetStatus", "GetTwin"])
    const devices: Array<Aimed> = []
    const spared: Array<Spared> = []
    let last: HolonError | undefined
    for (const id of ids) {
      const [status, twin] = found.get(id) ?? []
      if (!isStatus(status) || !isTwin(twin) || !isSeen(scope, status)) {
        last = new NotFound({ what: `device ${id}` })
      } else if (status.connection.state === "retired") {
        last = new InvalidTransition({ from: "retired", event: "that", reason: `${id} is retired` })
      } else {
        devices.push({ id, status, twin })
        continue
      }
      spared.push(spare(id, last))
    }
    if (devices.length === 0 && last !== undefined) return yield* last
    const all = targets.except.length === 0 ? [] : chosen({ of: targets.of, except: [] }, vocabulary)
    const meant = new Set(ids)
    const named = targets.except.flatMap(({ id }) => id ?? [])
    const left = [...named, ...all.flatMap(({ id }) => (meant.has(id) ? [] : [id]))]
    return { devices, spared, excepted: [...new Set(left)].filter((id) => !meant.has(id)) }
  })

/** Devices and what can be told of those that retired, for questions. */
export const aimAtAny = (targets: Targets, { look, scope, vocabulary }: Known) =>
  Effect.gen(function* () {
    const ids = yield* bounded(meantBy(targets, vocabulary), aimedMax)
    const found = yield* look("device", ids, ["GetStatus", "GetTwin", "GetPrograms"])
    return ids.flatMap((id) => {
      const [status, twin, programs] = found.get(id) ?? []
      return isStatus(status) && isTwin(twin) && isSeen(scope, status) ? [{ id, status, twin, programs }] : []
    })
  })

/** The field of the boards of a profile that has this name. */
export const fieldOf = (name: string, profile: string, { vocabulary }: Known): FieldWords | undefined =>
  vocabulary.fleet.fields.find(
    (field) => field.name === name && (field.profiles === undefined || field.profiles.includes(profile))
  )

/** Names of fields that are like one that is not known. */
export const fieldsLike = (name: string, { vocabulary }: Known): ReadonlyArray<string> =>
  nearest(name, [...new Set(vocabulary.fleet.fields.map((field) => field.name))])

/** What people call the boards of a profile, as `heaters`. */
const nounOf = (profile: string, { vocabulary }: Known): string => {
  const words = vocabulary.fleet.profiles.find(({ name }) => name === profile)?.words
  return words === undefined ? profile.slice(profile.lastIndexOf("-") + 1) : (words[0] ?? "board")
}

/** `3 heaters`, or `3 devices` where they are of several kinds. */
export const counted = (devices: ReadonlyArray<Aimed>, known: Known): string => {
  const nouns = new Set(devices.map(({ status }) => nounOf(status.profile, known)))
  const [noun = "device"] = nouns.size === 1 ? nouns : ["device"]
  return `${devices.length} ${noun === "" ? "device" : noun}${devices.length === 1 ? "" : /(?:s|x|ch|sh)$/u.test(noun) ? "es" : "s"}`
}

/** A plan that does something to devices, in their order. */
export const actsOn = (
  { devices, excepted, spared }: Aim,
  known: Known,
  words: { readonly title: string; readonly done: string },
  stepOf: (device: Aimed) => Effect.Effect<Step, HolonError>
): Effect.Effect<Plan, HolonError> =>
  Effect.gen(function* () {
    const steps: Array<Step> = []
    const left: Array<Spared> = [...spared]
    let last: HolonError | undefined
    for (const device of devices) {
      const made = yield* Effect.result(stepOf(device))
      if (Result.isSuccess(made)) steps.push(made.success)
      else {
        last = made.failure
        left.push(spare(device.id, last))
      }
    }
    if (steps.length === 0 && last !== undefined) return yield* Effect.fail(last)
    const told = new Set(steps.map(({ unit }) => unit))
    const noun = counted(
      devices.filter(({ id }) => told.has(id)),
      known
    )
    const [only, ...others] = steps
    const whom = only !== undefined && others.length === 0 ? only.unit : noun
    return { _tag: "Acts", title: `${words.title} ${whom}`, noun, done: words.done, steps, spared: left, excepted }
  })
