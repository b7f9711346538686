/** What people call things: the words of the config, and the seam by which utterances are understood with them. */
import { Effect, Layer, Schema } from "effect"
import { isUnit, unitNames } from "../protocol/condition/Units.ts"
import { CommandWords, FieldWords, ProfileWords } from "../protocol/intent/FleetWords.ts"
import { Asking } from "../systems/operations/asking/Asking.ts"
import type { FleetRows } from "../systems/operations/asking/FleetRows.ts"
import { houseBoards } from "../systems/operations/asking/HouseBoards.ts"
import { makeAsking } from "../systems/operations/asking/LiveAsking.ts"
import type { ClusterConfig } from "./Config.ts"
import { fieldUnitsOf } from "./FieldUnits.ts"

/** Rows of each kind: every utterance is compared with all of them. */
const rowsMax = 1000

const list = <S extends Schema.Constraint>(schema: S) => {
  const rows = Schema.Array(schema).check(Schema.isMaxLength(rowsMax))
  return rows.pipe(Schema.withDecodingDefaultKey<typeof rows>(Effect.succeed([])))
}

const areMeasured = Schema.makeFilter((fields: ReadonlyArray<FieldWords>) => {
  const wrong = fields.find(({ unit }) => unit !== undefined && !isUnit(unit))
  return wrong === undefined
    ? undefined
    : `${JSON.stringify(wrong.name)} cannot count in ${JSON.stringify(wrong.unit)}; known are ${unitNames.join(", ")}, and any other word of letters such as rpm`
})

/** What boards are called, which of their fields can be set and how they are spoken of, and which commands they take. */
export const BoardWordRules = Schema.Struct({
  profiles: list(ProfileWords),
  fields: list(FieldWords).check(areMeasured),
  commands: list(CommandWords)
})

/** The words of the config come before those of this release. Nothing is read before somebody asks. */
export const layer = ({ units, words, zones }: ClusterConfig): Layer.Layer<never, never, FleetRows> =>
  Layer.effect(
    Asking,
    makeAsking({
      boards: [words, houseBoards],
      units: new Map(fieldUnitsOf(units).map(({ path, unit }) => [path.join("."), unit])),
      zones: zones.map(({ zone }) => zone)
    })
  )
