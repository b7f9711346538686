/**
 * What the board was asked to tell unasked: watched values and tapped mailboxes. A board forgets them when it restarts, so the
 * device asks again, in the name of who asked first.
 */
import type { BoardRequest } from "../../protocol/BoardRequest.ts"
import { codes } from "../../protocol/Codes.ts"
import type { Errand, Subscription } from "../../protocol/DeviceState.ts"
import type { Request } from "./Errands.ts"

type Subscriptions = ReadonlyMap<string, Subscription>

/** Subscriptions of one board; what is past that lasts as long as its boot. */
const subscriptionsMax = 32
/** How long the board may take with one, ms. */
const againMillis = 60_000

/** The same value or mailbox has the same key. */
const keyOf = (request: BoardRequest): string | undefined => {
  if (request._tag === "ValueWatch") return `value/${request.program}/${request.id}`
  if (request._tag === "MailTap") return `mail/${request.program}/${request.target}`
  return undefined
}

/** What stands after the board has answered a request: one may begin or end a subscription. */
export const subscribed = (before: Subscriptions, { asker, request }: Errand, code: number): Subscriptions => {
  const key = keyOf(request)
  if (key === undefined) return before
  const isOn = code === codes.ok && "on" in request && request.on
  if (isOn) {
    const hasRoom = before.has(key) || before.size < subscriptionsMax
    return hasRoom ? new Map(before).set(key, { key, asker, request }) : before
  }
  // A board that does not know it does not tell it either; one that was busy may still.
  const isOver = code === codes.ok || code === codes.ESRCH
  if (!isOver || !before.has(key)) return before
  const left = new Map(before)
  left.delete(key)
  return left
}

/** What is asked of a board that was restarted. */
export const askedAgain = (subscriptions: Subscriptions): ReadonlyArray<Request> =>
  [...subscriptions.values()].map(({ key, asker, request }) => ({
    asker,
    key: `again ${key}`,
    request,
    lifeMillis: againMillis
  }))
