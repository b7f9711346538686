/**
 * What a VSM does about units and children that crash until they are quarantined: it restarts them, each time after a longer wait,
 * and leaves in quarantine what crashes again and again.
 */
import { Effect, Schema } from "effect"
import type { Quarantined } from "../../protocol/Escalation.ts"
import { sourceOf } from "../../protocol/vsm/Signal.ts"
import { VsmId } from "../../protocol/vsm/VsmId.ts"
import type { Ailing, VsmState } from "../../protocol/vsm/VsmState.ts"
import { Quarantines, Release } from "../Release.ts"
import { confirm } from "./Adopting.ts"
import { isStill } from "./Health.ts"
import { ailingKey } from "./Stored.ts"
import { drop, hasRoom, parentOf, put, type Turn, tellChannel, tellVsm } from "./Turn.ts"
import { unitOf } from "./Units.ts"

/** Waits before the restarts within the window, ms. Who needs more of them is left in quarantine. */
const waitsMillis = [1000, 10_000, 60_000]
const windowMillis = 600_000
/** When the store could not release, it is tried again after this, ms. */
const retryMillis = 5000
/** How much it hurts that a unit stands still, 0 to 1. */
const pain = 0.9
/** What is said of it on the algedonic channel. */
const metric = "quarantined"
/** Ailing actors of one VSM that are remembered. */
const ailingMax = 1000
/** Whether somebody has released what was left in quarantine is looked at this often, ms. */
const lookMillis = 60_000
/** Names of the effects. */
const releasing = "release"
const looking = "look"

const write = (turn: Turn, ailing: Ailing): void => {
  turn.state = { ...turn.state, ailing: put(turn.state.ailing, ailingKey(ailing), ailing) }
}

/** Actors were quarantined. The list may name again what it named before. */
export const takeQuarantined = (turn: Turn, actors: ReadonlyArray<Quarantined>): void => {
  for (const { kind, id, since, cause } of actors) {
    const known = turn.state.ailing.get(ailingKey({ kind, id }))
    if (known?.since === since || (known === undefined && turn.state.ailing.size >= ailingMax)) continue
    const restarts = (known?.restarts ?? []).filter((at) => at > turn.now - windowMillis)
    const wait = waitsMillis[restarts.length]
    write(turn, { kind, id, since, cause, restarts, ...(wait === undefined ? {} : { restartAt: turn.now + wait }) })
    const data = { kind, id, cause, intensity: pain, decision: wait === undefined ? "leave" : "restart" }
    turn.events.push({ type: "vsm.unit-quarantined", severity: "critical", unit: id, data })
    // Of more than that at once the channel makes one signal anyway.
    if (hasRoom(turn)) {
      const feeling = { source: sourceOf(kind, id), metric, intensity: pain }
      // A channel that stands still itself hears nothing: that of the parent does.
      const isOwn = kind === "algedonic" && id === turn.id
      tellChannel(turn, "Feel", feeling, {
        causedBy: turn.events.length - 1,
        ...(isOwn ? { id: parentOf(turn.state) } : {})
      })
    }
  }
}

/** When the next one is restarted or forgotten; infinite for never. */
export const ailingDue = ({ ailing }: VsmState): number => {
  let due = Number.POSITIVE_INFINITY
  for (const each of ailing.values()) {
    const { restartAt, since, restarts, lookAt = since + lookMillis } = each
    due = Math.min(due, restartAt ?? (isStill(each) ? lookAt : Math.max(since, ...restarts) + windowMillis))
  }
  return due
}

/** Begins the restarts that are due, looks after what was left in quarantine, and forgets what was restarted long ago. */
export const restart = (turn: Turn): void => {
  for (const ailing of turn.state.ailing.values()) {
    const { kind, id, since, restartAt, restarts, lookAt = since + lookMillis } = ailing
    if (restartAt === undefined && isStill(ailing)) {
      if (turn.now < lookAt) continue
      write(turn, { ...ailing, lookAt: turn.now + lookMillis })
      turn.effects.push({ name: looking, id: `${ailingKey(ailing)} ${since}`, input: { kind, id } })
    } else if (restartAt === undefined) {
      if (turn.now >= Math.max(since, ...restarts) + windowMillis)
        turn.state = { ...turn.state, ailing: drop(turn.state.ailing, ailingKey(ailing)) }
    } else if (turn.now >= restartAt) {
      // Begun again until it is known to be done: a node that dies in between forgets no one.
      write(turn, { ...ailing, restartAt: turn.now + retryMillis })
      turn.effects.push({ name: releasing, id: `${ailingKey(ailing)} ${since}`, input: { kind, id } })
    }
  }
}

const decodeInput = Schema.decodeUnknownSync(Schema.Struct({ kind: Schema.String, id: Schema.String }))
const isReleased = Schema.is(
  Schema.Struct({ kind: Schema.String, id: Schema.String, isReleased: Schema.Literal(true) })
)

const isFree = Schema.is(Schema.Struct({ kind: Schema.String, id: Schema.String, isFree: Schema.Literal(true) }))

/** The release itself, and the look. Its outcome is whether it is done. */
export const releases: Readonly<Record<string, (input: unknown) => Effect.Effect<unknown>>> = {
  [releasing]: (input) =>
    Effect.gen(function* () {
      const address = decodeInput(input)
      const release = yield* Release
      return yield* release(address).pipe(
        Effect.as({ ...address, isReleased: true }),
        Effect.orElseSucceed(() => ({ ...address, isReleased: false }))
      )
    }),
  [looking]: (input) =>
    Effect.gen(function* () {
      const address = decodeInput(input)
      const isQuarantined = yield* Quarantines
      return yield* isQuarantined(address).pipe(
        Effect.map((isStanding) => ({ ...address, isFree: !isStanding })),
        Effect.orElseSucceed(() => ({ ...address, isFree: false }))
      )
    })
}

/** What an effect was begun for, unless it has crashed once more since. */
const begunFor = (turn: Turn, id: string, outcome: { readonly kind: string; readonly id: string }) => {
  const known = turn.state.ailing.get(ailingKey(outcome))
  return known !== undefined && `${ailingKey(known)} ${known.since}` === id ? known : undefined
}

/** Somebody else has released what was left in quarantine: it hurts no more. */
const freed = (turn: Turn, known: Ailing): void => {
  turn.state = { ...turn.state, ailing: drop(turn.state.ailing, ailingKey(known)) }
  tellChannel(turn, "Feel", { source: sourceOf(known.kind, known.id), metric, isOver: true })
}

/** A release, or a look, has come to its end. */
export const released = (turn: Turn, id: string, outcome: unknown): void => {
  if (isFree(outcome)) {
    const left = begunFor(turn, id, outcome)
    if (left !== undefined && isStill(left)) freed(turn, left)
  }
  if (!isReleased(outcome)) return
  const known = begunFor(turn, id, outcome)
  if (known === undefined) return
  const { restartAt, ...rest } = known
  if (restartAt === undefined) return
  write(turn, { ...rest, restarts: [...known.restarts, turn.now] })
  turn.events.push({ type: "vsm.unit-restarted", unit: known.id, data: { kind: known.kind, id: known.id } })
  tellChannel(turn, "Tend", { source: sourceOf(known.kind, known.id), metric, action: "restarted it" })
  // A message wakes it: nobody else may come by.
  if (known.kind === "device" && unitOf(turn.state.units, known.id) !== undefined) confirm(turn, known.id)
  if (known.kind === "vsm") tellVsm(turn, VsmId.make(known.id), "Activate", { spawn: "" })
}
