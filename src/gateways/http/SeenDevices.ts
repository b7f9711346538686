/** What an operator who is confined to zones sees of lists of devices: those in these zones, and those that are in none. */
import { Effect } from "effect"
import { NotFound } from "../../protocol/Errors.ts"
import { isWithin } from "../../systems/policy/rule/ZoneAccess.ts"
import type { DeviceLine, DevicePage } from "./Control.ts"
import { CurrentAsker } from "./Gatekeeper.ts"

const isSeen = (zones: ReadonlyArray<string> | undefined, { status: { zone } }: DeviceLine): boolean =>
  zones === undefined || zone === undefined || isWithin(zones, zone)

/** A page without what who asks may not see; it may have fewer devices than were asked for. */
export const seenOf = (page: DevicePage): Effect.Effect<DevicePage, never, CurrentAsker> =>
  Effect.map(CurrentAsker, ({ zones }) => ({ ...page, devices: page.devices.filter((line) => isSeen(zones, line)) }))

/** A device, unless who asks may not see it: then there is none. */
export const seen = (line: DeviceLine): Effect.Effect<DeviceLine, NotFound, CurrentAsker> =>
  Effect.flatMap(CurrentAsker, ({ zones }) =>
    isSeen(zones, line) ? Effect.succeed(line) : Effect.fail(new NotFound({ what: `device ${line.id}` }))
  )
