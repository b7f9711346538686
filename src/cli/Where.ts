/** Conditions over twins on the command line, and the devices that fulfil them. */
import { Effect, Option, Schema } from "effect"
import { Flag } from "effect/cli"
import type { DeviceLine, DevicePage } from "../gateways/http/Control.ts"
import { ConditionParameters } from "../gateways/http/DeviceQueries.ts"
import { Client } from "./Client.ts"
import { ago } from "./Table.ts"

const isParameters = Schema.is(ConditionParameters)

/** A number, true, false, a list or a quoted text as JSON has them; anything else is a text as it stands. */
const parameterOf = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** What the `$names` of a condition stand for. */
export const parameters = Flag.KeyValuePair("parameter").pipe(
  Flag.withDescription("What $NAME in the condition stands for, as NAME=VALUE; may be repeated"),
  Flag.withDefault<Record<string, string>>({}),
  Flag.filterMap(
    (given): Option.Option<typeof ConditionParameters.Type> => {
      const values = Object.fromEntries(Object.entries(given).map(([name, text]) => [name, parameterOf(text)]))
      return isParameters(values) ? Option.some(values) : Option.none()
    },
    () => "a parameter is a number, true, false, a text, or a list of these"
  )
)

/** Devices that fulfil a condition, and how old that answer is in its oldest part. */
export interface Found {
  readonly devices: ReadonlyArray<DeviceLine>
  readonly asOf: NonNullable<DevicePage["asOf"]>
}

const pageSize = 200

/** All that fulfil it, at most `limit`. */
export const searched = (where: string, parameters: typeof ConditionParameters.Type, limit: number) =>
  Effect.gen(function* () {
    const client = yield* Client
    const devices: Array<DeviceLine> = []
    let asOf: Found["asOf"] | undefined
    let after: string | undefined
    do {
      const page = yield* client.Devices({
        where,
        parameters,
        limit: Math.min(pageSize, limit - devices.length),
        ...(after !== undefined && { after })
      })
      devices.push(...page.devices)
      // Later pages are younger.
      asOf ??= page.asOf
      after = page.next
    } while (after !== undefined && devices.length < limit)
    if (asOf === undefined) return yield* Effect.die("a search that does not say how old it is")
    return { devices, asOf } satisfies Found
  })

/** How old an answer is, for people. */
export const ageLine = ({ devices, asOf }: Found): string => {
  const count = devices.length === 1 ? "1 device" : `${devices.length === 0 ? "no" : devices.length} devices`
  return `${count}, as of ${asOf.behindMillis < 1000 ? "now" : `${ago(asOf.behindMillis)} ago`}`
}
