/**
 * Which patterns feed which: by events they bring about, and by matches that combinations wait for. A pattern that stands in
 * a circle of them would match without end as soon as one of them does.
 */
import { type Appetite, appetiteOf, isMet, type Need } from "./Appetite.ts"
import { anyBrought, type Brought, broughtBy, typesOf } from "./Brought.ts"
import type { Pattern } from "./Pattern.ts"

interface Node {
  readonly pattern: Pattern
  readonly isOn: boolean
  readonly appetite: Appetite
  /** Needs that an event which some pattern brings about may meet. */
  readonly hungry: ReadonlyArray<Need>
  brought?: ReadonlyArray<Brought>
}

const nodeOf = (pattern: Pattern, isOn: boolean): Node => {
  const appetite = appetiteOf(pattern)
  return { pattern, isOn, appetite, hungry: appetite.needs.filter((need) => isMet(need, anyBrought, false)) }
}

const broughtOf = (node: Node): ReadonlyArray<Brought> => {
  node.brought ??= broughtBy(node.pattern)
  return node.brought
}

/** Whether a match of one pattern may be what another one needs. */
const meets = (one: Node, need: Need): boolean =>
  need._tag === "Match" ? need.pattern === one.pattern.name : broughtOf(one).some((brought) => isMet(need, brought))

class Shelf<A> {
  private readonly byKey = new Map<string, Set<A>>()

  of(key: string): ReadonlySet<A> {
    return this.byKey.get(key) ?? new Set()
  }
  keys(): Iterable<string> {
    return this.byKey.keys()
  }
  put(key: string, value: A): void {
    const there = this.byKey.get(key)
    if (there === undefined) this.byKey.set(key, new Set([value]))
    else there.add(value)
  }
  take(key: string, value: A): void {
    const there = this.byKey.get(key)
    there?.delete(value)
    if (there?.size === 0) this.byKey.delete(key)
  }
}

/** All patterns of a cluster, kept so that one more is checked against those only that it could feed or be fed by. */
export class PatternGraph {
  private readonly nodes = new Map<string, Node>()
  /** Those that look at events of a type, by the type. Those of types with a `*`, or of all, stand apart. */
  private readonly literal = new Shelf<Node>()
  private readonly wide = new Set<Node>()
  /** Combinations by the names of their parts. */
  private readonly waiting = new Shelf<Node>()
  /** Those that publish events of a type. */
  private readonly publishing = new Shelf<Node>()

  /** Their names, oldest first. */
  names(): Iterable<string> {
    return this.nodes.keys()
  }
  get(name: string): Pattern | undefined {
    return this.nodes.get(name)?.pattern
  }
  /** Whether it looks at events; one that is not there would. */
  isOn(name: string): boolean {
    return this.nodes.get(name)?.isOn ?? true
  }
  /** Those that publish events of this type with an action. */
  publishersOf(type: string): ReadonlyArray<Pattern> {
    return Array.from(this.publishing.of(type), ({ pattern }) => pattern)
  }
  /** Types of events that some pattern publishes. */
  published(): Iterable<string> {
    return this.publishing.keys()
  }

  /** Adds a pattern, or replaces the one of its name. */
  set(pattern: Pattern, isOn = true): void {
    this.delete(pattern.name)
    this.put(nodeOf(pattern, isOn))
  }

  private put(node: Node): void {
    this.nodes.set(node.pattern.name, node)
    for (const [shelf, key] of this.placesOf(node)) shelf.put(key, node)
    if (isWide(node)) this.wide.add(node)
  }

  delete(name: string): void {
    const node = this.nodes.get(name)
    if (node === undefined) return
    this.nodes.delete(name)
    this.wide.delete(node)
    for (const [shelf, key] of this.placesOf(node)) shelf.take(key, node)
  }

  /** What comes of it with these patterns in the places of those of their names. Afterwards all is as it was. */
  trying<A>(patterns: ReadonlyArray<Pattern>, run: () => A): A {
    const before = patterns.map(({ name }) => [name, this.nodes.get(name)] as const)
    for (const pattern of patterns) this.set(pattern, this.isOn(pattern.name))
    try {
      return run()
    } finally {
      for (const [name, node] of before) {
        this.delete(name)
        if (node !== undefined) this.put(node)
      }
    }
  }

  private placesOf({ pattern, hungry, appetite }: Node): ReadonlyArray<readonly [Shelf<Node>, string]> {
    return [
      ...hungry.flatMap((need) => literalTypes(need).map((type) => [this.literal, type] as const)),
      ...appetite.needs.flatMap((need) => (need._tag === "Match" ? [[this.waiting, need.pattern] as const] : [])),
      ...typesOf(pattern).map((type) => [this.publishing, type] as const)
    ]
  }

  /**
   * Names of patterns that would feed each other in turn, from this one back to it; nothing where there are none. Only
   * patterns that are on count, and this one in place of the one of its name. That it feeds itself alone is not told.
   */
  loopThrough(pattern: Pattern): ReadonlyArray<string> | undefined {
    const start = nodeOf(pattern, true)
    const followers = this.reachedFrom(start)
    let circle = withinCircle(start, new Set(followers.keys()), followers)
    for (;;) {
      // One that needs something from outside each time does not go on for ever.
      const fed = new Set([...circle].filter((node) => isFed(node, circle)))
      if (!fed.has(start)) return undefined
      const rest = fed.size === circle.size ? circle : withinCircle(start, fed, followers)
      if (rest.size < 2) return undefined
      if (rest.size === circle.size) return shortest(start, rest, followers)
      circle = rest
    }
  }

  /** Whom each pattern feeds, of all that this one feeds in turn. */
  private reachedFrom(start: Node): Followers {
    const followers = new Map<Node, ReadonlyArray<Node>>()
    const waiting = [start]
    for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
      if (followers.has(node)) continue
      const fed = this.fedBy(node, start)
      followers.set(node, fed)
      waiting.push(...fed)
    }
    return followers
  }

  private fedBy(one: Node, start: Node): ReadonlyArray<Node> {
    const { name } = one.pattern
    const candidates = new Set([
      ...typesOf(one.pattern).flatMap((type) => [...this.literal.of(type)]),
      ...this.wide,
      ...this.waiting.of(name)
    ])
    return [start, ...candidates].filter(
      (other) =>
        (other === start || (other.isOn && other.pattern.name !== start.pattern.name)) &&
        other.appetite.needs.some((need) => meets(one, need))
    )
  }
}

type Followers = ReadonlyMap<Node, ReadonlyArray<Node>>

const literalTypes = (need: Need): ReadonlyArray<string> =>
  need._tag === "Event" ? (need.types ?? []).filter((type) => !type.includes("*")) : []

const isWide = ({ hungry }: Node): boolean =>
  hungry.some((need) => need._tag === "Event" && (need.types?.some((type) => type.includes("*")) ?? true))

const isFed = ({ appetite: { needs, atLeast } }: Node, among: ReadonlySet<Node>): boolean =>
  needs.filter((need) => [...among].some((node) => meets(node, need))).length >= atLeast

/** Of these, all that are on some way from the start back to it. */
const withinCircle = (start: Node, among: ReadonlySet<Node>, followers: Followers): ReadonlySet<Node> => {
  const reached = walked(start, (node) => (followers.get(node) ?? []).filter((each) => among.has(each)))
  const feeders = new Map<Node, Array<Node>>([...reached].map((node) => [node, []]))
  for (const node of reached) for (const fed of followers.get(node) ?? []) feeders.get(fed)?.push(node)
  return walked(start, (node) => feeders.get(node) ?? [])
}

const walked = (start: Node, next: (node: Node) => ReadonlyArray<Node>): ReadonlySet<Node> => {
  const seen = new Set([start])
  // A set is walked through to what was added on the way.
  for (const node of seen) for (const each of next(node)) seen.add(each)
  return seen
}

const shortest = (start: Node, among: ReadonlySet<Node>, followers: Followers): ReadonlyArray<string> => {
  const waysTo = new Map<Node, ReadonlyArray<string>>([[start, [start.pattern.name]]])
  for (const [node, way] of waysTo)
    for (const next of followers.get(node) ?? []) {
      if (next === start && node !== start) return [...way, start.pattern.name]
      if (among.has(next) && !waysTo.has(next)) waysTo.set(next, [...way, next.pattern.name])
    }
  return [...among].map(({ pattern }) => pattern.name)
}
