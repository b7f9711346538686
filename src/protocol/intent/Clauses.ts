/** Clauses behind an order: how a rollout goes about it, and what a new VSM gets. */
import { type Resource, resources } from "../vsm/Budget.ts"
import type { Bindings, Taken } from "./Bindings.ts"
import type { Arguments } from "./Intent.ts"
import { inUnit, quantityAt } from "./Measures.ts"
import { nameAt } from "./NewName.ts"
import type { Reading } from "./Reading.ts"

/** A clause that was read: where it ends, and the arguments it gives. */
interface Clause {
  readonly end: number
  readonly args: Arguments
  readonly bound?: Bindings
}
type ReadClause = (reading: Reading, at: number) => Clause | undefined

/** Where the words end that stand at a place; fillers may stand between them. */
const behind = (reading: Reading, start: number, phrases: ReadonlyArray<string>): number | undefined => {
  for (const phrase of phrases) {
    let at: number | undefined = start
    for (const word of phrase.split(" ")) {
      const from: number = reading.isWord(at, word) ? at : reading.skip(at)
      at = reading.isWord(from, word) ? from + 1 : undefined
      if (at === undefined) break
    }
    if (at !== undefined) return at
  }
  return undefined
}

const countAt = (reading: Reading, at: number): { readonly end: number; readonly value: number } | undefined => {
  const from = reading.skip(at)
  const token = reading.tokens[from]
  const isCount = token?.value !== undefined && Number.isInteger(token.value) && token.value > 0
  return isCount && token.startsRun && token.endsRun ? { end: from + 1, value: token.value ?? 0 } : undefined
}

/** "in waves of 10", or "10 at a time": words before or behind a number. */
const counted =
  (name: string, before: ReadonlyArray<string>, after: ReadonlyArray<string>): ReadClause =>
  (reading, at) => {
    const start = behind(reading, at, before)
    const first = start === undefined ? undefined : countAt(reading, start)
    if (first !== undefined) {
      const unit = behind(reading, first.end, ["boards", "board", "devices", "device"]) ?? first.end
      return { end: unit, args: { [name]: first.value } }
    }
    const number = countAt(reading, at)
    const noun = number === undefined ? undefined : (behind(reading, number.end, ["boards", "devices"]) ?? number.end)
    const end = number === undefined || noun === undefined ? undefined : behind(reading, noun, after)
    return number === undefined || end === undefined ? undefined : { end, args: { [name]: number.value } }
  }

const said =
  (args: Arguments, phrases: ReadonlyArray<string>): ReadClause =>
  (reading, at) => {
    const end = behind(reading, at, phrases)
    return end === undefined ? undefined : { end, args }
  }

const observed: ReadClause = (reading, at) => {
  const start = behind(reading, at, ["observe for", "observing for", "observed for", "watch for", "watching for"])
  const found = start === undefined ? undefined : quantityAt(reading, reading.skip(start))
  const millis = found?.value.unit === undefined ? undefined : inUnit(found.value, "ms")
  return found === undefined || millis === undefined ? undefined : { end: found.end, args: { observeMillis: millis } }
}

const failing: ReadClause = (reading, at) => {
  const start = behind(reading, at, ["stop if more than", "stopping if more than", "stop when more than"])
  const found = start === undefined ? undefined : quantityAt(reading, reading.skip(start))
  const end = found === undefined ? undefined : behind(reading, found.end, ["of them fail", "of boards fail", "fail"])
  if (found === undefined || end === undefined || found.value.unit !== "%") return undefined
  const { value } = found.value
  return value < 0 || value > 100 ? undefined : { end, args: { errorShare: Number((value / 100).toPrecision(12)) } }
}

const rolloutClauses: ReadonlyArray<ReadClause> = [
  counted(
    "waveSize",
    ["in waves of", "waves of", "in batches of", "batches of", "in groups of", "wave size"],
    ["per wave", "in each wave", "a wave", "each wave"]
  ),
  counted(
    "canary",
    ["canary of", "canaries of", "canary"],
    ["canaries", "canary", "first", "as canary", "as canaries"]
  ),
  counted("parallel", ["in parallel"], ["at a time", "in parallel", "at once"]),
  said({ needsApproval: true }, [
    ...["approval of each wave", "approval for each wave", "approval between waves", "approval"],
    ...["approving each wave", "asking before each wave", "needing approval", "manual approval"]
  ]),
  said({ needsApproval: false }, ["without approval", "no approval"]),
  said({ rollsBack: false }, ["without rollback", "no rollback", "without rolling back", "without going back"]),
  said({ rollsBack: true }, ["rollback", "automatic rollback", "rolling back on failure", "rollback on failure"]),
  observed,
  failing
]

const resourceWords: ReadonlyMap<string, Resource> = new Map([
  ...resources.map((name) => [name.replaceAll("_", " "), name] as const),
  ...([
    ["spawns", "spawn"],
    ["children", "spawn"],
    ["child", "spawn"],
    ["vsms", "spawn"],
    ["mb of memory", "mem_mb"],
    ["mb memory", "mem_mb"],
    ["megabytes of memory", "mem_mb"],
    ["megabytes", "mem_mb"],
    ["mb", "mem_mb"],
    ["messages per second", "msgs_s"],
    ["messages a second", "msgs_s"],
    ["actuations per minute", "actuations_min"],
    ["actuations a minute", "actuations_min"],
    ["joules", "energy_j"],
    ["tokens", "llm_tokens"]
  ] as const)
])

/** A resource by its words; `mem_mb` was cut into two tokens. */
const resourceAt = (reading: Reading, at: number): { readonly end: number; readonly name: Resource } | undefined => {
  let text = ""
  let best: { readonly end: number; readonly name: Resource } | undefined
  for (let end = at; end < Math.min(reading.tokens.length, at + 3); end++) {
    text += `${end === at ? "" : " "}${reading.tokens[end]?.text ?? ""}`
    const name = resourceWords.get(text)
    if (name !== undefined && reading.tokens[end]?.endsRun === true) best = { end: end + 1, name }
  }
  return best
}

/** "spawn=10", "mem_mb 64", "10 spawns". */
const amountAt: ReadClause = (reading, start) => {
  const at = reading.skip(start)
  const before = reading.tokens[at]?.kind === "number" ? undefined : resourceAt(reading, at)
  const valueAt = before === undefined ? at : before.end + (reading.isWord(before.end, "=") ? 1 : 0)
  const number = reading.tokens[valueAt]
  if (number?.kind !== "number" || number.value === undefined || number.value < 0) return undefined
  const resource = before ?? resourceAt(reading, valueAt + 1)
  if (resource === undefined || (before !== undefined && !number.endsRun)) return undefined
  return {
    end: before === undefined ? resource.end : valueAt + 1,
    args: { [`budget.${resource.name}`]: number.value }
  }
}

const budgetClause: ReadClause = (reading, at) => {
  const start = behind(reading, at, ["budget of", "budget"])
  return start === undefined ? undefined : amountAt(reading, start)
}

const parentClause: ReadClause = (reading, at) => {
  const start = behind(reading, at, ["under", "below", "beneath", "as child of", "inside of", "with parent", "parent"])
  const from = start === undefined ? at : reading.skip(start)
  const vsm = reading.vocabulary.vsms.at(reading.tokens, reading.isWord(from, "vsm") ? from + 1 : from)
  const [parent] = vsm?.values ?? []
  if (start === undefined || vsm === undefined || parent === undefined) return undefined
  return { end: vsm.end, args: {}, bound: { parent } }
}

const zoneClause: ReadClause = (reading, at) => {
  const start = behind(reading, at, ["for", "in", "with zone", "zone", "to govern", "governing"])
  const from = start === undefined ? at : reading.skip(start)
  const zone = reading.vocabulary.zones.at(reading.tokens, reading.isWord(from, "zone") ? reading.skip(from + 1) : from)
  return start === undefined || zone === undefined
    ? undefined
    : { end: zone.end, args: {}, bound: { zones: zone.values } }
}

const nameClause: ReadClause = (reading, at) => {
  const start = behind(reading, at, ["called", "named", "with name", "with id"])
  const name = start === undefined ? undefined : nameAt(reading, start)
  return name === undefined ? undefined : { end: name.end, args: {}, bound: { child: name.name } }
}

const templateClause: ReadClause = (reading, at) => {
  const start = behind(reading, at, ["from template", "with template", "of template", "template"])
  const name = start === undefined ? undefined : nameAt(reading, start)
  return name === undefined ? undefined : { end: name.end, args: { template: name.name } }
}

/** Clauses one after another, with or without what joins them; the same one twice is noted. */
const clausesAt =
  (clauses: ReadonlyArray<ReadClause>, isGoingOn: (args: Arguments) => ReadClause | undefined) =>
  (reading: Reading, start: number): ReadonlyArray<Taken> => {
    let end = start
    let bound: Bindings = {}
    let args: Arguments = {}
    let isRepeated = false
    for (;;) {
      const comma = behind(reading, end, [","]) ?? end
      const and = behind(reading, comma, ["and"]) ?? comma
      const places = [end, and, behind(reading, and, ["with", "by", "using"]) ?? and]
      const more = isGoingOn(args)
      const all = more === undefined ? clauses : [...clauses, more]
      const found = places
        .flatMap((at) => all.map((clause) => clause(reading, at)))
        .find((clause) => clause !== undefined)
      if (found === undefined) break
      isRepeated ||= Object.keys(found.args).some((name) => Object.hasOwn(args, name))
      isRepeated ||= Object.keys(found.bound ?? {}).some((name) => Object.hasOwn(bound, name))
      bound = { ...bound, ...found.bound }
      args = { ...args, ...found.args }
      end = found.end
    }
    return end === start ? [] : [{ end, bound: { ...bound, clauses: args, ...(isRepeated && { isRepeated }) } }]
  }

/** How a rollout goes about it. */
export const rolloutClausesAt = clausesAt(rolloutClauses, () => undefined)

/** Where a new VSM stands, its name, its zone and its budget: amounts may follow the first one. */
export const spawnClausesAt = clausesAt([parentClause, zoneClause, nameClause, templateClause, budgetClause], (args) =>
  Object.keys(args).some((name) => name.startsWith("budget.")) ? amountAt : undefined
)
