/** What a node says of itself with each heartbeat, for its peers to judge whether it only lives or also works. Times are ms. */
import { Schema } from "effect"

const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

/** What an observer thinks of a node that is not fine: `suspect` with one sign, `zombie` with several for some time. */
export const Doubt = Schema.Literals(["suspect", "zombie"])
export type Doubt = typeof Doubt.Type

/** The vitals of one node. Its name and its incarnation stand beside them. */
export const Vitals = Schema.Struct({
  /** Grows with each heartbeat. */
  seq: count,
  /** The node's own clock. */
  clock: Schema.Finite,
  /** Statements that its actors have given to the store, and those that the store has answered. */
  accepted: count,
  completed: count,
  /** Statements that are neither answered nor given up. */
  waiting: count,
  /** When the store answered last, by the node's clock. */
  progressAt: Schema.Finite,
  /** Memory of the process. */
  residentBytes: count,
  /** What it thinks of other nodes, by name; those that are fine are left out. */
  doubts: Schema.Record(Schema.String, Doubt)
})
export type Vitals = typeof Vitals.Type

/**
 * How a node stands: `serving`; `zombie`, which serves because too few would be left without it; `quarantined` by its peers; on
 * `probation`, when they have nothing against it any more; `excluded` by a person. The last three serve no actors.
 */
export const NodeStanding = Schema.Literals(["serving", "zombie", "quarantined", "probation", "excluded"])
export type NodeStanding = typeof NodeStanding.Type

/** A change of that, as it is told. */
export const judgedFields = {
  node: Schema.String,
  address: Schema.String,
  standing: NodeStanding,
  /** By the clock of the database. */
  since: Schema.Finite,
  /** Signs that speak against it, or the word of a person. */
  why: Schema.Array(Schema.String),
  /** The person; empty where nodes have judged. */
  by: Schema.String,
  /** The node as it was: what it had been given, had done, and for how long it had done nothing. */
  accepted: Schema.optionalKey(count),
  completed: Schema.optionalKey(count),
  waiting: Schema.optionalKey(count),
  stalledMillis: Schema.optionalKey(Schema.Finite),
  residentBytes: Schema.optionalKey(count)
}
