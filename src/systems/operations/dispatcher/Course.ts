/** The course of an op: understood, carried out batch by batch, here and by VSMs below, and ended once. */
import type { PayloadOf } from "../../../protocol/Contract.ts"
import { Conflict, Expired, Timeout } from "../../../protocol/Errors.ts"
import { derivedId } from "../../../protocol/Ids.ts"
import type { CapabilityName } from "../../../protocol/intent/Capabilities.ts"
import type { Dispatcher } from "../../../protocol/vsm/Dispatcher.ts"
import { type Act, batchMax, type Left, type Meant, type Op } from "../../../protocol/vsm/Op.ts"
import { refusalOf } from "../../../protocol/vsm/Spawn.ts"
import type { Batch, Carried } from "./Batch.ts"
import { all, type Came, end, refuse, settle } from "./Ending.ts"
import type { Stops } from "./Stops.ts"
import { plus } from "./Timing.ts"
import { type Turn, tellDispatcher, write, writeActs } from "./Turn.ts"
import type { Question, Understood } from "./Understanding.ts"

type Progress = PayloadOf<Dispatcher, "Progress">
type Reported = PayloadOf<Dispatcher, "Reported">

/** A claim that is lost so often is given up. */
const attemptsMax = 8

/** What the effect of an op is begun with. */
export interface Work {
  readonly question: Question | undefined
  /** What is carried out; for an op that is not understood yet, how its first batch would be. */
  readonly batch: Batch
  /** It means the same whenever it is read, so it may be carried out before it is written down. */
  readonly isPlain: boolean
  /** By the stopwatch of the node. */
  readonly orderedAt: number
}

/** What came of it. */
export interface Worked {
  readonly understood: Understood | undefined
  readonly carried: Carried | undefined
}

// ---------------------------------------------------------------------------------------------------------------- begin

const actsOf = (turn: Turn, { op }: Op): ReadonlyArray<Act> => turn.state.acts.get(op) ?? []

/** Those that this VSM carries out itself, in the order in which it does. */
const ownActs = (turn: Turn, op: Op): ReadonlyArray<Act> => actsOf(turn, op).filter(({ via }) => via === undefined)

/** What is left of the batch that an op stands at: which acts are in it never changes. */
const batchActs = (turn: Turn, op: Op): ReadonlyArray<Act> => {
  const from = op.batch * batchMax
  return ownActs(turn, op)
    .slice(from, from + batchMax)
    .filter(({ place }) => op.open.includes(place))
}

/** What can be told again without a difference: a device that has it answers as it did, and is not another one by it. */
const repeatable: ReadonlySet<CapabilityName> = new Set<CapabilityName>([
  "device.output.switch@1",
  "device.field.set@1",
  "device.field.change@1",
  "device.command.invoke@1"
])

/** Whether it means the same whenever it is read: its targets are named one by one, or were told by a dispatcher above. */
const isPlain = ({ intent, parent, isDryRun }: Op): boolean => {
  if (isDryRun === true) return false
  if (parent !== undefined) return true
  if (intent === undefined || !repeatable.has(intent.capability)) return false
  const { of, except } = intent.targets ?? { of: [], except: [] }
  const areNamed = of.every((each) => Object.keys(each).length === 1 && each.id !== undefined)
  return except.length === 0 && of.length > 0 && areNamed
}

const perMinute = 6000

const batchOf = (turn: Turn, op: Op): Batch => {
  const bucket = `capability ${op.intent?.capability ?? "any"}`
  const { limiter } = turn.resident
  const isCounted = op.asker.role !== "internal" && op.attempt === 0
  if (isCounted) limiter.ensure(bucket, { perMinute }, turn.now)
  return {
    vsm: turn.id,
    op: op.op,
    batch: op.batch,
    attempt: op.attempt,
    acts: batchActs(turn, op),
    asker: op.asker,
    priority: op.priority,
    until: op.until,
    isCancelling: op.isCancelling === true,
    stops: turn.resident.stops,
    rate: isCounted ? { bucket, limiter } : undefined
  }
}

const questionOf = (turn: Turn, { op, path, asker, text, intent, parent, isUnderstood }: Op): Question | undefined =>
  isUnderstood === true
    ? undefined
    : {
        vsm: turn.id,
        op,
        path,
        asker,
        intent,
        text: intent === undefined ? text : undefined,
        acts: parent === undefined ? undefined : turn.state.acts.get(op)
      }

/** Begins what is to be done next for an op, if anything is; it may be under way on a node that died. */
export const work = (turn: Turn, op: Op): void => {
  const question = questionOf(turn, op)
  const batch = batchOf(turn, op)
  if (question === undefined && batch.acts.length === 0) return
  const input: Work = { question, batch, isPlain: isPlain(op), orderedAt: turn.stopwatch() }
  turn.resident = { ...turn.resident, running: new Set(turn.resident.running).add(op.op) }
  turn.effects.push({ name: "work", id: op.op, input })
}

// --------------------------------------------------------------------------------------------------------------- go on

/** Goes on with the next batch, or ends what was not begun and will not be any more. */
const goOn = (turn: Turn, before: Op): void => {
  // A batch that lost its claim was begun: only its effect knows what can still be stopped of it.
  const begun = before.attempt > 0 ? batchActs(turn, before).map(({ place }) => place) : []
  const waiting = ownActs(turn, before).flatMap(({ place }) => (before.open.includes(place) ? [place] : []))
  const later = waiting.filter((place) => !begun.includes(place))
  if (before.isCancelling === true) {
    const op = settle(turn, before, all(later, "cancelled"))
    if (op !== undefined && begun.length > 0) work(turn, op)
  } else if (turn.now >= before.until)
    settle(turn, before, all(waiting, "failed", new Expired({ age: turn.now - before.askedAt })))
  else if (waiting.length > 0) work(turn, before)
}

/** Hands on what VSMs below do. */
const delegate = (turn: Turn, op: Op, acts: ReadonlyArray<Act>): Op => {
  const byChild = Map.groupBy(
    acts.filter((act) => act.via !== undefined),
    ({ via }) => via
  )
  const below = [...byChild].flatMap(([vsm, handed]) => {
    if (vsm === undefined) return []
    const part = derivedId(op.op, `below ${vsm}`)
    tellDispatcher(turn, op, vsm, "Delegate", {
      op: part,
      parent: op.op,
      path: op.path,
      asker: op.asker,
      ...(op.intent !== undefined && { intent: op.intent }),
      ...(op.title !== undefined && { title: op.title }),
      priority: op.priority,
      until: op.until,
      acts: handed.map(({ via: _, ...act }) => act)
    })
    return [{ vsm, op: part, isEnded: false }]
  })
  return { ...op, below }
}

const isOwnBatch = ({ batch, attempt }: Carried, op: Op): boolean => batch === op.batch && attempt === op.attempt

/** A batch has come to its end, or has lost its claim on the way. */
const carried = (turn: Turn, before: Op, came: Carried): void => {
  if (!isOwnBatch(came, before)) return
  const { ends, isLost, retries, took } = came
  const counted = { ...before, retries: before.retries + retries, took: plus(before.took, took) }
  const moved = isLost
    ? { ...counted, attempt: before.attempt + 1 }
    : { ...counted, batch: before.batch + 1, attempt: 0 }
  const op = settle(turn, moved, ends)
  if (op === undefined) return
  if (op.attempt < attemptsMax) return goOn(turn, op)
  const lost = all(
    batchActs(turn, op).map(({ place }) => place),
    "failed",
    new Conflict({ holder: "stronger claims" })
  )
  const rest = settle(turn, { ...op, batch: op.batch + 1, attempt: 0 }, lost)
  if (rest !== undefined) goOn(turn, rest)
}

/** The op with what is known of it now. */
const knownFrom = (op: Op, { intent = op.intent, unclear, answer, title = op.title, took }: Understood): Op => {
  const concluded = intent?.unclear ?? []
  return {
    ...op,
    isUnderstood: true,
    ...(intent !== undefined && { intent }),
    ...(title !== undefined && { title }),
    ...(unclear !== undefined && { unclear }),
    ...(answer !== undefined && { answer }),
    ...(concluded.length > 0 && { concluded }),
    took: plus(op.took, took)
  }
}

const plannedOf = (acts: ReadonlyArray<Act>) =>
  acts.map(({ step: { kind, id, message, payload }, via }) => ({
    target: `${kind}/${id}`,
    message,
    payload,
    ...(via !== undefined && { via })
  }))

/** Writes down what an op consists of, and ends what is left out. Answers the op while it goes on. */
const consistOf = (turn: Turn, known: Op, { acts, left }: Meant): Op | undefined => {
  const open = [...acts, ...left].map(({ place }) => place)
  writeActs(turn, known, acts)
  return settle(turn, { ...known, actCount: open.length, open }, left.map(toEnd))
}

const toEnd = ({ place, target, refusal }: Left): Came => ({ place, target, outcome: "failed", refusal })

/** It is known what an op means. */
const understood = (turn: Turn, before: Op, found: Understood, came: Carried | undefined): void => {
  const { acts, left, answer, refusal } = found
  const known = knownFrom(before, found)
  if (answer !== undefined) return end(turn, known, "done")
  if (known.isDryRun === true && refusal === undefined)
    return end(turn, { ...known, actCount: acts.length, planned: plannedOf(acts) }, "done")
  if (acts.length === 0) {
    const open = left.map(({ place }) => place)
    const why = refusal === undefined ? left[0]?.refusal : refusalOf(refusal)
    return refuse(turn, { ...known, actCount: open.length, open }, left.map(toEnd), why)
  }
  const isWanted = known.isCancelling !== true || came !== undefined
  const op = consistOf(turn, isWanted ? delegate(turn, known, acts) : known, found)
  if (op === undefined) return
  if (!isWanted) return void settle(turn, op, all(op.open, "cancelled"))
  return came === undefined ? goOn(turn, op) : carried(turn, op, came)
}

const ended = (turn: Turn, id: string, { understood: found, carried: came }: Worked): void => {
  const op = turn.state.ops.get(id)
  if (op === undefined) return
  if (op.isUnderstood !== true) return found === undefined ? undefined : understood(turn, op, found, came)
  // What a plain op means was told on the way.
  const timed = found === undefined ? op : { ...op, took: plus(op.took, found.took) }
  if (came !== undefined) carried(turn, timed, came)
}

/** The effect of an op has come to its end. */
export const worked = (turn: Turn, id: string, came: Worked): void => {
  const running = new Set(turn.resident.running)
  running.delete(id)
  turn.resident = { ...turn.resident, running }
  ended(turn, id, came)
  // Of one that was cancelled before it was carried out nobody listened.
  if (!turn.state.ops.has(id)) turn.resident.stops.forget(id)
}

/** A batch says how far it is. */
export const progressed = (turn: Turn, { op: id, batch, ends, progress, note, meant }: Progress): void => {
  const before = turn.state.ops.get(id)
  if (before === undefined || before.batch !== batch) return
  const known =
    before.isUnderstood === true || meant === undefined
      ? before
      : consistOf(
          turn,
          { ...before, isUnderstood: true, ...(meant.title !== undefined && { title: meant.title }) },
          meant
        )
  if (known !== undefined) settle(turn, { ...known, progress, ...(note !== undefined && { note }) }, ends)
}

/** A dispatcher below says what came of acts that it was handed. */
export const reported = (turn: Turn, { op: id, from, ends, isEnded }: Reported): void => {
  const op = turn.state.ops.get(id)
  if (op === undefined) return
  const below = op.below.map((part) => (part.vsm === from ? { ...part, isEnded: part.isEnded || isEnded } : part))
  const rest = settle(turn, { ...op, below }, ends, from)
  if (rest === undefined || !isEnded) return
  const missing = (turn.state.acts.get(id) ?? []).filter(({ via, place }) => via === from && rest.open.includes(place))
  if (missing.length > 0)
    settle(
      turn,
      rest,
      all(
        missing.map(({ place }) => place),
        "failed",
        new Timeout({ ms: turn.now - op.askedAt })
      ),
      from
    )
}

/** What the effect is begun with that stops another one of the same op. */
export interface Stop {
  readonly op: string
  readonly stops: Stops
}

/** Nobody wants it any more. What its effect has begun is stopped by the effect itself. */
export const cancel = (turn: Turn, op: Op): Op => {
  if (op.isCancelling === true) return op
  for (const { vsm, op: part, isEnded } of op.below)
    if (!isEnded) tellDispatcher(turn, op, vsm, "CancelDelegated", { op: part })
  const input: Stop = { op: op.op, stops: turn.resident.stops }
  turn.effects.push({ name: "stop", id: op.op, input })
  return write(turn, { ...op, isCancelling: true })
}
