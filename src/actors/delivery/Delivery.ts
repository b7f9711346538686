/**
 * The delivery actor: one per target beyond the cluster. What a pattern found waits in its row until the target has taken it,
 * also while the target is away; a node that dies costs no attempt, and the target knows a repeat by the match's id.
 */
import { Delivery, type DeliveryRecord, deadPageMax, lettersMax } from "../../protocol/Delivery.ts"
import { NotFound } from "../../protocol/Errors.ts"
import * as Behaviour from "../Behaviour.ts"
import { discard, replay } from "./Acts.ts"
import { askAtOnce } from "./Circuit.ts"
import { ended } from "./Ends.ts"
import { Lineup } from "./Lineup.ts"
import { knows, letterAt, lettersOf } from "./Pages.ts"
import { send } from "./Sending.ts"
import { storage } from "./Stored.ts"
import {
  attempt,
  begin,
  drop,
  judgeAge,
  lostMillis,
  outcomeOf,
  type Resident,
  suspend,
  take,
  targetOf,
  tellDropped,
  viewOf
} from "./Turn.ts"

const initial: DeliveryRecord = { nextSeq: 0, pages: [], queued: 0, dead: 0, delivered: 0, dropped: 0, untold: 0 }

/** The behaviour of deliveries. */
export const delivery: Behaviour.AnyBehaviour = Behaviour.make<Delivery, Resident>(Delivery, {
  initial: () => initial,
  storage,
  awake: (record) => {
    const inFlight = new Map<number, number>()
    return { lineup: new Lineup(record, inFlight), inFlight }
  },
  dueAt: ({ dueAt }) => dueAt,
  residentDueAt: (_record, { inFlight }) => {
    const [since] = inFlight.values()
    return since === undefined ? undefined : since + lostMillis
  },
  // What was on its way with the node before is begun again at once.
  atTakeover: ({ queued }) => queued > 0,
  timeout: (record, context) => {
    const turn = begin(record, context)
    for (const [seq, since] of context.resident.inFlight) if (since + lostMillis <= context.now) attempt(turn, seq)
    judgeAge(turn)
    tellDropped(turn)
    return outcomeOf(turn)
  },
  effects: { send },
  completed: (record, { id, outcome }, context) => {
    const seq = Number(id)
    const letter = context.resident.inFlight.has(seq) ? letterAt(record.pages, seq) : undefined
    if (letter === undefined) return {}
    const turn = begin(record, context)
    ended(turn, letter, outcome)
    return outcomeOf(turn)
  },

  Deliver: (record, { target, ...letter }, context) => {
    if (knows(record.pages, letter.matchId)) return {}
    const turn = begin(record, context)
    turn.record = { ...turn.record, target }
    judgeAge(turn)
    const { queued, dead, suspended } = turn.record
    if (suspended === undefined && queued + dead >= lettersMax) suspend(turn, "backlog")
    if (turn.record.suspended === undefined) take(turn, letter)
    else drop(turn)
    return outcomeOf(turn)
  },

  GetState: (record, _payload, { resident }) => ({ reply: viewOf(record, resident.inFlight.size) }),

  GetDead: ({ pages }, { from = 0, limit = deadPageMax }) => {
    const letters = []
    for (const { envelope: _, ...letter } of lettersOf(pages)) {
      if (letter.deadAt === undefined || letter.seq < from) continue
      if (letters.length === limit) return { reply: { letters, next: letter.seq } }
      letters.push(letter)
    }
    return { reply: { letters } }
  },

  GetLetter: ({ pages }, { matchId }, { self }) => {
    for (const letter of lettersOf(pages)) if (letter.matchId === matchId) return { reply: letter }
    return Behaviour.refuse(new NotFound({ what: `letter ${matchId} at ${self.id}: it has arrived, or never came` }))
  },

  Replay: (record, { matchIds }, context) => {
    const turn = begin(record, context)
    const count = replay(turn, matchIds)
    return { ...outcomeOf(turn), reply: { count } }
  },

  Drop: (record, { matchIds, queued = false }, context) => {
    const turn = begin(record, context)
    const count = discard(turn, matchIds, queued)
    return { ...outcomeOf(turn), reply: { count } }
  },

  Suspend: (record, _payload, context) => {
    if (record.suspended !== undefined) return { reply: viewOf(record, context.resident.inFlight.size) }
    const turn = begin(record, context)
    suspend(turn, "operator")
    const outcome = outcomeOf(turn)
    return { ...outcome, reply: viewOf(outcome.state ?? record, turn.inFlight.size) }
  },

  Resume: (record, _payload, context) => {
    if (record.suspended === undefined && record.away === undefined)
      return { reply: viewOf(record, context.resident.inFlight.size) }
    const turn = begin(record, context)
    askAtOnce(turn)
    if (record.suspended !== undefined) {
      const { suspended: _, ...open } = turn.record
      turn.record = { ...open, resumedAt: context.now }
      turn.events.push({
        type: "delivery.resumed",
        data: { target: targetOf(turn), dropped: record.dropped }
      })
    }
    const outcome = outcomeOf(turn)
    return { ...outcome, reply: viewOf(outcome.state ?? record, turn.inFlight.size) }
  }
})
