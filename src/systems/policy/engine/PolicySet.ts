/**
 * The active policies of an epoch, compiled: a request costs what may concern it, not what there is. Each zone that policies
 * name has a matcher of its own, and a request asks those of its zone and of the zones that one is in.
 */
import { hash } from "node:crypto"
import { documentPredicate } from "../../../events/condition/Closure.ts"
import { reader } from "../../../events/condition/DocumentTests.ts"
import { Matcher } from "../../../events/matching/Matcher.ts"
import type { BoundPolicy, BoundRule, BoundStatement } from "../../../protocol/policy/BoundPolicy.ts"
import { type Decision, decisionOf, type Finding, type Level } from "../../../protocol/policy/Decision.ts"
import {
  type AskedRequest,
  isProtected,
  type RequestDocument,
  requestDocument
} from "../../../protocol/policy/Request.ts"
import type { LimitCount, Limits } from "./Limits.ts"
import { possible } from "./Possible.ts"

type Plain = Extract<BoundStatement, { readonly _tag: "Allow" | "Deny" | "Oblige" }>

/** A statement, and how it is judged. */
type Compiled =
  | Plain
  | {
      readonly _tag: "Require"
      readonly statement: Extract<BoundStatement, { readonly _tag: "Require" }>
      readonly isMet: (document: unknown) => boolean
    }
  | {
      readonly _tag: "Limit"
      readonly statement: Extract<BoundStatement, { readonly _tag: "Limit" }>
      readonly keyOf: (document: unknown) => string | undefined
      readonly count: LimitCount
    }

interface CompiledRule {
  readonly policy: string
  readonly priority: number
  readonly order: number
  readonly written: string
  readonly statements: ReadonlyArray<Compiled>
  /** The request that it was found for. */
  request: number
}

/** The rules for one zone. */
interface ZoneRules {
  readonly holding: Matcher<CompiledRule>
  /** Denials, by when they may hold. */
  readonly unclear: Matcher<CompiledRule>
}

/** The rules of one VSM. */
interface LevelRules {
  readonly everywhere: ZoneRules
  readonly zones: Map<string, ZoneRules>
  asks: boolean
}

/** What is counted once a request is let through. */
interface Taken {
  readonly count: LimitCount
  readonly key: string
}

const zoneRules = (): ZoneRules => ({ holding: new Matcher(), unclear: new Matcher() })

const isScalar = (value: unknown): boolean =>
  typeof value === "string" || typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value))

/** A longer key is kept as its hash: who asks chooses the argument that he is counted by. */
const keyMax = 256

/** The key of what a limit counts apart; nothing where one of its fields is missing. */
const keyReader = (statement: Extract<BoundStatement, { readonly _tag: "Limit" }>) => {
  const readers = statement.by.map((path) => reader(path))
  return (document: unknown): string | undefined => {
    const values = readers.map((read) => read(document))
    if (!values.every(isScalar)) return undefined
    const key = JSON.stringify(values)
    return key.length > keyMax ? hash("sha256", key, "hex") : key
  }
}

export class PolicySet {
  readonly epoch: number
  /** Of the limits that it counts. */
  readonly limitNames: ReadonlySet<string>
  readonly #levels = new Map<string, LevelRules>()
  #requests = 0
  #rules = 0

  // What the request under way has found; one is decided at a time.
  #document: RequestDocument | undefined
  #isOpen = false
  #isAllowedHere = false
  #now = 0
  #findings: Array<Finding> = []
  #taken: Array<Taken> = []

  /** Each VSM behind its ancestors. `limits` are those of the node, and go on counting from one set to the next. */
  constructor(levels: ReadonlyArray<Level<BoundPolicy>>, limits: Limits, epoch: number) {
    this.epoch = epoch
    const names = new Set<string>()
    for (const { vsm, policies } of levels) {
      const level: LevelRules = { everywhere: zoneRules(), zones: new Map(), asks: false }
      for (const bound of policies)
        bound.rules.forEach((rule, index) => {
          this.#add(level, bound, rule, `${vsm} ${bound.policy.name} ${index}`, limits, names)
        })
      this.#levels.set(vsm, level)
    }
    this.limitNames = names
  }

  /** How many rules there are. */
  get size(): number {
    return this.#rules
  }

  /**
   * Decides a request to something of the last VSM of a path from the root, and counts it where it is let through under a
   * limit, unless it only `asks`. `now` in ms.
   */
  decide(request: AskedRequest, path: ReadonlyArray<string>, now: number, asks = false): Decision {
    const document = requestDocument(request)
    this.#requests++
    this.#document = document
    this.#isOpen = isProtected(request.capability)
    this.#now = now
    this.#findings = []
    this.#taken = []
    let isAllowed = false
    let isSilent = false
    for (const vsm of path) {
      const level = this.#levels.get(vsm)
      if (level === undefined) continue
      this.#isAllowedHere = false
      this.#ask(level, request, document)
      if (level.asks && !this.#isAllowedHere) isSilent = true
      if (this.#isAllowedHere) isAllowed = true
    }
    const isRefused = !this.#isOpen && (isSilent || !isAllowed)
    const decision = decisionOf(this.#findings, isRefused, request.capability, this.epoch)
    if (decision.effect === "allow" && !asks) for (const { count, key } of this.#taken) count.take(key, now)
    return decision
  }

  #ask({ everywhere, zones }: LevelRules, { zone, isActuating }: AskedRequest, document: RequestDocument): void {
    this.#askZone(everywhere, isActuating, document)
    if (zone === undefined || zones.size === 0) return
    for (let end = zone.indexOf("."); end > 0; end = zone.indexOf(".", end + 1)) {
      const above = zones.get(zone.slice(0, end))
      if (above !== undefined) this.#askZone(above, isActuating, document)
    }
    const own = zones.get(zone)
    if (own !== undefined) this.#askZone(own, isActuating, document)
  }

  #askZone({ holding, unclear }: ZoneRules, isActuating: boolean, document: RequestDocument): void {
    if (holding.size > 0) holding.match(document, this.#hold)
    if (isActuating && unclear.size > 0) unclear.match(document, this.#doubt)
  }

  readonly #hold = (rule: CompiledRule): void => {
    rule.request = this.#requests
    const { policy, priority, order } = rule
    for (const each of rule.statements) {
      switch (each._tag) {
        case "Allow":
          this.#isAllowedHere = true
          this.#findings.push({ policy, priority, order, is: "allowed" })
          break
        case "Deny":
          this.#findings.push({ policy, priority, order, is: "denied", statement: each })
          break
        case "Oblige":
          this.#findings.push({ policy, priority, order, is: "obliged", statement: each })
          break
        case "Require":
          if (!each.isMet(this.#document))
            this.#findings.push({ policy, priority, order, is: "unmet", statement: each.statement })
          break
        case "Limit":
          if (!this.#isOpen) this.#limit(rule, each)
      }
    }
  }

  #limit({ policy, priority, order }: CompiledRule, { statement, keyOf, count }: Extract<Compiled, { _tag: "Limit" }>) {
    const key = keyOf(this.#document)
    const waitMillis = key === undefined ? Number.POSITIVE_INFINITY : count.waitFor(key, this.#now)
    if (key === undefined || waitMillis > 0)
      this.#findings.push({ policy, priority, order, is: "exceeded", statement, waitMillis })
    else this.#taken.push({ count, key })
  }

  readonly #doubt = (rule: CompiledRule): void => {
    // What holds was found already.
    if (rule.request === this.#requests) return
    const { policy, priority, order, written } = rule
    for (const statement of rule.statements)
      if (statement._tag === "Deny") this.#findings.push({ policy, priority, order, is: "unclear", statement, written })
  }

  #add(
    level: LevelRules,
    { policy }: BoundPolicy,
    { when, written, statements }: BoundRule,
    name: string,
    limits: Limits,
    names: Set<string>
  ): void {
    const compiled = statements.map((statement, index): Compiled => {
      if (statement._tag === "Require")
        return { _tag: "Require", statement, isMet: documentPredicate(statement.condition) }
      if (statement._tag !== "Limit") return statement
      const limit = `${name} ${index} ${statement.written}`
      names.add(limit)
      const count = limits.of(limit, statement.count, statement.millis)
      return { _tag: "Limit", statement, keyOf: keyReader(statement), count }
    })
    const rule: CompiledRule = {
      policy: policy.name,
      priority: policy.priority,
      order: this.#rules++,
      written,
      statements: compiled,
      request: 0
    }
    const rules = this.#zoneOf(level, policy.zone)
    rules.holding.set(rule, when)
    if (statements.some(({ _tag }) => _tag === "Deny")) {
      const may = possible(when)
      // Most denials ask for nothing that could be missing.
      if (JSON.stringify(may) !== JSON.stringify(when)) rules.unclear.set(rule, may)
    }
    if (statements.some(({ _tag }) => _tag === "Allow")) level.asks = true
  }

  #zoneOf({ everywhere, zones }: LevelRules, zone: string | undefined): ZoneRules {
    if (zone === undefined) return everywhere
    const known = zones.get(zone)
    if (known !== undefined) return known
    const made = zoneRules()
    zones.set(zone, made)
    return made
  }
}
