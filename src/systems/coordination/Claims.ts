/**
 * Who may act on what, as pure rules. Claims are granted whole, in order of strength: the higher priority, then the older op. A
 * stronger claim takes what a weaker one holds, and a weaker one waits for a stronger one; so nobody waits for somebody who waits
 * for him, and of all ops the strongest never waits.
 */
import { Backpressure, Conflict, Timeout } from "../../protocol/Errors.ts"
import { millisOf } from "../../protocol/Ids.ts"
import { type ClaimView, overlaps, type Priority, priorities, type Wanted } from "../../protocol/vsm/Claim.ts"
import { refusalOf } from "../../protocol/vsm/Spawn.ts"
import { Occupied } from "./Occupied.ts"

/** Resources that are named by claims that wait or are held: each claim is compared with each other. */
const openMax = 1024
/** How long one that is over is remembered, for who watches it, ms. */
export const rememberMillis = 60_000

/** All claims, by lease, with the last fence that was given. */
export interface Ledger {
  readonly fence: number
  readonly claims: ReadonlyMap<string, ClaimView>
}

/** A ledger after a change, and the claims that were lost by it. */
export interface Settled extends Ledger {
  readonly lost: ReadonlyArray<ClaimView>
}

/** What somebody asks for. */
export interface Asked {
  readonly lease: string
  readonly op: string
  readonly by: string
  readonly claims: ReadonlyArray<Wanted>
  readonly priority: Priority
  readonly holdMillis: number
  readonly waitMillis: number
}

const isOpen = ({ state }: ClaimView): boolean => state === "waiting" || state === "held"

/** Whether one is stronger than the other: below zero, like any comparison. Ids sort by the time they were made. */
export const byStrength = (
  one: Pick<ClaimView, "priority" | "op" | "lease">,
  other: Pick<ClaimView, "priority" | "op" | "lease">
): number => {
  const rank = priorities.indexOf(one.priority) - priorities.indexOf(other.priority)
  if (rank !== 0) return rank
  if (one.op !== other.op) return one.op < other.op ? -1 : 1
  return one.lease < other.lease ? -1 : one.lease > other.lease ? 1 : 0
}

const isStronger = (one: ClaimView, other: ClaimView): boolean => byStrength(one, other) < 0

const collide = (one: Wanted, other: Wanted): boolean =>
  (one.mode !== "read" || other.mode !== "read") && overlaps(one.resource, other.resource)

/** Whether two claims cannot be held at once. Those of one op stand in nobody's way but others'. */
export const conflict = (one: ClaimView, other: ClaimView): boolean =>
  one.op !== other.op && one.claims.some((wanted) => other.claims.some((held) => collide(wanted, held)))

/** Ends a claim; it is remembered for a while. */
const over = (claim: ClaimView, state: ClaimView["state"], now: number): ClaimView => ({
  ...claim,
  state,
  since: now,
  until: now + rememberMillis
})

const held = (claim: ClaimView, fence: number, now: number): ClaimView => ({
  ...claim,
  state: "held",
  since: now,
  until: now + claim.holdMillis,
  fence,
  waitedMillis: now - claim.askedAt
})

const holdersOf = (claim: ClaimView, claims: ReadonlyMap<string, ClaimView>): ReadonlyArray<ClaimView> =>
  [...claims.values()].filter((other) => other.state === "held" && conflict(claim, other))

/** Whether it would have to wait: for one who has what it wants and is stronger, or for one who waits for that too and is. */
const mustWait = (claim: ClaimView, claims: ReadonlyMap<string, ClaimView>): boolean => {
  for (const other of claims.values())
    if (isOpen(other) && isStronger(other, claim) && conflict(claim, other)) return true
  return false
}

/** Grants what can be granted, strongest first. No weaker claim overtakes a stronger one that waits for the same. */
const granted = (ledger: Ledger, now: number): Settled => {
  const claims = new Map(ledger.claims)
  const waiting = [...claims.values()].filter(({ state }) => state === "waiting").sort(byStrength)
  const ahead = new Occupied()
  const taken = new Occupied()
  for (const { state, op, claims: wanted } of claims.values()) if (state === "held") taken.add(op, wanted)
  const lost: Array<ClaimView> = []
  let { fence } = ledger
  for (const claim of waiting) {
    const isBehind = ahead.stands(claim.op, claim.claims)
    const holders = !isBehind && taken.stands(claim.op, claim.claims) ? holdersOf(claim, claims) : []
    if (isBehind || holders.some((holder) => !isStronger(claim, holder))) {
      ahead.add(claim.op, claim.claims)
      continue
    }
    for (const holder of holders) {
      const wounded = { ...over(holder, "wounded", now), lostTo: claim.op }
      claims.set(holder.lease, wounded)
      lost.push(wounded)
    }
    fence++
    taken.add(claim.op, claim.claims)
    claims.set(claim.lease, held(claim, fence, now))
  }
  return { fence, claims, lost }
}

const inTheWay = (claim: ClaimView, claims: ReadonlyMap<string, ClaimView>): ClaimView | undefined =>
  [...claims.values()].filter((other) => isOpen(other) && other !== claim && conflict(claim, other)).sort(byStrength)[0]

/** Ends what has lasted too long, grants what that frees, and forgets what is over long enough. */
export const settled = (ledger: Ledger, now: number): Settled => {
  if (claimsDue(ledger) > now) return { ...ledger, lost: [] }
  const claims = new Map(ledger.claims)
  const lost: Array<ClaimView> = []
  for (const claim of ledger.claims.values()) {
    if (claim.until > now) continue
    if (claim.state === "held") {
      const expired = over(claim, "expired", now)
      claims.set(claim.lease, expired)
      lost.push(expired)
    } else if (claim.state === "waiting") {
      const holder = inTheWay(claim, claims)
      const refusal = refusalOf(new Timeout({ ms: now - claim.askedAt }))
      const refused = { ...over(claim, "refused", now), refusal }
      claims.set(claim.lease, holder === undefined ? refused : { ...refused, lostTo: holder.op })
    } else claims.delete(claim.lease)
  }
  const after = granted({ fence: ledger.fence, claims }, now)
  return { ...after, lost: [...lost, ...after.lost] }
}

/** Earliest instant at which {@link settled} changes something; infinite for none. */
export const claimsDue = ({ claims }: Ledger): number => {
  let due = Number.POSITIVE_INFINITY
  for (const { until } of claims.values()) due = Math.min(due, until)
  return due
}

/** Asks for resources. Refused when too many wait already, or when it may not wait and would have to. */
export const claim = (before: Ledger, asked: Asked, now: number): Settled | Backpressure | Conflict => {
  const ledger = settled(before, now)
  const { waitMillis, ...rest } = asked
  let named = rest.claims.length
  for (const each of ledger.claims.values()) if (isOpen(each)) named += each.claims.length
  if (named > openMax) return new Backpressure({ bucket: "the list of claims", retryAfterMs: 1000 })
  const wanted: ClaimView = { ...rest, state: "waiting", askedAt: now, since: now, until: now + waitMillis }
  const isWaiting = mustWait(wanted, ledger.claims)
  if (isWaiting && waitMillis === 0) {
    const holder = inTheWay(wanted, ledger.claims)
    const untilMs = holder?.state === "held" ? { untilMs: holder.until } : {}
    return new Conflict({ holder: holder === undefined ? "" : `a claim of ${holder.by} (${holder.op})`, ...untilMs })
  }
  const claims = new Map(ledger.claims).set(wanted.lease, wanted)
  // One that waits changes nothing for anybody else.
  if (isWaiting) return { ...ledger, claims }
  const after = granted({ ...ledger, claims }, now)
  return { ...after, lost: [...ledger.lost, ...after.lost] }
}

/** Gives a claim back, or takes it out of the queue. One that is over stays as it is. */
export const release = (before: Ledger, lease: string, now: number): Settled => {
  const ledger = settled(before, now)
  const known = ledger.claims.get(lease)
  if (known === undefined || !isOpen(known)) return ledger
  const claims = new Map(ledger.claims).set(lease, over(known, "released", now))
  const after = granted({ ...ledger, claims }, now)
  return { ...after, lost: [...ledger.lost, ...after.lost] }
}

/** Gives everything back that is held or waited for. */
export const releaseAll = (ledger: Ledger, now: number): Ledger => ({
  fence: ledger.fence,
  claims: new Map([...ledger.claims].map(([lease, each]) => [lease, isOpen(each) ? over(each, "released", now) : each]))
})

/** Holds a claim for as long again. */
export const renew = (before: Ledger, lease: string, now: number): Settled => {
  const ledger = settled(before, now)
  const known = ledger.claims.get(lease)
  if (known?.state !== "held") return ledger
  const claims = new Map(ledger.claims).set(lease, { ...known, until: now + known.holdMillis })
  return { ...ledger, claims }
}

const oldestMillis = 86_400_000
const fromFutureMillis = 60_000

/** Whether an op was made when it may have been: its age is its strength, so nobody makes himself older than a day, or not yet born. */
export const isPlausible = (op: string, now: number): boolean => {
  const bornAt = millisOf(op)
  return bornAt !== undefined && bornAt > now - oldestMillis && bornAt < now + fromFutureMillis
}
