/**
 * Watches over the other nodes: whether they only live or also work. This node says with its heartbeats what its own work is like,
 * asks its peers twice a second to do a little of all that they do, takes zombies out of service together with the others, and tells the
 * coordinator of the root what has become of whom.
 */
import { Clock, Effect, Layer, Metric, Option, Schedule, Schema } from "effect"
import { Actors } from "../actors/Actors.ts"
import { Engine } from "../actors/Engine.ts"
import type { ProbeOutcome } from "../actors/Relay.ts"
import { runtimeAsker } from "../protocol/Asker.ts"
import { Coordinator } from "../protocol/vsm/Coordinator.ts"
import { Vitals } from "../protocol/vsm/Vitals.ts"
import { rootId } from "../protocol/vsm/VsmId.ts"
import { median } from "../systems/coordination/Suspicion.ts"
import * as Zombies from "../systems/coordination/Zombies.ts"
import { Membership } from "./cluster/ClusterLayer.ts"
import { Lease } from "./cluster/Lease.ts"
import { NodeTable } from "./cluster/NodeTable.ts"
import { type Judged, Standing } from "./cluster/Standing.ts"
import { NodeWork, type Trial } from "./Workload.ts"

const probeMillis = 500
/** A trial job that failed counts as one that took so long. */
const failedMillis = 5000
const lookEvery = Zombies.lookMillis / probeMillis

const probeSeconds = Metric.gauge("holon_peer_probe_seconds", {
  description: "Middle of how long a peer took for the latest trial jobs"
})
const peerSigns = Metric.gauge("holon_peer_signs", {
  description: "Signs that speak against a peer, as of the last look"
})
const inService = Metric.gauge("holon_node_in_service", { description: "1 while this node may serve actors, else 0" })

const decodeVitals = Schema.decodeUnknownOption(Vitals)

/** What an event says of a node as it was judged. */
const judgementOf = ({ node, address, standing, since, why, by, vitals }: Judged) => {
  const said = Option.getOrUndefined(decodeVitals(vitals))
  if (said === undefined) return { node, address, standing, since, why, by }
  const { accepted, completed, waiting, clock, progressAt, residentBytes } = said
  const stalledMillis = Math.max(0, clock - progressAt)
  return { node, address, standing, since, why, by, accepted, completed, waiting, stalledMillis, residentBytes }
}

const make = Effect.gen(function* () {
  const { workload, trial } = yield* NodeWork
  const { registry, relay } = yield* Engine
  const actors = yield* Actors
  const table = yield* NodeTable
  const standing = yield* Standing
  const lease = yield* Lease
  const membership = yield* Membership
  const clock = yield* Clock.Clock
  const self = lease.node
  const now = (): number => clock.currentTimeMillisUnsafe()
  let nodes: Zombies.Nodes = new Map()
  let seq = 0
  let rounds = 0
  const asked = new Map<string, number>()

  const counted: Trial = (done) => {
    const ended = workload.begin()
    trial((isWell) => {
      ended(isWell)
      done(isWell)
    })
  }
  relay.onProbe(counted)
  membership.setVitals(() => ({
    seq: ++seq,
    clock: now(),
    accepted: workload.accepted,
    completed: workload.completed,
    waiting: workload.waiting,
    progressAt: workload.progressAt,
    residentBytes: process.memoryUsage.rss(),
    doubts: Zombies.doubtsOf(nodes)
  }))

  /** One trial job is under way at a time; one that hangs counts with its age. */
  const probe = (node: string): void => {
    const since = asked.get(node)
    if (since !== undefined) {
      nodes = Zombies.timed(nodes, node, now() - since)
      return
    }
    const began = now()
    asked.set(node, began)
    const ended = (outcome: ProbeOutcome): void => {
      if (asked.get(node) !== began) return
      asked.delete(node)
      // A way that is broken says nothing about who is at its end.
      if (outcome === "unreached") return
      nodes = Zombies.timed(nodes, node, Math.max(now() - began, outcome === "failed" ? failedMillis : 0))
    }
    if (node === self) counted((isWell) => ended(isWell ? "done" : "failed"))
    else relay.probe(node, ended)
  }

  /** Who is silent is dead and judged elsewhere; one without vitals is of a release that does not answer. */
  const listen = (): void => {
    const speaking = new Set<string>()
    for (const row of table.cached()) {
      const vitals = row.healthy ? Option.getOrUndefined(decodeVitals(row.vitals)) : undefined
      if (vitals === undefined) continue
      speaking.add(row.node)
      nodes = Zombies.heard(nodes, row.node, vitals)
    }
    nodes = Zombies.keeping(nodes, speaking)
    for (const node of asked.keys()) if (!speaking.has(node)) asked.delete(node)
    for (const node of speaking) probe(node)
  }

  const look = Effect.gen(function* () {
    nodes = Zombies.looked(nodes, self)
    for (const { node, latencies, signs, doubt } of nodes.values()) {
      if (node === self) continue
      const attributes = { peer: node }
      yield* Metric.update(Metric.withAttributes(probeSeconds, attributes), median(latencies) / 1000)
      yield* Metric.update(Metric.withAttributes(peerSigns, attributes), signs.length)
      if (doubt === "zombie") yield* Effect.logWarning(`Node ${node} lives and does not work: ${signs.join(", ")}`)
    }
    yield* standing.review
  })

  const isOut = (node: string): boolean =>
    table.cached().some((row) => row.node === node && row.standing !== "serving" && row.standing !== "zombie")

  const tell = Effect.gen(function* () {
    if (!registry.has(Coordinator.kind) || !table.cached().some(({ hasNews }) => hasNews)) return
    for (const judged of yield* standing.untold) {
      yield* actors.ask(Coordinator, rootId, "NodeJudged", judgementOf(judged), { asker: runtimeAsker })
      yield* standing.told(judged)
    }
  })

  const round = Effect.gen(function* () {
    listen()
    const isFresh = lease.isFresh()
    yield* Metric.update(inService, isFresh ? 1 : 0)
    if (!isFresh) {
      // What was seen while the database did not answer says nothing about anybody.
      nodes = new Map()
      return
    }
    if (++rounds % lookEvery === 0) yield* look
    for (const { node, doubt, signs } of nodes.values())
      if (doubt === "zombie" && !isOut(node)) yield* standing.condemn(node, signs)
    yield* tell
  })
  // A round that fails is followed by the next one.
  yield* Effect.forkScoped(Effect.repeat(Effect.ignore(round), Schedule.spaced(probeMillis)))
})

/** Watches while the node runs. */
export const layer: Layer.Layer<never, never, Actors | Engine | Lease | Membership | NodeTable | NodeWork | Standing> =
  Layer.effectDiscard(make)
