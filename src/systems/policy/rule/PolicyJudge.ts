/** The judge of a node: rights first, then the zones of who asks, then the policies of the epoch that is in force. */
import { refusalOf } from "../../../actors/Guard.ts"
import type { Denial, Judge, JudgedAct } from "../../../actors/Judge.ts"
import type { Asker } from "../../../protocol/Asker.ts"
import { PolicyDenied, RateLimited } from "../../../protocol/Errors.ts"
import type { Decision } from "../../../protocol/policy/Decision.ts"
import { jsonOf } from "../../../protocol/policy/PlainJson.ts"
import { type AskedRequest, isProtected } from "../../../protocol/policy/Request.ts"
import { rootId } from "../../../protocol/vsm/VsmId.ts"
import type { EpochPolicies } from "../engine/EpochPolicies.ts"
import type { PolicyCache } from "../engine/PolicyCache.ts"
import { DecisionNotes } from "./DecisionNotes.ts"
import { principalOf } from "./Principal.ts"
import { Trials } from "./Trials.ts"
import { VsmPlaces } from "./VsmPlaces.ts"
import { zoneDenialOf } from "./ZoneAccess.ts"

/** What a judge has of its node. */
export interface JudgeSource {
  readonly node: string
  /** Ms since 1970: instants of epochs are meant by it. */
  readonly now: () => number
  /** A new UUIDv7. */
  readonly newId: () => string
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)

/** Facts that policies ask for, and who it is: what a board reports never stands for the name of its device. */
const factsOf = (act: JudgedAct, { facts: wanted }: EpochPolicies): Readonly<Record<string, unknown>> => {
  const { capability: right, message, target } = act
  const [kind = "", id = ""] = target.split("/", 2)
  const own = { right, message, kind, id, ...(kind === "device" && { device: id }) }
  const names = new Set(wanted.flatMap(([, name]) => name ?? []))
  if (names.size === 0 || act.facts === undefined) return own
  const known = act.facts()
  const asked = [...names].flatMap((name) => (Object.hasOwn(known, name) ? [[name, known[name]]] : []))
  return { ...Object.fromEntries(asked), ...own }
}

const waitSpoken = (reason: string): string => reason.replace(/ is reached$/, "")

const denialOf = ({ policies, reason, guidance, waitMillis }: Decision, decision: string | undefined): Denial => {
  if (waitMillis !== undefined) return new RateLimited({ bucket: waitSpoken(reason), retryAfterMs: waitMillis })
  return new PolicyDenied({
    policyIds: policies,
    reason,
    guidance,
    ...(decision !== undefined && { decision })
  })
}

export class PolicyJudge implements Judge {
  readonly notes = new DecisionNotes()
  readonly trials = new Trials()
  readonly places = new VsmPlaces()
  readonly cache: PolicyCache<EpochPolicies>
  readonly #source: JudgeSource

  constructor(cache: PolicyCache<EpochPolicies>, source: JudgeSource) {
    this.cache = cache
    this.#source = source
  }

  readonly judge = (asker: Asker, act: JudgedAct): Denial | undefined =>
    refusalOf(asker, act) ?? zoneDenialOf(asker, act) ?? this.#byPolicies(asker, act)

  #byPolicies(asker: Asker, act: JudgedAct): Denial | undefined {
    const now = this.#source.now()
    const set = this.cache.at(now)
    const { isForwarded = false, isActuating, capability, name = capability } = act
    const moves = isActuating && !isForwarded
    const stale = this.cache.staleness({ isActuating: moves, capability: name }, now)
    if (set.isOpen && stale === undefined) return undefined
    const known = this.places.pathOf(act.vsm)
    const path = known ?? [rootId]
    const request = requestOf(asker, { ...act, name }, set, moves)
    const decision = stale ?? (known === undefined ? lost(set, request, act) : undefined)
    const decided = decision ?? set.decide(request, path, now, isForwarded)
    const isDenied = decided.effect === "deny"
    if (!isForwarded && decision === undefined) this.trials.note(set, request, path, now, isDenied)
    if (!isDenied && (isForwarded || decided.obligations.length === 0)) return undefined
    const id = this.#note(act, request, path, decided, now)
    return isDenied ? denialOf(decided, id) : undefined
  }

  #note(
    { message, target }: JudgedAct,
    request: AskedRequest,
    path: ReadonlyArray<string>,
    decision: Decision,
    at: number
  ): string {
    const { node, newId } = this.#source
    const plain = { ...request, args: jsonOf(request.args), facts: jsonOf(request.facts) }
    return this.notes.note({ id: newId(), at, node, message, target, path, request: plain, decision, count: 1 })
  }
}

/** The request that policies decide on. */
export const requestOf = (
  asker: Asker,
  act: JudgedAct & { readonly name: string },
  set: EpochPolicies,
  isActuating: boolean
): AskedRequest => ({
  principal: principalOf(asker),
  capability: act.name,
  isActuating,
  ...(act.zone !== undefined && { zone: act.zone }),
  args: isRecord(act.args) ? act.args : { value: act.args },
  facts: factsOf(act, set)
})

/**
 * Nothing is moved for a VSM of which this node does not know whose policies it has to keep, where any but the root has some. What
 * no policy may take away is let through: no answer of the database is waited for to stop something.
 */
const lost = (set: EpochPolicies, { isActuating, capability }: AskedRequest, act: JudgedAct): Decision | undefined => {
  if (!isActuating || isProtected(capability) || [...set.vsms].every((vsm) => vsm === rootId)) return undefined
  return {
    effect: "deny",
    policies: [],
    reason: `this node does not know yet where ${act.vsm} stands, and ${capability} moves something`,
    guidance: "try again in a moment",
    obligations: [],
    epoch: set.epoch
  }
}
