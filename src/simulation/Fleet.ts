/** One run: a fleet of nodes and boards under the faults of a seed, then a quiet end at which everything must be in order. */
import { type Fault, scheduleOf } from "./Faults.ts"
import { JournalFollower } from "./JournalFollower.ts"
import { Owners } from "./Owners.ts"
import { Probes } from "./Probes.ts"
import { type Process, SimulatedNode } from "./SimulatedNode.ts"
import type { Verdict } from "./Verdict.ts"
import { type Ports, World } from "./World.ts"

export interface FleetOptions {
  readonly seed: number
  readonly ports?: Partial<Ports>
  readonly trace?: boolean
}

export interface FleetReport {
  readonly seed: number
  readonly verdict: Verdict
  readonly events: number
  readonly lines: ReadonlyArray<string>
}

const nodesCount = 3
/** Times of a run, ms: faults begin when all is up, end well before the end, and what they broke is mended then. */
const faultsFrom = 4000
const faultsUntil = 31_000
const mendedAt = 32_000
const restartedAt = 35_000
const clientsUntil = 36_000
const probedAt = 48_000
const endsAt = 60_000

/** Runs one seed from start to end. Nothing outside of it is read or changed. */
export const runFleet = (options: FleetOptions): FleetReport => {
  const world = new World(options.seed, options)
  const processes = new Map<number, Process>()
  const nodes = Array.from({ length: nodesCount }, (_, slot) => new SimulatedNode(world, slot, processes))
  const owners = new Owners(world)
  const probes = new Probes(world, nodes)
  const journal = new JournalFollower(world)
  const { time } = world
  const random = world.random("start")
  for (const node of nodes) time.at(random() * 300, () => node.start())
  time.at(1500, () => world.ledgers.start(nodes, clientsUntil))
  for (const fault of scheduleOf(options.seed, faultsFrom, faultsUntil))
    time.at(fault.at, () => strike(world, nodes, fault))
  time.at(mendedAt, () => {
    world.trace("all is mended")
    world.network.healAll()
    world.databaseCuts.clear()
    world.database.stalledUntil = 0
    for (const node of nodes) node.thaw()
  })
  time.at(restartedAt, () => {
    for (const node of nodes) node.start()
  })
  time.at(probedAt, () => probes.start())
  time.runUntil(endsAt)
  world.ledgers.finish()
  owners.finish()
  probes.finish()
  journal.finish()
  return { seed: options.seed, verdict: world.verdict, events: time.count, lines: world.lines }
}

const strike = (world: World, nodes: ReadonlyArray<SimulatedNode>, fault: Fault): void => {
  const { time, database, databaseCuts, network } = world
  const node = nodes[fault.node % nodes.length]
  const other = nodes[fault.other % nodes.length]
  if (node === undefined || other === undefined) return
  const struck = (what: string) => {
    world.verdict.fault(fault.kind)
    world.trace(`FAULT ${fault.kind} ${what} ${Math.round(fault.millis)} ms`)
  }
  const until = time.now + fault.millis
  switch (fault.kind) {
    case "kill":
    case "machine-death":
      if (!node.isUp) return
      struck(`node ${node.slot}`)
      node.kill(fault.kind === "machine-death")
      time.at(fault.millis, () => node.start())
      return
    case "short-freeze":
    case "long-freeze": {
      const { process } = node
      if (process === undefined || node.isFrozen) return
      struck(`node ${node.slot}`)
      node.freeze()
      time.at(fault.millis, () => process.host.thaw())
      return
    }
    case "database-cut":
      struck(`node ${node.slot}`)
      databaseCuts.set(node.slot, until)
      return
    case "node-cut":
      struck(`nodes ${node.slot} ${other.slot}`)
      network.cut(node.slot, other.slot, until)
      return
    case "database-stall":
      struck("")
      database.stalledUntil = Math.max(database.stalledUntil, until)
      return
    case "database-restart":
      struck("")
      database.restart()
      database.stalledUntil = Math.max(database.stalledUntil, until)
      return
    case "leave":
      if (!node.isUp || node.isFrozen) return
      struck(`node ${node.slot}`)
      node.leave()
      time.at(fault.millis, () => node.start())
      return
    case "board-power":
    case "link-loss":
    case "link-silence":
      return
  }
}
