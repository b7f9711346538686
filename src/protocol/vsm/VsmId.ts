/** Ids of VSMs, and the one that all others descend from. */
import { Schema } from "effect"

/** A VSM's id, which is also that of its unit above: unlike everywhere in the cluster. */
export const VsmId = Schema.String.check(
  Schema.isPattern(/^[a-z0-9][a-z0-9-]{0,62}$/, {
    expected: "lower-case letters, digits and hyphens, at most 63, no hyphen first"
  })
).pipe(Schema.brand("VsmId"))
export type VsmId = typeof VsmId.Type

/** The VSM that exists from the first start on. */
export const rootId = VsmId.make("root")
