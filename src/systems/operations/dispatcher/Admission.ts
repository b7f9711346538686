/** What an op passes before it rests in the row: named steps, each timed, each of which may turn it away. */
import { reasonOf } from "../../../actors/Origin.ts"
import type { Asker } from "../../../protocol/Asker.ts"
import type { PayloadOf } from "../../../protocol/Contract.ts"
import {
  Backpressure,
  Expired,
  type HolonError,
  Malformed,
  TooLarge,
  Unauthenticated
} from "../../../protocol/Errors.ts"
import { isUuidV7, millisOf } from "../../../protocol/Ids.ts"
import type { Intent } from "../../../protocol/intent/Intent.ts"
import type { Priority } from "../../../protocol/vsm/Claim.ts"
import type { Dispatcher } from "../../../protocol/vsm/Dispatcher.ts"
import { lifeMillisDefault, type Op, type OpView, type PipelineStep } from "../../../protocol/vsm/Op.ts"
import type { Limit } from "../../coordination/RateLimiter.ts"
import { perMinuteByClearance, refusalOf } from "../../coordination/RateLimiter.ts"
import { keyOf } from "./Ending.ts"
import { recallByKey } from "./Memory.ts"
import type { Measured } from "./Timing.ts"
import type { Turn } from "./Turn.ts"
import { look, viewOf } from "./Views.ts"

/** What somebody asks for. */
export type Order = PayloadOf<Dispatcher, "DispatchIntent">

/** One on its way in. */
interface Applicant {
  readonly turn: Turn
  readonly order: Order
  /** Kind and id of who asks. */
  readonly by: string
}

/** Ops of one dispatcher that have not ended. */
const openMax = 4096

const isView = (verdict: HolonError | OpView): verdict is OpView => "op" in verdict

/** The ids of what an op does are as old as its own, and nobody takes those that are older. */
const oldestMillis = 600_000
const fromFutureMillis = 60_000

const verify = ({ turn: { context, now } }: Applicant): HolonError | undefined => {
  if (context.asker.id === "") return new Unauthenticated({})
  const bornAt = isUuidV7(context.requestId) ? millisOf(context.requestId) : undefined
  if (bornAt === undefined || bornAt > now + fromFutureMillis)
    return new Malformed({ path: "requestId", reason: "needs a UUIDv7 made now" })
  return now > bornAt + oldestMillis ? new Expired({ age: now - bornAt }) : undefined
}

/** A request is remembered as its op is: who asks without end takes no room that others need. */
const replay = ({
  turn: { state, context },
  by,
  order: { idempotencyKey }
}: Applicant): OpView | HolonError | undefined => {
  const known = look(state, context.requestId)
  if (known !== undefined)
    return known.by === by ? known : new Malformed({ path: "requestId", reason: "is that of somebody else's order" })
  const key = keyOf({ by, ...(idempotencyKey !== undefined && { idempotencyKey }) })
  if (key === undefined) return undefined
  for (const op of state.ops.values()) if (keyOf(op) === key) return viewOf(op, state.chunks.get(op.op))
  return recallByKey(state, key)?.view
}

/** Characters of JSON that targets and arguments may have together: 256 ids of the longest are fewer. */
const orderMax = 65_536

const decode = ({ order: { text, capability, targets, args, said } }: Applicant): HolonError | undefined => {
  const actual = JSON.stringify([targets, args]).length
  if (actual > orderMax) return new TooLarge({ limit: orderMax, actual })
  if ((text === undefined) === (capability === undefined))
    return new Malformed({ path: "text", reason: "give either a text or a capability" })
  return text !== undefined && (targets ?? args ?? said) !== undefined
    ? new Malformed({ path: "text", reason: "says itself for whom and how; leave out targets, args and said" })
    : undefined
}

/** What everybody together may ask of one VSM. */
const vsmLimit: Limit = { perMinute: 60_000, burst: 2000 }
/** Who may do everything is of the highest clearance, who has less than all rights one of management, unless somebody says more. */
const [all, fewer] = [4, 2]

const userLimit = ({ may, clearance = may === undefined ? all : fewer }: Asker): Limit => ({
  perMinute: perMinuteByClearance[clearance] ?? 0
})

/** What hurts is never held back, but nobody says of his own order that it does, to be counted for nothing. */
const counted = (priority: Priority): Priority => (priority === "algedonic" ? "critical" : priority)

/** Before anything that costs. What the runtime does for itself is bounded by what it does it for. */
const rate = ({ turn, by, order: { priority = "normal" } }: Applicant): HolonError | undefined => {
  const { asker } = turn.context
  if (asker.role === "internal") return undefined
  const { limiter } = turn.resident
  limiter.ensure(by, userLimit(asker), turn.now)
  limiter.ensure("everybody", vsmLimit, turn.now)
  return refusalOf(limiter.consume([by, "everybody"], counted(priority), turn.now))
}

const record = ({ turn: { state, id } }: Applicant): HolonError | undefined =>
  state.ops.size < openMax ? undefined : new Backpressure({ bucket: `the list of ops of ${id}`, retryAfterMs: 1000 })

/** In this order: who is known costs nothing, and nobody is counted for a repeat or for what cannot be read. */
const steps: ReadonlyArray<readonly [PipelineStep, (applicant: Applicant) => HolonError | OpView | undefined]> = [
  ["verify", verify],
  ["replay", replay],
  ["decode", decode],
  ["rate", rate],
  ["record", record]
]

const intentOf = ({ capability, targets, args = {} }: Order): Intent | undefined =>
  capability === undefined
    ? undefined
    : {
        _tag: "Intent",
        capability,
        ...(targets !== undefined && { targets }),
        args,
        confidence: 1,
        unclear: [],
        source: "grammar"
      }

const opOf = ({ turn, order, by }: Applicant, took: Measured): Op => {
  const { context, now, id } = turn
  const { said, text = said, priority = "normal", lifeMillis = lifeMillisDefault, dryRun, idempotencyKey } = order
  const intent = intentOf(order)
  const because = reasonOf(context)
  return {
    op: context.requestId,
    by,
    path: [id],
    ...(text !== undefined && { text }),
    ...(intent !== undefined && { intent }),
    ...(idempotencyKey !== undefined && { idempotencyKey }),
    ...(dryRun === true && { isDryRun: true }),
    ...(because !== undefined && { because }),
    priority,
    askedAt: now,
    until: now + lifeMillis,
    asker: context.asker,
    below: [],
    actCount: 0,
    open: [],
    batch: 0,
    attempt: 0,
    failedCount: 0,
    progress: 0,
    retries: 0,
    took
  }
}

/** Lets an op in: the op, what a repeat of it gets, or why it is turned away. */
export const admit = (turn: Turn, order: Order): Op | OpView | HolonError => {
  const { kind, id } = turn.context.asker
  const applicant = { turn, order, by: `${kind}/${id}` }
  const took: Measured = {}
  for (const [step, pass] of steps) {
    const before = turn.stopwatch()
    const verdict = pass(applicant)
    took[step] = turn.stopwatch() - before
    if (verdict !== undefined) return verdict
  }
  return opOf(applicant, took)
}

/** Whether an op was let in. */
export const isAdmitted = (verdict: Op | OpView | HolonError): verdict is Op => "asker" in verdict

/** Whether it is a repeat. */
export const isRepeat = (verdict: OpView | HolonError): verdict is OpView => isView(verdict)
