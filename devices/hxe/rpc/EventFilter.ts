/** Which events a client wants to hear: of which programs, and of which types. */
import { Result } from "effect"
import { nearest } from "../../../src/protocol/Nearest.ts"
import { ProvisioningEvent } from "../../provisioning/ProvisioningEvents.ts"
import { eventTypes } from "../executive/Events.ts"
import { type Refusal, refuse } from "./Answer.ts"

/** All types of events, by the names clients filter by. */
export const boardEventTypes: ReadonlyArray<string> = [
  ...eventTypes,
  ...ProvisioningEvent.members.map(({ fields }) => fields.type.literal)
]

/** A family is what comes before the first mark of a name: `mailbox` stands for `mailbox_send` and its like. */
const familyOf = (type: string): string => type.split(/[._]/, 1)[0] ?? type

const families: ReadonlyArray<string> = [...new Set(boardEventTypes.map(familyOf))]

/** What an event must be to be heard. */
export type EventFilter = (type: string, pid: number | null) => boolean

/** EINVAL `unsupported_category:NAME` for a type that this board never tells. */
export const eventFilter = (
  pids: ReadonlyArray<number> | undefined,
  categories: ReadonlyArray<string> | undefined
): Result.Result<EventFilter, Refusal> => {
  const unknown = categories?.find((name) => !boardEventTypes.includes(name) && !families.includes(name))
  if (unknown !== undefined) {
    const suggestions = nearest(unknown, [...families, ...boardEventTypes])
    return Result.fail(
      refuse("EINVAL", `unsupported_category:${unknown}`, { field: "filters.categories", suggestions })
    )
  }
  const wantedPids = pids && new Set(pids)
  const wantedTypes =
    categories &&
    new Set(boardEventTypes.filter((type) => categories.includes(type) || categories.includes(familyOf(type))))
  return Result.succeed(
    (type, pid) =>
      (wantedPids === undefined || (pid !== null && wantedPids.has(pid))) &&
      (wantedTypes === undefined || wantedTypes.has(type))
  )
}
