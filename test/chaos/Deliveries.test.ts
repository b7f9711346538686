import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type ChaosCluster, nodesCount } from "../../src/chaos/ChaosCluster.ts"
import { type DeliveryTarget, deliveryIdOf } from "../../src/protocol/Delivery.ts"
import { type Sink, sink } from "../support/Sink.ts"
import { ask, eventually, requestId } from "./AnyNode.ts"
import { boardsOnline } from "./Boards.ts"
import { clustered } from "./Clustered.ts"

const ids = Array.from({ length: 8 }, (_, at) => `cell-${at + 1}`)
/** Letters that arrive before the next node dies. */
const between = 60
/** Changes of a device that are not told yet. */
const aheadMax = 10
/** Targets from here on only find out whether somebody listens. */
const probes = 1_000_000

/** By the digits of a match's id, so that the same match meets the same mood: one in eight is refused first, one in eight cut. */
const mood: Sink["mood"] = (id, tries) => {
  const digit = Number.parseInt(id.slice(0, 2), 16) % 8
  if (tries > 1 || digit > 1) return 200
  return digit === 0 ? 503 : "cut"
}

interface Told {
  readonly device: string
  readonly target: number
}

const deviceOf = (body: unknown): string => String(Object(body).by["source.id"])

/** What was taken, without what was said to find out whether somebody listens. */
const toldOf = ({ taken }: Sink): ReadonlyArray<Told> =>
  taken
    .map(({ body }) => ({ device: deviceOf(body), target: Number(Object(body).values.target) }))
    .filter(({ target }) => target < probes)

const delivered = (cluster: ChaosCluster) =>
  Effect.gen(function* () {
    const server = yield* sink
    server.mood = mood
    const { httpUrls } = cluster
    yield* boardsOnline(cluster, ids)
    const desire = (device: string, target: number) =>
      ask(httpUrls, `/api/device/${device}/SetDesired`, { patch: { target } }, requestId())
    yield* Effect.promise(async () => {
      const text = `pattern "moved" {
        from twin.desired-changed
        by source.id
        where patch.target >= 0
        emit { target: patch.target }
        do webhook("${server.url}")
      }`
      await ask(httpUrls, "/api/patterns", { text })
      // Each node looks for a pattern a moment after it was written, not all from the same one.
      let probe = probes
      for (const device of ids)
        await eventually(
          async () => {
            await desire(device, probe++)
            return server.taken
          },
          (taken) => taken.some(({ body }) => deviceOf(body) === device)
        )
      let isOver = false
      const changing = Promise.all(
        ids.map(async (device) => {
          let target = 0
          for (; !isOver; target++) {
            await desire(device, target)
            // Else letters would still be on their way minutes after the last node has died.
            await eventually(
              async () => toldOf(server).filter((each) => each.device === device).length,
              (count) => count > target - aheadMax
            )
          }
          return target
        })
      )
      for (let node = 0; node < nodesCount; node++) {
        const before = toldOf(server).length
        await eventually(
          async () => toldOf(server).length,
          (count) => count > before + between
        )
        // One of them dies while the server is away, which loses no letter and kills none.
        if (node === 1) await server.down()
        await cluster.signal(node, "SIGKILL")
        await cluster.start(node)
        if (node === 1) await server.up()
      }
      isOver = true
      const counts = await changing
      const told = await eventually(
        async () => toldOf(server),
        (each) => each.length >= counts.reduce((sum, count) => sum + count, 0)
      )
      for (const [at, device] of ids.entries())
        assert.deepStrictEqual(
          told.filter((each) => each.device === device).map(({ target }) => target),
          Array.from({ length: counts[at] ?? 0 }, (_, target) => target),
          device
        )
      const target: DeliveryTarget = { _tag: "Webhook", url: server.url }
      const view = await eventually(
        () => ask(httpUrls, `/api/delivery/${encodeURIComponent(deliveryIdOf(target))}/GetState`, {}),
        (found) => Object(found).queued === 0
      )
      assert.deepInclude(view, { dead: 0, dropped: 0, state: "active" })
      assert.isTrue([...server.tries.values()].some((tries) => tries > 1))
    })
  })

describe("deliveries", () => {
  it.live(
    "reach a server that fails now and then and is away for a while, once and in order per key, with every node killed meanwhile",
    () => clustered(delivered),
    180_000
  )
})
