import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { type ChaosCluster, nodesCount } from "../../src/chaos/ChaosCluster.ts"
import { AuditPage, type AuditRecordView } from "../../src/protocol/audit/AuditView.ts"
import { Verdict } from "../../src/protocol/audit/Verdict.ts"
import { ask, eventually, requestId } from "./AnyNode.ts"
import { boardsOnline } from "./Boards.ts"
import { clustered } from "./Clustered.ts"

const ids = Array.from({ length: 6 }, (_, at) => `cell-${at + 1}`)
/** Wishes before the next node dies. */
const between = 60

const pageOf = Schema.decodeUnknownSync(AuditPage)
const verdictOf = Schema.decodeUnknownSync(Verdict)

/** What one of the nodes answers. */
const get = async (urls: ReadonlyArray<string>, path: string): Promise<unknown> => {
  for (let attempt = 0; ; attempt++) {
    try {
      const response = await fetch(`${urls[attempt % urls.length]}${path}`, { signal: AbortSignal.timeout(10_000) })
      if (response.ok) return await response.json()
      if (response.status < 500) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    } catch (cause) {
      if (attempt > 100) throw cause
    }
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

/** All wishes of the chain, oldest first. */
const wishes = async (urls: ReadonlyArray<string>): Promise<ReadonlyArray<AuditRecordView>> => {
  const where = encodeURIComponent('type == "twin.desired-changed"')
  const all: Array<AuditRecordView> = []
  for (let before: number | undefined; ; ) {
    const front = before === undefined ? "" : `&before=${before}`
    const page = pageOf(await get(urls, `/api/audit?limit=200&where=${where}${front}`))
    all.push(...page.records)
    before = page.next
    if (before === undefined) return all.reverse()
  }
}

const shared = (cluster: ChaosCluster) =>
  Effect.gen(function* () {
    const { httpUrls } = cluster
    yield* boardsOnline(cluster, ids)
    yield* Effect.promise(async () => {
      let isChanging = true
      let done = 0
      const changing = ids.map(async (device) => {
        let target = 0
        for (; isChanging; target++) {
          await ask(httpUrls, `/api/device/${device}/SetDesired`, { patch: { target } }, requestId())
          done++
        }
        return target
      })
      for (let node = 0; node < nodesCount; node++) {
        const before = done
        await eventually(
          async () => done,
          (count) => count > before + between
        )
        await cluster.signal(node, "SIGKILL")
        await cluster.start(node)
      }
      isChanging = false
      const counts = await Promise.all(changing)
      const wanted = counts.reduce((sum, count) => sum + count, 0)
      const chained = await eventually(
        () => wishes(httpUrls),
        ({ length }) => length >= wanted
      )
      for (const [at, id] of ids.entries())
        assert.deepStrictEqual(
          chained.filter(({ subject }) => subject === `device/${id}`).map(({ data }) => Object(data).patch.target),
          Array.from({ length: counts[at] ?? 0 }, (_, target) => target),
          id
        )
      const verdict = verdictOf(await get(httpUrls, "/api/audit/verify"))
      assert.isTrue(verdict.isWhole, JSON.stringify(verdict.broken))
      assert.isAtLeast(verdict.compared, wanted)
      assert.strictEqual(verdict.older, 0)
    })
  })

describe("the auditor", () => {
  it.live(
    "chains every act once and in order, with every node killed, and the chain is whole",
    () => clustered(shared),
    180_000
  )
})
