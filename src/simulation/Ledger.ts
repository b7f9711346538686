/**
 * An actor whose only purpose is to be checked: every duty of the layer (once, tells, timers, effects, crashes, refused
 * rows, escalations) leaves a mark in its state.
 */
import { Effect, Schema } from "effect"
import * as Behaviour from "../actors/Behaviour.ts"
import type { Address } from "../actors/Host.ts"
import * as Contract from "../protocol/Contract.ts"
import { Escalate } from "../protocol/Escalation.ts"
import { refusedPart } from "./Database.ts"

const Mark = Schema.String.check(Schema.isMaxLength(64))

/** What a ledger knows. All lists are in order of arrival. */
export const LedgerState = Schema.Struct({
  /** Marks of additions. */
  added: Schema.Array(Mark),
  /** When the timer rings, ms; 0 for never. */
  ringsAt: Schema.Number,
  rings: Schema.Number,
  /** The job under way; empty for none. */
  job: Schema.String,
  /** Jobs that have ended. */
  done: Schema.Array(Mark),
  /** Number of the last note sent. */
  notes: Schema.Number,
  /** Notes received, as `sender:number`, and escalations, as `quarantine/id:since`. */
  received: Schema.Array(Schema.String),
  /** The next commit is one the store refuses. */
  isSpoilt: Schema.Boolean
})
/** See {@link LedgerState}. */
export type LedgerState = typeof LedgerState.Type

/** The addition wants another parity of the count. */
export class WrongParity extends Schema.TaggedError<WrongParity>()("WrongParity", { count: Schema.Number }) {}

/** The ledger: what may be asked of it. */
export const Ledger = Contract.make("ledger", {
  state: LedgerState,
  about: "Records what happened to it; of the simulator.",
  messages: {
    /** Adds a mark; with `parity` only while the count is even (0) or odd (1). Every second one is told to an auditor. */
    Add: Contract.once({
      payload: { mark: Mark, parity: Schema.Number, flaky: Schema.Boolean },
      success: Schema.Number,
      error: WrongParity
    }),
    SetTimer: Contract.once({ payload: { at: Schema.Number } }),
    StartJob: Contract.once({ payload: { job: Mark } }),
    /** Crashes whoever handles it. */
    Crash: Contract.once({ payload: {} }),
    /** Makes a change that the store refuses. */
    Spoil: Contract.once({ payload: {} }),
    Count: Contract.query({ payload: {}, success: Schema.Number }),
    WatchCount: Contract.watch({ payload: {}, success: Schema.Number }),
    Note: Contract.idempotent({ payload: { from: Schema.String, number: Schema.Number } }),
    Escalate
  },
  events: {
    "ledger.added": Schema.Struct({ mark: Mark, count: Schema.Number }),
    "ledger.rang": Schema.Struct({ rings: Schema.Number }),
    "ledger.done": Schema.Struct({ job: Mark })
  }
})

/** Auditors receive notes and escalations. */
export const auditors: ReadonlyArray<Address> = [
  { kind: "ledger", id: "auditor-0" },
  { kind: "ledger", id: "auditor-1" }
]

const auditorOf = (number: number): Address => auditors[number % auditors.length] ?? { kind: "ledger", id: "auditor-0" }

const initial: LedgerState = {
  added: [],
  ringsAt: 0,
  rings: 0,
  job: "",
  done: [],
  notes: 0,
  received: [],
  isSpoilt: false
}

/** Jobs begun by this activation: one that outlived its node is begun again. */
type Begun = ReadonlySet<string>

const order = (job: string): Behaviour.EffectOrder => ({ name: "job", id: job, input: job })

/** The behaviour of a ledger. */
export const ledger = Behaviour.make<typeof Ledger, Begun>(Ledger, {
  initial: () => initial,
  awake: () => new Set(),
  dueAt: ({ ringsAt, job }) => (job !== "" ? 0 : ringsAt > 0 ? ringsAt : undefined),
  supervisor: (id) => (id.startsWith("auditor") ? undefined : auditorOf(0)),
  storage: {
    split: (state) => ({ head: state, parts: new Map(state.isSpoilt ? [[refusedPart, true]] : []) }),
    join: (head) => Schema.decodeUnknownSync(LedgerState)(head)
  },
  effects: { job: () => Effect.void },

  timeout: (state, { now, resident }) => {
    if (state.ringsAt > 0 && state.ringsAt <= now) {
      const rings = state.rings + 1
      return { state: { ...state, ringsAt: 0, rings }, events: [{ type: "ledger.rang", data: { rings } }] }
    }
    if (state.job === "" || resident.has(state.job)) return {}
    return { resident: new Set([...resident, state.job]), effects: [order(state.job)] }
  },

  completed: (state, { id }) => {
    if (state.job !== id) return {}
    return {
      state: { ...state, job: "", done: [...state.done, id] },
      events: [{ type: "ledger.done", data: { job: id } }]
    }
  },

  Add: (state, { mark, parity, flaky }, { random, self }) => {
    if (flaky && random() < 0.5) throw new Error("flaky")
    if (parity >= 0 && state.added.length % 2 !== parity)
      return Behaviour.refuse(new WrongParity({ count: state.added.length }))
    const added = [...state.added, mark]
    const count = added.length
    const events = [{ type: "ledger.added", data: { mark, count } }]
    if (count % 2 !== 0) return { state: { ...state, added }, reply: count, events }
    const notes = state.notes + 1
    const tell = { to: auditorOf(notes), message: "Note", payload: { from: self.id, number: notes } }
    return { state: { ...state, added, notes }, reply: count, events, tells: [tell] }
  },

  SetTimer: (state, { at }) => ({ state: { ...state, ringsAt: at } }),

  StartJob: (state, { job }, { resident }) => {
    if (state.job !== "") return {}
    return { state: { ...state, job }, resident: new Set([...resident, job]), effects: [order(job)] }
  },

  Crash: () => {
    throw new Error("crash on demand")
  },

  Spoil: (state) => ({ state: { ...state, isSpoilt: true } }),

  Count: (state) => ({ reply: state.added.length }),

  WatchCount: (state) => ({ reply: state.added.length }),

  Note: (state, { from, number }) => ({ state: { ...state, received: [...state.received, `${from}:${number}`] } }),

  Escalate: (state, { actors }) => {
    const marks = actors.map(({ kind, id, since }) => `quarantine/${kind}/${id}:${since}`)
    const news = marks.filter((mark) => !state.received.includes(mark))
    return { state: { ...state, received: [...state.received, ...news] } }
  }
})
