/** A small actor for tests of the layer: it counts, tells, sets a timer, orders an effect, and crashes when asked to. */
import { Schema } from "effect"
import * as Behaviour from "../../src/actors/Behaviour.ts"
import * as Contract from "../../src/protocol/Contract.ts"

export class TooHigh extends Schema.TaggedError<TooHigh>()("TooHigh", { limit: Schema.Int }) {}

export const Counter = Contract.make("counter", {
  state: Schema.Struct({
    count: Schema.Int,
    told: Schema.Array(Schema.Int),
    due: Schema.NullOr(Schema.Finite),
    rings: Schema.Int
  }),
  messages: {
    Add: Contract.once({
      payload: { by: Schema.Int, limit: Schema.optionalKey(Schema.Int) },
      success: Schema.Int,
      error: TooHigh,
      audience: "operator"
    }),
    Read: Contract.query({ success: Schema.Int, audience: "operator" }),
    TellTo: Contract.once({ payload: { id: Schema.String, numbers: Schema.Array(Schema.Int) }, audience: "operator" }),
    TellCrash: Contract.once({ payload: { id: Schema.String, password: Schema.String }, audience: "operator" }),
    Told: Contract.idempotent({ payload: { number: Schema.Int } }),
    RingAt: Contract.once({ payload: { at: Schema.Finite }, audience: "operator" }),
    Work: Contract.once({ payload: { id: Schema.String }, audience: "operator" }),
    Crash: Contract.once({ payload: { password: Schema.String }, secret: ["password"], audience: "operator" })
  },
  events: { "counter.added": Schema.Struct({ by: Schema.Int }) }
})

export const counter = Behaviour.make(Counter, {
  initial: () => ({ count: 0, told: [], due: null, rings: 0 }),
  dueAt: (state) => state.due ?? undefined,
  timeout: (state, { now }) => ({
    state: state.due !== null && state.due <= now ? { ...state, due: null, rings: state.rings + 1 } : state
  }),
  Add: (state, { by, limit }) => {
    if (limit !== undefined && state.count + by > limit) return Behaviour.refuse(new TooHigh({ limit }))
    const next = { ...state, count: state.count + by }
    return { state: next, reply: next.count, events: [{ type: "counter.added", data: { by } }] }
  },
  Read: (state) => ({ reply: state.count }),
  TellTo: (_state, { id, numbers }) => ({
    tells: numbers.map((number) => ({ to: { kind: "counter", id }, message: "Told", payload: { number } }))
  }),
  TellCrash: (_state, { id, password }) => ({
    tells: [{ to: { kind: "counter", id }, message: "Crash", payload: { password } }]
  }),
  Told: (state, { number }) => ({ state: { ...state, told: [...state.told, number] } }),
  RingAt: (state, { at }) => ({ state: { ...state, due: at } }),
  Work: (_state, { id }) => ({ effects: [{ name: "work", id, input: {} }] }),
  Crash: () => {
    throw new Error("a planted crash")
  }
})
