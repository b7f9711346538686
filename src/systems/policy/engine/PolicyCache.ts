/**
 * The policies by which a node decides. Those of an epoch are in force from an instant on; each decision is made by one epoch
 * whole. A node that has fallen behind goes on answering, but moves nothing any more.
 */
import type { Decision } from "../../../protocol/policy/Decision.ts"
import type { AskedRequest } from "../../../protocol/policy/Request.ts"
import { isProtected } from "../../../protocol/policy/Request.ts"

/** A node that is more epochs behind than so many authorises nothing that is actuating. */
export const epochsBehindMax = 2
/** Nor does one that could not ask for so long whether there are newer ones, ms. */
export const unaskedMax = 10_000

const seconds = (millis: number): string => `${Math.floor(millis / 1000)} s`

/** The policies of an epoch. */
export interface Decider {
  readonly epoch: number
  /** Decides a request to something of the last VSM of the path. `now` in ms. */
  readonly decide: (request: AskedRequest, path: ReadonlyArray<string>, now: number) => Decision
}

interface Scheduled<Set> {
  readonly set: Set
  readonly from: number
}

export class PolicyCache<Set extends Decider = Decider> {
  #inForce: Set
  /** By epoch: an instant that has come puts all of a lower epoch out of force. */
  #coming: ReadonlyArray<Scheduled<Set>> = []
  #newest: number
  #askedAt = Number.POSITIVE_INFINITY

  constructor(first: Set) {
    this.#inForce = first
    this.#newest = first.epoch
  }

  /** The epoch by which the last request was decided. */
  get epoch(): number {
    return this.#inForce.epoch
  }

  /** Policies that are in force from an instant on, ms. What is older than those in force is not taken. */
  install(set: Set, from: number): void {
    this.heard(set.epoch)
    if (set.epoch <= this.#inForce.epoch) return
    const others = this.#coming.filter((each) => each.set.epoch !== set.epoch)
    this.#coming = [...others, { set, from }].toSorted((one, other) => one.set.epoch - other.set.epoch)
  }

  /** All epochs that there were at this time, ms, are known. Until it is said for the first time, nothing is missed. */
  asked(at: number): void {
    this.#askedAt = at
  }

  /** That there is an epoch in force somewhere, whether or not its policies are here. */
  heard(epoch: number): void {
    this.#newest = Math.max(this.#newest, epoch)
  }

  /** Decides a request to something of the last VSM of the path. `now` in ms. */
  decide(request: AskedRequest, path: ReadonlyArray<string>, now: number): Decision {
    const set = this.at(now)
    const stale = this.staleness(request, now)
    return stale === undefined ? set.decide(request, path, now) : stale
  }

  /** The policies that are in force. */
  at(now: number): Set {
    if (this.#coming.length > 0) this.#turn(now)
    return this.#inForce
  }

  /** The denial of what this node may not authorise now, whatever its policies say; nothing where they are new enough. */
  staleness(request: Pick<AskedRequest, "isActuating" | "capability">, now: number): Decision | undefined {
    const { epoch } = this.#inForce
    // Epochs that wait for their instant are no reason: their policies are here.
    const known = this.#coming.at(-1)?.set.epoch ?? epoch
    const behind = this.#newest - Math.max(epoch, known)
    const unasked = now - this.#askedAt
    const isFresh = behind <= epochsBehindMax && unasked <= unaskedMax
    if (isFresh || !request.isActuating || isProtected(request.capability)) return undefined
    const age = behind > epochsBehindMax ? `${behind} epochs old` : `not known to be in force for ${seconds(unasked)}`
    return {
      effect: "deny",
      policies: [],
      reason: `this node's policies are ${age}, and ${request.capability} moves something`,
      guidance: "try again once the node has caught up",
      obligations: [],
      epoch
    }
  }

  #turn(now: number): void {
    let turned = -1
    for (const [at, { from }] of this.#coming.entries()) if (from <= now) turned = at
    const next = this.#coming[turned]
    if (next === undefined) return
    this.#inForce = next.set
    this.#coming = this.#coming.slice(turned + 1)
  }
}
