/**
 * Whose turn it is, as pure rules: start-time fair queueing over topics. A topic's next turn is due at the virtual time of its last
 * one plus the inverse of its weight, which grows while it waits; the topic that is due first goes first, and those that come back
 * after a pause begin at the virtual time of now, so that nobody saves turns up.
 */
import { Backpressure } from "../../protocol/Errors.ts"
import type { SlotView } from "../../protocol/vsm/Claim.ts"

/** Turns at once. */
export const slotsMax = 8
/** Turns that are held or waited for. */
const openMax = 512
const rememberMillis = 60_000
const tagsMax = 1024
/** A waiting topic gains so much weight for so long a wait, and so much at most. */
const ageingStep = 0.5
const ageingMillis = 2000
const ageingMax = 3

/** The queue. */
export interface Queue {
  readonly slots: ReadonlyMap<string, SlotView>
  readonly virtual: number
  /** Where a topic stood when it last had a turn. */
  readonly tags: ReadonlyMap<string, number>
}

/** A queue after a change, and the turns that their holders did not give back. */
export interface Turned extends Queue {
  readonly lost: ReadonlyArray<SlotView>
}

const isOpen = ({ state }: SlotView): boolean => state === "waiting" || state === "held"

/** Weight of a turn that has waited. */
export const agedWeight = ({ weight, askedAt }: Pick<SlotView, "weight" | "askedAt">, now: number): number =>
  weight + Math.min(ageingMax, ageingStep * Math.floor(Math.max(0, now - askedAt) / ageingMillis))

const over = (slot: SlotView, state: SlotView["state"], now: number): SlotView => ({
  ...slot,
  state,
  since: now,
  until: now + rememberMillis
})

/** The oldest turn that each topic waits for, in order of age. */
const headsOf = (slots: ReadonlyMap<string, SlotView>): ReadonlyMap<string, SlotView> => {
  const heads = new Map<string, SlotView>()
  for (const slot of slots.values()) if (slot.state === "waiting" && !heads.has(slot.topic)) heads.set(slot.topic, slot)
  return heads
}

const countsOf = (slots: ReadonlyMap<string, SlotView>): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>()
  for (const { state, topic } of slots.values()) if (state === "held") counts.set(topic, (counts.get(topic) ?? 0) + 1)
  return counts
}

/** The turn that is due first, with its place in virtual time. */
const next = (queue: Queue, now: number): { readonly slot: SlotView; readonly start: number } | undefined => {
  const counts = countsOf(queue.slots)
  const heads = headsOf(queue.slots)
  const topics = new Set([...heads.keys(), ...counts.keys()])
  // While there is a turn for every topic, every topic has one before another has two.
  const hasEnough = topics.size <= slotsMax && [...heads.keys()].some((topic) => !counts.has(topic))
  let best: { readonly slot: SlotView; readonly start: number } | undefined
  for (const [topic, slot] of heads) {
    if (hasEnough && counts.has(topic)) continue
    const tag = queue.tags.get(topic)
    const start = tag === undefined ? queue.virtual : Math.max(queue.virtual, tag + 1 / agedWeight(slot, now))
    if (best === undefined || start < best.start) best = { slot, start }
  }
  return best
}

/** Gives out the turns that are free. */
const given = (queue: Queue, now: number): Queue => {
  let { virtual } = queue
  let free = slotsMax - [...countsOf(queue.slots).values()].reduce((sum, count) => sum + count, 0)
  const slots = new Map(queue.slots)
  const tags = new Map(queue.tags)
  for (; free > 0; free--) {
    const found = next({ slots, tags, virtual }, now)
    if (found === undefined) break
    const { slot, start } = found
    virtual = Math.max(virtual, start)
    tags.set(slot.topic, start)
    slots.set(slot.slot, { ...slot, state: "held", since: now, until: now + slot.holdMillis })
  }
  return { slots, virtual, tags: free > 0 ? noTags : remembered(tags, slots) }
}

/** Nobody waits: whoever asks next begins where everybody is. */
const noTags: ReadonlyMap<string, number> = new Map()

/** The tags that are furthest behind say least; they go first when there are too many. */
const remembered = (tags: ReadonlyMap<string, number>, slots: ReadonlyMap<string, SlotView>) => {
  if (tags.size <= tagsMax) return tags
  const heads = headsOf(slots)
  const ahead = [...tags].sort(([, one], [, other]) => other - one)
  return new Map(ahead.filter(([topic], place) => place < tagsMax / 2 || heads.has(topic)))
}

/** Ends what has lasted too long, gives out what that frees, and forgets what is over long enough. */
export const turned = (queue: Queue, now: number): Turned => {
  if (slotsDue(queue) > now) return { ...queue, lost: [] }
  const slots = new Map(queue.slots)
  const lost: Array<SlotView> = []
  for (const slot of queue.slots.values()) {
    if (slot.until > now) continue
    if (slot.state === "held") {
      const expired = over(slot, "expired", now)
      slots.set(slot.slot, expired)
      lost.push(expired)
    } else if (slot.state === "waiting") slots.set(slot.slot, over(slot, "refused", now))
    else slots.delete(slot.slot)
  }
  return { ...given({ ...queue, slots }, now), lost }
}

/** Earliest instant at which {@link turned} changes something; infinite for none. */
export const slotsDue = ({ slots }: Queue): number => {
  let due = Number.POSITIVE_INFINITY
  for (const { until } of slots.values()) due = Math.min(due, until)
  return due
}

/** A turn that is wanted. */
export interface SlotAsked extends Pick<SlotView, "slot" | "topic" | "by" | "weight" | "holdMillis"> {
  readonly waitMillis: number
}

/** Asks for a turn. Refused when too many wait already, or when it may not wait and would have to. */
export const reserve = (before: Queue, asked: SlotAsked, now: number): Turned | Backpressure => {
  const queue = turned(before, now)
  const { waitMillis, ...rest } = asked
  const full = new Backpressure({ bucket: `the queue of ${asked.topic}`, retryAfterMs: 1000 })
  if ([...queue.slots.values()].filter(isOpen).length >= openMax) return full
  const wanted: SlotView = { ...rest, state: "waiting", askedAt: now, since: now, until: now + waitMillis }
  const after = given({ ...queue, slots: new Map(queue.slots).set(wanted.slot, wanted) }, now)
  if (waitMillis === 0 && after.slots.get(wanted.slot)?.state === "waiting") return full
  return { ...after, lost: queue.lost }
}

/** Gives a turn back, or takes it out of the queue. One that is over stays as it is. */
export const giveBack = (before: Queue, slot: string, now: number): Turned => {
  const queue = turned(before, now)
  const known = queue.slots.get(slot)
  if (known === undefined || !isOpen(known)) return queue
  const slots = new Map(queue.slots).set(slot, over(known, "released", now))
  return { ...given({ ...queue, slots }, now), lost: queue.lost }
}

/** Gives back every turn that is held or waited for. */
export const giveAllBack = (queue: Queue, now: number): Queue => ({
  virtual: queue.virtual,
  tags: queue.tags,
  slots: new Map(
    [...queue.slots].map(([id, slot]) => [
      id,
      slot.state === "held" || slot.state === "waiting" ? over(slot, "released", now) : slot
    ])
  )
})
