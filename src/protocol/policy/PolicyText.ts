/**
 * Reads the text of a policy. The grammar of conditions is that of the condition language.
 *
 * ```text
 * policy    = "policy" name { "zone" zone | "class" class | "priority" number | "ttl" time } "{" rule { rule } "}"
 * rule      = "when" condition "{" statement { ";" statement } [ ";" ] "}"
 * statement = "allow" | "deny" text [ "guidance" text ] | "require" condition
 *           | "limit" number "per" time "by" field { "," field } | "oblige" "audit" [ text ]
 * time      = number ( "ms" | "s" | "min" | "h" | "d" )
 * ```
 */
import { type Result, Schema } from "effect"
import type { FieldPath } from "../condition/Condition.ts"
import type { ConditionInvalid } from "../condition/ConditionInvalid.ts"
import type { Span } from "../condition/Span.ts"
import { reading } from "../condition/Stop.ts"
import { policySymbols } from "../condition/Token.ts"
import { Cursor } from "../pattern/Cursor.ts"
import { Zone } from "../Zone.ts"
import {
  duties,
  keysMax,
  limitCountMax,
  limitMillisMax,
  type Policy,
  PolicyName,
  policyClasses,
  priorityDefault,
  priorityMax,
  type Rule,
  rulesMax,
  type Statement,
  statementsMax,
  ttlMillisMax
} from "./Policy.ts"

/** A policy as it was read, with the places of its parts. */
export interface ParsedPolicy {
  readonly text: string
  readonly policy: Policy
  /** Where its nodes stand: rules, statements, conditions. */
  readonly spans: ReadonlyMap<object, Span>
}

const heads = ["zone", "class", "priority", "ttl"] as const
const statementWords = ["allow", "deny", "require", "limit", "oblige"] as const
const likeStatement = 'such as `allow`, `deny "too hot"`, `require clearance >= 1` or `limit 5 per 10s by device`'

const bareName = /[A-Za-z0-9][A-Za-z0-9._-]*/y
const bareZone = /[^\s{}";]+/y
const isName = Schema.is(PolicyName)
const isZone = Schema.is(Zone)
const saidMax = 200

const around = { signs: policySymbols, conditionEnds: { words: [], symbols: policySymbols } }

const readName = (cursor: Cursor): string => {
  const { start } = cursor
  const name = cursor.isQuoted() ? cursor.quoted("the name of a policy") : cursor.take(bareName)
  if (name === undefined) return cursor.refuse(start, `the name of a policy should stand here${cursor.shownInstead()}`)
  if (!isName(name))
    cursor.refuse(
      start,
      "the name of a policy has at most 100 letters, digits, dots, underscores and hyphens, and begins with a letter or digit"
    )
  return name
}

const readZone = (cursor: Cursor): Zone => {
  const { start } = cursor
  const zone = cursor.isQuoted() ? cursor.quoted("a zone") : cursor.take(bareZone)
  if (zone === undefined || !isZone(zone))
    return cursor.refuse(
      start,
      "a zone is one to six names of a-z, 0-9 and - with dots between them, 24 characters each at most"
    )
  return zone
}

const readPriority = (cursor: Cursor): number => {
  const { start } = cursor
  const priority = cursor.number("a priority")
  if (!Number.isInteger(priority) || priority < 0 || priority > priorityMax)
    cursor.refuse(start, `a priority is a whole number from 0 to ${priorityMax}`)
  return priority
}

const readSaid = (cursor: Cursor, what: string): string => {
  const { start } = cursor
  const said = cursor.quoted(what)
  if (said.length === 0 || said.length > saidMax) cursor.refuse(start, `${what} has 1 to ${saidMax} characters`)
  return said
}

const readKeys = (cursor: Cursor): readonly [FieldPath, ...ReadonlyArray<FieldPath>] => {
  const key = () => {
    const { start } = cursor
    const path = cursor.field("`by`")
    cursor.spans.set(path, { start, end: cursor.end })
    return path
  }
  const keys: [FieldPath, ...Array<FieldPath>] = [key()]
  while (cursor.takeSymbol(",")) {
    if (keys.length === keysMax)
      cursor.refuse(cursor.start, `a limit is counted by at most ${keysMax} fields`, [], "TooLarge")
    keys.push(key())
  }
  return keys
}

const readStatement = (cursor: Cursor): Statement => {
  const word = statementWords.find((each) => cursor.takeWord(each))
  switch (word) {
    case "allow":
      return { _tag: "Allow" }
    case "deny": {
      const reason = readSaid(cursor, "the reason")
      return cursor.takeWord("guidance")
        ? { _tag: "Deny", reason, guidance: readSaid(cursor, "what is guidance") }
        : { _tag: "Deny", reason }
    }
    case "require":
      return { _tag: "Require", condition: cursor.condition() }
    case "limit": {
      const count = cursor.count(limitCountMax, "how often")
      cursor.expectWord("per", "in which time, as in `limit 5 per 10s by device`")
      const millis = cursor.duration("`per`", { millisMax: limitMillisMax, sentence: "a limit looks back 24h at most" })
      cursor.expectWord("by", "what is counted apart, as in `limit 5 per 10s by device`")
      return { _tag: "Limit", count, millis, by: readKeys(cursor) }
    }
    case "oblige": {
      const duty = duties.find((each) => cursor.takeWord(each))
      if (duty === undefined) return cursor.refuseWord(duties, `a duty should stand here: ${duties.join(", ")}`)
      return cursor.isQuoted()
        ? { _tag: "Oblige", duty, detail: readSaid(cursor, "the detail") }
        : { _tag: "Oblige", duty }
    }
    default:
      return cursor.refuseWord(statementWords, `a statement should stand here, ${likeStatement}`)
  }
}

const readStatements = (cursor: Cursor): Rule["statements"] => {
  const { start: opened } = cursor
  cursor.expectSymbol("{", `behind the condition, with ${likeStatement} in it`)
  const all: [Statement, ...Array<Statement>] = [placed(cursor, () => readStatement(cursor))]
  while (!cursor.takeSymbol("}")) {
    if (!cursor.takeSymbol(";")) {
      const closing = `or \`}\` to close what was opened at ${cursor.shownPlace(opened)}`
      cursor.refuse(cursor.start, `\`;\` should stand here between two statements, ${closing}${cursor.shownInstead()}`)
    }
    if (cursor.takeSymbol("}")) break
    if (all.length === statementsMax)
      cursor.refuse(cursor.start, `a rule has at most ${statementsMax} statements`, [], "TooLarge")
    all.push(placed(cursor, () => readStatement(cursor)))
  }
  return all
}

const placed = <Node extends object>(cursor: Cursor, read: () => Node): Node => {
  const { start } = cursor
  const node = read()
  cursor.spans.set(node, { start, end: cursor.end })
  return node
}

const readRule = (cursor: Cursor): Rule =>
  placed(cursor, () => {
    cursor.expectWord("when", 'a rule begins as in `when capability == "motor.duty.set" { allow }`')
    return { when: cursor.condition(), statements: readStatements(cursor) }
  })

const readHead = (cursor: Cursor): Omit<Policy, "name" | "rules"> => {
  let head: Omit<Policy, "name" | "rules"> = { class: "access", priority: priorityDefault }
  const said = new Set<string>()
  while (!cursor.isSymbol("{")) {
    const { start } = cursor
    const word = heads.find((each) => cursor.takeWord(each))
    if (word === undefined)
      return cursor.refuseWord(heads, "`{` should stand here, or zone, class, priority or ttl before it")
    if (said.has(word)) cursor.refuse(start, `\`${word}\` stands here twice`)
    said.add(word)
    if (word === "zone") head = { ...head, zone: readZone(cursor) }
    if (word === "class") {
      const found = policyClasses.find((each) => cursor.takeWord(each))
      if (found === undefined) return cursor.refuseWord(policyClasses, `a class is one of ${policyClasses.join(", ")}`)
      head = { ...head, class: found }
    }
    if (word === "priority") head = { ...head, priority: readPriority(cursor) }
    if (word === "ttl")
      head = {
        ...head,
        ttlMillis: cursor.duration("`ttl`", { millisMax: ttlMillisMax, sentence: "a policy lives 366d at most" })
      }
  }
  return head
}

const readWhole = (cursor: Cursor): Policy => {
  cursor.expectWord("policy", 'a policy begins as in `policy "line3" { when capability == "device.read" { allow } }`')
  const name = readName(cursor)
  const head = readHead(cursor)
  const { start: opened } = cursor
  cursor.takeSymbol("{")
  if (cursor.isSymbol("}")) cursor.refuse(cursor.start, "a policy has a rule at least, as in `when true { allow }`")
  const rules: [Rule, ...Array<Rule>] = [readRule(cursor)]
  while (!cursor.takeSymbol("}")) {
    if (cursor.isEnd()) cursor.refuse(cursor.start, `\`}\` is missing; it was opened at ${cursor.shownPlace(opened)}`)
    if (rules.length === rulesMax) cursor.refuse(cursor.start, `a policy has at most ${rulesMax} rules`, [], "TooLarge")
    rules.push(readRule(cursor))
  }
  return { name, ...head, rules }
}

/** Reads a policy and keeps the places of its parts. Fails at the first character that does not fit; what it says is not checked yet. */
export const parsePolicy = (text: string): Result.Result<ParsedPolicy, ConditionInvalid> =>
  reading(() => {
    const cursor = new Cursor(text, undefined, around)
    const policy = readWhole(cursor)
    if (!cursor.isEnd()) cursor.refuse(cursor.start, "the policy is over here; write one policy at a time")
    return { text, policy, spans: cursor.spans }
  })
