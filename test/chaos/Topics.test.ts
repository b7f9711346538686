import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { connectAsync } from "mqtt"
import { type ChaosCluster, nodesCount } from "../../src/chaos/ChaosCluster.ts"
import { ask, eventually, requestId } from "./AnyNode.ts"
import { board, dialling } from "./Boards.ts"
import { clustered } from "./Clustered.ts"

const device = "cell-1"
/** Changes that begin while a pair of nodes does not hear each other. */
const between = 8
/** Targets from here on only find out whether the pattern is looked for. */
const probes = 1_000_000

/** What a client of one node hears on the topic. */
const reader = (url: string, index: number) =>
  Effect.gen(function* () {
    const heard: Array<number> = []
    const client = yield* Effect.acquireRelease(
      Effect.promise(() => connectAsync(url, { clientId: `reader_${index}`, reconnectPeriod: 0 })),
      (open) => Effect.promise(() => open.endAsync(true))
    )
    client.on("message", (_topic, payload) => {
      const target = Number(Object(JSON.parse(payload.toString())).values.target)
      if (!heard.includes(target)) heard.push(target)
    })
    yield* Effect.promise(() => client.subscribeAsync("moves/#", { qos: 1 }))
    return heard
  })

const published = (cluster: ChaosCluster) =>
  Effect.gen(function* () {
    const { httpUrls, boardUrls } = cluster
    yield* board(device, dialling(boardUrls, 0))
    const readers = yield* Effect.forEach(boardUrls, reader)
    let target = 0
    const desire = (value: number) =>
      ask(httpUrls, `/api/device/${device}/SetDesired`, { patch: { target: value } }, requestId())
    const change = async (count: number): Promise<void> => {
      for (let more = 0; more < count; more++) await desire(target++)
    }
    const told = (heard: ReadonlyArray<number>) => heard.filter((value) => value < probes)
    const everybodyHeard = () =>
      eventually(
        async () => readers.map((heard) => told(heard).length),
        (counts) => counts.every((count) => count >= target)
      )
    yield* Effect.promise(async () => {
      const text = `pattern "moved" {
        from twin.desired-changed
        by source.id
        where patch.target >= 0
        emit { target: patch.target }
        do mqtt("moves/cell")
      }`
      await ask(httpUrls, "/api/patterns", { text })
      let probe = probes
      await eventually(
        async () => {
          await desire(probe++)
          return readers
        },
        (all) => all.every((heard) => heard.length > 0)
      )
      for (let node = 0; node < nodesCount; node++) {
        const other = (node + 1) % nodesCount
        cluster.cutNodes(node, other, true)
        // One that is asked of the wrong node ends with the cut only.
        const changing = change(between)
        // Longer than a channel that carries nothing is kept.
        await new Promise((resolve) => setTimeout(resolve, 2500))
        cluster.cutNodes(node, other, false)
        await changing
        await everybodyHeard()
      }
    })
    for (const heard of readers)
      assert.deepStrictEqual(
        told(heard),
        Array.from({ length: target }, (_, value) => value)
      )
  })

describe("messages on topics", () => {
  it.live(
    "reach the clients of every node in order per key, also of nodes that did not hear each other for a while",
    () => clustered(published),
    180_000
  )
})
