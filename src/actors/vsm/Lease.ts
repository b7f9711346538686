/**
 * A VSM asks its parent now and then whether it is there. One that has not answered for a while, though somebody above it has, is
 * left: the child goes to the nearest above that answers, with its budget. It decides that itself, and says so once it is so: old
 * parents hear of it when they are back, and no word of theirs brings it back below them.
 */
import { Effect, Schema } from "effect"
import { runtimeAsker } from "../../protocol/Asker.ts"
import { type Budget, lessened } from "../../protocol/vsm/Budget.ts"
import { isEnded } from "../../protocol/vsm/Spawn.ts"
import { Vsm } from "../../protocol/vsm/Vsm.ts"
import { VsmId } from "../../protocol/vsm/VsmId.ts"
import { leaseMillis, VsmPath, type VsmState } from "../../protocol/vsm/VsmState.ts"
import type { Zone } from "../../protocol/Zone.ts"
import { wayToActors } from "../WayToActors.ts"
import { costOf } from "./Ledger.ts"
import { drop, parentOf, put, type Turn, tellChannel, tellGuard, tellVsm } from "./Turn.ts"

/** A parent that does not answer is asked again after this, ms. */
const againMillis = 10_000
/** A parent that has not answered for so long is left, ms. */
const lostMillis = 90_000
/** So long an answer is waited for, ms. */
const answerMillis = 5000
/** Name of the effect. */
const asking = "lease"

/** Whether it has a parent to ask: as long as it lives. */
export const hasLease = ({ status, path }: VsmState): boolean =>
  path.length > 1 && (status === "active" || status === "quarantined" || status === "retiring")

/** Whether it governs what is below: until it has retired. */
export const governs = ({ status }: VsmState): boolean => status !== "absent" && status !== "retired"

/** Asks those above, when it is time for it. */
export const renew = (turn: Turn): void => {
  if (!hasLease(turn.state) || turn.now < turn.resident.leaseAt) return
  const wait = turn.resident.lostSince === undefined ? leaseMillis : againMillis
  turn.resident = { ...turn.resident, leaseAt: turn.now + wait }
  turn.effects.push({
    name: asking,
    id: `${asking} ${turn.state.path.join("/")} ${turn.now}`,
    input: { path: turn.state.path }
  })
}

const decodeInput = Schema.decodeUnknownSync(Schema.Struct({ path: VsmPath }))
const isAnswer = Schema.is(Schema.Struct({ parent: VsmId, answered: Schema.NullOr(VsmId) }))

/** The nearest above that answers. */
export const leases: Readonly<Record<string, (input: unknown) => Effect.Effect<unknown>>> = {
  [asking]: (input) =>
    Effect.gen(function* () {
      const above = decodeInput(input).path.slice(0, -1).toReversed()
      const [parent] = above
      const actors = yield* wayToActors
      for (const id of above) {
        const asked = actors.ask(Vsm, id, "Lease", {}, { asker: runtimeAsker })
        const isThere = yield* asked.pipe(
          Effect.timeout(answerMillis),
          Effect.as(true),
          Effect.orElseSucceed(() => false)
        )
        if (isThere) return { parent, answered: id }
      }
      return { parent, answered: null }
    }).pipe(Effect.orElseSucceed(() => null))
}

/** Those who must hear that the path has changed: children, and those on their way. */
const childrenOf = ({ children, spawns }: VsmState): ReadonlySet<VsmId> =>
  new Set([
    ...children.keys(),
    ...[...spawns.values()].filter((spawn) => !isEnded(spawn) && spawn.step !== "reserving").map(({ child }) => child)
  ])

/** It stands there from now on, and what is below it too. */
const stand = (turn: Turn, above: VsmPath): void => {
  turn.state = { ...turn.state, path: [...above, turn.id] }
  tellChannel(turn, "Placed", { path: turn.state.path })
  for (const child of childrenOf(turn.state)) tellVsm(turn, child, "Reseat", { path: turn.state.path })
}

/** Leaves its parent for somebody above. */
const moveTo = (turn: Turn, to: VsmId): void => {
  const { path, budget, zone } = turn.state
  const from = parentOf(turn.state)
  if (from === undefined || !path.includes(to)) return
  turn.resident = { leaseAt: turn.now + leaseMillis }
  turn.events.push({ type: "vsm.rehomed", severity: "error", data: { from, to } })
  tellVsm(turn, to, "TakeChild", { child: turn.id, budget, ...(zone === undefined ? {} : { zone }), was: path })
  tellGuard(turn, "Moved", { child: turn.id, parent: to })
  stand(turn, path.slice(0, path.indexOf(to) + 1))
}

/** Those above have been asked. While nobody at all answers, it is this VSM that is cut off, and its parent is not lost. */
export const asked = (turn: Turn, outcome: unknown): void => {
  const parent = parentOf(turn.state)
  if (!isAnswer(outcome) || outcome.parent !== parent || !hasLease(turn.state)) return
  const { leaseAt, lostSince = turn.now } = turn.resident
  if (outcome.answered === null || outcome.answered === parent) turn.resident = { leaseAt }
  else if (turn.now - lostSince >= lostMillis) moveTo(turn, outcome.answered)
  else turn.resident = { leaseAt: Math.min(leaseAt, turn.now + againMillis), lostSince }
}

/** A child that has left its parent, with what it has. */
interface Newcomer {
  readonly child: VsmId
  readonly budget: Budget
  readonly zone?: Zone
  /** Where it stood. */
  readonly was: VsmPath
}

/** What the one below gave to a child that has gone is no more its own: it is given from here. */
const relieve = (turn: Turn, { child, budget, was }: Omit<Newcomer, "zone">): void => {
  const below = was[was.indexOf(turn.id) + 1]
  const known = below === undefined ? undefined : turn.state.children.get(below)
  if (known === undefined || known.id === child) return
  const rest = { ...known, budget: lessened(known.budget, costOf(budget)) }
  turn.state = { ...turn.state, children: put(turn.state.children, known.id, rest) }
  tellVsm(turn, known.id, "Relieve", { child, budget, was })
}

/** A child of somebody below comes here. One that has retired hands it on. */
export const takeChild = (turn: Turn, newcomer: Newcomer): void => {
  const { child, budget, zone } = newcomer
  const { status, children, path } = turn.state
  if (status === "absent" || status === "retired") {
    const parent = parentOf(turn.state)
    if (parent !== undefined) tellVsm(turn, parent, "TakeChild", newcomer)
    return
  }
  if (!children.has(child)) {
    relieve(turn, newcomer)
    const info = { id: child, budget, ...(zone === undefined ? {} : { zone }), since: turn.now }
    turn.state = { ...turn.state, children: put(turn.state.children, child, info) }
    turn.events.push({ type: "vsm.child-taken", data: { child } })
  }
  // It may have gone on meanwhile: then it says so.
  tellVsm(turn, child, "Seated", { path })
  if (status === "retiring") tellVsm(turn, child, "Retire", { mode: "drain" })
}

/** A child of this VSM, or of one below it, has gone to somebody above, with what it was given. */
export const relieved = (turn: Turn, gone: Omit<Newcomer, "zone">): void => {
  relieve(turn, gone)
  const { children, digests, budget } = turn.state
  turn.state = {
    ...turn.state,
    budget: lessened(budget, costOf(gone.budget)),
    children: drop(children, gone.child),
    digests: drop(digests, gone.child)
  }
}

/** The parent stands elsewhere. */
export const reseat = (turn: Turn, above: VsmPath): void => {
  const { status } = turn.state
  if (parentOf(turn.state) === above.at(-1) && status !== "absent" && status !== "retired") stand(turn, above)
}

/** Somebody above has taken this VSM as a child. Whom it has left again, it tells so. */
export const seated = (turn: Turn, above: VsmPath): void => {
  const by = above.at(-1)
  const parent = parentOf(turn.state)
  if (by === undefined || by === parent) return
  if (turn.state.path.includes(by) && hasLease(turn.state)) stand(turn, above)
  else tellVsm(turn, by, "ChildGone", { child: turn.id })
}

/** A child has gone on before it was taken. */
export const childGone = (turn: Turn, child: VsmId): void => {
  const { children, digests } = turn.state
  turn.state = { ...turn.state, children: drop(children, child), digests: drop(digests, child) }
}
