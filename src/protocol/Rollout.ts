/** A rollout: one image brought to many boards, in waves. Its id is its own. Times are ms since 1970. */
import { Schema } from "effect"
import { BoardAnswered, Observed, ProgramName, Sha256 } from "./BoardRequest.ts"
import * as Contract from "./Contract.ts"
import { HolonError } from "./Errors.ts"
import { DeviceId } from "./Ids.ts"
import { SessionEnded } from "./Session.ts"

const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const share = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))
const instant = Schema.Finite

/**
 * `waiting` for its wave; `provisioning` a session is under way; `observing` it runs and must be well for a time; `good`;
 * `failed`; `away` the board was not there: normal, and no failure; `failed-before` it was sent nothing, for it failed this image
 * before; `rolling-back` and `rolled-back` after a stop; `cancelled`.
 */
export const RolloutStep = Schema.Literals([
  "waiting",
  "provisioning",
  "observing",
  "good",
  "failed",
  "away",
  "failed-before",
  "rolling-back",
  "rolled-back",
  "cancelled"
])
export type RolloutStep = typeof RolloutStep.Type

/** One board of a rollout. */
export const RolloutBoard = Schema.Struct({
  id: Schema.String,
  /** Number of its wave, from 0. */
  wave: count,
  step: RolloutStep,
  /** Sessions so far. */
  attempts: count,
  /** Its session was told to end. */
  isAborting: Schema.optionalKey(Schema.Boolean),
  /** The image is sent though the board failed it before. */
  again: Schema.optionalKey(Schema.Boolean),
  /** How often it was found busy with another image, and when it is tried again. */
  busy: Schema.optionalKey(count),
  notBefore: Schema.optionalKey(instant),
  since: instant,
  program: Schema.optionalKey(Schema.String),
  /** Why it failed: a number of `codes`. */
  code: Schema.optionalKey(count),
  detail: Schema.optionalKey(Schema.String)
})
export type RolloutBoard = typeof RolloutBoard.Type

/** `awaiting` a person's approval of the next wave; `succeeded`, `stopped` and `cancelled` are ends. */
export const RolloutState = Schema.Literals([
  "idle",
  "running",
  "paused",
  "awaiting",
  "succeeded",
  "stopped",
  "cancelled"
])
export type RolloutState = typeof RolloutState.Type

/** How a rollout goes about it. */
export const RolloutRules = Schema.Struct({
  /** Boards of the first wave, and of each one after it. */
  canary: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 10_000 })),
  waveSize: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 10_000 })),
  /** Boards that are provisioned at a time. */
  parallel: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 256 })),
  /** Share of a wave's boards that must be good before the next one opens; those that are away do not count. */
  successShare: share,
  /** Share of a wave's boards that may fail; more of them stop the rollout. */
  errorShare: share,
  /** How long a program must be well before its board counts as good, ms. */
  observeMillis: Schema.Int.check(Schema.isBetween({ minimum: 1000, maximum: 86_400_000 })),
  /** How long a board may be away or stand still until it is left for later, ms. */
  patienceMillis: Schema.Int.check(Schema.isBetween({ minimum: 1000, maximum: 3_600_000 })),
  /** A person approves each wave after the first. */
  needsApproval: Schema.Boolean,
  /** The boards of a wave that stops the rollout go back to what they had. */
  rollsBack: Schema.Boolean
})
export type RolloutRules = typeof RolloutRules.Type

/** How a rollout goes about it unless somebody says otherwise. */
export const rolloutRulesDefault: RolloutRules = {
  canary: 1,
  waveSize: 10,
  parallel: 8,
  successShare: 1,
  errorShare: 0,
  observeMillis: 30_000,
  patienceMillis: 60_000,
  needsApproval: false,
  rollsBack: true
}

/** All of a rollout but its boards. */
const common = {
  sha256: Schema.String,
  instance: Schema.optionalKey(ProgramName),
  /** The image is sent also to boards that failed it before. */
  again: Schema.optionalKey(Schema.Boolean),
  state: RolloutState,
  rules: RolloutRules,
  /** The wave that is open, from 0, and how many there are. */
  wave: count,
  waves: count,
  startedAt: instant,
  endedAt: Schema.optionalKey(instant),
  /** Why it stands still or ended. */
  reason: Schema.optionalKey(Schema.String),
  /** The open wave waits for approval, also while the rollout is paused. */
  needsApproval: Schema.optionalKey(Schema.Boolean),
  /** Much is to be begun: it goes on then. */
  nextAt: Schema.optionalKey(instant)
}

/** What rests of a rollout. */
export const RolloutView = Schema.Struct({ ...common, boards: Schema.Array(RolloutBoard) })
export type RolloutView = typeof RolloutView.Type

/** What people see of a rollout, however many boards it has; those come in pages. */
export const RolloutSummary = Schema.Struct({
  ...common,
  /** How many boards it has, and how many stand at each step. */
  total: count,
  counts: Schema.Record(Schema.String, count)
})
export type RolloutSummary = typeof RolloutSummary.Type

/** Some boards of a rollout, in their order; `next` continues after them. */
export const RolloutPage = Schema.Struct({ boards: Schema.Array(RolloutBoard), next: Schema.optionalKey(count) })
export type RolloutPage = typeof RolloutPage.Type

/** Most boards of a page. */
export const pageMax = 500

const act = { success: RolloutSummary, error: HolonError, audience: "operator", creates: false } as const

/** The rollout: kind of the actor that brings an image to a selection of boards. */
export const Rollout = Contract.make("rollout", {
  about: "brings an image to many boards in waves, and stops when too many fail",
  state: RolloutView,
  messages: {
    Start: Contract.once({
      ...act,
      creates: true,
      payload: {
        sha256: Sha256,
        devices: Schema.Array(DeviceId).check(Schema.isMinLength(1), Schema.isMaxLength(10_000)),
        instance: Schema.optionalKey(ProgramName),
        rules: Schema.optionalKey(RolloutRules),
        /** Sends the image also to boards that failed it before. */
        again: Schema.optionalKey(Schema.Boolean)
      },
      capability: "rollout.start",
      about: "begins with the first wave; the order of the devices is the order of the waves"
    }),
    GetRollout: Contract.query({
      success: RolloutSummary,
      audience: "operator",
      capability: "rollout.read",
      about: "how far the rollout is"
    }),
    GetBoards: Contract.query({
      payload: {
        /** Place of the first board, from 0. */
        from: Schema.optionalKey(count),
        limit: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: pageMax }))),
        /** Only those that stand at this step. */
        step: Schema.optionalKey(RolloutStep)
      },
      success: RolloutPage,
      audience: "operator",
      capability: "rollout.read",
      about: "how far its boards are, a page at a time"
    }),
    Watch: Contract.watch({
      success: RolloutSummary,
      audience: "operator",
      capability: "rollout.read",
      about: "how far the rollout is, again whenever that changes"
    }),
    Pause: Contract.idempotent({
      ...act,
      capability: "rollout.control",
      about: "begins nothing new; what is under way goes on"
    }),
    Resume: Contract.idempotent({ ...act, capability: "rollout.control", about: "goes on after a pause" }),
    Approve: Contract.idempotent({ ...act, capability: "rollout.approve", about: "opens the wave that waits for it" }),
    Cancel: Contract.idempotent({
      ...act,
      capability: "rollout.control",
      about: "ends it: no board is begun, sessions under way are aborted, good boards keep the image"
    }),
    Retry: Contract.idempotent({
      ...act,
      capability: "rollout.control",
      about: "takes up the boards that failed, now or before, or were away once more, and only those"
    }),
    SessionEnded,
    Observed,
    BoardAnswered
  },
  events: {
    "rollout.started": Schema.Struct({ sha256: Schema.String, boards: count, waves: count }),
    "rollout.wave-opened": Schema.Struct({ wave: count, boards: count }),
    "rollout.board-changed": Schema.Struct({
      device: Schema.String,
      step: RolloutStep,
      code: Schema.optionalKey(count),
      detail: Schema.optionalKey(Schema.String)
    }),
    "rollout.paused": Schema.Struct({ reason: Schema.String }),
    "rollout.ended": Schema.Struct({
      state: RolloutState,
      reason: Schema.String,
      good: count,
      failed: count,
      away: count,
      failedBefore: count
    })
  },
  audited: {
    "rollout.started": "change",
    "rollout.wave-opened": "decision",
    "rollout.paused": "decision",
    "rollout.ended": "change"
  }
})
export type Rollout = typeof Rollout
