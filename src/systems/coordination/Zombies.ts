/**
 * Whether a node is healthy, dead or a zombie: one whose heartbeats arrive while it does nothing, or something wrong. One sign makes
 * it suspect; silence that most observers agree on makes it dead; two of the other signs in three looks after each other make it a
 * zombie, and it is put into quarantine, from which it comes back after a minute of probation. Pure: whoever asks holds the state.
 */
import { beaten, type Heartbeats, isSlow, median, phi, sampled } from "./Suspicion.ts"

/** A look at all nodes is taken this often, ms. */
export const lookMillis = 5000
const phiMax = 8
const silenceMillis = 15_000
const stallMillis = 30_000
const loadDifferenceMax = 0.3
const memoryFactor = 5
const looksMin = 3
const signsMin = 2
const probationMillis = 60_000

export const verdicts = ["healthy", "suspect", "dead", "zombie", "quarantined", "probation"] as const
export type Verdict = (typeof verdicts)[number]

/** What may speak against a node. */
export type Sign = "heartbeat" | "quorum" | "latency" | "inconsistency" | "stall" | "memory"

/** What a node says of itself, about once a second. */
export interface Heartbeat {
  readonly node: string
  /** Names its process: one that starts anew counts from the beginning. */
  readonly incarnation: string
  readonly seq: number
  /** Its clock, ms. */
  readonly clock: number
  /** Share of its processors in use, as it says. */
  readonly load: number
  /** The same as others measure it, where they can. */
  readonly measuredLoad?: number
  readonly accepted: number
  readonly completed: number
  /** Messages that wait. */
  readonly mailbox: number
  /** When it last completed one, by its clock. */
  readonly lastProgressMillis: number
  readonly residentBytes: number
}

/** What is known of a node. */
export interface NodeRecord {
  readonly node: string
  readonly verdict: Verdict
  readonly since: number
  readonly beats: Heartbeats
  readonly last: Heartbeat
  /** Of its first heartbeats. */
  readonly memoryBaseline: number
  readonly latencies: ReadonlyArray<number>
  readonly latencyBaseline?: number
  /** Heartbeats that contradict themselves or each other, since the last look. */
  readonly contradictions: number
  /** Messages taken and not completed, as of the look before. */
  readonly missing: number
  /** Observers that think it silent, and when they last said so. */
  readonly doubts: ReadonlyMap<string, number>
  /** Looks after each other with enough signs. */
  readonly bad: number
  readonly signs: ReadonlyArray<Sign>
}

/** All nodes, by name. */
export type Nodes = ReadonlyMap<string, NodeRecord>

/** A node whose verdict has changed. */
export interface Change {
  readonly node: string
  readonly from: Verdict
  readonly to: Verdict
  readonly signs: ReadonlyArray<Sign>
}

const put = (nodes: Nodes, record: NodeRecord): Nodes => new Map(nodes).set(record.node, record)

const contradicts = (known: NodeRecord, beat: Heartbeat): boolean =>
  beat.seq <= known.last.seq ||
  beat.clock < known.last.clock ||
  beat.completed < known.last.completed ||
  beat.completed > beat.accepted ||
  (beat.measuredLoad !== undefined && Math.abs(beat.load - beat.measuredLoad) > loadDifferenceMax)

/** Takes a heartbeat. */
export const heard = (nodes: Nodes, beat: Heartbeat, now: number): Nodes => {
  const known = nodes.get(beat.node)
  // What was known of a node that starts anew was of another process.
  if (known === undefined || known.last.incarnation !== beat.incarnation)
    return put(nodes, {
      node: beat.node,
      verdict: "healthy",
      since: now,
      beats: { lastAt: now, intervals: [] },
      last: beat,
      memoryBaseline: beat.residentBytes,
      latencies: [],
      contradictions: 0,
      missing: 0,
      doubts: new Map(),
      bad: 0,
      signs: []
    })
  const wrong = contradicts(known, beat) ? 1 : 0
  // One that was sent before is no sign of life.
  const isOld = beat.seq <= known.last.seq
  return put(nodes, {
    ...known,
    beats: isOld ? known.beats : beaten(known.beats, now),
    last: isOld ? known.last : beat,
    contradictions: known.contradictions + wrong
  })
}

/** Takes the time that a call to a node took; its first ones are what it is measured by later. */
export const timed = (nodes: Nodes, node: string, millis: number): Nodes => {
  const known = nodes.get(node)
  if (known === undefined || !(millis >= 0)) return nodes
  const latencies = sampled(known.latencies, millis)
  const isFirst = known.latencyBaseline === undefined && latencies.length === 32
  return put(nodes, { ...known, latencies, ...(isFirst ? { latencyBaseline: median(latencies) } : {}) })
}

/** Takes what another node thinks of one: whether it is silent. */
export const gossiped = (nodes: Nodes, from: string, node: string, itsPhi: number, now: number): Nodes => {
  const known = nodes.get(node)
  if (known === undefined || from === node) return nodes
  const doubts = new Map(known.doubts)
  if (itsPhi > phiMax) doubts.set(from, now)
  else doubts.delete(from)
  return put(nodes, { ...known, doubts })
}

/** Whether the heartbeats of a node have stopped. */
export const isSilent = ({ beats }: NodeRecord, now: number): boolean =>
  phi(beats, now) > phiMax || now - beats.lastAt >= silenceMillis

const signsOf = (record: NodeRecord, nodes: Nodes, observers: number, now: number): ReadonlyArray<Sign> => {
  const { last, latencies, latencyBaseline, memoryBaseline, contradictions, missing, doubts } = record
  const signs: Array<Sign> = []
  const silent = isSilent(record, now)
  if (silent) signs.push("heartbeat")
  const agreeing = [...doubts.values()].filter((at) => at > now - silenceMillis).length + (silent ? 1 : 0)
  if (agreeing >= Math.floor(observers / 2) + 1) signs.push("quorum")
  const peers = [...nodes.values()].filter(({ node }) => node !== record.node).map((peer) => peer.latencies)
  if (isSlow(latencies, peers, latencyBaseline)) signs.push("latency")
  if (contradictions > 0 || (last.mailbox === 0 && last.accepted - last.completed > missing && missing > 0))
    signs.push("inconsistency")
  // Both by its own clock: its clock may be wrong, the difference is not.
  if (!silent && last.mailbox > 0 && last.clock - last.lastProgressMillis >= stallMillis) signs.push("stall")
  if (memoryBaseline > 0 && last.residentBytes > memoryFactor * memoryBaseline) signs.push("memory")
  return signs
}

const next = (record: NodeRecord, signs: ReadonlyArray<Sign>, bad: number, now: number): Verdict => {
  const isDead = signs.includes("heartbeat") && signs.includes("quorum")
  switch (record.verdict) {
    case "quarantined":
      return isDead ? "dead" : signs.length === 0 && now - record.since >= probationMillis ? "probation" : "quarantined"
    case "probation":
      if (isDead) return "dead"
      return signs.length > 0 ? "quarantined" : now - record.since >= probationMillis ? "healthy" : "probation"
    default:
      if (isDead) return "dead"
      if (bad >= looksMin) return "zombie"
      return signs.length > 0 ? "suspect" : "healthy"
  }
}

/** Looks at all nodes. `quorum` keeps more than half of them in service: a zombie stays one, unquarantined, where too few would be left. */
export const looked = (
  nodes: Nodes,
  now: number
): { readonly nodes: Nodes; readonly changes: ReadonlyArray<Change> } => {
  const changes: Array<Change> = []
  const after = new Map<string, NodeRecord>()
  const least = Math.floor(nodes.size / 2) + 1
  let serving = 0
  // Everybody but the node itself observes it.
  const observers = Math.max(1, nodes.size - 1)
  for (const record of nodes.values()) {
    const signs = signsOf(record, nodes, observers, now)
    const grave = signs.filter((sign) => sign !== "heartbeat" && sign !== "quorum")
    const bad = grave.length >= signsMin ? record.bad + 1 : 0
    const verdict = next(record, signs, bad, now)
    if (isServing(verdict)) serving++
    const since = verdict === record.verdict ? record.since : now
    const { last } = record
    const missing = last.accepted - last.completed
    after.set(record.node, { ...record, verdict, since, signs, bad, missing, contradictions: 0 })
  }
  for (const record of after.values()) {
    let { verdict } = record
    if (verdict === "zombie" && serving - 1 >= least) {
      verdict = "quarantined"
      serving--
      after.set(record.node, { ...record, verdict, since: now, bad: 0 })
    }
    const before = nodes.get(record.node)?.verdict ?? "healthy"
    if (verdict !== before) changes.push({ node: record.node, from: before, to: verdict, signs: record.signs })
  }
  return { nodes: after, changes }
}

/** Whether a node with that verdict may serve actors: what is asked of its health beside whether it answers. */
export const isServing = (verdict: Verdict): boolean => verdict !== "dead" && verdict !== "quarantined"

/** A person decides. Putting the last nodes into quarantine is his to decide, too. */
export const decided = (nodes: Nodes, node: string, verdict: "quarantined" | "probation", now: number): Nodes => {
  const known = nodes.get(node)
  return known === undefined ? nodes : put(nodes, { ...known, verdict, since: now, bad: 0 })
}
