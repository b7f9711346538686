/** Checks what a pattern says: everything that it must not be is a problem with its place and its reason. */
import { Result } from "effect"
import { bindParsed, bindTerm } from "../condition/Bind.ts"
import type { Condition, FieldPath, Term } from "../condition/Condition.ts"
import { type ConditionInvalid, type Problem, problemAt, soundOr } from "../condition/ConditionInvalid.ts"
import { formatPath } from "../condition/Format.ts"
import { hasUnits, plainNumbers } from "../condition/PlainNumbers.ts"
import { events, fieldAt, meantNames, resolvePath, type Source } from "../condition/Source.ts"
import type { Span } from "../condition/Span.ts"
import { checkActions, type KnownActors } from "./CheckActions.ts"
import { checkParts, type KnownPatterns } from "./CheckParts.ts"
import { checkLate, checkWhen } from "./CheckTime.ts"
import { isNever } from "./Never.ts"
import { feedingType } from "./OwnEvents.ts"
import { pairOf } from "./PairSource.ts"
import type { Aggregate, EventTypes, Pattern, Step } from "./Pattern.ts"
import { formatPattern } from "./PatternFormat.ts"
import { type ParsedPattern, parsePattern } from "./PatternText.ts"
import type { Report } from "./Report.ts"

/** What is known around a pattern. What is left out is not checked. */
export interface PatternSurroundings extends KnownActors, KnownPatterns {
  /** What is known of events of these types, of all where none are named. `events` if absent, which is open. */
  readonly sourceOf?: (types: EventTypes | undefined) => Source
  /** Patterns that would feed each other in turn if this one was there, from its name back to it. */
  readonly loopThrough?: (pattern: Pattern) => ReadonlyArray<string> | undefined
}

class Check {
  readonly problems: Array<Problem> = []
  /** Numbers with units, and what they are in what their fields count in. */
  readonly converted = new Map<object, number>()
  private readonly parsed: ParsedPattern
  private readonly known: PatternSurroundings

  constructor(parsed: ParsedPattern, known: PatternSurroundings) {
    this.parsed = parsed
    this.known = known
  }

  private readonly report: Report = (place, reason, sentence, suggestions) => {
    const { text, places, spans } = this.parsed
    const span = typeof place === "string" ? places.get(place) : spans.get(place)
    this.problems.push(problemAt(text, span?.start ?? 0, reason, sentence, suggestions))
  }

  whole(): void {
    const { pattern } = this.parsed
    const { by, emit } = pattern
    const written = by.map((path) => formatPath(path))
    by.forEach((path, index) => {
      for (const source of this.keySources())
        this.scalar(path, `by.${index}`, source, "a key is a text, a number, true or false")
      if (written.indexOf(written[index] ?? "") < index)
        this.report(`by.${index}`, "Contradiction", `${written[index]} stands here twice`)
    })
    this.question()
    checkLate(pattern, this.report)
    for (const term of Object.values(emit ?? {})) this.term(term, this.carriedSource())
    checkActions(pattern, this.known, this.report)
    this.itself()
  }

  private question(): void {
    const { pattern } = this.parsed
    const { from, body } = pattern
    const step = ({ from: own, where }: Step) => this.condition(where, this.sourceOf(own ?? from), own ?? from)
    switch (body._tag) {
      case "Where":
        return this.condition(body.condition, this.sourceOf(from), from)
      case "When":
        this.condition(body.where, this.sourceOf(from), from)
        this.aggregate(body.aggregate, this.sourceOf(from))
        return checkWhen(body, this.report)
      case "Sequence":
        return [body.first, ...body.rest.map((each) => each.step)].forEach(step)
      case "Absence":
        step(body.trigger)
        return step(body.absent)
      case "Silence":
        return step(body.step)
      case "Combined":
        return checkParts(pattern, body, this.known, this.report)
      case "Join": {
        const { left, right, on } = body
        if (left.as === right.as)
          this.report(
            "right.as",
            "Contradiction",
            `both sides are called ${left.as}; a condition could not tell them apart`
          )
        if (from !== undefined)
          this.report("from", "Contradiction", "each side of a join names its own types; leave `from` out")
        for (const side of [left, right])
          if (on !== undefined)
            this.scalar(
              on,
              "on",
              this.sourceOf(side.from),
              "what both sides are joined on is a text, a number, true or false"
            )
        return this.condition(body.where, this.pairSource(body), undefined)
      }
    }
  }

  private sourceOf(types: EventTypes | undefined): Source {
    return this.known.sourceOf?.(types) ?? events
  }
  private pairSource({ left, right }: Extract<Pattern["body"], { readonly _tag: "Join" }>): Source {
    return pairOf(
      { as: left.as, source: this.sourceOf(left.from) },
      { as: right.as, source: this.sourceOf(right.from) }
    )
  }

  /** Of what a match carries values: the event that made it, the trigger where something did not happen, what its parts carry. */
  private carriedSource(): Source {
    const { from, body } = this.parsed.pattern
    const of = (step: Step | undefined) => this.sourceOf(step?.from ?? from)
    switch (body._tag) {
      case "Where":
      case "When":
        return this.sourceOf(from)
      case "Sequence":
        return of(body.rest.at(-1)?.step)
      case "Absence":
        return of(body.trigger)
      case "Silence":
        return of(body.step)
      case "Combined":
        return this.sourceOf(undefined)
      case "Join":
        return this.pairSource(body)
    }
  }

  /** Where keys are looked up: an event of a step that cannot have the field would be of no key. */
  private keySources(): ReadonlyArray<Source> {
    const { from, body } = this.parsed.pattern
    const of = (step: Step) => this.sourceOf(step.from ?? from)
    switch (body._tag) {
      case "Where":
      case "When":
        return [this.sourceOf(from)]
      case "Sequence":
        return [body.first, ...body.rest.map(({ step }) => step)].map(of)
      case "Absence":
        return [body.trigger, body.absent].map(of)
      case "Silence":
        return [of(body.step)]
      case "Combined":
        return [events]
      case "Join":
        return [body.left, body.right].map((side) => this.sourceOf(side.from))
    }
  }

  private condition(tree: Condition | undefined, source: Source, types: EventTypes | undefined): void {
    if (tree === undefined) return
    const { text, spans } = this.parsed
    const bound = bindParsed({ text, tree, spans }, source, {}, this.converted)
    if (Result.isFailure(bound)) this.problems.push(...bound.failure.problems)
    else if (isNever(bound.success, types))
      this.report(
        tree,
        "NeverMatches",
        "this can never hold: it contradicts itself, or the types of the events it is asked of"
      )
  }

  private term(term: Term, source: Source, wanted: "number" | "unknown" = "unknown", otherwise = ""): void {
    const { text, spans } = this.parsed
    const bound = bindTerm({ text, term, spans }, source, wanted, otherwise, this.converted)
    if (Result.isFailure(bound)) this.problems.push(...bound.failure.problems)
  }

  private aggregate(aggregate: Aggregate, source: Source): void {
    switch (aggregate._tag) {
      case "Count":
      case "Rate":
        return
      case "Distinct":
        return this.scalar(aggregate.of, "aggregate.of", source, "texts, numbers, true and false can be told apart")
      default:
        return this.term(aggregate.of, source, "number", `\`${aggregate._tag.toLowerCase()}\` is computed of numbers`)
    }
  }

  /** A field that holds a value, not a list or a map. */
  private scalar(path: FieldPath, place: string, source: Source, otherwise: string): void {
    const field = fieldAt(source, resolvePath(source, path))
    const written = formatPath(path)
    if (field === undefined)
      this.report(place, "UnknownField", `a ${source.name} has no field ${written}`, meantNames(source, written))
    else if (field.type === "list" || field.type === "map")
      this.report(place, "WrongType", `${written} is a ${field.type}; ${otherwise}`)
  }

  private itself(): void {
    const { pattern } = this.parsed
    const type = feedingType(pattern)
    if (type !== undefined)
      return this.loop(`it would match its own ${type} again without end; say with \`from\` which events it looks at`)
    this.others()
  }

  /** That others feed it, and it them. */
  others(): void {
    const loop = this.known.loopThrough?.(this.parsed.pattern)
    if (loop === undefined) return
    this.loop(
      `${loop.join(" → ")} would feed each other without end; say with \`from\` or a condition whom it leaves out`
    )
  }

  private loop(sentence: string): void {
    this.report(this.parsed.places.has("from") ? "from" : "body", "Loop", sentence)
  }
}

/**
 * The patterns with their numbers in what their fields count in, and without units where a field declares one: what is kept then
 * means the same on every node, whatever is declared later. What cannot be converted stays, for {@link checkParsed} to refuse.
 */
export const inPlainNumbers = (
  patterns: ReadonlyArray<ParsedPattern>,
  sourceOf: NonNullable<PatternSurroundings["sourceOf"]>
): ReadonlyArray<ParsedPattern> => {
  // Patterns of one text share their spans: so many are not copied for each of them.
  const copies = new Map<ParsedPattern["spans"], Map<object, Span>>()
  return patterns.map((parsed) => {
    if (!hasUnits(parsed.pattern)) return parsed
    const check = new Check(parsed, { sourceOf })
    check.whole()
    if (check.converted.size === 0) return parsed
    const spans = copies.get(parsed.spans) ?? new Map(parsed.spans)
    copies.set(parsed.spans, spans)
    return { ...parsed, pattern: plainNumbers(parsed.pattern, check.converted, spans), spans }
  })
}

/** Checks patterns that were read. Fails with their problems, eight at most, in the order of the text. */
export const checkParsed = (
  patterns: ReadonlyArray<ParsedPattern>,
  known: PatternSurroundings = {}
): Result.Result<void, ConditionInvalid> =>
  soundOr(
    patterns.flatMap((parsed) => {
      const check = new Check(parsed, known)
      check.whole()
      return check.problems
    })
  )

/** Checks a pattern. Its problems are placed in the text that `formatPattern` writes; those of a text are better placed by {@link checkText}. */
export const checkPattern = (
  pattern: Pattern,
  known: PatternSurroundings = {}
): Result.Result<void, ConditionInvalid> =>
  Result.flatMap(parsePattern(formatPattern(pattern)), (parsed) => checkParsed([parsed], known))

/** Checks of a pattern that was checked before only that the others and it do not feed each other, as when it is switched on. */
export const checkLoop = (pattern: Pattern, known: PatternSurroundings): Result.Result<void, ConditionInvalid> =>
  Result.flatMap(parsePattern(formatPattern(pattern)), (parsed) => {
    const check = new Check(parsed, known)
    check.others()
    return soundOr(check.problems)
  })

/** Reads and checks the text of a pattern. */
export const checkText = (text: string, known: PatternSurroundings = {}): Result.Result<Pattern, ConditionInvalid> =>
  Result.flatMap(parsePattern(text), (parsed) => Result.map(checkParsed([parsed], known), () => parsed.pattern))
