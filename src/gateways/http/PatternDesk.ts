/** What people do with patterns, in the words of the API: read, written, tried out. One for `/rpc` and `/api`. */
import { Effect, Schema } from "effect"
import { Engine } from "../../actors/Engine.ts"
import { EventStream } from "../../events/EventStream.ts"
import { tryPattern } from "../../events/engine/Trial.ts"
import { everyPattern, Patterns, PatternsUnavailable, StoredPattern } from "../../events/Patterns.ts"
import type { Asker } from "../../protocol/Asker.ts"
import { ConditionInvalid } from "../../protocol/condition/ConditionInvalid.ts"
import { HolonError, type Malformed, Unavailable } from "../../protocol/Errors.ts"
import { Pattern } from "../../protocol/pattern/Pattern.ts"
import { checkPattern, checkText } from "../../protocol/pattern/PatternCheck.ts"
import { formatPattern } from "../../protocol/pattern/PatternFormat.ts"
import { spokenFailure } from "./EventApi.ts"
import { startOf } from "./EventQueries.ts"
import { demand } from "./Needs.ts"

/** A pattern as somebody gives it: as text, or as its tree. */
export const GivenPattern = Schema.Union([
  Schema.Struct({ text: Schema.String.check(Schema.isMaxLength(65_536)) }),
  Schema.Struct({ pattern: Pattern })
])
export type GivenPattern = typeof GivenPattern.Type

/** A page of patterns; `next` goes into `after`. */
export const PatternPage = Schema.Struct({
  patterns: Schema.Array(StoredPattern),
  next: Schema.optionalKey(Schema.String)
})

/** Of a match, what a person needs to judge a draft. */
const TrialMatch = Schema.Struct({
  id: Schema.String,
  kind: Schema.Literals(["match", "enter", "exit"]),
  at: Schema.Finite,
  windowEnd: Schema.optionalKey(Schema.Finite),
  by: Schema.Record(Schema.String, Schema.Union([Schema.String, Schema.Finite, Schema.Boolean])),
  values: Schema.Record(Schema.String, Schema.Unknown),
  events: Schema.Array(Schema.String),
  isWarm: Schema.Boolean
})

/** What a draft would have done. */
export const TrialView = Schema.Struct({
  name: Schema.String,
  events: Schema.Int,
  from: Schema.optionalKey(Schema.Finite),
  to: Schema.optionalKey(Schema.Finite),
  matched: Schema.Int,
  late: Schema.Int,
  isCut: Schema.Boolean,
  matches: Schema.Array(TrialMatch)
})
export type TrialView = typeof TrialView.Type

/** What can be wrong. */
export const PatternError = [...HolonError.members, ConditionInvalid] as const

/** The library of patterns for people. */
export const patternDesk = Effect.gen(function* () {
  const patterns = yield* Patterns
  const stream = yield* EventStream
  const { registry, residency } = yield* Engine

  const spoken = <A, E, R>(effect: Effect.Effect<A, E | PatternsUnavailable, R>) =>
    Effect.catchIf(
      effect,
      (error): error is PatternsUnavailable => error instanceof PatternsUnavailable,
      (error) => Effect.fail(new Unavailable({ cause: error.message }))
    ) as Effect.Effect<A, Exclude<E, PatternsUnavailable> | Unavailable, R>

  const every = everyPattern(patterns)

  /** What people may tell an actor. A pattern speaks as the runtime, which may say more; nobody writes that into one. */
  const messagesOf = (kind: string): ReadonlyArray<string> | undefined => {
    const contract = registry.get(kind)?.behaviour.contract
    if (contract === undefined) return undefined
    return Object.entries(contract.messages).flatMap(([message, { audience, delivery }]) => {
      const isMeant = audience === "operator" || audience === "public"
      return isMeant && delivery !== "query" && delivery !== "watch" ? [message] : []
    })
  }

  const speakers = new Map(
    [...registry].flatMap(([kind, { behaviour }]) => Object.keys(behaviour.contract.events).map((type) => [type, kind]))
  )

  /** Reads and checks it, against the patterns it stands on and the actors it tells. */
  const checked = Effect.fnUntraced(function* (given: GivenPattern) {
    const others = yield* every
    const known = new Map(others.map((stored) => [stored.name, stored.pattern]))
    const surroundings = {
      pattern: (name: string) => known.get(name),
      patternNames: [...known.keys()],
      messagesOf,
      kinds: [...registry.keys()],
      speakerOf: (type: string) => speakers.get(type)
    }
    if ("text" in given)
      return { pattern: yield* Effect.fromResult(checkText(given.text, surroundings)), source: given.text, others }
    yield* Effect.fromResult(checkPattern(given.pattern, surroundings))
    return { pattern: given.pattern, source: formatPattern(given.pattern), others }
  })

  /** A pattern may tell nobody what its author may not tell himself: it speaks for him, and with more rights than he has. */
  const permitted = (asker: Asker, { actions, name }: Pattern) =>
    Effect.forEach(
      actions,
      (action) => {
        if (action._tag !== "Tell") return Effect.void
        const { kind, id, message } = action
        const capability = registry.get(kind)?.behaviour.contract.messages[message]?.capability ?? ""
        return demand(residency, asker, { capability, message, target: `${kind}/${id}, by pattern ${name}` })
      },
      { discard: true }
    )

  return {
    put: (given: GivenPattern, asker: Asker, expected: number | undefined) =>
      spoken(
        Effect.gen(function* () {
          const { pattern, source } = yield* checked(given)
          yield* permitted(asker, pattern)
          const by = `${asker.kind}:${asker.id}`
          return yield* patterns.put({ pattern, source, by, ...(expected !== undefined && { expected }) })
        })
      ),
    get: (name: string) => spoken(patterns.get(name)),
    remove: (name: string, by: string) => spoken(patterns.remove(name, by)),
    setOn: (name: string, isOn: boolean, by: string) => spoken(patterns.setOn(name, isOn, by)),
    list: (limit: number, after: string | undefined) =>
      spoken(
        Effect.map(patterns.list({ limit, ...(after !== undefined && { after }) }), (found) => {
          const last = found.length === limit ? found.at(-1) : undefined
          return { patterns: found, ...(last !== undefined && { next: last.name }) }
        })
      ),
    trial: (given: GivenPattern, asked: { readonly since?: string; readonly last?: number }) =>
      spoken(
        Effect.gen(function* () {
          const { pattern, others } = yield* checked(given)
          const start = yield* startOf(asked, { _tag: "Last", commits: trialCommits })
          const { from, to, ...report } = yield* Effect.mapError(
            tryPattern(stream, pattern, others, start),
            spokenFailure
          )
          return {
            name: pattern.name,
            ...report,
            ...(from !== undefined && { from }),
            ...(to !== undefined && { to })
          } satisfies TrialView
        })
      )
  }
})

/** Commits that a trial looks at when nothing else is asked for. */
const trialCommits = 10_000

export type TrialFailure = Malformed | Unavailable | ConditionInvalid
