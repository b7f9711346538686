import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import type { LinkStep } from "../../devices/agent/Agent.ts"
import { startSimulatedBoards } from "../../devices/simulated/SimulatedBoards.ts"
import { ChaosCluster } from "../../src/chaos/ChaosCluster.ts"
import { makeOnceCertain } from "../../src/runtime/BoardGateways.ts"
import { PostgresUrl } from "../../src/runtime/storage/PostgresUrl.ts"
import { Postgres } from "../support/Postgres.ts"
import { ask, tempFolder, until } from "../support/RunningNode.ts"

const boards = 4

const whys = (steps: ReadonlyArray<LinkStep>) => steps.flatMap(({ why }) => why ?? [])

/** Steps of the boards at one node. */
const attach = Effect.fnUntraced(function* (url: string, prefix: string) {
  const steps: Array<LinkStep> = []
  yield* startSimulatedBoards({
    url,
    prefix,
    count: boards,
    spreadMillis: 0,
    observe: (_id, step) => steps.push(step)
  })
  yield* until(
    Effect.sync(() => steps.filter(({ state }) => state === "up").length),
    (up) => up === boards
  )
  return steps
})

const isReady = (url: string) => Effect.map(ask(`${url}/health/ready`), ({ status }) => status === 200)

describe("a node that does not reach a peer", () => {
  it("is certain of it once, when it has looked so for a while", () => {
    const isCertain = makeOnceCertain(3)
    const looks = [true, true, false, true, true, true, true, true, false, true, true, true]
    const answers = looks.map(isCertain)
    const certain = answers.flatMap((answer, index) => (answer ? [index] : []))
    assert.deepStrictEqual(certain, [5, 11])
  })

  it.live(
    "sends its boards elsewhere, takes those that come back, and leaves those of other nodes alone",
    () =>
      Effect.gen(function* () {
        const postgres = yield* Postgres
        const database = yield* Effect.promise(() => postgres.createDatabase())
        const lines: Array<string> = []
        const cluster = yield* ChaosCluster.make(yield* tempFolder, (line) => lines.push(line)).pipe(
          Effect.provideService(PostgresUrl, Redacted.make(database))
        )
        const [first = "", , third = ""] = cluster.boardUrls
        const cut = yield* attach(first, "cut-")
        const calm = yield* attach(third, "calm-")
        cluster.cutNodes(0, 1, true)
        yield* until(
          Effect.sync(() => whys(cut).filter((why) => why === "draining").length),
          (sent) => sent === boards
        )
        const [web = ""] = cluster.httpUrls
        assert.isFalse(yield* isReady(web))
        cluster.cutNodes(0, 1, false)
        yield* until(isReady(web), (ready) => ready)
        yield* until(
          Effect.sync(() => cut.filter(({ state }) => state === "up").length),
          (up) => up >= 2 * boards
        )
        assert.strictEqual(whys(cut).filter((why) => why === "draining").length, boards)
        assert.deepStrictEqual(whys(calm), [])
      }).pipe(Effect.scoped, Effect.provide(Postgres.layer())),
    60_000
  )
})
