import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { ChaosCluster, nodesCount } from "../../src/chaos/ChaosCluster.ts"
import { type DeliveryTarget, deliveryIdOf } from "../../src/protocol/Delivery.ts"
import * as EmbeddedPostgres from "../../src/runtime/storage/EmbeddedPostgres.ts"
import { type Sink, sink } from "../support/Sink.ts"
import { ask, eventually, requestId } from "./AnyNode.ts"
import { board, dialling } from "./Boards.ts"

const ids = Array.from({ length: 8 }, (_, at) => `cell-${at + 1}`)
const changes = 60
const total = ids.length * changes

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "holon-deliveries-"))),
  (made) => Effect.sync(() => rmSync(made, { recursive: true, force: true }))
)

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

/** What was taken, without what was said to find out whether somebody listens. */
const toldOf = ({ taken }: Sink): ReadonlyArray<Told> =>
  taken
    .map(({ body }) => ({ device: String(Object(body).by["source.id"]), target: Number(Object(body).values.target) }))
    .filter(({ device }) => device !== "probe")

const delivered = (place: string) =>
  Effect.gen(function* () {
    const cluster = yield* ChaosCluster.make(place, () => {})
    const server = yield* sink
    server.mood = mood
    const { httpUrls, boardUrls } = cluster
    for (const [at, id] of [...ids, "probe"].entries()) yield* board(id, dialling(boardUrls, at))
    const desire = (device: string, target: number) =>
      ask(httpUrls, `/api/device/${device}/SetDesired`, { patch: { target } }, requestId())
    yield* Effect.promise(async () => {
      for (const id of [...ids, "probe"])
        await eventually(
          () => ask(httpUrls, `/api/device/${id}/GetStatus`, {}).catch(() => ({})),
          (status) => Object(status).connection?.state === "online"
        )
      const text = `pattern "moved" {
        from twin.desired-changed
        by source.id
        where patch.target >= 0
        emit { target: patch.target }
        do webhook("${server.url}")
      }`
      await ask(httpUrls, "/api/patterns", { text })
      // A pattern is looked for from a second after it was written on.
      let probes = 0
      await eventually(
        async () => {
          await desire("probe", probes++)
          return server.taken
        },
        (taken) => taken.length > 0
      )
      const changing = Promise.all(
        ids.map(async (device) => {
          for (let target = 0; target < changes; target++) await desire(device, target)
        })
      )
      for (let node = 0; node < nodesCount; node++) {
        await eventually(
          async () => toldOf(server).length,
          (count) => count > ((node + 1) * total) / 5
        )
        assert.isBelow(toldOf(server).length, total, "all had arrived before every node had died")
        await cluster.signal(node, "SIGKILL")
        await cluster.start(node)
      }
      await changing
      const told = await eventually(
        async () => toldOf(server),
        (each) => each.length >= total
      )
      for (const device of ids)
        assert.deepStrictEqual(
          told.filter((each) => each.device === device).map(({ target }) => target),
          Array.from({ length: changes }, (_, target) => target),
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
    "reach a server that fails now and then once and in order per key, with every node killed meanwhile",
    () =>
      Effect.gen(function* () {
        const place = yield* folder
        const data = join(place, "data")
        mkdirSync(data, { recursive: true })
        yield* delivered(place).pipe(Effect.provide(EmbeddedPostgres.layer(data)))
      }).pipe(Effect.scoped),
    180_000
  )
})
