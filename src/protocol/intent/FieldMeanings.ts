/** Fields of twins: what is switched, set, changed and read, in the unit of the field. */
import type { Bindings, Quantity } from "./Bindings.ts"
import type { CapabilityName } from "./Capabilities.ts"
import type { DeviceWords, FieldWords } from "./FleetWords.ts"
import type { Arguments } from "./Intent.ts"
import { insteadWith, isProblem, meaningsAt, type Outcome, problem } from "./Meaning.ts"
import { inUnit } from "./Measures.ts"
import type { Mean } from "./Rule.ts"
import type { Vocabulary } from "./Vocabulary.ts"

/** Whether the board of a device has the field. */
const has =
  ({ profiles }: FieldWords) =>
  ({ profile }: DeviceWords): boolean =>
    profiles === undefined || (profile !== undefined && profiles.includes(profile))

/** Of several fields of one name those count that the devices have; if none has any, the first problem is told. */
const whereItApplies = (found: ReadonlyArray<ReadonlyArray<Outcome>>): ReadonlyArray<Outcome> => {
  const all = found.flat()
  const sound = all.filter((outcome) => !isProblem(outcome) || outcome.problem !== "inapplicable")
  return sound.length > 0 ? sound : all.slice(0, 1)
}

const each = (
  capability: CapabilityName,
  fields: ReadonlyArray<FieldWords>,
  argsOf: (field: FieldWords) => Arguments | Outcome,
  bound: Bindings,
  vocabulary: Vocabulary
): ReadonlyArray<Outcome> =>
  whereItApplies(
    fields.map((field) => {
      const args = argsOf(field)
      // What cannot be said of the field matters only where the devices have it.
      const at = meaningsAt(bound, { capability, applies: has(field), lack: `field ${field.name}` }, {}, vocabulary)
      return at.map((outcome): Outcome => {
        if (isOutcome(args)) return isProblem(outcome) ? outcome : args
        if (isProblem(outcome)) return insteadWith(outcome, args)
        const concluded = bound.fields === undefined && bound.quantity !== undefined
        return {
          ...outcome,
          args,
          doubts: concluded ? [...outcome.doubts, `it is about ${field.name}`] : outcome.doubts
        }
      })
    })
  )
const isOutcome = (args: Arguments | Outcome): args is Outcome => typeof args["capability"] === "string"

const unknownFor = (capability: CapabilityName, what: string): ReadonlyArray<Outcome> => [
  problem(capability, "inapplicable", `What should be ${what}? No field that can be ${what} has been named.`, {
    missing: ["field"]
  })
]

/** Whether a field is on or off: a truth, or one of the two words. */
const isSwitch = ({ type, values }: FieldWords): boolean =>
  type === "boolean" || (type === "text" && values?.length === 2 && values.includes("on") && values.includes("off"))

/** Switches an output that was named, or the device itself. */
export const switching: Mean = (bound, vocabulary, { args, capability }) => {
  const on = bound.on ?? args["on"]
  if (typeof on !== "boolean") return []
  const named = bound.fields?.filter((field) => isSwitch(field) && field.isSettable === true)
  const fields = named ?? vocabulary.fleet.fields.filter(({ isMain }) => isMain === true)
  if (fields.length === 0) return unknownFor(capability, "switched")
  return each(capability, fields, ({ name }) => ({ output: name, on }), bound, vocabulary)
}

const shown = ({ unit, value }: Quantity): string => `${value}${unit === undefined ? "" : ` ${unit}`}`

const numberFor = (
  capability: CapabilityName,
  field: FieldWords,
  quantity: Quantity,
  isDifference: boolean
): number | Outcome => {
  const { max, min, name, unit } = field
  const value = inUnit(quantity, unit, isDifference)
  if (value === undefined)
    return problem(capability, "unit", `${name} is in ${unit ?? "no unit"}, and ${shown(quantity)} is not. How much?`)
  if (isDifference) return value
  if ((min !== undefined && value < min) || (max !== undefined && value > max)) {
    const range = `${min ?? "…"} to ${max ?? "…"}${unit === undefined ? "" : ` ${unit}`}`
    return problem(capability, "range", `${name} can be ${range}, and ${shown(quantity)} is not in it. How much?`)
  }
  return value
}

/** Fields that a number with this unit can be meant for when none was named. */
const byUnit = (quantity: Quantity, { fleet }: Vocabulary): ReadonlyArray<FieldWords> =>
  quantity.unit === undefined
    ? []
    : fleet.fields.filter(
        ({ isSettable, type, unit }) =>
          isSettable === true && type === "number" && unit !== undefined && inUnit(quantity, unit) !== undefined
      )

const settable = (bound: Bindings): ReadonlyArray<FieldWords> | undefined =>
  bound.fields?.filter(({ isSettable }) => isSettable === true)

/** Sets a field to a number or a word. */
export const setting: Mean = (bound, vocabulary, { capability }) => {
  const { quantity, word } = bound
  if (quantity !== undefined) {
    const fields = (settable(bound) ?? byUnit(quantity, vocabulary)).filter(({ type }) => type === "number")
    if (fields.length === 0) return unknownFor(capability, "set")
    const argsOf = (field: FieldWords): Arguments | Outcome => {
      const value = numberFor(capability, field, quantity, false)
      if (typeof value !== "number") return value
      return { field: field.name, value, ...(field.unit !== undefined && { unit: field.unit }) }
    }
    return each(capability, fields, argsOf, bound, vocabulary)
  }
  if (word === undefined) return []
  const texts = (settable(bound) ?? vocabulary.fleet.fields).filter(
    ({ isSettable, type, values }) =>
      type === "text" && isSettable === true && (bound.fields !== undefined || values?.includes(word) === true)
  )
  const argsOf = (field: FieldWords): Arguments | Outcome =>
    field.values === undefined || field.values.includes(word)
      ? { field: field.name, value: word }
      : problem(capability, "value", `${field.name} can be ${field.values.join(" or ")}, not ${word}. Which?`, {
          suggestions: field.values.slice(0, 3)
        })
  return each(capability, texts, argsOf, bound, vocabulary)
}

/** Changes a field by a difference; `sign` is what the verb says. */
export const changing: Mean = (bound, vocabulary, { args, capability }) => {
  const { quantity } = bound
  if (quantity === undefined || quantity.value <= 0) return []
  const fields = (settable(bound) ?? byUnit(quantity, vocabulary)).filter(({ type }) => type === "number")
  if (fields.length === 0) return unknownFor(capability, "changed")
  const argsOf = (field: FieldWords): Arguments | Outcome => {
    const by = numberFor(capability, field, quantity, true)
    if (typeof by !== "number") return by
    return {
      field: field.name,
      by: args["sign"] === -1 ? -by : by,
      ...(field.unit !== undefined && { unit: field.unit })
    }
  }
  return each(capability, fields, argsOf, bound, vocabulary)
}

/** Reads a field. Of one name, what is measured is meant before what is desired. */
export const asking: Mean = (bound, vocabulary, { capability }) => {
  const named = bound.fields ?? vocabulary.fleet.fields.filter(({ isMain }) => isMain === true)
  const measured = named.filter(({ isSettable }) => isSettable !== true)
  const fields = measured.length > 0 ? measured : named
  return each(capability, fields, ({ name }) => ({ field: name }), bound, vocabulary)
}
/** Whether an output is on: a field that is not switched has no answer to that. */
export const askingWhetherOn: Mean = (bound, vocabulary, rule) => {
  const named = bound.fields ?? vocabulary.fleet.fields.filter(({ isMain }) => isMain === true)
  const fields = named.filter(isSwitch)
  return fields.length === 0 ? [] : asking({ ...bound, fields }, vocabulary, rule)
}
