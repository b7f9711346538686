/** One run: a fleet of nodes and boards under the faults of a seed, then a quiet end at which everything must be in order. */
import { Board } from "./Board.ts"
import { busyBoards } from "./Boards.ts"
import { type Fault, scheduleOf } from "./Faults.ts"
import { JournalFollower } from "./JournalFollower.ts"
import { watchOwners } from "./Owners.ts"
import { Probes } from "./Probes.ts"
import { between } from "./Random.ts"
import { type Process, SimulatedNode } from "./SimulatedNode.ts"
import type { Verdict } from "./Verdict.ts"
import { type Ports, World } from "./World.ts"

/** Which run. Absent ports are sound. */
export interface FleetOptions {
  readonly seed: number
  readonly ports?: Partial<Ports>
  readonly trace?: boolean
}

/** What a run found. `lines` is empty without `trace`. */
export interface FleetReport {
  readonly seed: number
  readonly verdict: Verdict
  readonly events: number
  readonly lines: ReadonlyArray<string>
}

const nodesCount = 3
const boardsCount = 20
/** Times of a run, ms: faults begin when all is up, end well before the end, and what they broke is mended then. */
const faultsFrom = 4000
const faultsUntil = 31_000
const mendedAt = 32_000
const restartedAt = 35_000
const clientsUntil = 36_000
const probedAt = 48_000
const reportsUntil = 56_000
const endsAt = 60_000

/** Runs one seed from start to end. Nothing outside of it is read or changed. */
export const runFleet = (options: FleetOptions): FleetReport => {
  const world = new World(options.seed, options)
  const processes = new Map<number, Process>()
  const nodes = Array.from({ length: nodesCount }, (_, slot) => new SimulatedNode(world, slot, processes))
  watchOwners(world)
  const probes = new Probes(world, nodes)
  const journal = new JournalFollower(world)
  const { time } = world
  const random = world.random("start")
  for (const node of nodes) time.at(random() * 300, () => node.start())
  const boards = Array.from({ length: boardsCount }, (_, index) => new Board(world, nodes, index))
  for (const board of boards) time.at(between(random, 1500, 2500), () => board.start(reportsUntil))
  time.at(1500, () => world.ledgers.start(nodes, clientsUntil))
  time.at(3500, () => world.boards.start(nodes, boards, clientsUntil))
  time.at(4500, () => world.deliveries.start(nodes, boards, faultsUntil))
  // One board goes dark for good, sometimes with the machine that holds its device, sometimes unnoticed by a database that
  // stalls: whoever owns the device then must learn it by itself.
  const dark = boards.at(-1)
  time.at(between(random, 8000, 28_000), () => {
    dark?.stop(random() < 0.3)
    const dice = random()
    if (dice < 0.3) nodes.find(({ process }) => process?.peer.name === ownerOf(world, dark))?.kill(true)
    else if (dice < 0.6) time.at(between(random, 5000, 6500), () => stall(world, 5000))
  })
  for (const fault of scheduleOf(options.seed, faultsFrom, faultsUntil))
    time.at(fault.at, () => strike(world, nodes, boards, fault))
  time.at(mendedAt, () => {
    world.trace("all is mended")
    world.network.healAll()
    world.databaseCuts.clear()
    world.database.stalledUntil = 0
    for (const node of nodes) node.thaw()
  })
  time.at(restartedAt, () => {
    for (const node of nodes) node.start()
    for (const board of boards) if (board !== dark) board.start(reportsUntil)
  })
  time.at(probedAt, () => probes.start())
  time.at(reportsUntil, () => world.deliveries.ask())
  time.runUntil(endsAt)
  world.ledgers.finish()
  world.boards.finish()
  world.deliveries.finish()
  probes.finish()
  journal.finish()
  return { seed: options.seed, verdict: world.verdict, events: time.count, lines: world.lines }
}

const stall = ({ database, time }: World, millis: number): void => {
  database.stalledUntil = Math.max(database.stalledUntil, time.now + millis)
}

/** While a node is frozen, boards at its gateway start anew elsewhere: what it still holds of them is of the past. */
const takeBoards = ({ time }: World, boards: ReadonlyArray<Board>, node: SimulatedNode, fault: Fault): void => {
  for (const [index, board] of boards.entries()) {
    if (board === boards.at(-1) || board.gateway !== node.process) continue
    const at = ((fault.board + index * 7) % 13) * 150
    if ((fault.board + index) % 2 === 0) time.at(at, () => board.resetLink())
    else
      time.at(at, () => {
        board.stop(false)
        time.at(300, () => board.start(reportsUntil))
      })
  }
}

const ownerOf = (world: World, board: Board | undefined): string | undefined =>
  world.database.rows.get(`device/${board?.id}`)?.owner

const strike = (
  world: World,
  nodes: ReadonlyArray<SimulatedNode>,
  boards: ReadonlyArray<Board>,
  fault: Fault
): void => {
  const { time, database, databaseCuts, network } = world
  const node = nodes[fault.node % nodes.length]
  const other = nodes[fault.other % nodes.length]
  // Every other fault of a board strikes one that operators are busy with.
  const board = boards[fault.board % (fault.board % 2 === 0 ? busyBoards : boards.length)]
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
      if (fault.takesBoards) takeBoards(world, boards, node, fault)
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
      stall(world, fault.millis)
      return
    case "database-restart":
      struck("")
      database.restart()
      stall(world, fault.millis)
      return
    case "leave":
      if (!node.isUp || node.isFrozen) return
      struck(`node ${node.slot}`)
      node.leave()
      time.at(fault.millis, () => node.start())
      return
    case "board-power":
      if (board === undefined || !board.isOn) return
      struck(board.id)
      board.stop(fault.node % 2 === 0)
      if (fault.other % 3 !== 0 && board !== boards.at(-1)) time.at(fault.millis, () => board.start(reportsUntil))
      return
    case "link-loss":
      struck(board?.id ?? "")
      board?.resetLink()
      return
    case "link-silence":
      struck(board?.id ?? "")
      board?.silenceLink(until)
      return
  }
}
