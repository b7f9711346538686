/** Frames of 1,000 boards into their device actors, acknowledged when durable, against a broker that does nothing. */
import type { BoardsRequest, RunAnswer } from "./boards.ts"
import { startCluster, stop, type Worker, worker } from "./Processes.ts"
import { type BenchOptions, compare, show } from "./Rounds.ts"

const boardCount = 1_000
const loads = [
  { window: 1, messages: 30_000, goal: 0.5 },
  { window: 20, messages: 100_000, goal: 0.5 }
] as const
const warmUp = 20_000
/** Against the line without a large twin. */
const largeTwinGoal = 0.8
const clusterGoal = 0.5

type Boards = Worker<BoardsRequest, RunAnswer | undefined>

const boardsAt = async (ports: ReadonlyArray<number>, attaches: boolean): Promise<Boards> => {
  const boards = worker<BoardsRequest, RunAnswer | undefined>("./boards.ts")
  await boards.ask({ do: "connect", ports, count: boardCount, attaches })
  return boards
}

const latencies = new Map<string, RunAnswer>()

const perSecond = (boards: Boards, name: string, messages: number, window: number) => async () => {
  const answer = await boards.ask({ do: "run", messages, window })
  if (answer === undefined) throw new Error("no answer of a run")
  latencies.set(`${name}, ${window} in flight`, answer)
  return answer.perSecond
}

const printWaits = (): void => {
  for (const [name, { p50, p99 }] of latencies)
    console.log(`  ${name}: a frame waits ${show(p50)} ms, p99 ${show(p99)} ms`)
  latencies.clear()
}

const line = (window: number): string =>
  `${boardCount} boards, QoS 1, ${window} in flight each, frames acknowledged a second`

/** One node against the broker, with small twins and with large ones. */
export const frames = async ({ isQuick }: BenchOptions): Promise<void> => {
  const broker = worker<{ readonly do: "listen" }, number>("./aedes.ts")
  const node = await startCluster(1, 20)
  const atBroker = await boardsAt([await broker.ask({ do: "listen" })], false)
  const atNode = await boardsAt(node.mqttPorts, true)
  const large = await boardsAt(node.mqttPorts, true)
  await large.ask({ do: "fill", bytes: 16 * 1024 })
  for (const boards of [atBroker, atNode, large]) await boards.ask({ do: "run", messages: warmUp, window: 20 })
  for (const { window, messages, goal } of loads) {
    const [, small, big] = await compare(
      line(window),
      [
        { name: "aedes, does nothing", unit: "/s", run: perSecond(atBroker, "aedes", messages, window) },
        {
          name: "one node, durable",
          unit: "/s",
          goal: { atLeast: goal },
          run: perSecond(atNode, "one node", messages, window)
        },
        { name: "one node, 16 KiB twins", unit: "/s", run: perSecond(large, "16 KiB twins", messages, window) }
      ],
      isQuick ? 3 : 5
    )
    const ratio = (big?.median ?? Number.NaN) / (small?.median ?? Number.NaN)
    console.log(`  16 KiB twins: ${show(ratio)} of small ones, goal ≥ ${largeTwinGoal}`)
  }
  printWaits()
  for (const { child } of [atBroker, atNode, large, broker]) await stop(child)
  await node.stop()
}

/** Three nodes against one, boards spread at random: two of three frames go through a second node. */
export const framesInCluster = async ({ isQuick }: BenchOptions): Promise<void> => {
  const one = await startCluster(1, 20)
  const three = await startCluster(3, 20)
  const atOne = await boardsAt(one.mqttPorts, true)
  const atThree = await boardsAt(three.mqttPorts, true)
  for (const boards of [atOne, atThree]) await boards.ask({ do: "run", messages: warmUp, window: 20 })
  for (const { window, messages } of loads)
    await compare(
      line(window),
      [
        { name: "one node", unit: "/s", run: perSecond(atOne, "one node", messages, window) },
        {
          name: "three nodes",
          unit: "/s",
          goal: { atLeast: clusterGoal },
          run: perSecond(atThree, "three nodes", messages, window)
        }
      ],
      isQuick ? 3 : 5
    )
  printWaits()
  for (const { child } of [atOne, atThree]) await stop(child)
  await one.stop()
  await three.stop()
}
