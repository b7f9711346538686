/** What the fields of boards count in, as the config of a cluster says it. */
import { Schema } from "effect"
import { pathOf } from "../protocol/condition/ConditionList.ts"
import type { FieldUnits } from "../protocol/condition/Source.ts"
import { isUnit, unitNames } from "../protocol/condition/Units.ts"

/** Fields of one cluster: each is looked up by its name, and known below every root of a document. */
const fieldsMax = 1000

const roots: ReadonlySet<string> = new Set(["reported", "desired", "data"])

/** Why this cannot be declared; nothing where it can. */
const problemOf = (field: string, unit: string): string | undefined => {
  const path = pathOf(field)
  const shown = JSON.stringify(field)
  if (path === undefined)
    return `${shown} is no name of a field; write it as in "motor.speed", with backticks around odd names`
  const [first, ...below] = path
  if (roots.has(first) && below.length > 0)
    return `${shown}: a field is named as boards report it, without "${first}." before it`
  if (isUnit(unit)) return undefined
  const alike = unitNames.filter((name) => name.toLowerCase() === unit.trim().toLowerCase())
  const meant = alike.length === 0 ? "" : `; did you mean ${alike.join(" or ")}?`
  return `${shown} cannot count in ${JSON.stringify(unit)}${meant}${meant === "" ? ";" : ""} known are ${unitNames.join(", ")}, and any other word of letters such as rpm`
}

const areDeclarable = Schema.makeFilter((units: Readonly<Record<string, string>>) => {
  const entries = Object.entries(units)
  if (entries.length > fieldsMax) return `Expected at most ${fieldsMax} fields, got ${entries.length}`
  return entries.map(([field, unit]) => problemOf(field, unit)).find((problem) => problem !== undefined)
})

/** By the name of a field, its unit. */
export const FieldUnitRules = Schema.Record(Schema.String, Schema.String).check(areDeclarable)

/** The fields by their paths. */
export const fieldUnitsOf = (rules: typeof FieldUnitRules.Type): FieldUnits =>
  Object.entries(rules).flatMap(([field, unit]) => {
    const path = pathOf(field)
    return path === undefined ? [] : [{ path, unit }]
  })
