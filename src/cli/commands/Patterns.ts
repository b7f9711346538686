/** `holon pattern`: standing questions to the event stream. */
import { readFileSync } from "node:fs"
import { text as readAll } from "node:stream/consumers"
import { Clock, Console, Effect, Option, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { isReadable, type KeptPattern, type StoredPattern } from "../../events/Patterns.ts"
import type { TrialView } from "../../gateways/http/PatternDesk.ts"
import type { PatternStats } from "../../gateways/http/PatternStats.ts"
import { Malformed } from "../../protocol/Errors.ts"
import { formatPattern } from "../../protocol/pattern/PatternFormat.ts"
import { patternOfJson } from "../../protocol/pattern/PatternJson.ts"
import { Client } from "../Client.ts"
import { examples } from "../Examples.ts"
import { connected, connection } from "../Globals.ts"
import { wholeNumber } from "../Numbers.ts"
import { patternLine } from "../PatternWords.ts"
import { print } from "../Print.ts"
import { ago, table } from "../Table.ts"
import { unseenTypes } from "../UnseenTypes.ts"
import { patternBench } from "./PatternBench.ts"
import { patternOff, patternOn } from "./PatternSwitch.ts"

/** The file with the pattern cannot be read. */
export class PatternUnreadable extends Schema.TaggedError<PatternUnreadable>()("PatternUnreadable", {
  file: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `${this.file} cannot be read (${this.reason}); name a file with patterns, or - for standard input`
  }
}

const isAbsent = (cause: unknown): boolean => cause instanceof Error && "code" in cause && cause.code === "ENOENT"

const unreadable = (file: string) => (cause: unknown) =>
  new PatternUnreadable({
    file,
    reason: isAbsent(cause) ? "there is no such file" : cause instanceof Error ? cause.message : String(cause)
  })

const textOfJson = (json: unknown, place: string): Effect.Effect<string, Malformed> =>
  Effect.fromResult(patternOfJson(json)).pipe(
    Effect.map(formatPattern),
    Effect.mapError(
      ({ path, reason }) => new Malformed({ path: [place, path].filter((each) => each !== "").join("."), reason })
    )
  )

/** What begins with a brace or a bracket is JSON, and becomes text. */
const asText = (
  file: string,
  found: string
): Effect.Effect<{ readonly text: string }, PatternUnreadable | Malformed> => {
  if (!/^\s*[{[]/.test(found)) return Effect.succeed({ text: found })
  return Effect.try({ try: (): unknown => JSON.parse(found), catch: unreadable(file) }).pipe(
    Effect.flatMap((json) =>
      Array.isArray(json)
        ? Effect.forEach(json, (each, index) => textOfJson(each, String(index)))
        : Effect.map(textOfJson(json, ""), (text) => [text])
    ),
    Effect.map((texts) => ({ text: texts.join("\n") }))
  )
}

/** A pattern as somebody wrote it: the argument itself where it is one, or is a misspelt one, else the file it names. */
const given = (argument: string): Effect.Effect<{ readonly text: string }, PatternUnreadable | Malformed> => {
  if (/^\s*(?:pattern\s|[{[])|\{.*\}\s*$/s.test(argument)) return asText("the pattern", argument)
  const text =
    argument === "-"
      ? Effect.tryPromise({ try: () => readAll(process.stdin), catch: unreadable("standard input") })
      : Effect.try({ try: () => readFileSync(argument, "utf8"), catch: unreadable(argument) })
  return Effect.flatMap(text, (found) => asText(argument === "-" ? "standard input" : argument, found))
}

const source = Argument.String("pattern").pipe(
  Argument.withDescription("A file with one pattern as text or JSON, - for standard input, or the pattern itself")
)
const sources = Argument.String("patterns").pipe(
  Argument.withDescription(
    "A file with patterns, one behind the other as text or a list of JSON, - for standard input, or the patterns themselves"
  )
)
const name = Argument.String("name").pipe(Argument.withDescription("Name of the pattern"))

const add = Command.make(
  "add",
  {
    ...connection,
    patterns: sources,
    expect: wholeNumber("expect", 0, 1_000_000_000).pipe(
      Flag.withDescription("Replace only this version of one pattern; 0 adds only (default: whatever is there)"),
      Flag.optional
    )
  },
  Effect.fn(function* (flags) {
    const text = yield* given(flags.patterns)
    const { expect } = flags
    const {
      patterns: stored,
      unchanged,
      anew
    } = yield* connected(flags)(
      Effect.flatMap(Client, (client) =>
        Option.isSome(expect)
          ? Effect.map(client.PatternPut({ given: text, expected: expect.value }), (one) => ({
              patterns: [one],
              unchanged: one.version === expect.value ? [one.name] : [],
              anew: []
            }))
          : client.PatternsPut({ given: text })
      )
    )
    const line = (one: StoredPattern): string =>
      unchanged.includes(one.name)
        ? `${one.name}: as it was, ${patternLine(one).slice(one.name.length + 1)}`
        : `${patternLine(one)}${anew.includes(one.name) ? "; it begins anew, for it asks something else of events" : ""}`
    const [first, ...others] = stored
    yield* print(flags, others.length === 0 ? first : stored, () => stored.map(line).join("\n"))
  })
).pipe(
  Command.withDescription(
    "Add patterns, or replace those of their names: all of them or none. One that is there just so stays as it is"
  ),
  examples(["hot.pattern", "Patterns from a file"])
)

const everyPattern = Effect.gen(function* () {
  const client = yield* Client
  const found: Array<KeptPattern> = []
  let after: string | undefined
  do {
    const page = yield* client.Patterns({ limit: 200, ...(after !== undefined && { after }) })
    found.push(...page.patterns)
    after = page.next
  } while (after !== undefined)
  return found
})

const ls = Command.make(
  "ls",
  connection,
  Effect.fn(function* (flags) {
    const found = yield* connected(flags)(everyPattern)
    const now = yield* Clock.currentTimeMillis
    // Zones have a column where one of the patterns is enabled in some only.
    const hasZones = found.some(({ zones }) => zones !== undefined)
    const rows = found.map((each) => {
      const { name: pattern, version, isOn, zones = [], updatedBy, updatedAt } = each
      const says = isReadable(each)
        ? [each.pattern.priority, each.pattern.body._tag.toLowerCase(), each.pattern.actions.length]
        : ["-", "-", "-"]
      return [
        pattern,
        version,
        isReadable(each) ? (isOn ? "on" : "off") : "unreadable",
        ...(hasZones ? [zones.join(" ") || "everywhere"] : []),
        ...says,
        `${ago(now - updatedAt)} ago`,
        updatedBy
      ]
    })
    const zoneHead = hasZones ? ["zones"] : []
    const heads = ["name", "version", "state", ...zoneHead, "priority", "form", "actions", "changed", "by"]
    const unreadable = found.flatMap((each) => (isReadable(each) ? [] : [patternLine(each)]))
    yield* print(flags, found, () =>
      found.length === 0 ? "no patterns yet" : [table(heads, rows), ...unreadable].join("\n")
    )
  })
).pipe(Command.withDescription("List patterns"), examples([""]))

/** What it has counted, without what there was none of. */
const counted = ({ counting, partitions, evaluated, matched, micros, keys, bytes, ...rest }: PatternStats): string => {
  if (counting === 0) return "nobody looks for it now"
  const rare = [
    [rest.suppressed, "suppressed"],
    [rest.late, "late"],
    [rest.keyless, "without a key"],
    [rest.dropped, "dropped"],
    [rest.evicted, "keys forgotten"]
  ] as const
  const said = [
    `${evaluated} looked at`,
    `${matched} matched`,
    ...rare.flatMap(([number, what]) => (number === 0 ? [] : [`${number} ${what}`])),
    `took about ${(micros / 1000).toPrecision(2)} ms`,
    `keeps ${keys} ${keys === 1 ? "key" : "keys"} in about ${bytes} bytes`
  ]
  const part = counting < partitions ? ` (${counting} of ${partitions} parts)` : ""
  return `since its nodes began to look${part}: ${said.join(", ")}`
}

const show = Command.make(
  "show",
  { ...connection, name },
  Effect.fn(function* (flags) {
    const { stored, stats } = yield* connected(flags)(
      Effect.flatMap(Client, (client) =>
        Effect.all({ stored: client.Pattern({ name: flags.name }), stats: client.PatternStats({ name: flags.name }) })
      )
    )
    yield* print(
      flags,
      { ...stored, stats },
      () => `${patternLine(stored)}, written by ${stored.author}\n${counted(stats)}\n\n${stored.source.trimEnd()}`
    )
  })
).pipe(Command.withDescription("Show a pattern as it was written, and what it has counted"), examples(["hot"]))

const rm = Command.make(
  "rm",
  { ...connection, name },
  Effect.fn(function* (flags) {
    const stored = yield* connected(flags)(
      Effect.flatMap(Client, (client) => client.PatternRemove({ name: flags.name }))
    )
    yield* print(flags, stored, () => `${stored.name} is removed`)
  })
).pipe(Command.withDescription("Remove a pattern"), examples(["hot"]))

const clock = (at: number): string => new Date(at).toISOString().replace("T", " ").replace("Z", "")

const described = (fields: Readonly<Record<string, unknown>>): string =>
  Object.entries(fields)
    .map(
      ([field, value]) => `${field}=${typeof value === "number" ? Number(value.toPrecision(6)) : JSON.stringify(value)}`
    )
    .join(" ")

/** The timeline of a trial. */
const timeline = ({ name: pattern, events, from, to, matched, matches, late, isCut }: TrialView): string => {
  const span = from === undefined || to === undefined ? "" : `, ${clock(from)} to ${clock(to)}`
  const head = `${pattern}: ${matched} ${matched === 1 ? "match" : "matches"} in ${events} events${span}${late > 0 ? `; ${late} came late` : ""}`
  const lines = matches.map(
    ({ at, kind, by, values, isWarm }) =>
      `${clock(at)}  ${kind.padEnd(5)}  ${described(by)}  ${described(values)}${isWarm ? "" : "  (not a whole window yet)"}`
  )
  const rest = matched > matches.length ? [`… and ${matched - matches.length} more`] : []
  const cut = isCut ? ["there are more events; begin later with --since"] : []
  return [head, ...lines, ...rest, ...cut].join("\n")
}

const test = Command.make(
  "test",
  {
    ...connection,
    pattern: source,
    since: Flag.String("since").pipe(
      Flag.withDescription(
        "Begin at this time, or how long ago: 2026-11-21T08:00:00Z, 10min, 2h (default: the last 10000 commits)"
      ),
      Flag.optional
    )
  },
  Effect.fn(function* (flags) {
    const text = yield* given(flags.pattern)
    const { report, said } = yield* connected(flags)(
      Effect.gen(function* () {
        const client = yield* Client
        const since = Option.isSome(flags.since) ? { since: flags.since.value } : {}
        const report = yield* client.PatternTry({ given: text, ...since })
        return { report, said: report.matched > 0 ? undefined : yield* unseenTypes(text.text) }
      })
    )
    yield* flags.json ? Console.log(JSON.stringify(report)) : Console.log(timeline(report))
    if (said !== undefined) yield* Console.error(said)
  })
).pipe(
  Command.withDescription("Play stored events to a draft: what it would have matched, and when. Nothing is acted on"),
  examples(["hot.pattern --since 1h", "The last hour"])
)

export const pattern = Command.make("pattern").pipe(
  Command.withDescription("Standing questions to the event stream"),
  Command.withSubcommands([add, ls, show, rm, patternOn, patternOff, test, patternBench])
)
