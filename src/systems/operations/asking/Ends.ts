/** How the end of a step is known: what is watched after its message was answered, and what each word of that means. Pure. */
import { Schema } from "effect"
import { codes } from "../../../protocol/Codes.ts"
import { CommandView, DesiredOutcome, TwinView } from "../../../protocol/Device.ts"
import { Conflict, errorOfCode, type HolonError, InvalidTransition } from "../../../protocol/Errors.ts"
import type { Step, StepOutcome } from "../../../protocol/intent/Plan.ts"
import { OrderView } from "../../../protocol/Program.ts"
import { SessionView } from "../../../protocol/Session.ts"
import { isEnded, refusalOf, SpawnView } from "../../../protocol/vsm/Spawn.ts"
import { AdoptionView, VsmView } from "../../../protocol/vsm/VsmState.ts"

/** A standing query that tells how a step goes on. */
export interface Watching {
  readonly kind: string
  readonly id: string
  readonly message: string
  readonly payload: Schema.Json
}

const isDesired = Schema.is(DesiredOutcome)
const isTwin = Schema.is(TwinView)
const isCommand = Schema.is(CommandView)
const isOrder = Schema.is(OrderView)
const isSession = Schema.is(SessionView)
const isSpawn = Schema.is(SpawnView)
const isAdoption = Schema.is(AdoptionView)
const isVsm = Schema.is(VsmView)
const isJson = Schema.is(Schema.Json)
const isPatch = Schema.is(Schema.Struct({ patch: Schema.Record(Schema.String, Schema.Json) }))

const failed = ({ unit }: Step, error: HolonError): StepOutcome => ({
  unit,
  state: "failed",
  refusal: refusalOf(error)
})
const done = ({ unit }: Step, value?: unknown): StepOutcome => ({
  unit,
  state: "done",
  ...(isJson(value) && { value })
})

/** Ended with a code of the board; 0 is well. */
const byCode = (step: Step, code: number | undefined, detail: string | undefined, value?: unknown): StepOutcome =>
  code === undefined || code === codes.ok ? done(step, value) : failed(step, errorOfCode(code, detail))

/** The outcome that the answer to a step's message already is; nothing where more is to come. */
export const outcomeOfReply = (step: Step, reply: unknown): StepOutcome | undefined => {
  if (step.end === "reply") return done(step)
  if (step.end === "applied" && isDesired(reply) && reply._tag === "Conflict")
    return failed(step, new Conflict({ holder: `desired version ${reply.current} of ${step.unit}` }))
  return undefined
}

/** What to watch after that answer. A step that ends by its reply has nothing. */
export const watchingOf = (step: Step, reply: unknown): Watching | undefined => {
  const { id, kind } = step
  const watch = (message: string, payload: Schema.Json = {}): Watching => ({ kind, id, message, payload })
  switch (step.end) {
    case "reply":
      return undefined
    case "applied":
    case "session":
    case "retirement":
      return watch("Watch")
    case "command":
      return isCommand(reply) ? watch("WatchCommand", { id: reply.id }) : undefined
    case "order":
      return isOrder(reply) ? watch("WatchOrder", { id: reply.id }) : undefined
    case "spawn":
      return isSpawn(reply) ? watch("WatchSpawn", { child: reply.child }) : undefined
    case "adoption":
      return isAdoption(reply) ? watch("WatchAdoption", { unit: reply.unit }) : undefined
  }
}

/** The code by which a board refused one of the fields that the step sets. */
const refusedCode = ({ payload }: Step, { refused }: TwinView): number | undefined => {
  const top = isPatch(payload) ? Object.keys(payload.patch) : []
  const pointers = Object.keys(refused).filter((pointer) =>
    top.some((name) => pointer === `/${name}` || pointer.startsWith(`/${name}/`))
  )
  return pointers.length === 0 ? undefined : refused[pointers[0] ?? ""]
}

/** A board that is away hears of what is desired when it comes back. */
const applied = (step: Step, reply: unknown, item: unknown): StepOutcome | undefined => {
  if (!isTwin(item) || !isDesired(reply) || reply._tag !== "Accepted") return undefined
  if (item.applied >= reply.version) {
    const code = refusedCode(step, item)
    return code === undefined ? done(step) : failed(step, errorOfCode(code))
  }
  const { state } = item.connection
  return state === "online" ? undefined : { unit: step.unit, state: "later", note: `it is ${state}` }
}

const sessionEnd = (step: Step, item: unknown): StepOutcome | undefined => {
  if (!isSession(item)) return undefined
  const { code, detail, endedAt, installed, state } = item
  if (endedAt === undefined) return undefined
  const isBad = state === "failed" || installed === "rolled-back" || (code !== undefined && code !== codes.ok)
  return isBad ? failed(step, errorOfCode(code ?? codes.EIO, detail)) : done(step, installed ?? state)
}

/** The outcome that an item of the watch is; nothing where more is to come. `reply` is the answer to the step's message. */
export const outcomeOfItem = (step: Step, reply: unknown, item: unknown): StepOutcome | undefined => {
  switch (step.end) {
    case "reply":
      return done(step)
    case "applied":
      return applied(step, reply, item)
    case "command":
      return isCommand(item) && item.state === "done" ? byCode(step, item.code, item.detail, item.value) : undefined
    case "order":
      return isOrder(item) && item.state === "done" ? byCode(step, item.code, item.detail, item.value) : undefined
    case "session":
      return sessionEnd(step, item)
    case "spawn": {
      // A record that is gone, or of a later spawn, says that this one is over.
      if (!isSpawn(item) || (isSpawn(reply) && item.spawn !== reply.spawn))
        return failed(step, new InvalidTransition({ from: "over", event: "WatchSpawn" }))
      if (!isEnded(item)) return undefined
      return item.refusal === undefined ? done(step) : { unit: step.unit, state: "failed", refusal: item.refusal }
    }
    case "adoption":
      if (!isAdoption(item) || item.step === "asked") return item === null ? done(step) : undefined
      return item.refusal === undefined ? done(step) : { unit: step.unit, state: "failed", refusal: item.refusal }
    case "retirement":
      if (!isVsm(item) || item.status === "retiring") return undefined
      return item.status === "retired"
        ? done(step)
        : failed(step, new InvalidTransition({ from: item.status, event: "Retire" }))
  }
}
