/**
 * What an op means, before anything is done: its words become an intent, the intent becomes acts on actors, and each act gets who
 * does it: this VSM, or one below whose unit it is for. Only reads.
 */
import { Effect, Result, Schema } from "effect"
import type { Actors } from "../../../actors/Actors.ts"
import { denialOf, Judge } from "../../../actors/Judge.ts"
import { wayToActors } from "../../../actors/WayToActors.ts"
import type { Asker } from "../../../protocol/Asker.ts"
import type * as Contract from "../../../protocol/Contract.ts"
import { Device } from "../../../protocol/Device.ts"
import {
  HolonError,
  InvalidTransition,
  Malformed,
  NotFound,
  SpawnDenied,
  TooLarge,
  Unavailable,
  UnknownCapability
} from "../../../protocol/Errors.ts"
import { derivedId, isDeviceId } from "../../../protocol/Ids.ts"
import type { Intent, Unclear } from "../../../protocol/intent/Intent.ts"
import type { Step } from "../../../protocol/intent/Plan.ts"
import { Program } from "../../../protocol/Program.ts"
import { Rollout } from "../../../protocol/Rollout.ts"
import { Session } from "../../../protocol/Session.ts"
import { type Act, type Answer, type Left, type Timings, targetsMax } from "../../../protocol/vsm/Op.ts"
import { refusalOf } from "../../../protocol/vsm/Spawn.ts"
import { Vsm } from "../../../protocol/vsm/Vsm.ts"
import type { VsmId } from "../../../protocol/vsm/VsmId.ts"
import type { Zone } from "../../../protocol/Zone.ts"
import { Asking } from "../asking/Asking.ts"
import { runtimeFor } from "./Batch.ts"
import { deviceOf } from "./Resources.ts"
import { type Measured, timed } from "./Timing.ts"

/** What is to be understood. */
export interface Question {
  readonly vsm: VsmId
  readonly op: string
  readonly path: ReadonlyArray<VsmId>
  readonly asker: Asker
  readonly text: string | undefined
  readonly intent: Intent | undefined
  /** What a dispatcher above has handed on: only who does it is open. */
  readonly acts: ReadonlyArray<Act> | undefined
}

/** What came of it. */
export interface Understood {
  readonly intent?: Intent
  readonly unclear?: Unclear
  readonly answer?: Answer
  readonly title?: string
  readonly acts: ReadonlyArray<Act>
  /** What was meant and is not done. */
  readonly left: ReadonlyArray<Left>
  readonly refusal?: HolonError
  readonly took: Timings
}

/** Kinds that ops are carried out on. */
const contracts: ReadonlyMap<string, Contract.Contract> = new Map(
  [Device, Program, Session, Rollout, Vsm].map((contract): [string, Contract.Contract] => [contract.kind, contract])
)

/** What is said of an utterance that nobody understands. */
const misunderstood = ({ reason, question, suggestions }: Unclear): HolonError =>
  reason === "unknown" || reason === "strange"
    ? new UnknownCapability({ name: question, suggestions: suggestions.slice(0, 3) })
    : new Malformed({ path: "text", reason: question })

/** Ids that are the same whenever the same is understood: a device that is told twice does it once. */
const actsOf = (op: string, steps: ReadonlyArray<Step>): ReadonlyArray<Act> => {
  const seen = new Map<string, number>()
  return steps.map((step, place) => {
    const key = `${step.kind}/${step.id} ${step.message}`
    const before = seen.get(key) ?? 0
    seen.set(key, before + 1)
    return { place, step, request: derivedId(op, `${key} ${before}`) }
  })
}

const isHolonError = Schema.is(HolonError)

/** What a query fails with: its contract has no refusals. */
const queried = <A>(query: Effect.Effect<A, unknown>): Effect.Effect<A, HolonError> =>
  Effect.mapError(query, (error) => (isHolonError(error) ? error : new Unavailable({ cause: String(error) })))

/** Who has a device, and where it is. */
interface Holder {
  readonly vsm: VsmId
  readonly zone: Zone | undefined
}

const holderOf = (actors: Actors["Service"], device: string, asker: Asker): Effect.Effect<Holder, HolonError> =>
  Effect.gen(function* () {
    if (!isDeviceId(device)) return yield* new NotFound({ what: `device ${device}` })
    const { vsm, zone } = yield* queried(actors.ask(Device, device, "GetStatus", {}, { asker }))
    if (vsm !== undefined) return { vsm, zone }
    const reason = `device ${device} is no VSM's unit until its board attaches for the first time`
    return yield* new InvalidTransition({ from: "no unit", event: "DispatchIntent", reason })
  })

/** The child through which a VSM below is reached; nothing for this one itself. */
const wayDown = (actors: Actors["Service"], question: Question, holder: VsmId, device: string) =>
  Effect.gen(function* () {
    const { vsm, path, asker } = question
    if (holder === vsm) return undefined
    const by = { asker: runtimeFor(asker) }
    const { path: above } = yield* queried(actors.ask(Vsm, holder, "Describe", {}, by))
    const own = above.indexOf(vsm)
    const child = own < 0 ? undefined : above[own + 1]
    if (child === undefined)
      return yield* new NotFound({ what: `unit ${device} of ${vsm} or below it: it is one of ${holder}` })
    // Two trees that disagree would hand it round and round.
    if (path.includes(child)) return yield* new SpawnDenied({ reason: "loop" })
    return child
  })

interface Placed {
  readonly act: Act
  readonly holder: Holder | undefined
}

/** The act with who does it, or why it is not done. */
const placed = (actors: Actors["Service"], question: Question, act: Act): Effect.Effect<Placed, HolonError> =>
  Effect.gen(function* () {
    const device = deviceOf(act.step)
    const holder = device === undefined ? undefined : yield* holderOf(actors, device, runtimeFor(question.asker))
    const child = holder === undefined ? undefined : yield* wayDown(actors, question, holder.vsm, act.step.unit)
    return { act: child === undefined ? act : { ...act, via: child }, holder }
  })

const authorised = (question: Question, { act, holder }: Placed): Effect.Effect<Act, HolonError> =>
  Effect.gen(function* () {
    const { step } = act
    const judge = yield* Judge
    const message = contracts.get(step.kind)?.messages[step.message]
    if (message === undefined)
      return yield* new UnknownCapability({ name: `${step.kind} ${step.message}`, suggestions: [] })
    const asked = { tag: step.message, message, payload: step.payload }
    const circumstances = { zone: holder?.zone, vsm: holder?.vsm, isForwarded: true }
    const denied = denialOf(judge, question.asker, asked, step, circumstances)
    return denied === undefined ? act : yield* denied
  })

type Judged = ReadonlyArray<Result.Result<Act, HolonError>>

const resolve = (question: Question, measured: Measured, acts: ReadonlyArray<Act>): Effect.Effect<Judged, HolonError> =>
  Effect.gen(function* () {
    const actors = yield* wayToActors
    const placing = Effect.forEach(acts, (act) => Effect.result(placed(actors, question, act)), { concurrency: 16 })
    const found = yield* timed(measured, "resolve", placing)
    const judging = Effect.forEach(found, (each) =>
      Result.isFailure(each)
        ? Effect.succeed(Result.fail(each.failure))
        : Effect.result(authorised(question, each.success))
    )
    return yield* timed(measured, "authorise", judging)
  })

/** Acts that may be done, and those that may not; where none may, all of it is refused. */
const sorted = (acts: ReadonlyArray<Act>, results: Judged) => {
  const good: Array<Act> = []
  const left: Array<Left> = []
  let last: HolonError | undefined
  for (const [at, result] of results.entries()) {
    const act = acts[at]
    if (Result.isSuccess(result)) good.push(result.success)
    else if (act !== undefined) {
      last = result.failure
      left.push({ place: act.place, target: `${act.step.kind}/${act.step.id}`, refusal: refusalOf(last) })
    }
  }
  return { acts: good, left, ...(good.length === 0 && last !== undefined && { refusal: last }) }
}

/** What an intent is in acts, before anybody looks at who has them. */
const planned = (question: Question, measured: Measured, intent: Intent) =>
  Effect.gen(function* () {
    const asking = yield* Asking
    const plan = yield* timed(measured, "resolve", asking.plan(intent, question.asker.zones))
    if (plan._tag === "Answer") return { answer: { sentence: plan.sentence, data: plan.data } }
    const acts = actsOf(question.op, plan.steps)
    if (acts.length > targetsMax) return yield* new TooLarge({ limit: targetsMax, actual: acts.length })
    const left = plan.spared.map(({ unit, refusal }, at) => ({ place: acts.length + at, target: unit, refusal }))
    return { title: plan.title, acts, left }
  })

const understood = (question: Question, measured: Measured) =>
  Effect.gen(function* () {
    const { text, acts: given } = question
    if (given !== undefined) return { ...sorted(given, yield* resolve(question, measured, given)) }
    const asking = yield* Asking
    const read =
      text === undefined ? question.intent : yield* timed(measured, "classify", asking.read(text, question.asker.zones))
    if (read === undefined) return yield* new Malformed({ path: "capability", reason: "says nothing" })
    if (read._tag === "Unclear") return { unclear: read, refusal: misunderstood(read) }
    const plan = yield* planned(question, measured, read)
    if (plan.answer !== undefined) return { intent: read, answer: plan.answer }
    const { title, acts, left } = plan
    const found = sorted(acts, yield* resolve(question, measured, acts))
    return { intent: read, title, ...found, left: [...found.left, ...left] }
  })

/** See the file. Never fails: an op that means nothing is refused. */
export const understand = (question: Question, measured: Measured = {}): Effect.Effect<Understood> =>
  understood(question, measured).pipe(
    Effect.catch((refusal: HolonError) => Effect.succeed({ refusal })),
    Effect.map((found) => ({ acts: [], left: [], ...found, took: measured }))
  )
