/** What a node counts of policies that are tried: decisions by them, what those before them would decide of the same, and the rest. */
import type { AskedRequest } from "../../../protocol/policy/Request.ts"
import type { Tally } from "../../../protocol/vsm/PolicyView.ts"
import { contains } from "../../../protocol/Zone.ts"
import type { EpochPolicies, Tried } from "../engine/EpochPolicies.ts"

/** What was counted of one trial since it began on this node. */
export interface TrialCount {
  readonly vsm: string
  readonly name: string
  readonly version: number
  tried: Tally
  before: Tally
  rest: Tally
}

const nothing: Tally = { decisions: 0, denials: 0, errors: 0 }

const plus = ({ decisions, denials, errors }: Tally, isDenied: boolean): Tally => ({
  decisions: decisions + 1,
  denials: denials + (isDenied ? 1 : 0),
  errors
})

const keyOf = ({ vsm, bound, version }: Tried): string => `${vsm} ${bound.policy.name} ${version}`

/** The counts of a node. */
export class Trials {
  readonly #counts = new Map<string, TrialCount>()
  /** Those that have changed since they were taken last. */
  readonly #changed = new Set<string>()

  /** A request to something of the last VSM of the path was decided. */
  note(set: EpochPolicies, request: AskedRequest, path: ReadonlyArray<string>, now: number, isDenied: boolean): void {
    let wasDenied: boolean | undefined
    for (const trial of set.tried) {
      if (!path.includes(trial.vsm)) continue
      const { zone } = request
      const count = this.#of(trial)
      if (zone !== undefined && trial.zones.some((each) => contains(each, zone))) {
        wasDenied ??= set.decideAsBefore(request, path, now).effect === "deny"
        count.tried = plus(count.tried, isDenied)
        count.before = plus(count.before, wasDenied)
      } else count.rest = plus(count.rest, isDenied)
      this.#changed.add(keyOf(trial))
    }
  }

  #of(trial: Tried): TrialCount {
    const key = keyOf(trial)
    const known = this.#counts.get(key)
    if (known !== undefined) return known
    const { vsm, version, bound } = trial
    const made = { vsm, name: bound.policy.name, version, tried: nothing, before: nothing, rest: nothing }
    this.#counts.set(key, made)
    return made
  }

  /** What has changed since it was asked for last. Trials that are over are forgotten. */
  take({ tried }: EpochPolicies): ReadonlyArray<TrialCount> {
    const going = new Set(tried.map(keyOf))
    for (const key of this.#counts.keys()) if (!going.has(key)) this.#counts.delete(key)
    const taken = [...this.#changed].flatMap((key) => this.#counts.get(key) ?? [])
    this.#changed.clear()
    return taken
  }
}
