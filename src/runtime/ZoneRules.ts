/** Rules that put devices into zones by their ids. */
import { Schema } from "effect"
import { matches } from "../protocol/Capability.ts"
import { Zone } from "../protocol/Zone.ts"

/** Rules of one cluster: each attach looks through them. */
const rulesMax = 1000

/** One rule: devices whose id has the shape `match`, where `*` stands for any characters, are in `zone`. */
export const ZoneRule = Schema.Struct({
  match: Schema.String.check(
    Schema.isPattern(/^[a-z0-9*-]{1,63}$/, {
      expected: "an id of devices: lower-case letters, digits, hyphens, and * for any characters"
    })
  ),
  zone: Zone
})
export type ZoneRule = typeof ZoneRule.Type

/** The first one that matches counts. */
export const ZoneRules = Schema.Array(ZoneRule).check(Schema.isMaxLength(rulesMax))

/** What the rules say of a device; nothing where none matches. */
export const zoneByRules = (rules: ReadonlyArray<ZoneRule>, id: string): Zone | undefined =>
  rules.find(({ match }) => matches(match, id))?.zone
