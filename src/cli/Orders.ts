/** Orders to a program: given, waited for until its board has answered, and followed where they ask for more to be told. */
import { Console, Effect, Schema, Stream } from "effect"
import { codes } from "../protocol/Codes.ts"
import { OrderView, ProgramView } from "../protocol/Program.ts"
import { Client } from "./Client.ts"
import { BoardRefused, sayAway, sendTo, watchUntil } from "./Following.ts"
import { found, type ProgramName, placeOf } from "./Programs.ts"

/** An order as the program's actor takes it. */
export interface Order {
  readonly message: string
  readonly payload: Schema.Json
  /** What is said when the board has nothing of that name: it says no more than the name itself. */
  readonly absent?: string
}

/** Gives an order to a program and waits for the board's answer. Fails with `BoardRefused`. */
export const carriedOut = (name: ProgramName, { message, payload, absent }: Order) =>
  Effect.gen(function* () {
    const place = placeOf(name)
    const placed = yield* found(name)(sendTo(place, message, payload, OrderView))
    if (placed.state !== "done") yield* sayAway(name.device, "the order waits up to a minute for it")
    const order =
      placed.state === "done"
        ? placed
        : yield* watchUntil(
            place,
            "WatchOrder",
            { id: placed.id },
            { item: OrderView, isEnd: ({ state }) => state === "done" }
          )
    if (order.code !== undefined && order.code !== 0)
      return yield* new BoardRefused({
        what: `${order.what} of ${place.id}`,
        code: order.code,
        ...detailOf(order, absent)
      })
    return order
  })

/** The board's own words, but for a thing that is not there. */
export const detailOf = (
  { code, detail }: { readonly code?: number; readonly detail?: string },
  absent: string | undefined
): { readonly detail?: string } => {
  if (code === codes.ENOENT && absent !== undefined) return { detail: absent }
  return detail === undefined ? {} : { detail }
}

/** Prints what the board answered; `text` is what that means where it answered nothing. */
export const sayDone = (flags: { readonly json: boolean }, order: OrderView, text = "done") =>
  Console.log(
    flags.json ? JSON.stringify(order, null, 2) : order.value === undefined ? text : JSON.stringify(order.value)
  )

/** Whether the last order of these turned off what `what` turns on: boards follow a thing for all or for nobody. */
const isOff = (orders: ReadonlyArray<OrderView>, what: string): boolean =>
  orders.findLast((order) => order.what === what || order.what === `no longer ${what}`)?.what === `no longer ${what}`

/** What a program is to tell again and again. */
export interface Following {
  /** The order's name in the program's list, as `tap app:log`. */
  readonly what: string
  readonly begin: Order
  readonly end: Order
}

/**
 * Has a program tell of something until this is interrupted, and shows each view with the one before it; the first is from
 * before it was asked.
 */
export const followed = (
  name: ProgramName,
  { what, begin, end }: Following,
  show: (view: ProgramView, before: ProgramView) => Effect.Effect<void>
) =>
  Effect.gen(function* () {
    const client = yield* Client
    const place = placeOf(name)
    let before = yield* found(name)(sendTo(place, "GetProgram", {}, ProgramView))
    const ask = carriedOut(name, begin)
    yield* ask
    yield* client.Watch({ ...place, message: "Watch", payload: {} }).pipe(
      Stream.mapEffect((value) => Effect.orDie(Schema.decodeUnknownEffect(ProgramView)(value))),
      // Somebody else who followed it has ended: this one goes on.
      Stream.tap(({ orders }) => (isOff(orders, what) ? ask : Effect.void)),
      Stream.runForEach((view) => {
        const last = before
        before = view
        return show(view, last)
      }),
      Effect.ensuring(Effect.ignore(carriedOut(name, end)))
    )
  })
