/** From an act back to the frame, the person or the rule that began it. */
import { Effect, Schema } from "effect"
import { ChainIndex } from "../../events/ChainIndex.ts"
import { commitOf } from "../../events/Trace.ts"
import { type Beginning, viewOf, type WhyStep, type WhyView } from "../../protocol/audit/AuditView.ts"
import type { HolonEvent } from "../../protocol/Event.ts"
import { isUuid } from "../../protocol/Ids.ts"
import { AuditLog } from "./AuditLog.ts"

/** Nothing that was journalled or chained has this id. */
export class ActNotFound extends Schema.TaggedError<ActNotFound>()("ActNotFound", { id: Schema.String }) {}

const levelsMax = 64
const stepsMax = 200

type Known = Omit<WhyStep, "causes" | "rule" | "began"> & { readonly causes: ReadonlyArray<string> }

const ofEvent = ({ id, type, severity, at, source, context, unit, data, causes }: HolonEvent): Known => ({
  id,
  type,
  severity,
  at,
  subject: `${source.actor}/${source.id}`,
  principal: context?.principal ?? "",
  ...(unit !== undefined && { unit }),
  data,
  causes
})

const kinds: Readonly<Record<string, Beginning["by"]>> = { user: "person", device: "board" }

const beginningOf = (principal: string, request: string | undefined): Beginning => {
  const [kind = "", who = ""] = principal.split(/:(.*)/s)
  return { by: kinds[kind] ?? "runtime", who, ...(request !== undefined && { request }) }
}

/** The rule that a match is of. */
const ruleOf = ({ type, data }: Known): string | undefined => {
  const { pattern } = Object(data)
  return type === "pattern.matched" && typeof pattern === "string" ? `pattern ${pattern}` : undefined
}

/** Events by their ids: acts from their chains, all others from the journal. */
const lookUp = Effect.fnUntraced(function* (given: ReadonlyArray<string>) {
  const ids = given.filter(isUuid)
  const log = yield* AuditLog
  const index = yield* ChainIndex
  const found = new Map<string, Known>()
  for (const row of yield* log.ofEvents(ids)) {
    const { vsm, seq, id, type, severity, at, subject, principal, unit, data, causes } = viewOf(row)
    const act = { id, type, severity, at, subject, principal, data, causes, record: { vsm, seq } }
    found.set(id, { ...act, ...(unit !== undefined && { unit }) })
  }
  for (const id of ids) {
    if (found.has(id)) continue
    const placed = (yield* commitOf(index, id)).find(({ event }) => event.id === id)
    if (placed !== undefined) found.set(id, ofEvent(placed.event))
  }
  return found
})

/** All that led to an event, nearest first. Fails with {@link ActNotFound}. */
export const whyOf = Effect.fnUntraced(function* (id: string) {
  const known = new Map<string, Known>()
  const asked = new Set([id])
  let level: ReadonlyArray<string> = [id]
  let isCut = false
  for (let depth = 0; level.length > 0; depth++) {
    if (depth === levelsMax || known.size + level.length > stepsMax) {
      isCut = true
      break
    }
    const found = yield* lookUp(level)
    for (const each of level) {
      const step = found.get(each)
      if (step !== undefined) known.set(each, step)
    }
    level = [...found.values()].flatMap(({ causes }) => causes).filter((cause) => !asked.has(cause))
    level = [...new Set(level)]
    for (const each of level) asked.add(each)
  }
  if (!known.has(id)) return yield* new ActNotFound({ id })
  const steps = Array.from(known.values(), ({ causes, ...step }): WhyStep => {
    const before = causes.filter((cause) => known.has(cause))
    const rule = ruleOf({ ...step, causes })
    // What is no event is the request that it was done for.
    const [request] = causes.filter((cause) => !known.has(cause))
    const isBegun = before.length === 0 && !isCut
    return {
      ...step,
      causes: before,
      ...(rule !== undefined && { rule }),
      ...(isBegun && { began: beginningOf(step.principal, request) })
    }
  })
  const view: WhyView = { id, steps, isCut }
  return view
})
