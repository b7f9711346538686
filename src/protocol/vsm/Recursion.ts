/** The guard of the recursion: who may spawn, how deep, how many and how fast. One actor for the tree; its id is that of the root. */
import { Schema } from "effect"
import * as Contract from "../Contract.ts"
import { Refusal, TemplateName } from "./Spawn.ts"
import { VsmId } from "./VsmId.ts"

const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const instant = Schema.Finite
const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** Deepest that a VSM may ever stand; the root stands at 0. */
export const depthMax = 8
/** Shallowest that a busy cluster may be held to. */
export const depthMin = 2

/** Bounds that people set. */
export const RecursionBounds = Schema.Struct({
  /** Depth in a cluster that is neither idle nor busy. */
  depth: between(depthMin, depthMax),
  /** Children of one VSM. */
  children: between(1, 32),
  /** VSMs below the root. */
  total: between(1, 1024),
  /** Spawns a minute of one parent, and at once after a pause. */
  perMinute: between(1, 1024),
  burst: between(1, 1024),
  /** VSMs of one template on the way from the root to any VSM. */
  sameTemplate: between(1, depthMax)
})
export type RecursionBounds = typeof RecursionBounds.Type

/** The bounds as long as nobody sets others. */
export const boundsDefault: RecursionBounds = {
  depth: 5,
  children: 32,
  total: 1024,
  perMinute: 5,
  burst: 5,
  sameTemplate: 3
}

/** A VSM that the guard counts: `permitted` while it is on its way. */
export const Member = Schema.Struct({
  parent: VsmId,
  spawn: Schema.String,
  depth: count,
  template: Schema.optionalKey(TemplateName),
  /** When the permit ends; absent for one that lives. */
  expiresAt: Schema.optionalKey(instant)
})
export type Member = typeof Member.Type

/** How fast a parent spawns, and what came of it. */
export const Pace = Schema.Struct({
  /** Spawns it may begin at once, and when that was so. */
  tokens: Schema.Finite,
  at: instant,
  /** When spawns failed or were denied, within the last minute. */
  failures: Schema.Array(instant),
  /** The breaker is open until then; behind it one probe is let through at a time. */
  openUntil: Schema.optionalKey(instant),
  /** How long it was opened last, ms. */
  openMillis: count,
  /** Probes that went well since. */
  successes: count,
  isProbing: Schema.Boolean,
  /** When it opened, within the last ten minutes. */
  openings: Schema.Array(instant)
})
export type Pace = typeof Pace.Type

/** What rests of the guard. */
export const RecursionState = Schema.Struct({
  bounds: RecursionBounds,
  /** Deepest that a new VSM may stand now, and when that was raised last. */
  depthLimit: count,
  raisedAt: instant,
  /** What the config of the cluster said last; absent for the default. */
  configured: Schema.optionalKey(RecursionBounds),
  members: Schema.Record(VsmId, Member),
  paces: Schema.Record(VsmId, Pace)
})
export type RecursionState = typeof RecursionState.Type

/** What people see of it. */
export const RecursionView = Schema.Struct({
  bounds: RecursionBounds,
  depthLimit: count,
  /** VSMs below the root, with those on their way. */
  total: count,
  onTheWay: count,
  /** Parents whose breaker is open, and until when. */
  open: Schema.Array(Schema.Struct({ parent: Schema.String, until: instant }))
})
export type RecursionView = typeof RecursionView.Type

const spawn = Schema.String

/** The guard: kind of the actor. */
export const Recursion = Contract.make("recursion", {
  about: "decides who may spawn a VSM: depth, children, number, rate, and a breaker for who fails too often",
  state: RecursionState,
  messages: {
    CheckSpawn: Contract.idempotent({
      payload: { parent: VsmId, child: VsmId, spawn, template: Schema.optionalKey(TemplateName) },
      about: "a parent wants to spawn; it is told Permitted or Denied"
    }),
    Commit: Contract.idempotent({
      payload: { parent: VsmId, child: VsmId, spawn, template: Schema.optionalKey(TemplateName) },
      about: "the child is there; the parent is told Admitted or Denied"
    }),
    Failed: Contract.idempotent({
      payload: { parent: VsmId, child: VsmId, spawn },
      about: "the spawn came to nothing; its place is free"
    }),
    Released: Contract.idempotent({ payload: { child: VsmId }, about: "a VSM has retired; its place is free" }),
    Moved: Contract.idempotent({
      payload: { child: VsmId, parent: VsmId },
      about: "a VSM whose parent does not answer any more stands below another from now on"
    }),
    Configure: Contract.idempotent({
      payload: { bounds: RecursionBounds },
      about: "what the config says: bounds that it changes are set, the others stay as people have set them"
    }),
    NoteViolation: Contract.idempotent({
      payload: {
        from: Schema.String,
        to: Schema.String,
        message: Schema.String,
        reason: Schema.Literals(["channel", "quota"]),
        channel: Schema.optionalKey(Schema.String),
        perSecond: Schema.optionalKey(Schema.Finite)
      },
      about:
        "a node has refused a tell that travels along no channel of a VSM, or sees more in one than it is meant for"
    }),
    ReportLoad: Contract.idempotent({
      payload: {
        node: Schema.String,
        /** Shares of what the node has, 0 to 1. */
        cpu: Schema.Finite,
        memory: Schema.Finite,
        /** Delay of the event loop, ms. */
        lagMillis: Schema.Finite
      },
      about: "how busy a node is; the depth that new VSMs may have follows it"
    }),
    GetLimits: Contract.query({
      success: RecursionView,
      audience: "operator",
      capability: "vsm.read",
      about: "the bounds in force, how much of them is used, and whose breaker is open"
    }),
    SetBounds: Contract.idempotent({
      payload: {
        depth: Schema.optionalKey(RecursionBounds.fields.depth),
        children: Schema.optionalKey(RecursionBounds.fields.children),
        total: Schema.optionalKey(RecursionBounds.fields.total),
        perMinute: Schema.optionalKey(RecursionBounds.fields.perMinute),
        burst: Schema.optionalKey(RecursionBounds.fields.burst),
        sameTemplate: Schema.optionalKey(RecursionBounds.fields.sameTemplate)
      },
      success: RecursionView,
      audience: "operator",
      capability: "vsm.govern",
      about: "sets bounds of the recursion; VSMs beyond a lower one stay, but none is added"
    })
  },
  events: {
    /** A spawn was not permitted. */
    "recursion.blocked": Schema.Struct({ parent: VsmId, child: VsmId, error: Refusal }),
    "recursion.admitted": Schema.Struct({ parent: VsmId, child: VsmId, depth: count }),
    /** Too many spawns of a parent failed or were denied; it may not spawn until then. */
    "recursion.breaker-opened": Schema.Struct({ parent: VsmId, until: instant }),
    /** The breaker of a parent opened twice in a short time: it is put into quarantine. */
    "recursion.runaway": Schema.Struct({ parent: VsmId, intensity: Schema.Finite }),
    "recursion.depth-changed": Schema.Struct({ from: count, to: count }),
    /** A tell was refused, because no channel leads that way; or there are too many of them, which refuses none. */
    "recursion.violation": Schema.Struct({
      from: Schema.String,
      to: Schema.String,
      message: Schema.String,
      reason: Schema.Literals(["channel", "quota"]),
      channel: Schema.optionalKey(Schema.String),
      /** What the channel is meant for. */
      perSecond: Schema.optionalKey(Schema.Finite)
    }),
    "recursion.bounds-set": Schema.Struct({ bounds: RecursionBounds })
  },
  audited: {
    "recursion.blocked": "security",
    "recursion.admitted": "spawn",
    "recursion.breaker-opened": "security",
    "recursion.runaway": "security",
    "recursion.violation": "security",
    "recursion.depth-changed": "decision",
    "recursion.bounds-set": "policy"
  }
})
export type Recursion = typeof Recursion
