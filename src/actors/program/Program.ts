/** The program actor: mirrors one program of one board. What it wants of the board goes through the device and comes back. */
import { Schema } from "effect"
import type { BoardRequest } from "../../protocol/BoardRequest.ts"
import { codes } from "../../protocol/Codes.ts"
import { Backpressure, type HolonError, NotFound } from "../../protocol/Errors.ts"
import { type OrderView, Program, type ProgramReport, type ProgramView, programOf } from "../../protocol/Program.ts"
import * as Behaviour from "../Behaviour.ts"
import { releaseImage, useImage } from "../ImageUse.ts"

/** The newest lines, messages and ended orders that are kept. */
const linesMax = 100
const mailMax = 50
const endedMax = 50
const valuesMax = 512
/** Orders that the board has not answered. */
const openMax = 32
/** A store of images that did not answer is asked again after this. */
const retryMillis = 60_000
/** How long a board may take with an order. */
const orderMillis = 60_000

type Context = Behaviour.TransitionContext<undefined>
type Reply = Behaviour.Outcome<ProgramView, undefined, OrderView, HolonError>

const initial = (id: string): ProgramView => {
  const { device, name } = programOf(id)
  return { device, report: { name, state: "absent" }, since: 0, lines: [], values: [], mail: [], orders: [] }
}

/** Characters of all lines, and of all messages: they are written with every change of the program. */
const linesCharacters = 8192
const mailCharacters = 32_768

const newest = <A>(list: ReadonlyArray<A>, max: number): ReadonlyArray<A> =>
  list.length > max ? list.slice(list.length - max) : list

/** The newest of which all fit; always the last. */
const fitting = <A>(list: ReadonlyArray<A>, max: number, sizeOf: (one: A) => number): ReadonlyArray<A> => {
  let size = 0
  let first = list.length
  for (const one of [...list].reverse()) {
    size += sizeOf(one)
    if (size > max && first < list.length) break
    first--
  }
  return list.slice(first)
}

/** Ends are forgotten, oldest first; what is open stays. */
const remembered = (orders: ReadonlyArray<OrderView>): ReadonlyArray<OrderView> => {
  let tooMany = orders.filter(({ state }) => state === "done").length - endedMax
  return orders.filter(({ state }) => state !== "done" || tooMany-- <= 0)
}

/** Gives the board an order: its id is that of the request. */
const order = (state: ProgramView, what: string, request: BoardRequest, { self, requestId, now }: Context): Reply => {
  const known = state.orders.find(({ id }) => id === requestId)
  if (known !== undefined) return { reply: known }
  if (state.orders.filter((other) => other.state === "sent").length >= openMax)
    return Behaviour.refuse(new Backpressure({ bucket: `program/${self.id} orders`, retryAfterMs: 5000 }))
  const placed: OrderView = { id: requestId, what, state: "sent", orderedAt: now }
  return {
    state: { ...state, orders: remembered([...state.orders, placed]) },
    reply: placed,
    tells: [
      {
        to: { kind: "device", id: state.device },
        message: "AskBoard",
        payload: { asker: self, key: requestId, request, lifeMillis: orderMillis }
      }
    ]
  }
}

/** An order is over. One that is over already, or that nobody gave, changes nothing. */
const done = (
  state: ProgramView,
  {
    key,
    code,
    value,
    detail
  }: { readonly key: string } & Pick<OrderView, "value" | "detail"> & { readonly code: number }
): Behaviour.Outcome<ProgramView, undefined, void, never> => {
  if (!state.orders.some(({ id, state: at }) => id === key && at === "sent")) return {}
  const orders = state.orders.map(
    (known): OrderView =>
      known.id === key
        ? {
            ...known,
            state: "done",
            code,
            ...(value === undefined ? {} : { value }),
            ...(detail === undefined ? {} : { detail })
          }
        : known
  )
  return { state: { ...state, orders: remembered(orders) } }
}

/** A device answers every order; one that is in quarantine does not. */
const lateMillis = 30_000

const ordersDue = ({ orders }: ProgramView): number =>
  orders.reduce(
    (due, { state, orderedAt }) => (state === "sent" ? Math.min(due, orderedAt + orderMillis + lateMillis) : due),
    Infinity
  )

const askDue = ({ askedAt, since }: ProgramView): number => (askedAt ?? since) + retryMillis

/** Ends the orders of which the device will say nothing any more. */
const endOverdue = (state: ProgramView, { now }: Context): ProgramView =>
  ordersDue(state) > now
    ? state
    : state.orders.reduce(
        (left, { id, orderedAt }) =>
          orderedAt + orderMillis + lateMillis > now
            ? left
            : (done(left, { key: id, code: codes.ETIMEDOUT, detail: "the device has not answered" }).state ?? left),
        state
      )

const isAsked = Schema.is(Schema.Struct({ key: Schema.String }))

const lookUp = (
  state: ProgramView,
  id: string,
  { self }: Context
): Behaviour.Outcome<ProgramView, undefined, OrderView, HolonError> => {
  const found = state.orders.find((known) => known.id === id)
  return found === undefined
    ? Behaviour.refuse(new NotFound({ what: `order ${id} of program ${self.id}` }))
    : { reply: found }
}

const changed = ({ device }: ProgramView, before: ProgramReport, report: ProgramReport): Behaviour.Emitted => {
  const { name, state, code, exit, restarts } = report
  return {
    type: "program.changed",
    unit: device,
    severity: state === "failed" || state === "rolled-back" ? "error" : "info",
    data: {
      device,
      program: name,
      from: before.state,
      to: state,
      ...(code === undefined ? {} : { code }),
      ...(exit === undefined ? {} : { exit }),
      ...(restarts === undefined ? {} : { restarts })
    }
  }
}

/** The image that the store must keep; `undefined` for none, or when the board has told only the beginning of its hash. */
const neededBy = ({ report }: ProgramView): string | undefined =>
  report.state === "absent" || report.sha256?.length !== 64 ? undefined : report.sha256

/** Brings what the store keeps for the program in line with what its board runs. */
const holding = (state: ProgramView, { self }: Context): ReadonlyArray<Behaviour.EffectOrder> => {
  const needed = neededBy(state)
  if (needed === state.holds) return []
  const user = `program/${self.id}`
  const sha256 = needed ?? state.holds
  if (sha256 === undefined) return []
  return [{ name: needed === undefined ? "release" : "use", id: sha256, input: { sha256, user } }]
}

/** The behaviour of programs. */
export const program: Behaviour.AnyBehaviour = Behaviour.make<Program>(Program, {
  initial,
  effects: { use: useImage, release: releaseImage },
  dueAt: (state) => {
    const due = Math.min(ordersDue(state), neededBy(state) === state.holds ? Infinity : askDue(state))
    return due === Infinity ? undefined : due
  },
  timeout: (state, context) => {
    const ended = endOverdue(state, context)
    const effects = holding(state, context)
    return effects.length === 0 ? { state: ended } : { state: { ...ended, askedAt: context.now }, effects }
  },
  completed: (state, { name, id, outcome }, context) => {
    const { holds, ...rest } = state
    if (name === "release") {
      if (outcome !== "released") return {}
      return holds === id ? { state: rest } : {}
    }
    // An image that is not in the store came by another way: there is nothing to keep.
    if (outcome === "unavailable" || neededBy(state) !== id) return {}
    const effects =
      holds === undefined || holds === id
        ? []
        : [{ name: "release", id: holds, input: { sha256: holds, user: `program/${context.self.id}` } }]
    return { state: { ...state, holds: id }, effects }
  },

  undelivered: (state, { payload, cause }) =>
    isAsked(payload) ? done(state, { key: payload.key, code: codes.ESRCH, detail: cause }) : {},

  GetProgram: (state) => ({ reply: state }),
  Watch: (state) => ({ reply: state }),
  GetOrder: (state, { id }, context) => lookUp(state, id, context),
  WatchOrder: (state, { id }, context) => lookUp(state, id, context),

  Control: (state, { act, graceMillis }, context) =>
    order(
      state,
      act,
      {
        _tag: "ProgramControl",
        program: state.report.name,
        act,
        ...(graceMillis === undefined ? {} : { graceMillis })
      },
      context
    ),
  ReadValues: (state, { ids }, context) =>
    order(
      state,
      "read values",
      { _tag: "ValueGet", program: state.report.name, ...(ids === undefined ? {} : { ids }) },
      context
    ),
  SetValue: (state, value, context) =>
    order(state, `set ${value.id}`, { _tag: "ValueSet", program: state.report.name, ...value }, context),
  WatchValue: (state, watch, context) =>
    order(
      state,
      `${watch.on ? "watch" : "no longer watch"} ${watch.id}`,
      { _tag: "ValueWatch", program: state.report.name, ...watch },
      context
    ),
  SendMail: (state, mail, context) =>
    order(state, `mail to ${mail.target}`, { _tag: "MailSend", program: state.report.name, ...mail }, context),
  TapMail: (state, tap, context) =>
    order(
      state,
      `${tap.on ? "tap" : "no longer tap"} ${tap.target}`,
      { _tag: "MailTap", program: state.report.name, ...tap },
      context
    ),

  BoardAnswered: (state, answer) => done(state, answer),

  Reported: (state, { report, at }, context) => {
    const before = state.report
    const isMove = before.state !== report.state
    const next: ProgramView = { ...state, report, since: isMove ? at : state.since }
    const effects = holding(next, context)
    return isMove || before.code !== report.code || before.restarts !== report.restarts
      ? { state: next, effects, events: [changed(state, before, report)] }
      : { state: next, effects }
  },

  Printed: (state, { text, at }) => {
    const lines = newest([...state.lines, { text, at }], linesMax)
    return { state: { ...state, lines: fitting(lines, linesCharacters, (line) => line.text.length) } }
  },

  ValuesTold: (state, { values }) => {
    const told = new Map(state.values.map((known) => [known.id, known]))
    for (const value of values) told.set(value.id, value)
    const { device, report } = state
    return {
      state: { ...state, values: newest([...told.values()], valuesMax) },
      samples: values.map(({ id, value, at }) => ({
        type: "program.value",
        data: { device, program: report.name, id, value },
        at,
        unit: device
      }))
    }
  },

  MailTold: (state, told) => {
    const mail = newest([...state.mail, told], mailMax)
    return { state: { ...state, mail: fitting(mail, mailCharacters, ({ data }) => data.length) } }
  }
})
