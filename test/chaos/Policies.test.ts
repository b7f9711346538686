import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { type ChaosCluster, nodesCount } from "../../src/chaos/ChaosCluster.ts"
import { PolicyView } from "../../src/protocol/vsm/PolicyView.ts"
import { ask, eventually, requestId } from "./AnyNode.ts"
import { clustered } from "./Clustered.ts"

const viewOf = Schema.decodeUnknownSync(PolicyView)

/** Each node is killed once while a policy is being put into force: one of them has the keeper. */
const governed = (cluster: ChaosCluster) =>
  Effect.gen(function* () {
    const { httpUrls } = cluster
    const keeper = (message: string, payload: object) =>
      ask(httpUrls, `/api/policy/root/${message}`, payload, requestId())
    const view = async (name: string) => viewOf(await ask(httpUrls, "/api/policy/root/GetPolicy", { name }))
    const epochs: Array<number> = []
    for (let index = 0; index < nodesCount; index++) {
      const name = `calm-${index}`
      yield* Effect.promise(async () => {
        const source = `policy ${name} { when capability == "calm.${index}" { deny "calm" } }`
        await eventually(
          () => keeper("Stage", { source }).catch(() => undefined),
          (staged) => staged !== undefined
        )
        const activated = keeper("Activate", { name })
        await cluster.signal(index, "SIGKILL")
        assert.strictEqual(viewOf(await activated).name, name)
        const { state, epoch } = await eventually(
          () => view(name),
          ({ publishing }) => publishing === undefined
        )
        assert.strictEqual(state, "active")
        epochs.push(epoch ?? 0)
        await cluster.start(index)
      })
    }
    // One after another, and none twice.
    assert.deepStrictEqual(
      epochs,
      [...new Set(epochs)].sort((one, other) => one - other)
    )
    const would = (url: string, index: number) =>
      ask([url], "/api/policies/explain", { capability: `calm.${index}` }).then(
        (found) => Object(found).explanation.decision
      )
    yield* Effect.promise(async () => {
      for (const url of httpUrls)
        for (let index = 0; index < nodesCount; index++) {
          const decided = await eventually(
            () => would(url, index).catch(() => undefined),
            (found) => found !== undefined
          )
          assert.deepInclude(decided, { effect: "deny", reason: "calm", epoch: epochs.at(-1) })
        }
    })
  })

describe("a cluster whose nodes are killed while policies come into force", () => {
  it.live("has each of them once, by one epoch, on every node", () => clustered(governed), 180_000)
})
