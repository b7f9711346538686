import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { type ChaosCluster, nodesCount } from "../../src/chaos/ChaosCluster.ts"
import { partitionCount, partitionOf } from "../../src/events/engine/Partition.ts"
import { EventPageView } from "../../src/gateways/http/EventQueries.ts"
import { ask, eventually, requestId } from "./AnyNode.ts"
import { boardsOnline } from "./Boards.ts"
import { clustered } from "./Clustered.ts"

const ids = Array.from({ length: 6 }, (_, at) => `cell-${at + 1}`)
/** One for each partition. */
const probes = Array.from({ length: partitionCount }, (_, at) => `probe-${at + 1}`)
/** One more than there are nodes: an event before each of them dies, and one behind. */
const wanted = nodesCount + 1

const counted = `pattern "restless" {
  from twin.desired-changed
  by source.id
  when count >= ${wanted} over sliding 10min
  do event("cell.restless")
}`
const abandoned = `pattern "abandoned" {
  from twin.desired-changed
  by source.id
  twin.desired-changed then no twin.desired-changed within 3s
}`

const pageOf = Schema.decodeUnknownSync(EventPageView)

const watched = (cluster: ChaosCluster) =>
  Effect.gen(function* () {
    assert.strictEqual(new Set(probes.map((id) => partitionOf("restless", id))).size, partitionCount)
    const { httpUrls } = cluster
    yield* boardsOnline(cluster, [...ids, ...probes])
    yield* Effect.promise(async () => {
      for (const text of [counted, abandoned]) await ask(httpUrls, "/api/patterns", { text })
      const events = async (type: string) => {
        for (const url of httpUrls) {
          const response = await fetch(
            `${url}/api/events?last=10000&limit=1000&where=${encodeURIComponent(`type == "${type}"`)}`
          ).catch(() => undefined)
          if (response?.ok === true) return pageOf(await response.json()).events.map(({ event }) => event)
        }
        return []
      }
      const matches = async (name: string) =>
        (await events("pattern.matched")).filter(({ data }) => Object(data).pattern === name)
      const change = async (round: number) => {
        for (const id of ids) {
          const patch = { target: round }
          await ask(httpUrls, `/api/device/${id}/SetDesired`, { patch }, requestId())
        }
      }
      // A pattern is looked for a moment after it was written, by each partition in its own time.
      await eventually(
        async () => {
          for (const id of probes)
            await ask(httpUrls, `/api/device/${id}/SetDesired`, { patch: { target: Math.random() } }, requestId())
          return (await matches("restless")).map(({ data }) => Object(data).by["source.id"])
        },
        (found) => probes.every((id) => found.includes(id))
      )
      await change(0)
      // Each node dies once in mid-window, and with it each partition at least once.
      for (let node = 0; node < nodesCount; node++) {
        await cluster.signal(node, "SIGKILL")
        await cluster.start(node)
        if (node < nodesCount - 1) await change(node + 1)
      }
      assert.deepStrictEqual(
        (await matches("restless")).filter(({ data }) => ids.includes(String(Object(data).by["source.id"]))),
        []
      )
      await change(nodesCount)
      const restless = async () =>
        (await matches("restless"))
          .map(({ data }) => String(Object(data).by["source.id"]))
          .filter((id) => ids.includes(id))
      const found = await eventually(restless, (each) => each.length >= ids.length)
      assert.deepStrictEqual(found.toSorted(), ids)
      // Nobody has changed anything since: each is abandoned, once.
      const left = await eventually(
        async () => (await matches("abandoned")).map(({ data }) => String(Object(data).by["source.id"])),
        (each) => ids.every((id) => each.includes(id))
      )
      assert.includeMembers(left, ids)
      const acted = (await events("cell.restless")).map(({ data }) => String(Object(data).by["source.id"]))
      assert.deepStrictEqual(acted.filter((id) => ids.includes(id)).toSorted(), ids)
      const all = [...(await matches("restless")), ...(await matches("abandoned"))].map(({ data }) => Object(data).id)
      assert.strictEqual(new Set(all).size, all.length, "a match came twice")
    })
  })

describe("patterns", () => {
  it.live(
    "find what began before their node was killed, once, with every node killed in mid-window",
    () => clustered(watched),
    120_000
  )
})
