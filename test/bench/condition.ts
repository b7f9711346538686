/** What it costs to decide a condition, against a predicate that somebody wrote by hand for the same input. */
import { Effect, Result } from "effect"
import { documentPredicate, rowPredicate, rowReader } from "../../src/events/condition/Closure.ts"
import { compileWasm } from "../../src/events/condition/Wasm.ts"
import { bindText, bindTree } from "../../src/protocol/condition/Bind.ts"
import { type BoundCondition, pathKey, pathsOf } from "../../src/protocol/condition/Bound.ts"
import { interpret } from "../../src/protocol/condition/Interpret.ts"
import { parse } from "../../src/protocol/condition/Parse.ts"
import { twins } from "../../src/protocol/condition/Source.ts"
import { startWasm } from "../../src/protocol/condition/WasmCondition.ts"
import { Conditions } from "../support/Conditions.ts"
import { type BenchOptions, compare, figure } from "./Rounds.ts"

const text = "reported.temp > 90 and cpu > 0.8"
const longer = 'temp > 60 and cpu in 0.5..1 and led == "on" and not (mode == "off" or errors.len > 3)'
const closureGoal = 1.5
const moduleBytesGoal = 400
const documentCount = 1000
const pollutingCount = 300
const profileCount = 12

/** Twins of which one in four is hot. */
const documents = Array.from({ length: documentCount }, (_, at) => ({
  id: `press-${at}`,
  zone: `ops.line${at % 7}`,
  reported: {
    temp: 60 + ((at * 37) % 40),
    cpu: ((at * 61) % 100) / 100,
    led: at % 3 === 0 ? "off" : "on",
    mode: at % 5 === 0 ? "off" : "auto",
    errors: Array.from({ length: at % 5 }, (_, error) => `e${error}`)
  },
  desired: { led: "on" }
}))
interface Document {
  readonly reported?: { readonly [key: string]: unknown; readonly temp?: unknown; readonly cpu?: unknown } | null
}

/** The same, as boards of twelve kinds report them: each kind has fields of its own beside, before or behind these. */
const fleet: ReadonlyArray<Document> = documents.map((document, at) => {
  const kind = at % profileCount
  const own = Object.fromEntries(Array.from({ length: kind }, (_, field) => [`own${kind}of${field}`, field]))
  return { ...document, reported: at % 2 === 0 ? { ...document.reported, ...own } : { ...own, ...document.reported } }
})

/** Twins with something missing, of another type, or not finite, where a predicate by hand must give the same answer. */
const strange: ReadonlyArray<Document> = [
  {},
  { reported: null },
  { reported: { temp: "91", cpu: 0.9 } },
  { reported: { temp: 91 } },
  { reported: { temp: 91, cpu: Number.NaN } },
  { reported: { temp: Number.POSITIVE_INFINITY, cpu: 0.9 } },
  { reported: { temp: 91, cpu: Number.POSITIVE_INFINITY, led: "on", mode: 5, errors: [] } },
  { reported: { temp: 91, cpu: 0.9, led: true } },
  { reported: { temp: 91, cpu: 0.9, led: "on", mode: "on", errors: { len: Number.POSITIVE_INFINITY } } },
  { reported: { temp: 91, cpu: 0.9, led: "on", mode: "on", errors: { len: 9 } } }
]

const isHot = (document: Document): boolean => {
  const reported = document.reported
  const temp = reported?.temp
  if (!(typeof temp === "number" && temp > 90 && temp <= Number.MAX_VALUE)) return false
  const cpu = reported?.cpu
  return typeof cpu === "number" && cpu > 0.8 && cpu <= Number.MAX_VALUE
}
/** The same again, so that what the twins of one kind teach the engine does not end when it meets the others. */
const isHotOfAnyKind = (document: Document): boolean => {
  const reported = document.reported
  const temp = reported?.temp
  if (!(typeof temp === "number" && temp > 90 && temp <= Number.MAX_VALUE)) return false
  const cpu = reported?.cpu
  return typeof cpu === "number" && cpu > 0.8 && cpu <= Number.MAX_VALUE
}
const isHotRow = (row: ReadonlyArray<unknown>): boolean => {
  const temp = row[0]
  if (!(typeof temp === "number" && temp > 90 && temp <= Number.MAX_VALUE)) return false
  const cpu = row[1]
  return typeof cpu === "number" && cpu > 0.8 && cpu <= Number.MAX_VALUE
}
const isBusyRow = (row: ReadonlyArray<unknown>): boolean => {
  const temp = row[0]
  if (!(typeof temp === "number" && temp > 60 && temp <= Number.MAX_VALUE)) return false
  const cpu = row[1]
  if (!(typeof cpu === "number" && cpu >= 0.5 && cpu <= 1)) return false
  if (row[2] !== "on" || row[3] === "off") return false
  const errors = row[4]
  return !(typeof errors === "number" && errors > 3 && errors <= Number.MAX_VALUE)
}

const bound = (condition: string) => Result.getOrThrow(bindText(condition, twins))

/** A predicate over rows, and the rows of the documents for it. */
const overRows = (condition: string) => {
  const paths = pathsOf(bound(condition))
  const places = new Map(paths.map((path, place) => [pathKey(path), place]))
  const predicate = rowPredicate(bound(condition), (path) => places.get(pathKey(path)) ?? -1)
  const read = rowReader(paths)
  return { predicate, rows: documents.map(read), strangeRows: strange.map(read) }
}

/** Two predicates are compared only when they say the same, also of what is missing. */
const mustAgree = <Input>(
  one: (input: Input) => boolean,
  other: (input: Input) => boolean,
  inputs: ReadonlyArray<Input>
) => {
  for (const input of inputs)
    if (one(input) !== other(input)) throw new Error(`they differ about ${JSON.stringify(input)}`)
}

/** Nanoseconds of the processor a decision: the clock on the wall also counts what others do on this machine. */
const timed = <Input>(inputs: ReadonlyArray<Input>, times: number, predicate: (input: Input) => boolean): number => {
  let held = 0
  const start = process.cpuUsage()
  for (let time = 0; time < times; time++)
    for (let index = 0; index < inputs.length; index++) {
      const input = inputs[index]
      if (input !== undefined && predicate(input)) held++
    }
  const nanos = 1000 * process.cpuUsage(start).user
  if (held === 0 || held === times * inputs.length) throw new Error("the condition holds always or never")
  return nanos / (times * inputs.length)
}

/** Decides a condition of every twin, by row and by document. */
const use = (condition: BoundCondition): void => {
  const paths = pathsOf(condition)
  const places = new Map(paths.map((path, place) => [pathKey(path), place]))
  const onRow = rowPredicate(condition, (path) => places.get(pathKey(path)) ?? -1)
  const onDocument = documentPredicate(condition)
  const read = rowReader(paths)
  for (const document of [...documents, ...fleet])
    if (onRow(read(document)) !== onDocument(document)) throw new Error("they differ")
}

/**
 * Runs many other conditions first: a closure that is alone in its process is faster than it will ever be again. Some are
 * drawn at random, some ask as the measured ones do, of other fields.
 */
const pollute = (): void => {
  const source = new Conditions(1)
  for (let count = 0; count < pollutingCount; ) {
    const other = bindTree(source.tree(), twins)
    if (Result.isFailure(other)) continue
    count++
    use(other.success)
  }
  const numbers = ["temp", "cpu", "errors.len", "own5of1", "own7of2", "desired.level", "motor.rpm"]
  const texts = ["led", "mode", "zone", "desired.led", "id"]
  for (let count = 0; count < pollutingCount; count++) {
    const number = (at: number) => numbers[(count + at) % numbers.length]
    const some = (at: number) => texts[(count + at) % texts.length]
    use(bound(`${number(0)} > ${count % 90} and ${number(1 + (count % 3))} > 0.${count % 10}`))
    use(
      bound(
        `${number(0)} > ${count % 90} and ${number(2)} in 0.${count % 10}..${count} and ${some(0)} == "on" and not (${some(1)} == "off" or ${number(4)} > ${count % 5})`
      )
    )
  }
}

/** Lets the measuring loop meet so many predicates that none of them becomes part of it: that would be measured for one only. */
const unlearn = (): void => {
  const predicates = [
    (at: number) => at % 2 === 0,
    (at: number) => at % 3 === 0,
    (at: number) => at % 5 === 0,
    (at: number) => at % 7 === 0,
    (at: number) => at > 3,
    (at: number) => at < 3
  ]
  const inputs = Array.from({ length: documentCount }, (_, at) => at)
  for (const predicate of predicates) timed(inputs, 500, predicate)
}

export const condition = async ({ isQuick }: BenchOptions): Promise<void> => {
  pollute()
  unlearn()
  const rounds = isQuick ? 5 : 11
  const times = isQuick ? 2000 : 5000
  const hot = overRows(text)
  const busy = overRows(longer)
  const variant = <Input>(
    name: string,
    inputs: ReadonlyArray<Input>,
    predicate: (input: Input) => boolean,
    goal?: number,
    repeats = times
  ) => ({
    name,
    unit: "ns",
    run: async () => timed(inputs, repeats, predicate),
    ...(goal === undefined ? {} : { goal: { atMost: goal } })
  })
  await compare(
    `${text}, of a row of fields`,
    [variant("written by hand", hot.rows, isHotRow), variant("closure", hot.rows, hot.predicate, closureGoal)],
    rounds
  )
  await compare(
    `${longer}, of a row of fields`,
    [variant("written by hand", busy.rows, isBusyRow), variant("closure", busy.rows, busy.predicate, closureGoal)],
    rounds
  )
  const holds = documentPredicate(bound(text))
  await compare(
    `${text}, of twins of ${profileCount} kinds of boards`,
    [variant("written by hand", fleet, isHotOfAnyKind), variant("closure", fleet, holds, closureGoal)],
    rounds
  )
  const module = await Effect.runPromise(compileWasm(bound(text)))
  const decide = startWasm(module)
  const condition = bound(text)
  await compare(
    `${text}, of twins of one kind of board`,
    [
      variant<Document>("written by hand", documents, isHot),
      variant<Document>("closure", documents, holds, closureGoal),
      variant<Document>(
        "WebAssembly, with its table of values",
        documents,
        (document) => Result.getOrThrow(decide(document)),
        undefined,
        times / 20
      ),
      variant<Document>("interpreter", documents, (document) => interpret(condition, document), undefined, times / 20)
    ],
    rounds
  )
  // Only now: a predicate that has met strange twins is slower ever after.
  mustAgree(isHotRow, hot.predicate, [...hot.rows, ...hot.strangeRows])
  mustAgree(isBusyRow, busy.predicate, [...busy.rows, ...busy.strangeRows])
  for (const byHand of [isHot, isHotOfAnyKind]) mustAgree<Document>(byHand, holds, [...fleet, ...strange])
  figure("module of it", "bytes", [module.module.length], { atMost: moduleBytesGoal })
  const readings = isQuick ? 2000 : 20_000
  const start = process.cpuUsage()
  for (let time = 0; time < readings; time++) if (Result.isFailure(parse(longer))) throw new Error("it was not read")
  figure("reading the longer one", "µs", [process.cpuUsage(start).user / readings])
}
