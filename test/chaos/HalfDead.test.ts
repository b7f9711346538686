import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { realClock } from "../../devices/agent/RealTime.ts"
import { ChaosBoard } from "../../src/chaos/ChaosBoard.ts"
import { ChaosCluster } from "../../src/chaos/ChaosCluster.ts"
import { ChaosClient } from "../../src/chaos/Client.ts"
import { NodeLine } from "../../src/gateways/http/Control.ts"
import { EventPageView } from "../../src/gateways/http/EventQueries.ts"
import * as EmbeddedPostgres from "../../src/runtime/storage/EmbeddedPostgres.ts"
import { randomOf } from "../../src/simulation/Random.ts"
import { ask, eventually } from "./AnyNode.ts"

const boardsCount = 6
const commandEveryMillis = 200
const frozenMillis = 20_000
/** From the fault on. */
const quarantinedWithinMillis = 30_000

const decodeNodes = Schema.decodeUnknownSync(Schema.Array(NodeLine))
const decodeEvents = Schema.decodeUnknownSync(Schema.toCodecJson(EventPageView))

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "holon-half-dead-"))),
  (made) => Effect.sync(() => rmSync(made, { recursive: true, force: true }))
)

const get = async (url: string): Promise<unknown> => {
  const response = await fetch(url, { signal: AbortSignal.timeout(5000) })
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`)
  return response.json()
}

/** Boards that execute and report, and people who give them commands, until the scope ends. */
const busy = (cluster: ChaosCluster) =>
  Effect.gen(function* () {
    const random = randomOf(7, "load")
    const clock = yield* realClock
    const boards = Array.from(
      { length: boardsCount },
      (_, index) =>
        new ChaosBoard({
          id: `board-${index + 1}`,
          urls: cluster.boardUrls,
          hasJournal: true,
          clock: () => clock,
          random,
          report: () => {}
        })
    )
    yield* Effect.acquireRelease(
      Effect.sync(() => {
        for (const board of boards) board.start()
      }),
      () => Effect.promise(() => Promise.all(boards.map((board) => board.stop())))
    )
    yield* Effect.promise(() =>
      eventually(
        async () => boards.every(({ isLinked }) => isLinked),
        (isSo) => isSo
      )
    )
    const client = new ChaosClient(cluster.httpUrls, random)
    const ids = boards.map(({ id }) => id)
    const load = client.load(ids, commandEveryMillis)
    /** Lets everything come to its end. */
    const settle = async () => {
      client.stop()
      await load
      await eventually(
        () => client.look(),
        () => client.commands.every(({ isAccepted, codes }) => !isAccepted || codes.size > 0)
      )
    }
    return { boards, client, settle }
  })

/** Nothing ran twice, and what was accepted has one end. */
const isSound = (boards: ReadonlyArray<ChaosBoard>, client: ChaosClient): void => {
  const ran = boards.flatMap(({ witness }) => [...witness.executed])
  assert.isAbove(ran.length, 50)
  assert.deepStrictEqual(
    ran.filter(([, times]) => times > 1),
    []
  )
  assert.deepStrictEqual(
    client.commands.filter(({ isAccepted, codes }) => isAccepted && codes.size !== 1),
    []
  )
  assert.strictEqual(client.unanswered, 0)
}

const started = <A, E>(run: (cluster: ChaosCluster) => Effect.Effect<A, E, never>) =>
  Effect.gen(function* () {
    const place = yield* folder
    const data = join(place, "data")
    mkdirSync(data, { recursive: true })
    yield* Effect.flatMap(
      ChaosCluster.make(place, () => {}),
      run
    ).pipe(Effect.provide(EmbeddedPostgres.layer(data)))
  }).pipe(Effect.scoped)

const nodeAt = async (url: string, address: string): Promise<NodeLine | undefined> =>
  decodeNodes(await get(`${url}/api/nodes`)).find((node) => node.address === address)

const eventsOf = async (url: string, type: string) => {
  const where = encodeURIComponent(`type == "${type}"`)
  return decodeEvents(await get(`${url}/api/events?since=1h&limit=100&where=${where}`)).events
}

const until = (url: string, address: string, isSo: (node: NodeLine) => boolean) =>
  eventually(
    () => nodeAt(url, address).catch(() => undefined),
    (node) => node !== undefined && isSo(node)
  )

describe("a node that lives and gets nothing done", () => {
  it.live(
    "is out of service within half a minute, loses nothing, and comes back once it is well",
    () =>
      started((cluster) =>
        Effect.gen(function* () {
          const { boards, client, settle } = yield* busy(cluster)
          const [first = ""] = cluster.httpUrls
          const address = cluster.addressOf(2)
          yield* Effect.promise(async () => {
            await until(first, address, ({ shards, standing }) => shards > 0 && standing === "serving")
            // Its peers learn what it is usually like.
            const usual = client.commands.length + 50
            await eventually(
              async () => client.commands.length,
              (count) => count >= usual
            )
            const began = performance.now()
            cluster.stallWork(2, true)
            const out = await until(first, address, ({ standing }) => standing === "quarantined")
            const took = performance.now() - began
            console.log(`in quarantine after ${(took / 1000).toFixed(1)} s: ${out?.why.join(", ")}`)
            assert.isBelow(took, quarantinedWithinMillis)
            assert.isTrue(out?.isHealthy, "its heartbeats go on")
            await until(first, address, ({ shards }) => shards === 0)
            for (const { id } of boards) await ask(cluster.httpUrls.slice(0, 2), `/api/device/${id}/GetTwin`, {})

            cluster.stallWork(2, false)
            await until(first, address, ({ standing }) => standing === "probation")
            await until(first, address, ({ standing, shards }) => standing === "serving" && shards > 0)
            await settle()
            isSound(boards, client)
            for (const type of ["node.quarantined", "node.probation", "node.readmitted"]) {
              const events = await eventually(
                () => eventsOf(first, type).catch(() => []),
                (found) => found.length > 0
              )
              assert.lengthOf(events, 1, type)
            }
          })
        }).pipe(Effect.scoped)
      ),
    300_000
  )
})

describe("a node that people take out of service", () => {
  it.live(
    "hands its actors over, and others serve them; one that was frozen meanwhile does nothing twice when it goes on",
    () =>
      started((cluster) =>
        Effect.gen(function* () {
          const { boards, client, settle } = yield* busy(cluster)
          const [first = ""] = cluster.httpUrls
          const address = cluster.addressOf(2)
          const govern = (path: string, body: object) => ask([first], `/api/nodes/${address}/${path}`, body)
          yield* Effect.promise(async () => {
            await until(first, address, ({ shards }) => shards > 0)
            await govern("exclude", { reason: "its disk fails" })
            const out = await until(first, address, ({ shards }) => shards === 0)
            assert.deepInclude(out, { standing: "excluded", why: ["its disk fails"] })
            const refused = await ask([first], `/api/nodes/${cluster.addressOf(1)}/exclude`, {}).catch(String)
            assert.include(String(refused), "more than half")
            await govern("readmit", {})
            await until(first, address, ({ shards, standing }) => shards > 0 && standing === "serving")

            await cluster.signal(1, "SIGSTOP")
            await new Promise((resolve) => setTimeout(resolve, frozenMillis))
            await cluster.signal(1, "SIGCONT")
            await until(first, cluster.addressOf(1), ({ isHealthy, shards }) => isHealthy && shards > 0)
            await settle()
            isSound(boards, client)
            assert.lengthOf(await eventsOf(first, "node.excluded"), 1)
            assert.lengthOf(await eventsOf(first, "node.quarantined"), 0, "who is silent is dead, and no zombie")
          })
        }).pipe(Effect.scoped)
      ),
    300_000
  )
})
