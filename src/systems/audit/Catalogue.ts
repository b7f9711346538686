/** Which events are chained, by the kind of their actor: what the contracts of a release say, and what a chain says of itself. */

import { Option, Schema } from "effect"
import type { Registry } from "../../actors/Registry.ts"
import { AuditCategory } from "../../protocol/audit/Category.ts"
import { digestOf } from "../../protocol/audit/Payload.ts"
import type { Contract } from "../../protocol/Contract.ts"
import type { HolonEvent } from "../../protocol/Event.ts"

/** Category by type by kind. */
export const Catalogue = Schema.Record(Schema.String, Schema.Record(Schema.String, AuditCategory))
export type Catalogue = typeof Catalogue.Type

const audited = ({ audited }: Contract): Catalogue[string] =>
  Object.fromEntries(
    Object.entries(audited).flatMap(([type, category]) => (category === undefined ? [] : [[type, category]]))
  )

/** What the contracts of these actors say. */
export const catalogueOf = (registry: Registry): Catalogue =>
  Object.fromEntries(
    [...registry.values()]
      .map(({ behaviour: { contract } }) => [contract.kind, audited(contract)] as const)
      .filter(([, types]) => Object.keys(types).length > 0)
  )

/** Its hash: two releases that chain the same events have the same one. */
export const hashOfCatalogue = (catalogue: Catalogue): Uint8Array => digestOf(catalogue).hash

const decode = Schema.decodeUnknownOption(Catalogue)

/** Reads one out of the payload of its record; nothing where it is none. */
export const catalogueFrom = (payload: unknown): Catalogue | undefined => Option.getOrUndefined(decode(payload))

/** The category of an event; nothing for one that is not chained. */
export const categoryOf = (catalogue: Catalogue, { source, type }: HolonEvent): AuditCategory | undefined => {
  const types = Object.hasOwn(catalogue, source.actor) ? catalogue[source.actor] : undefined
  return types !== undefined && Object.hasOwn(types, type) ? types[type] : undefined
}
