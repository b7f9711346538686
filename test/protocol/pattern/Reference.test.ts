/** The page on patterns says nothing that is not so. */
import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { PartitionEngine } from "../../../src/events/engine/PartitionEngine.ts"
import type { StoredPattern } from "../../../src/events/Patterns.ts"
import { bytesMax, keysMax as liveKeysMax, partialsMax } from "../../../src/events/temporal/Bounds.ts"
import { distinctMax } from "../../../src/events/temporal/Distinct.ts"
import { depthMax, nodesMax } from "../../../src/protocol/condition/Condition.ts"
import { charactersMax } from "../../../src/protocol/condition/Token.ts"
import type { HolonEvent } from "../../../src/protocol/Event.ts"
import { MatchView } from "../../../src/protocol/PatternPartition.ts"
import { eventSources } from "../../../src/protocol/pattern/EventFields.ts"
import {
  Action,
  Aggregate,
  lastEventsMax,
  type Pattern,
  PatternBody,
  Window
} from "../../../src/protocol/pattern/Pattern.ts"
import { checkText, type PatternSurroundings } from "../../../src/protocol/pattern/PatternCheck.ts"
import { formatPattern } from "../../../src/protocol/pattern/PatternFormat.ts"
import { PatternGraph } from "../../../src/protocol/pattern/PatternGraph.ts"
import { patternOfJson } from "../../../src/protocol/pattern/PatternJson.ts"
import { readPattern } from "../../../src/protocol/pattern/PatternText.ts"
import { actionWords, aggregateWords, questionWords, windowWords } from "../../../src/protocol/pattern/Words.ts"
import { registry } from "../../../src/runtime/Registry.ts"
import { epoch, eventOf } from "../../events/temporal/Rig.ts"

const page = readFileSync(new URL("../../../docs/reference/patterns.md", import.meta.url), "utf8")

/** The blocks of a kind: what follows the kind in the first line, and the text. */
const blocks = (kind: string): ReadonlyArray<readonly [label: string, text: string]> =>
  [...page.matchAll(new RegExp(`^\`\`\`${kind}(?: (.*))?\\n([\\s\\S]*?)^\`\`\`$`, "gm"))].map(
    ([, label = "", text = ""]) => [label, text]
  )
const block = (kind: string, label: string): string => {
  const found = blocks(kind).find(([name]) => name === label)?.[1]
  if (found === undefined) throw new Error(`the page has no block ${kind} ${label}`)
  return found
}

const stored = (pattern: Pattern): StoredPattern => ({
  id: pattern.name,
  name: pattern.name,
  version: 1,
  source: "",
  pattern,
  isOn: true,
  author: "test",
  createdBy: "test",
  createdAt: 0,
  updatedBy: "test",
  updatedAt: 0
})

const seconds = (text: string): number => Number(text.replace(/s$/, "")) * 1000

/** What an example tells: patterns, events or times that pass, and what is found. */
const exampleOf = (text: string) => {
  const lines = text.trimEnd().split("\n")
  const told = lines.findIndex((line) => /^[0-9]+s/.test(line))
  const patterns = lines
    .slice(0, told)
    .join("\n")
    .split(/^(?=pattern )/m)
  return {
    patterns: patterns.map((pattern) => pattern.trim()),
    told: lines.slice(told).filter((line) => !line.startsWith("→")),
    found: lines.filter((line) => line.startsWith("→")).map((line) => line.slice(2))
  }
}

const eventIn = (line: string, id: number, comes: number): HolonEvent => {
  const [, at = "", type = "", who = "", zone = "", data = ""] = /^(\S+) +(\S+) +(\S+) +(\S+) +(.*)$/.exec(line) ?? []
  const told = { id, at: seconds(at), comes, who, type, data: JSON.parse(data) }
  return eventOf(zone === "-" ? told : { ...told, zone })
}

const run = (patterns: ReadonlyArray<Pattern>, told: ReadonlyArray<string>): ReadonlyArray<string> => {
  const engine = new PartitionEngine("all")
  assert.deepStrictEqual(engine.setPatterns(patterns.map(stored)), [])
  let now = 0
  for (const [index, line] of told.entries()) {
    const time = seconds(line.split(/\s/)[0] ?? "")
    now = Math.max(now, time)
    if (line.trim().includes(" ")) engine.take(eventIn(line, index + 1, now))
    else engine.advance(epoch + now)
  }
  return engine.takeFound().map(({ match: { at, kind, by, values } }) => {
    const key = Object.values(by).join(" ")
    return `${(at - epoch) / 1000}s ${kind} ${key === "" ? "-" : key} ${JSON.stringify(values)}`
  })
}

describe("the examples of the page", () => {
  const examples = blocks("run").map(([, text]) => exampleOf(text))
  it("are as many as it has questions", () => assert.isAtLeast(examples.length, 11))
  for (const { patterns, told, found } of examples)
    it(patterns.join(" "), () => {
      const known = new Map<string, Pattern>()
      for (const text of patterns) {
        const pattern = Result.getOrThrow(checkText(text, { pattern: (name) => known.get(name) }))
        known.set(pattern.name, pattern)
        assert.deepStrictEqual(Result.getOrThrow(readPattern(formatPattern(pattern))), pattern)
      }
      const shown = found.map((line) => line.replace(/(\{.*\})$/, (json) => JSON.stringify(JSON.parse(json))))
      assert.deepStrictEqual(run([...known.values()], told), shown)
    })
})

describe("the errors of the page", () => {
  const other = Result.getOrThrow(readPattern("pattern other { silence a.b for 1s }"))
  const graph = new PatternGraph()
  const cold = 'pattern cold { from line.hot when count > 3 over sliding 1s do event("line.cold") }'
  graph.set(Result.getOrThrow(readPattern(cold)))
  const declared = [...registry.values()].flatMap(({ behaviour }) => Object.entries(behaviour.contract.events))
  const known: PatternSurroundings = {
    loopThrough: (pattern) => graph.loopThrough(pattern),
    sourceOf: eventSources(new Map(declared))({
      published: () => graph.published(),
      publishersOf: (type) => graph.publishersOf(type)
    }),
    pattern: (name) => (name === "off" || name === "warm" ? other : undefined),
    patternNames: ["off", "warm"],
    kinds: ["device"],
    messagesOf: () => ["SetDesired", "Invoke"]
  }
  const errors = blocks("error")
  it("are there", () => assert.isAbove(errors.length, 10))
  for (const [reason, text] of errors) {
    const [pattern = "", ...message] = text.trimEnd().split("\n")
    it(`${pattern}: ${reason}`, () => {
      const result = checkText(pattern, known)
      assert.isTrue(Result.isFailure(result))
      if (Result.isSuccess(result)) return
      assert.strictEqual(result.failure.problems[0].reason, reason)
      assert.strictEqual(result.failure.message, message.join("\n"))
    })
  }
})

describe("the page", () => {
  for (const form of ["tree", "short"])
    it(`shows JSON (${form}) that means what it says`, () => {
      const pattern = Result.getOrThrow(patternOfJson(JSON.parse(block("json", form))))
      assert.strictEqual(`${formatPattern(pattern)}\n`, block("pattern", form))
    })

  it("names every word and every tag", () => {
    for (const word of [...questionWords, ...windowWords, ...actionWords, ...Object.keys(aggregateWords)])
      assert.match(page, new RegExp(`["\`]${word}\\b`), word)
    const members = [...PatternBody.members, ...Window.members, ...Aggregate.members, ...Action.members]
    for (const { fields } of members) assert.include(page, `\`${fields._tag.schema.literal}\``)
    for (const field of Object.keys(MatchView.fields)) if (field !== "depth") assert.include(page, `\`${field}\``)
  })

  it("names the limits as they are", () => {
    const limits = [charactersMax, nodesMax, depthMax, lastEventsMax, liveKeysMax, partialsMax, distinctMax]
    for (const limit of limits) assert.include(page, limit.toLocaleString("en"))
    assert.include(page, `${bytesMax / 2 ** 20} MiB`)
  })

  it("shows every action as it is read", () => {
    const rows = [...page.matchAll(/^\| `((?:event|raise|tell|webhook|mqtt)\(.*\))` \|/gm)].map(([, text = ""]) => text)
    assert.strictEqual(rows.length, actionWords.length)
    const pattern = Result.getOrThrow(readPattern(`pattern p { where a > 1 do ${rows.join(", ")} }`))
    assert.strictEqual(pattern.actions.length, rows.length)
    for (const row of rows) assert.include(formatPattern(pattern), row)
  })
})
