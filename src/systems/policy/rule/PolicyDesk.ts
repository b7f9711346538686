/** What people ask about policies beside what keepers know: why something was decided, what would be, and what a draft changes. */
import { Context, Effect, Option, Schema } from "effect"
import { ActorRecords } from "../../../actors/ActorRecords.ts"
import { refusalOf } from "../../../actors/Guard.ts"
import type { JudgedAct } from "../../../actors/Judge.ts"
import type { Registry } from "../../../actors/Registry.ts"
import { decodeRow } from "../../../actors/StoredState.ts"
import { EventStream } from "../../../events/EventStream.ts"
import type { Asker } from "../../../protocol/Asker.ts"
import { Device } from "../../../protocol/Device.ts"
import { type HolonError, NotFound, PolicyInvalid, Unavailable } from "../../../protocol/Errors.ts"
import { isUuidV7, millisOf } from "../../../protocol/Ids.ts"
import { Explanation, explain } from "../../../protocol/policy/Explanation.ts"
import type { ImpactReport } from "../../../protocol/policy/Impact.ts"
import type { MetLimit } from "../../../protocol/policy/Interpret.ts"
import { NotedDecision } from "../../../protocol/policy/NotedDecision.ts"
import { jsonOf } from "../../../protocol/policy/PlainJson.ts"
import { checkPolicyText } from "../../../protocol/policy/PolicyCheck.ts"
import { PolicyRequest } from "../../../protocol/policy/Request.ts"
import { EpochPolicies, type InForce, levelsOf } from "../engine/EpochPolicies.ts"
import { Limits } from "../engine/Limits.ts"
import { type PoliciesUnavailable, PolicyEpochs } from "./PolicyEpochs.ts"
import { type PolicyJudge, requestOf } from "./PolicyJudge.ts"
import { pathOr, type Replay, type ReplayUnavailable } from "./Replay.ts"
import { readFor } from "./Staging.ts"
import { maySee, zoneDenialOf } from "./ZoneAccess.ts"

/** What somebody would ask for. */
export const Would = Schema.Struct({
  capability: Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(128)),
  /** An account; who asks when absent. */
  who: Schema.optionalKey(Schema.String),
  /** The device that it is for: its zone, its VSM and what it reports are known. */
  device: Schema.optionalKey(Schema.String),
  zone: Schema.optionalKey(PolicyRequest.fields.zone.schema),
  args: Schema.optionalKey(PolicyRequest.fields.args),
  facts: Schema.optionalKey(PolicyRequest.fields.facts),
  /** Whether it would only read; it moves something when absent. */
  isReading: Schema.optionalKey(Schema.Boolean)
})
export type Would = typeof Would.Type

/** Why something was decided, or would be. */
export const ExplainedDecision = Schema.Struct({
  request: PolicyRequest,
  path: Schema.Array(Schema.String),
  explanation: Explanation,
  /** The decision as it was noted; absent for what would be. */
  noted: Schema.optionalKey(NotedDecision),
  /** What stands against it before any policy is asked: a right or a zone. */
  refusal: Schema.optionalKey(Schema.String)
})
export type ExplainedDecision = typeof ExplainedDecision.Type

const isNoted = Schema.is(NotedDecision)
/** A note may leave its node so long after it was made, and clocks differ, ms. */
const earlierMillis = 5000
const commitsMax = 20_000

const explained = (
  policies: ReadonlyArray<InForce>,
  path: ReadonlyArray<string>,
  request: PolicyRequest,
  waitFor: (limit: MetLimit) => number,
  epoch: number
): Explanation => {
  const levels = levelsOf(policies)
  const ofPath = path.flatMap((vsm) => levels.find((each) => each.vsm === vsm) ?? [])
  return explain(ofPath, request, waitFor, epoch)
}

/** What the desk needs of its node. */
export interface DeskSource {
  readonly registry: Registry
  readonly judge: PolicyJudge
  readonly now: () => number
  readonly replay: Replay
}

/** Fails with `Unavailable` while the database does not answer. */
export class PolicyDesk extends Context.Service<
  PolicyDesk,
  {
    /** Why a decision that was noted was made, by the policies of its epoch. */
    readonly decision: (id: string) => Effect.Effect<ExplainedDecision, HolonError>
    /** What would be decided now. Nothing is counted. `reader` hears of devices in his zones only. */
    readonly would: (asker: Asker, would: Would, reader: Asker) => Effect.Effect<ExplainedDecision, HolonError>
    /** What a draft would have made of the last hour. */
    readonly impact: (vsm: string, source: string) => Effect.Effect<ImpactReport, HolonError>
  }
>()("holon/systems/policy/rule/PolicyDesk") {}

type Outage = ReplayUnavailable | PoliciesUnavailable

const isOutage = ({ _tag }: HolonError | Outage): boolean =>
  _tag === "JournalUnavailable" ||
  _tag === "CursorMalformed" ||
  _tag === "RecordsUnavailable" ||
  _tag === "PoliciesUnavailable"
const isSpoken = (error: HolonError | Outage): error is HolonError => !isOutage(error)

const spoken = <A>(effect: Effect.Effect<A, HolonError | Outage>): Effect.Effect<A, HolonError> =>
  Effect.mapError(effect, (error) =>
    isSpoken(error) ? error : new Unavailable({ cause: "the database does not answer" })
  )

/** A desk of this node. */
export const makeDesk = ({ registry, judge, now, replay }: DeskSource) =>
  Effect.gen(function* () {
    const stream = yield* EventStream
    const epochs = yield* PolicyEpochs
    const records = yield* ActorRecords

    const found = Effect.fnUntraced(function* (id: string) {
      const at = isUuidV7(id) ? millisOf(id) : undefined
      if (at === undefined) return undefined
      const matches = {
        hasSamples: false,
        matches: ({ data }: { readonly data: unknown }) => isNoted(data) && data.id === id
      }
      const page = yield* stream.read({ _tag: "Since", time: at - earlierMillis }, matches, {
        events: 1,
        commits: commitsMax
      })
      const data = page.events[0]?.event.data
      return isNoted(data) ? data : undefined
    })

    const decision = Effect.fnUntraced(function* (id: string) {
      const noted = yield* found(id)
      if (noted === undefined)
        return yield* new NotFound({
          what: `decision ${id} that policies made`,
          instead: "one that was made within the last second is written down in a moment"
        })
      const { request, path, decision: decided } = noted
      const { epoch, reason, waitMillis = 0 } = decided
      const forced = yield* epochs.policiesOf(epoch)
      const policies = yield* Effect.forEach(forced, ({ source, ...each }) =>
        Effect.fromResult(checkPolicyText(source)).pipe(
          Effect.map((bound) => ({ ...each, bound })),
          Effect.mapError(
            () => new PolicyInvalid({ diagnostics: [`this release cannot read ${each.name} as it was in force then`] })
          )
        )
      )
      const inZone = new EpochPolicies(epoch, policies, new Limits()).inZone(request.zone)
      // How often a limit was used then is known of the one that was reached.
      const waitFor = ({ statement, bound }: MetLimit) =>
        reason === `${bound.policy.name}: ${statement.written} is reached` ? waitMillis : 0
      return { noted, request, path, explanation: explained(inZone, path, request, waitFor, epoch) }
    })

    const placeOf = Effect.fnUntraced(function* (id: string) {
      const type = registry.get(Device.kind)
      const record = yield* records.read({ kind: Device.kind, id })
      if (type === undefined || Option.isNone(record)) return yield* new NotFound({ what: `device ${id}` })
      const { zoneOf, vsmOf, factsOf } = type.behaviour.reactions
      const { state } = decodeRow(type, id, record.value)
      return { zone: zoneOf?.(state), vsm: vsmOf?.(state, id), facts: () => factsOf?.(state) ?? {} }
    })

    const would = Effect.fnUntraced(function* (asker: Asker, wanted: Would, reader: Asker) {
      const { capability, device, args = {}, facts = {}, isReading = false } = wanted
      const place =
        device === undefined ? { zone: undefined, vsm: undefined, facts: () => ({}) } : yield* placeOf(device)
      if (!maySee(reader, place.zone)) return yield* new NotFound({ what: `device ${device}` })
      const zone = wanted.zone ?? place.zone
      const act: JudgedAct & { readonly name: string } = {
        capability,
        name: capability,
        message: "",
        target: device === undefined ? "" : `device/${device}`,
        args,
        zone,
        vsm: place.vsm,
        facts: () => ({ ...place.facts(), ...facts }),
        isActuating: !isReading
      }
      const set = judge.cache.at(now())
      const path = pathOr(judge.places.pathOf(place.vsm), place.vsm ?? "root")
      const asked = requestOf(asker, act, set, !isReading)
      const request = { ...asked, args: jsonOf(asked.args), facts: { ...jsonOf(asked.facts), ...facts } }
      const refusal = (refusalOf(asker, act) ?? zoneDenialOf(asker, act))?.message
      const explanation = explained(set.inZone(zone), path, request, () => 0, set.epoch)
      return { request, path, explanation, ...(refusal !== undefined && { refusal }) }
    })

    const impact = Effect.fnUntraced(function* (vsm: string, source: string) {
      return yield* replay(vsm, yield* Effect.fromResult(readFor(vsm, source)))
    })

    return PolicyDesk.of({
      decision: (id) => spoken(decision(id)),
      would: (asker, wanted, reader) => spoken(would(asker, wanted, reader)),
      impact: (vsm, source) => spoken(impact(vsm, source))
    })
  })
