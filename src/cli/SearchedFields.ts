/** Fields that a search asks for and that no device has: a name that is spelled wrong finds nothing, silently. */
import { Effect, Result } from "effect"
import { pathsOf } from "../protocol/condition/Bound.ts"
import { formatPath } from "../protocol/condition/Format.ts"
import { bindWithoutUnits } from "../protocol/condition/PlainNumbers.ts"
import { twins } from "../protocol/condition/Source.ts"
import { searched } from "./Where.ts"

/** Each field is a search of its own, so that a long condition is not looked through. */
const fieldsMax = 8

/** What to say of a condition that no device fulfilled; nothing where some device has each of its fields. */
export const unknownFields = (where: string, parameters: Parameters<typeof searched>[1]) =>
  Effect.gen(function* () {
    const bound = bindWithoutUnits(where, twins, parameters)
    if (Result.isFailure(bound)) return undefined
    const asked = pathsOf(bound.success)
      .filter(([first, ...below]) => (first === "reported" || first === "desired") && below.length > 0)
      .map((path) => formatPath(path))
      .slice(0, fieldsMax)
    const absent = yield* Effect.filter(asked, (field) =>
      Effect.map(searched(`exists ${field}`, {}, 1), ({ devices }) => devices.length === 0)
    )
    return absent.length === 0 ? undefined : `no device has a field ${absent.join(" or ")}`
  })
