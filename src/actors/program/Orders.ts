/** Orders to a program: each goes to the board by its device, is ended by the board's answer, and is remembered for a while. */
import { Schema } from "effect"
import type { BoardRequest } from "../../protocol/BoardRequest.ts"
import { codes } from "../../protocol/Codes.ts"
import { Backpressure, type HolonError, NotFound } from "../../protocol/Errors.ts"
import type { OrderView, ProgramView } from "../../protocol/Program.ts"
import * as Behaviour from "../Behaviour.ts"

/** Ended orders that are kept. */
const endedMax = 50
/** Orders that the board has not answered. */
const openMax = 32
/** How long a board may take with an order. */
const orderMillis = 60_000

type Context = Behaviour.TransitionContext<undefined>
type Reply = Behaviour.Outcome<ProgramView, undefined, OrderView, HolonError>

/** Ends are forgotten, oldest first; what is open stays. */
const remembered = (orders: ReadonlyArray<OrderView>): ReadonlyArray<OrderView> => {
  let tooMany = orders.filter(({ state }) => state === "done").length - endedMax
  return orders.filter(({ state }) => state !== "done" || tooMany-- <= 0)
}

/** Gives the board an order: its id is that of the request. */
export const order = (
  state: ProgramView,
  what: string,
  request: BoardRequest,
  { self, requestId, now }: Context
): Reply => {
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
export const done = (
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

/** Earliest instant at which an order is given up; infinite for none. */
export const ordersDue = ({ orders }: ProgramView): number =>
  orders.reduce(
    (due, { state, orderedAt }) => (state === "sent" ? Math.min(due, orderedAt + orderMillis + lateMillis) : due),
    Infinity
  )

/** Ends the orders of which the device will say nothing any more. */
export const endOverdue = (state: ProgramView, { now }: Context): ProgramView =>
  ordersDue(state) > now
    ? state
    : state.orders.reduce(
        (left, { id, orderedAt }) =>
          orderedAt + orderMillis + lateMillis > now
            ? left
            : (done(left, { key: id, code: codes.ETIMEDOUT, detail: "the device has not answered" }).state ?? left),
        state
      )

/** Whether a payload is that of an order to the board. */
export const isAsked = Schema.is(Schema.Struct({ key: Schema.String }))

/** One order; refused when it is not known. */
export const lookUp = (
  state: ProgramView,
  id: string,
  { self }: Context
): Behaviour.Outcome<ProgramView, undefined, OrderView, HolonError> => {
  const found = state.orders.find((known) => known.id === id)
  return found === undefined
    ? Behaviour.refuse(new NotFound({ what: `order ${id} of program ${self.id}` }))
    : { reply: found }
}
