/** What people do with patterns, in the words of the API: read, written, tried out. One for `/rpc` and `/api`. */
import { createHash } from "node:crypto"
import { Effect, Schema } from "effect"
import { Actors } from "../../actors/Actors.ts"
import { Engine } from "../../actors/Engine.ts"
import { rightToTell } from "../../actors/pattern/AuthorRights.ts"
import { EventStream } from "../../events/EventStream.ts"
import { tryPattern } from "../../events/engine/Trial.ts"
import { type KnownPatterns, PatternLibrary } from "../../events/PatternLibrary.ts"
import { KeptPattern, Patterns, PatternsUnavailable, StoredPattern } from "../../events/Patterns.ts"
import { zonesMax } from "../../events/PatternZones.ts"
import { signatureOf } from "../../events/temporal/Signature.ts"
import { type Asker, runtimeAsker } from "../../protocol/Asker.ts"
import { ConditionInvalid } from "../../protocol/condition/ConditionInvalid.ts"
import { HolonError, Unavailable } from "../../protocol/Errors.ts"
import { Operator, type Order } from "../../protocol/Operator.ts"
import { eventSources } from "../../protocol/pattern/EventFields.ts"
import type { Pattern } from "../../protocol/pattern/Pattern.ts"
import {
  checkLoop,
  checkParsed,
  inPlainNumbers,
  type PatternSurroundings
} from "../../protocol/pattern/PatternCheck.ts"
import { type ParsedPattern, parsePattern, parsePatterns } from "../../protocol/pattern/PatternText.ts"
import { Zone } from "../../protocol/Zone.ts"
import { spokenFailure } from "./EventApi.ts"
import { startOf } from "./EventQueries.ts"
import { type GivenPattern, type GivenPatterns, textOf, textOfAll } from "./GivenPattern.ts"
import { demand } from "./Needs.ts"
import { Sources } from "./Sources.ts"

/** Patterns that were put together, in the order in which they were given. */
export const PutPatterns = Schema.Struct({
  patterns: Schema.Array(StoredPattern),
  /** Names of those that were said so already by the same author: they have the version that they had. */
  unchanged: Schema.Array(Schema.String),
  /** Names of those that were looked for before and begin anew: what they had seen is of no use for what they ask now. */
  anew: Schema.Array(Schema.String)
})

/** A page of patterns; `next` goes into `after`. One that cannot be read has `unreadable`, which says why, and no `pattern`. */
export const PatternPage = Schema.Struct({
  patterns: Schema.Array(KeptPattern),
  next: Schema.optionalKey(Schema.String)
})

/** On or off; with zones, in those only: see `PatternZones.ts`. */
export const PatternSwitch = Schema.Struct({
  isOn: Schema.Boolean,
  zones: Schema.optionalKey(Schema.Array(Zone).check(Schema.isMaxLength(zonesMax)))
})
export type PatternSwitch = typeof PatternSwitch.Type

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

/** The patterns that a draft stands on, and those that these stand on. */
const partsOf = (draft: Pattern, { stored }: KnownPatterns): ReadonlyArray<StoredPattern> => {
  const found = new Map<string, StoredPattern>()
  const gather = ({ body }: Pattern): void => {
    for (const name of body._tag === "Combined" ? body.patterns : []) {
      const part = found.has(name) ? undefined : stored.get(name)
      if (part === undefined) continue
      found.set(name, part)
      gather(part.pattern)
    }
  }
  gather(draft)
  return [...found.values()]
}

const nameOf = ({ kind, id }: Asker): string => `${kind}:${id}`

/** The library of patterns for people. */
export const patternDesk = Effect.gen(function* () {
  const patterns = yield* Patterns
  const library = yield* PatternLibrary
  const stream = yield* EventStream
  const { registry, residency } = yield* Engine
  const actors = yield* Actors

  const spoken = <A, E, R>(effect: Effect.Effect<A, E | PatternsUnavailable, R>) =>
    Effect.catchIf(
      effect,
      (error): error is PatternsUnavailable => error instanceof PatternsUnavailable,
      (error) => Effect.fail(new Unavailable({ cause: error.message }))
    ) as Effect.Effect<A, Exclude<E, PatternsUnavailable> | Unavailable, R>

  /** What people may tell an actor. A pattern speaks as the runtime, which may say more; nobody writes that into one. */
  const messagesOf = (kind: string): ReadonlyArray<string> | undefined => {
    const contract = registry.get(kind)?.behaviour.contract
    if (contract === undefined) return undefined
    return Object.entries(contract.messages).flatMap(([message, { audience, delivery }]) => {
      const isMeant = audience === "operator" || audience === "public"
      return isMeant && delivery !== "query" && delivery !== "watch" ? [message] : []
    })
  }

  const contracts = [...registry].map(([kind, { behaviour }]) => [kind, behaviour.contract.events] as const)
  const speakers = new Map(contracts.flatMap(([kind, events]) => Object.keys(events).map((type) => [type, kind])))
  const declared = new Map(contracts.flatMap(([, events]) => Object.entries(events)))
  const sources = eventSources(declared, (yield* Sources).events)

  const sourceOf = ({ graph }: Pick<KnownPatterns, "graph">) =>
    sources({ published: () => graph.published(), publishersOf: (type) => graph.publishersOf(type) })

  const surroundings = ({ graph }: KnownPatterns): PatternSurroundings => ({
    pattern: (name) => graph.get(name),
    get patternNames() {
      return [...graph.names()]
    },
    messagesOf,
    kinds: [...registry.keys()],
    speakerOf: (type) => speakers.get(type),
    sourceOf: sourceOf({ graph }),
    // One that is off feeds nobody; it is asked again when it is switched on.
    loopThrough: (pattern) => (graph.isOn(pattern.name) ? graph.loopThrough(pattern) : undefined)
  })

  /** Checks them, against each other, the patterns that they stand on, and the actors that they tell. */
  const sound = (drafts: ReadonlyArray<ParsedPattern>, known: KnownPatterns) =>
    Effect.suspend(() =>
      Effect.fromResult(
        known.graph.trying(
          drafts.map(({ pattern }) => pattern),
          () => checkParsed(drafts, surroundings(known))
        )
      )
    )

  /** A pattern may tell nobody what its author may not tell himself: it speaks for him, and with more rights than he has. */
  const permitted = (asker: Asker, { actions, name }: Pattern) =>
    Effect.forEach(
      actions,
      (action) => {
        if (action._tag !== "Tell") return Effect.void
        const { kind, id, message } = action
        const capability = rightToTell(registry.get(kind)?.behaviour, message)
        // Whom it tells judges each of its words, with what is known then.
        const target = `${kind}/${id}, by pattern ${name}`
        return demand(residency, asker, { capability, message, target, isActuating: true, isForwarded: true })
      },
      { discard: true }
    )

  /**
   * No actor has the library: what somebody is about to change in it stands in the journal of his account first. So no change is
   * without its act; an act that the library then refuses, as for another version, changes nothing.
   */
  const noted = ({ kind, id }: Asker, order: Omit<Order, "capability">) =>
    kind === "user" && registry.has(Operator.kind)
      ? actors
          .ask(Operator, id, "NoteOrder", { capability: "pattern.write", ...order }, { asker: runtimeAsker })
          .pipe(Effect.mapError(() => new Unavailable({ cause: "the journal does not take the change" })))
      : Effect.void

  /** Those that are replaced and cannot go on with what they have seen. One that keeps nothing of events loses nothing. */
  const begunAnew = (drafts: ReadonlyArray<ParsedPattern>, { stored }: KnownPatterns): ReadonlyArray<string> =>
    drafts.flatMap(({ pattern }) => {
      const before = stored.get(pattern.name)
      if (before?.isOn !== true || before.pattern.body._tag === "Where") return []
      return signatureOf(before.pattern) === signatureOf(pattern) ? [] : [pattern.name]
    })

  const keep = (given: ReadonlyArray<ParsedPattern>, asker: Asker, expected: number | undefined) =>
    library.alone(
      Effect.gen(function* () {
        const before = yield* library.current
        const drafts = inPlainNumbers(given, sourceOf(before))
        yield* sound(drafts, before)
        yield* Effect.forEach(drafts, ({ pattern }) => permitted(asker, pattern), { discard: true })
        const written = drafts.map(({ pattern, source }) => ({
          pattern,
          source,
          ...(expected !== undefined && { expected })
        }))
        yield* noted(asker, {
          operation: "PatternPut",
          target: drafts
            .map(({ pattern }) => pattern.name)
            .join(" ")
            .slice(0, 4096),
          said: {
            patterns: drafts.map(({ pattern: { name }, source }) => ({
              name,
              sha256: createHash("sha256").update(source).digest("hex")
            }))
          }
        })
        const anew = begunAnew(drafts, before)
        // The library takes in changes when it is asked again: this is what was there.
        const versions = drafts.map(({ pattern: { name } }) => before.stored.get(name)?.version)
        const stored = yield* patterns.putAll(written, nameOf(asker))
        const unchanged = stored.flatMap(({ name, version }, index) => (version === versions[index] ? [name] : []))
        return { patterns: stored, unchanged, anew }
      })
    )

  const put = Effect.fnUntraced(function* (given: GivenPattern, asker: Asker, expected: number | undefined) {
    const draft = yield* Effect.fromResult(parsePattern(yield* textOf(given)))
    const [stored] = (yield* keep([draft], asker, expected)).patterns
    return stored === undefined ? yield* Effect.die("a pattern was put and is not there") : stored
  })

  const putAll = Effect.fnUntraced(function* (given: GivenPatterns, asker: Asker) {
    const drafts = yield* Effect.fromResult(parsePatterns(yield* textOfAll(given)))
    return yield* keep(drafts, asker, undefined)
  })

  const setOn = Effect.fnUntraced(function* (name: string, { isOn, zones }: PatternSwitch, asker: Asker) {
    const known = yield* library.current
    const stored = known.stored.get(name)
    if (isOn && stored !== undefined)
      yield* Effect.fromResult(
        checkLoop(stored.pattern, { loopThrough: (pattern) => known.graph.loopThrough(pattern) })
      )
    const said = { isOn, ...(zones !== undefined && { zones }) }
    yield* noted(asker, { operation: "PatternSwitch", target: name, said })
    return yield* patterns.setOn(name, isOn, nameOf(asker), zones)
  })

  const trial = Effect.fnUntraced(function* (
    given: GivenPattern,
    asked: { readonly since?: string; readonly last?: number }
  ) {
    const parsed = yield* Effect.fromResult(parsePattern(yield* textOf(given)))
    const known = yield* library.current
    const [draft = parsed] = inPlainNumbers([parsed], sourceOf(known))
    yield* sound([draft], known)
    const { pattern } = draft
    const parts = partsOf(pattern, known)
    const start = yield* startOf(asked, { _tag: "Last", commits: trialCommits })
    const { from, to, ...report } = yield* Effect.mapError(tryPattern(stream, pattern, parts, start), spokenFailure)
    return {
      name: pattern.name,
      ...report,
      ...(from !== undefined && { from }),
      ...(to !== undefined && { to })
    } satisfies TrialView
  })

  return {
    /** Adds a pattern, or replaces the one of its name. */
    put: (given: GivenPattern, asker: Asker, expected: number | undefined) => spoken(put(given, asker, expected)),
    /** All of them or none; they may name each other. */
    putAll: (given: GivenPatterns, asker: Asker) => spoken(putAll(given, asker)),
    get: (name: string) => spoken(patterns.get(name)),
    remove: (name: string, asker: Asker) =>
      spoken(
        Effect.andThen(noted(asker, { operation: "PatternRemove", target: name }), patterns.remove(name, nameOf(asker)))
      ),
    setOn: (name: string, change: PatternSwitch, asker: Asker) => spoken(library.alone(setOn(name, change, asker))),
    list: (limit: number, after: string | undefined) =>
      spoken(
        Effect.map(patterns.list({ limit, ...(after !== undefined && { after }) }), (found) => {
          const last = found.length === limit ? found.at(-1) : undefined
          return { patterns: found, ...(last !== undefined && { next: last.name }) }
        })
      ),
    trial: (given: GivenPattern, asked: { readonly since?: string; readonly last?: number }) =>
      spoken(trial(given, asked))
  }
})

/** Commits that a trial looks at when nothing else is asked for. */
const trialCommits = 10_000
