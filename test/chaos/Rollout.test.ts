import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import { NvStore } from "../../devices/nv/NvStore.ts"
import { type ChaosCluster, nodesCount } from "../../src/chaos/ChaosCluster.ts"
import { RolloutPage, RolloutSummary } from "../../src/protocol/Rollout.ts"
import { run } from "../support/Cli.ts"
import { ask, eventually, requestId } from "./AnyNode.ts"
import { boardsOnline } from "./Boards.ts"
import { clustered } from "./Clustered.ts"

const ids = Array.from({ length: 5 }, (_, at) => `cell-${at + 1}`)
const rules = {
  canary: 1,
  waveSize: 2,
  parallel: 2,
  successShare: 1,
  errorShare: 0,
  observeMillis: 1000,
  // A board that dialled several nodes in vain waits up to a minute before it dials again.
  patienceMillis: 200_000,
  needsApproval: true,
  rollsBack: true
}
const pageOf = Schema.decodeUnknownSync(RolloutPage)
const summaryOf = Schema.decodeUnknownSync(RolloutSummary)

/** Builds the image and brings it into the store of the cluster. */
const pushed = (place: string, url: string) =>
  Effect.gen(function* () {
    const [file, manifest] = [join(place, "blink.hxe"), join(place, "manifest.json")]
    writeFileSync(manifest, JSON.stringify({ version: "1.0.0", confirm: 500 }))
    const example = join(import.meta.dirname, "../../examples/blink.mvasm")
    const built = yield* run(["image", "build", example, "--name", "blink", "--out", file])
    assert.isTrue(built.isSuccess, built.err)
    const at = ["--url", url, "--data", join(place, "data")]
    const ran = yield* run(["image", "push", file, "--manifest", manifest, "--json", ...at])
    assert.isTrue(ran.isSuccess, ran.err)
    return { bytes: new Uint8Array(readFileSync(file)), sha256: String(JSON.parse(ran.out).sha256) }
  })

const rolledOut = (cluster: ChaosCluster, place: string) =>
  Effect.gen(function* () {
    const { httpUrls } = cluster
    const image = yield* pushed(place, httpUrls[0] ?? "")
    const memories = yield* boardsOnline(cluster, ids)
    yield* Effect.promise(async () => {
      const start = { sha256: image.sha256, devices: ids, rules }
      await ask(httpUrls, "/api/rollout/r-1/Start", start, requestId())
      const view = async () => summaryOf(await ask(httpUrls, "/api/rollout/r-1/GetRollout", {}))
      const boardsNow = async () => {
        const { boards } = pageOf(await ask(httpUrls, "/api/rollout/r-1/GetBoards", {}))
        return boards.map(({ id, step, detail }) => `${id} ${step} ${detail ?? ""}`).join("; ")
      }
      // Each node dies once while the boards of a wave are under way: that of the rollout, of sessions, devices and links.
      for (let node = 0; node < nodesCount; node++) {
        if (node > 0) await ask(httpUrls, "/api/rollout/r-1/Approve", {})
        const { counts } = await view()
        assert.isAbove(
          (counts["provisioning"] ?? 0) + (counts["observing"] ?? 0),
          0,
          `wave ${node + 1} was over at once`
        )
        await cluster.signal(node, "SIGKILL")
        await cluster.start(node)
        const { state } = await eventually(view, (found) => found.state !== "running")
        assert.strictEqual(state, node < nodesCount - 1 ? "awaiting" : "succeeded", await boardsNow())
      }
      const { counts, reason } = await view()
      assert.deepStrictEqual([counts, reason], [{ good: ids.length }, "all boards are good"], await boardsNow())
      const { boards } = pageOf(await ask(httpUrls, "/api/rollout/r-1/GetBoards", {}))
      assert.deepStrictEqual(
        boards.map(({ id, attempts }) => [id, attempts]),
        ids.map((id) => [id, 1]),
        "no board was sent it twice"
      )
    })
    for (const memory of memories) {
      const store = Result.getOrThrow(NvStore.mount({ devices: memory.open() }))
      assert.deepStrictEqual(Result.getOrThrow(store.image("blink")).bytes, image.bytes)
    }
  })

describe("a rollout", () => {
  it.live(
    "goes on and ends with every board good, though every node is killed while boards are under way",
    () => clustered(rolledOut),
    300_000
  )
})
