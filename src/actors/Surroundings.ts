/** What all cells of a node share. */
import type { Asker } from "../protocol/Asker.ts"
import type { PolicyDenied } from "../protocol/Errors.ts"
import type { Agreement } from "./Agreement.ts"
import type { EffectOrder } from "./Behaviour.ts"
import type { Claims } from "./Claims.ts"
import type { Crossing } from "./Crossings.ts"
import type { Posted, Reply } from "./Envelope.ts"
import type { Act } from "./Guard.ts"
import type { Address, Host } from "./Host.ts"
import type { Judge } from "./Judge.ts"
import type { Lanes } from "./Lanes.ts"
import type { ToGateway } from "./Links.ts"
import type { Registry } from "./Registry.ts"
import type { Store } from "./Store.ts"

/** Why a cell ended. Only `idle` and `moved` are not followed by a new claim of the same node. */
export type DropReason = "idle" | "moved" | "fenced" | "outage" | "refused" | "crashed" | "quarantined" | "absent"

/** A place where an actor lives: one activation, from claim to drop. */
export interface Home extends Address {
  /** The address as one text. */
  readonly key: string
  readonly shard: number
}

/** See the file. */
export interface Surroundings {
  /** Name of the node and its incarnation: the owner written into rows. */
  readonly node: string
  readonly host: Host
  readonly store: Store
  readonly registry: Registry
  readonly agreement: Agreement
  readonly lanes: Lanes
  readonly claims: Claims
  /** Whether this node holds the shard and its lease is fresh: the guard of every way in. */
  readonly mayServe: (shard: number) => boolean
  /** An ask through the cluster: at least once, repeated silently until the deadline. */
  readonly post: (to: Address, posted: Posted, deadlineMillis: number, done: (reply: Reply) => void) => void
  readonly toGateway: (node: string, message: ToGateway) => void
  /** Runs what takes time; the outcome is called once. */
  readonly perform: (self: Address, order: EffectOrder, done: (outcome: unknown) => void) => void
  /** Counts a message that failed for good; answers how many of this actor did within the window. */
  readonly countFailure: (self: Address) => number
  /** Says whether somebody may do something. */
  readonly judge: Judge
  /** Somebody was refused an act: it becomes an event of who asked. */
  readonly refused: (asker: Asker, act: Act) => void
  /** Why a tell may not be taken: no channel of a VSM leads that way. Nothing where one does. */
  readonly barred: (crossing: Crossing) => PolicyDenied | undefined
  /** Somebody's clock is too far ahead to go by it. */
  readonly skewed: () => void
  readonly dropped: (home: Home, reason: DropReason) => void
}
