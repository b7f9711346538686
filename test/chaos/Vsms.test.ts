import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { type ChaosCluster, nodesCount } from "../../src/chaos/ChaosCluster.ts"
import { RecursionView } from "../../src/protocol/vsm/Recursion.ts"
import { isEnded, SpawnView } from "../../src/protocol/vsm/Spawn.ts"
import { VsmView } from "../../src/protocol/vsm/VsmState.ts"
import { ask, eventually, requestId } from "./AnyNode.ts"
import { clustered } from "./Clustered.ts"

const spawns = 100
/** Fewer than are asked for, so that the guard has to refuse some. */
const total = 70
const parents = ["north", "east", "south", "west"]

const viewOf = Schema.decodeUnknownSync(VsmView)
const spawnOf = Schema.decodeUnknownSync(SpawnView)
const limitsOf = Schema.decodeUnknownSync(RecursionView)

const grown = (cluster: ChaosCluster) =>
  Effect.gen(function* () {
    const { httpUrls } = cluster
    const view = async (id: string) => viewOf(await ask(httpUrls, `/api/vsm/${id}/Describe`, {}))
    const limits = async () => limitsOf(await ask(httpUrls, "/api/recursion/root/GetLimits", {}))
    yield* Effect.promise(async () => {
      const bounds = { perMinute: 1000, burst: 1000, total }
      await eventually(
        () => ask(httpUrls, "/api/recursion/root/SetBounds", bounds).catch(() => undefined),
        (set) => set !== undefined
      )
      for (const child of parents)
        await ask(httpUrls, "/api/vsm/root/Spawn", { child, budget: { spawn: 100 } }, requestId())
      for (const id of parents)
        await eventually(
          () => view(id).catch(() => undefined),
          (found) => found?.status === "active"
        )

      // From every node, below every parent; a node is killed in the middle of it.
      const wanted = Array.from({ length: spawns }, (_, at) => ({
        parent: parents[at % parents.length] ?? "north",
        child: `child-${at}`
      }))
      const asked = Promise.all(
        wanted.map(({ parent, child }, at) => {
          const turn = at % nodesCount
          const urls = [...httpUrls.slice(turn), ...httpUrls.slice(0, turn)]
          return ask(urls, `/api/vsm/${parent}/Spawn`, { child, budget: { mem_mb: 0 } }, requestId())
        })
      )
      await cluster.signal(1, "SIGKILL")
      await asked
      await cluster.start(1)
      for (const id of parents) {
        const found = await eventually(
          () => view(id),
          ({ spawns }) => spawns.every(isEnded)
        )
        assert.strictEqual(found.spawns.length, spawns / parents.length, "no spawn was forgotten")
      }

      const views = await Promise.all(parents.map(view))
      const children = views.flatMap((found) => found.children.map(({ id }) => String(id)))
      const refused = views.flatMap((found) =>
        found.spawns.map((spawn) => spawnOf(spawn)).filter(({ step }) => step === "refused")
      )
      assert.strictEqual(children.length, total - parents.length, "as many as the guard lets stand, and no more")
      assert.strictEqual(refused.length, spawns - children.length)
      const { total: counted, onTheWay } = await limits()
      assert.deepStrictEqual([counted, onTheWay], [total, 0])
      for (const { id, given, children: own } of views)
        assert.deepStrictEqual(given, own.length === 0 ? {} : { spawn: own.length }, `the ledger of ${id}`)
      for (const id of children)
        await eventually(
          () => view(id),
          ({ status }) => status === "active"
        )

      // The tree ends as it began, though a node dies over it.
      for (const id of parents) await ask(httpUrls, `/api/vsm/${id}/Retire`, { mode: "drain" }, requestId())
      await cluster.signal(2, "SIGKILL")
      await cluster.start(2)
      const root = await eventually(
        () => view("root"),
        (found) => found.children.length === 0
      )
      assert.deepStrictEqual(root.given, {})
      await eventually(limits, (found) => found.total === 0)
    })
  })

describe("a tree of VSMs", () => {
  it.live(
    "is whole after a hundred spawns from three nodes at once, though nodes are killed while it grows and while it ends",
    () => clustered(grown),
    300_000
  )
})
