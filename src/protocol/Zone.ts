/** Zones: scopes of policy and of looking, as dotted paths. A zone never decides where an actor lives. */
import { Schema } from "effect"

/** One to six segments of lower-case letters, digits and hyphens, 1 to 24 characters each: 149 bytes at most. */
export const zonePattern = /^[a-z0-9-]{1,24}(?:\.[a-z0-9-]{1,24}){0,5}$/

/** A zone, as `hall.line-3`. What is in it is in `hall`, too. */
export const Zone = Schema.String.check(
  Schema.isPattern(zonePattern, {
    expected: "a zone: one to six names of a-z, 0-9 and - with dots between them, 24 characters each at most"
  })
)
export type Zone = typeof Zone.Type

/** Whether what is in the other zone is in this one. */
export const contains = (zone: Zone, other: string): boolean => other === zone || other.startsWith(`${zone}.`)

/** Who says in which zone a device is, the strongest first: people, the rules of the cluster's config, the board itself. */
export const zoneSources = ["people", "rule", "board"] as const
export const ZoneSource = Schema.Literals(zoneSources)
export type ZoneSource = typeof ZoneSource.Type

/** What each of them says; who says nothing is absent. */
export type ZoneWords = { readonly [source in ZoneSource]?: Zone }

/** Whose word counts. */
export const zoneSourceOf = (words: ZoneWords | undefined): ZoneSource | undefined =>
  words === undefined ? undefined : zoneSources.find((source) => words[source] !== undefined)

/** The zone in force; nothing where nobody has said one. */
export const zoneIn = (words: ZoneWords | undefined): Zone | undefined =>
  words === undefined ? undefined : (words.people ?? words.rule ?? words.board)
