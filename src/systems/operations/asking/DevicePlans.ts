/** Orders to devices as messages: what they are to be, commands, zones, the end of a board. */
import { Effect, Schema } from "effect"
import { Malformed, UnknownCapability } from "../../../protocol/Errors.ts"
import type { FieldWords } from "../../../protocol/intent/FleetWords.ts"
import type { StepEnd } from "../../../protocol/intent/Plan.ts"
import { isTwinValue } from "../../../protocol/TwinSchema.ts"
import type { TwinMap, TwinValue } from "../../../protocol/TwinValue.ts"
import { Zone } from "../../../protocol/Zone.ts"
import { type Aimed, actsOn, aim, fieldOf, fieldsLike, type Known, NoArguments, planner } from "./Planner.ts"

const Name = Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(64))
const Scalar = Schema.Union([Schema.Finite, Schema.String, Schema.Boolean])

/** The value of a field by its name, as `motor.speed`. */
export const valueAt = (section: TwinMap, name: string): TwinValue | undefined => {
  let at: unknown = section
  for (const key of name.split("."))
    at = typeof at === "object" && at !== null && Object.hasOwn(at, key) ? Reflect.get(at, key) : undefined
  return isTwinValue(at) ? at : undefined
}

/** A patch that sets one field. */
const patchOf = (name: string, value: Schema.Json): Schema.Json =>
  name.split(".").reduceRight<Schema.Json>((inner, key) => ({ [key]: inner }), value)

const told = (device: Aimed, message: string, payload: Schema.Json, end: StepEnd) => ({
  unit: device.id,
  kind: "device",
  id: device.id,
  message,
  payload,
  end
})

/** The field of this device, where it can be set. */
const settable = (name: string, { status }: Aimed, known: Known) =>
  Effect.suspend((): Effect.Effect<FieldWords, UnknownCapability> => {
    const field = fieldOf(name, status.profile, known)
    if (field?.isSettable === true) return Effect.succeed(field)
    const suggestions = field === undefined ? fieldsLike(name, known) : []
    return Effect.fail(
      new UnknownCapability({ name: `field ${name} of ${status.profile} boards that can be set`, suggestions })
    )
  })

/** Why a field cannot be this; nothing where it can. */
const misfit = (
  { max, min, name, type, unit, values }: FieldWords,
  value: typeof Scalar.Type
): Malformed | undefined => {
  const asked = { number: "number", boolean: "boolean", text: "string" } as const
  if (typeof value !== asked[type]) return new Malformed({ path: name, reason: `${value} is no ${type}` })
  if (typeof value === "string" && values !== undefined && !values.includes(value))
    return new Malformed({ path: name, reason: `it can be ${values.join(" or ")}, not ${value}` })
  const isOut = typeof value === "number" && ((min !== undefined && value < min) || (max !== undefined && value > max))
  const measure = unit === undefined ? "" : ` ${unit}`
  return isOut
    ? new Malformed({
        path: name,
        reason: `it can be ${min ?? "…"} to ${max ?? "…"}${measure}, not ${value}${measure}`
      })
    : undefined
}

const desire = (device: Aimed, field: FieldWords, value: typeof Scalar.Type, expected?: number) => {
  const wrong = misfit(field, value)
  if (wrong !== undefined) return Effect.fail(wrong)
  const rest = expected === undefined ? {} : { expected }
  return Effect.succeed(told(device, "SetDesired", { patch: patchOf(field.name, value), ...rest }, "applied"))
}

const onOff = (on: boolean) => (on ? "on" : "off")

/** Outputs are truths on some boards and words on others. */
export const switching = planner(
  Schema.Struct({ output: Name, on: Schema.Boolean }),
  ({ on, output }, targets, known) =>
    Effect.flatMap(aim(targets, known), (aimed) => {
      const isMain = known.vocabulary.fleet.fields.some((field) => field.name === output && field.isMain === true)
      const title = isMain ? `turn ${onOff(on)}` : `turn ${onOff(on)} the ${output} of`
      const done = isMain ? onOff(on) : `with ${output} ${onOff(on)}`
      return actsOn(aimed, known, { title, done }, (device) =>
        Effect.flatMap(settable(output, device, known), (field) =>
          desire(device, field, field.type === "text" ? onOff(on) : on)
        )
      )
    })
)

const inUnit = (value: string | number | boolean, unit: string | undefined): string =>
  unit === undefined ? String(value) : `${value} ${unit}`

/** What a field is to be. */
export const setting = planner(
  Schema.Struct({ field: Name, value: Scalar, unit: Schema.optionalKey(Schema.String) }),
  ({ field: name, unit, value }, targets, known) =>
    Effect.flatMap(aim(targets, known), (aimed) => {
      const words = { title: `set ${name} to ${inUnit(value, unit)} on`, done: `with ${name} ${inUnit(value, unit)}` }
      return actsOn(aimed, known, words, (device) =>
        Effect.flatMap(settable(name, device, known), (field) => desire(device, field, value))
      )
    })
)

/** By how much a field is to differ: from what it is desired to be, else from what it is. Whoever changes it meanwhile is heard. */
export const changing = planner(
  Schema.Struct({ field: Name, by: Schema.Finite, unit: Schema.optionalKey(Schema.String) }),
  ({ by, field: name, unit }, targets, known) =>
    Effect.flatMap(aim(targets, known), (aimed) => {
      const way = by < 0 ? "lower" : "raise"
      const words = {
        title: `${way} ${name} by ${inUnit(Math.abs(by), unit)} on`,
        done: `with ${name} ${by < 0 ? "lowered" : "raised"}`
      }
      return actsOn(aimed, known, words, (device) =>
        Effect.gen(function* () {
          const field = yield* settable(name, device, known)
          const { desired, desiredVersion, reported } = device.twin
          const value = valueAt(desired, name) ?? valueAt(reported, name)
          if (typeof value !== "number")
            return yield* new Malformed({ path: name, reason: `nobody knows how much it is on ${device.id}` })
          return yield* desire(device, field, Number((value + by).toPrecision(12)), desiredVersion)
        })
      )
    })
)

/** A command, with the one number that it takes. */
export const invoking = planner(
  Schema.StructWithRest(Schema.Struct({ command: Name }), [Schema.Record(Schema.String, Scalar)]),
  ({ command, ...args }, targets, known) =>
    Effect.flatMap(aim(targets, known), (aimed) =>
      actsOn(aimed, known, { title: command, done: `answered ${command}` }, (device) => {
        const { profile } = device.status
        const { commands } = known.vocabulary.fleet
        const has = commands.some(
          ({ name, profiles }) => name === command && (profiles === undefined || profiles.includes(profile))
        )
        if (!has)
          return Effect.fail(
            new UnknownCapability({ name: `command ${command} of ${profile} boards`, suggestions: [] })
          )
        const given = Object.keys(args).length === 0 ? {} : { args }
        return Effect.succeed(told(device, "Invoke", { name: command, ...given }, "command"))
      })
    )
)

/** Where devices are. */
export const zoning = planner(Schema.Struct({ zone: Zone }), ({ zone }, targets, known) =>
  Effect.flatMap(aim(targets, known), (aimed) =>
    actsOn(aimed, known, { title: `put into ${zone}`, done: `in ${zone}` }, (device) =>
      Effect.succeed(told(device, "SetZone", { zone }, "reply"))
    )
  )
)

/** Boards that are turned away for ever. */
export const retiring = planner(NoArguments, (_, targets, known) =>
  Effect.flatMap(aim(targets, known), (aimed) =>
    actsOn(aimed, known, { title: "turn away for ever", done: "retired" }, (device) =>
      Effect.succeed(told(device, "Retire", {}, "reply"))
    )
  )
)
