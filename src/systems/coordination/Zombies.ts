/**
 * Whether a node is a zombie, as one observer sees it: one whose heartbeats arrive while it does nothing, or something wrong. One
 * sign makes it suspect; two in three looks after each other make it a zombie. Whether that has consequences is decided by all
 * observers together. Who is silent is no matter of this: the heartbeats themselves say so, sooner.
 */
import type { Doubt, Vitals } from "../../protocol/vsm/Vitals.ts"
import { isSlow, latenciesMax, median, sampled } from "./Suspicion.ts"

/** A look at all nodes is taken this often, ms. */
export const lookMillis = 5000
/** Three looks later a node that stands still for this long is a zombie: within half a minute in all. */
const stallMillis = 10_000
/** A clock that is set right now and then goes back a little. */
const clockToleranceMillis = 1000
const memoryFactor = 5
const looksMin = 3
const signsMin = 2

/** What may speak against a node. */
export type Sign = "latency" | "inconsistency" | "stall" | "memory"

/** What an observer knows of a node. */
export interface Observed {
  readonly node: string
  readonly last: Vitals
  /** Of its first heartbeat. */
  readonly memoryBaseline: number
  readonly latencies: ReadonlyArray<number>
  /** Of its first calls. */
  readonly latencyBaseline?: number
  /** Heartbeats that contradict themselves or each other, since the last look. */
  readonly contradictions: number
  /** Statements taken and not completed, as of the look before. */
  readonly missing: number
  /** Looks after each other with enough signs. */
  readonly bad: number
  readonly signs: ReadonlyArray<Sign>
  /** Absent for one that is fine. */
  readonly doubt?: Doubt
}

/** All nodes that send vitals, the observer among them, by name. */
export type Nodes = ReadonlyMap<string, Observed>

const put = (nodes: Nodes, observed: Observed): Nodes => new Map(nodes).set(observed.node, observed)

const contradicts = (before: Vitals, after: Vitals): boolean =>
  after.seq < before.seq ||
  after.clock < before.clock - clockToleranceMillis ||
  after.accepted < before.accepted ||
  after.completed < before.completed ||
  after.completed > after.accepted

/** Takes vitals as they are read. Those that were read before say nothing new. */
export const heard = (nodes: Nodes, node: string, vitals: Vitals): Nodes => {
  const known = nodes.get(node)
  if (known === undefined)
    return put(nodes, {
      node,
      last: vitals,
      memoryBaseline: vitals.residentBytes,
      latencies: [],
      contradictions: 0,
      missing: 0,
      bad: 0,
      signs: []
    })
  if (vitals.seq === known.last.seq) return nodes
  return put(nodes, {
    ...known,
    last: vitals,
    contradictions: known.contradictions + (contradicts(known.last, vitals) ? 1 : 0)
  })
}

/** Takes the time that a call to a node took, or has taken up to now; its first ones are what it is measured by later. */
export const timed = (nodes: Nodes, node: string, millis: number): Nodes => {
  const known = nodes.get(node)
  if (known === undefined || !(millis >= 0)) return nodes
  const latencies = sampled(known.latencies, millis)
  const isFirst = known.latencyBaseline === undefined && latencies.length === latenciesMax
  return put(nodes, { ...known, latencies, ...(isFirst ? { latencyBaseline: median(latencies) } : {}) })
}

/** Forgets all nodes but these. */
export const keeping = (nodes: Nodes, names: ReadonlySet<string>): Nodes =>
  [...nodes.keys()].every((node) => names.has(node)) ? nodes : new Map([...nodes].filter(([node]) => names.has(node)))

const signsOf = (observed: Observed, nodes: Nodes): ReadonlyArray<Sign> => {
  const { node, last, latencies, latencyBaseline, memoryBaseline, contradictions, missing } = observed
  const { accepted, completed, waiting, clock, progressAt, residentBytes } = last
  const signs: Array<Sign> = []
  const peers = [...nodes.values()].filter((peer) => peer.node !== node)
  const slow = isSlow(
    latencies,
    peers.map((peer) => peer.latencies),
    latencyBaseline
  )
  if (slow) signs.push("latency")
  // What it was given and neither did nor has: it has lost it.
  const isLosing = waiting === 0 && missing > 0 && accepted - completed > missing
  if (contradictions > 0 || isLosing) signs.push("inconsistency")
  // Both by its own clock: that may be wrong, the difference is not.
  if (waiting > 0 && clock - progressAt >= stallMillis) signs.push("stall")
  // A node that has just started is small: its peers say what is usual.
  const usual = Math.max(memoryBaseline, median(peers.map((peer) => peer.last.residentBytes)))
  if (residentBytes > memoryFactor * usual) signs.push("memory")
  return signs
}

/**
 * Looks at all nodes but the observer itself. What more than half of them show, the observer counted, is no fault of one: then it is
 * the store or the network, and nobody comes closer to being a zombie.
 */
export const looked = (nodes: Nodes, self: string): Nodes => {
  const signs = new Map([...nodes.values()].map((observed) => [observed.node, signsOf(observed, nodes)]))
  const grave = [...signs.values()].filter(({ length }) => length >= signsMin)
  const isCommon = 2 * grave.length > nodes.size
  const after = new Map<string, Observed>()
  for (const observed of nodes.values()) {
    const against = observed.node === self ? [] : (signs.get(observed.node) ?? [])
    const bad = against.length >= signsMin && !isCommon ? observed.bad + 1 : 0
    const doubt: Doubt | undefined = bad >= looksMin ? "zombie" : against.length > 0 ? "suspect" : undefined
    const { accepted, completed } = observed.last
    const { doubt: _, ...rest } = observed
    after.set(observed.node, {
      ...rest,
      bad,
      signs: against,
      missing: accepted - completed,
      contradictions: 0,
      ...(doubt === undefined ? {} : { doubt })
    })
  }
  return after
}

/** What an observer thinks of others, as it says it to its peers. */
export const doubtsOf = (nodes: Nodes): Readonly<Record<string, Doubt>> => {
  const doubts: Record<string, Doubt> = {}
  for (const { node, doubt } of nodes.values()) if (doubt !== undefined) doubts[node] = doubt
  return doubts
}
