import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Fiber, Layer, Redacted, Schema, Scope } from "effect"
import { connectAsync } from "mqtt"
import type { LinkStep } from "../../devices/agent/Agent.ts"
import { helloOf } from "../../devices/agent/Hello.ts"
import { startSimulatedBoards } from "../../devices/simulated/SimulatedBoards.ts"
import { ChaosCluster } from "../../src/chaos/ChaosCluster.ts"
import { encodeUp } from "../../src/protocol/FrameCodec.ts"
import { makeOnceCertain } from "../../src/runtime/BoardGateways.ts"
import { ClusterConfig, portsOf } from "../../src/runtime/Config.ts"
import * as Node from "../../src/runtime/Node.ts"
import { PostgresUrl } from "../../src/runtime/storage/PostgresUrl.ts"
import { Postgres } from "../support/Postgres.ts"
import { ask, freePorts, tempFolder, until } from "../support/RunningNode.ts"

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

/** A board that is told to go and stays: the node waits for it as long as it waits for anybody. */
const attachDeaf = (url: string) =>
  Effect.promise(async () => {
    const client = await connectAsync(url, { clientId: "deaf", protocolVersion: 5, reconnectPeriod: 0 })
    await client.subscribeAsync("holon/1/b/deaf/dn", { qos: 1 })
    const welcomed = new Promise((resolve) => client.once("message", resolve))
    const moment = { boot: 1, link: 1, up: 0, wall: undefined, keepsWall: false, keepsCommands: false }
    const board = { id: "deaf", profile: "generic", firmware: "1", rx: 512, requests: 1 }
    const hello = helloOf(board, { ...moment, desired: 0, sent: 0, dropped: 0 })
    await client.publishAsync("holon/1/b/deaf/up", Buffer.from(encodeUp(hello)), { qos: 1 })
    await welcomed
    return client
  })

describe("a node that leaves", () => {
  it.live(
    "says that it is not ready while its boards go, before it closes its doors",
    () =>
      Effect.gen(function* () {
        const postgres = yield* Postgres
        const database = yield* Effect.promise(() => postgres.createDatabase())
        const config = { ...(yield* Schema.decodeUnknownEffect(ClusterConfig)(freePorts)), data: yield* tempFolder }
        const scope = yield* Scope.make()
        const built = yield* Layer.build(
          Node.layer({ config, ports: portsOf(config, 0) }).pipe(
            Layer.provide(PostgresUrl.layer(Redacted.make(database)))
          )
        ).pipe(Scope.provide(scope))
        const { http, mqtt } = Context.get(built, Node.Listening)
        const client = yield* attachDeaf(`mqtt://127.0.0.1:${mqtt}`)
        const web = `http://127.0.0.1:${http}`
        assert.isTrue(yield* isReady(web))
        const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })
        yield* until(isReady(web), (ready) => !ready)
        client.end(true)
        yield* Fiber.join(closing)
      }).pipe(Effect.scoped, Effect.provide(Postgres.layer())),
    30_000
  )
})

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
