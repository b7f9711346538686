/**
 * What a draft would have made of what was done: the acts of the last hour are taken from the journal and decided again, by the
 * policies as they are and as they would be. What devices report is as they report it now; what was denied or let through with a
 * duty has the facts that it was decided by.
 */
import { Effect, Option, Result, Schema } from "effect"
import { ActorRecords, type RecordsUnavailable } from "../../../actors/ActorRecords.ts"
import type { Registry } from "../../../actors/Registry.ts"
import { decodeRow } from "../../../actors/StoredState.ts"
import { EventStream } from "../../../events/EventStream.ts"
import type { CursorMalformed, JournalUnavailable } from "../../../events/JournalReader.ts"
import type { Asker } from "../../../protocol/Asker.ts"
import { Device } from "../../../protocol/Device.ts"
import type { HolonEvent } from "../../../protocol/Event.ts"
import type { BoundPolicy } from "../../../protocol/policy/BoundPolicy.ts"
import type { ImpactReport } from "../../../protocol/policy/Impact.ts"
import { NotedDecision } from "../../../protocol/policy/NotedDecision.ts"
import { jsonOf } from "../../../protocol/policy/PlainJson.ts"
import type { PolicyRequest } from "../../../protocol/policy/Request.ts"
import { rootId } from "../../../protocol/vsm/VsmId.ts"
import { EpochPolicies, type InForce } from "../engine/EpochPolicies.ts"
import { impactOf, type StoredAct } from "../engine/Impact.ts"
import { Limits } from "../engine/Limits.ts"
import { principalOf } from "./Principal.ts"

const hourMillis = 3_600_000
/** Commits that are looked through, from the last one back, and acts that are decided again. */
const commitsMax = 50_000
const actsMax = 10_000
/** Devices whose reported state is looked up. */
const devicesMax = 1000

const isNoted = Schema.is(NotedDecision)
const isAccepted = Schema.is(Schema.Struct({ name: Schema.String }))
const isDesired = Schema.is(Schema.Struct({ patch: Schema.Record(Schema.String, Schema.Json) }))

const types = new Set(["twin.desired-changed", "command.accepted", "policy.denied"])

/** Who asked, as far as the journal says it: who is no account now has the rights of one of whom nothing is said. */
const askerIn = ({ context }: HolonEvent, accountOf: (name: string) => Asker | undefined): Asker => {
  const [kind = "", ...rest] = (context?.principal ?? "").split(":")
  const id = rest.join(":")
  if (kind === "user") return accountOf(id) ?? { kind: "user", id, role: "operator" }
  return { kind: kind === "device" ? "device" : "service", id, role: kind === "device" ? "board" : "internal" }
}

/** What was asked for, without what is known of whom it was asked. */
const askedIn = (event: HolonEvent): Pick<PolicyRequest, "capability" | "args"> | undefined => {
  const { type, data } = event
  if (type === "twin.desired-changed" && isDesired(data)) return { capability: "device.set", args: jsonOf(data.patch) }
  return type === "command.accepted" && isAccepted(data) ? { capability: data.name, args: {} } : undefined
}

/** What the replay needs of its node. */
export interface ReplaySource {
  readonly registry: Registry
  readonly now: () => number
  /** The policies that are in force. */
  readonly current: () => EpochPolicies
  readonly pathOf: (vsm: string) => ReadonlyArray<string>
  /** The account of that name, if there is one. */
  readonly accountOf: (name: string) => Asker | undefined
}

/** A replay of this node. Fails while the journal does not answer. */
export const makeReplay = ({ registry, now, current, pathOf, accountOf }: ReplaySource) =>
  Effect.gen(function* () {
    const stream = yield* EventStream
    const records = yield* ActorRecords

    const factsOf = Effect.fnUntraced(function* (id: string) {
      const type = registry.get(Device.kind)
      const record = yield* records.read({ kind: Device.kind, id })
      if (type === undefined || Option.isNone(record)) return {}
      return jsonOf(type.behaviour.reactions.factsOf?.(decodeRow(type, id, record.value).state) ?? {})
    })

    const eventsSince = Effect.fnUntraced(function* (since: number) {
      const found: Array<HolonEvent> = []
      const selection = { hasSamples: false, matches: ({ type }: HolonEvent) => types.has(type) }
      let page = yield* stream.read({ _tag: "Last", commits: commitsMax }, selection, { events: 1000, commits: 1000 })
      for (;;) {
        for (const { event } of page.events) if (event.at >= since) found.push(event)
        if (!page.hasMore) return found.slice(-actsMax)
        page = yield* stream.read({ _tag: "After", cursor: page.next }, selection, { events: 1000, commits: 1000 })
      }
    })

    const acts = Effect.fnUntraced(function* (events: ReadonlyArray<HolonEvent>, policies: ReadonlyArray<InForce>) {
      const known = new Map<string, PolicyRequest["facts"]>()
      const wanted = new EpochPolicies(0, policies, new Limits()).facts.length > 0
      const made: Array<StoredAct> = []
      for (const event of events) {
        const { at, data, source, zone } = event
        if (isNoted(data)) {
          for (let count = 0; count < Math.min(data.count, actsMax); count++)
            made.push({ at, request: data.request, path: data.path })
          // The newest count: a flood that was denied for an hour must not fill the memory.
          if (made.length > 2 * actsMax) made.splice(0, made.length - actsMax)
          continue
        }
        const asked = askedIn(event)
        if (asked === undefined) continue
        if (wanted && !known.has(source.id) && known.size < devicesMax) known.set(source.id, yield* factsOf(source.id))
        const principal = principalOf(askerIn(event, accountOf))
        const facts = { ...known.get(source.id), device: source.id, kind: source.actor, id: source.id }
        const place = zone === undefined ? {} : { zone }
        made.push({ at, request: { principal, ...asked, ...place, isActuating: true, facts }, path: pathOf(event.vsm) })
      }
      return made.slice(-actsMax)
    })

    /** What a policy of a VSM, in the place of the one of its name, would have made of the acts of the last hour. */
    return Effect.fnUntraced(function* (vsm: string, bound: BoundPolicy) {
      const to = now()
      const events = yield* eventsSince(to - hourMillis)
      const before = current().policies.filter(({ zones }) => zones === undefined)
      const isReplaced = (each: InForce) => each.vsm === vsm && each.bound.policy.name === bound.policy.name
      const after = [...before.filter((each) => !isReplaced(each)), { vsm, version: 0, bound }]
      const stored = yield* acts(events, [...before, ...after])
      const impact = impactOf(
        stored,
        new EpochPolicies(0, before, new Limits()),
        new EpochPolicies(0, after, new Limits())
      )
      return { ...impact, from: Math.max(to - hourMillis, stored[0]?.at ?? to - hourMillis), to } satisfies ImpactReport
    })
  })

export type Replay = Effect.Success<ReturnType<typeof makeReplay>>
export type ReplayUnavailable = RecordsUnavailable | JournalUnavailable | CursorMalformed

/** As {@link PastActs} wants it: a draft that was checked, and nothing where the journal does not answer. */
export const quietly =
  (replay: Replay, read: (vsm: string, source: string) => Result.Result<BoundPolicy, unknown>) =>
  ({ vsm, source }: { readonly vsm: string; readonly source: string }) => {
    const bound = read(vsm, source)
    if (Result.isFailure(bound)) return Effect.succeed(undefined)
    return Effect.catchCause(replay(vsm, bound.success), (cause) =>
      Effect.as(Effect.logWarning("what a policy would have done could not be looked at", cause), undefined)
    )
  }

/** The path of a VSM that is not known is that of one below the root. */
export const pathOr = (path: ReadonlyArray<string> | undefined, vsm: string): ReadonlyArray<string> =>
  path ?? (vsm === rootId ? [rootId] : [rootId, vsm])
