import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { type ChaosCluster, nodesCount } from "../../src/chaos/ChaosCluster.ts"
import { Pulled } from "../../src/protocol/Subscription.ts"
import { ask, eventually, requestId } from "./AnyNode.ts"
import { boardsOnline } from "./Boards.ts"
import { clustered } from "./Clustered.ts"

const ids = Array.from({ length: 6 }, (_, at) => `cell-${at + 1}`)
const consumers = ["one", "two"]
/** Events that are done before the next node dies. */
const between = 40
/** Changes of a device of which nobody has heard yet. */
const aheadMax = 10
const path = "/api/subscription/moves"

const pulledOf = Schema.decodeUnknownSync(Pulled)

const shared = (cluster: ChaosCluster) =>
  Effect.gen(function* () {
    const { httpUrls } = cluster
    yield* boardsOnline(cluster, ids)
    yield* Effect.promise(async () => {
      const where = 'type == "twin.desired-changed"'
      await ask(httpUrls, `${path}/Create`, { where, ackWithinMillis: 3000, maxInFlight: 20 }, requestId())
      /** Targets of each device in the order in which somebody first had them. */
      const heard = new Map(ids.map((id) => [id, [] as number[]]))
      const done = new Set<string>()
      let isOver = false
      const consume = async (consumer: string) => {
        while (!isOver) {
          const { events } = pulledOf(await ask(httpUrls, `${path}/Pull`, { consumer, max: 5, waitMillis: 2000 }))
          for (const { cursor, event } of events) {
            assert.isFalse(done.has(cursor), `${cursor} was acknowledged, and came again`)
            const targets = heard.get(event.source.id)
            const target = Number(Object(event.data).patch.target)
            if (targets?.includes(target) === false) targets.push(target)
          }
          const cursors = events.map(({ cursor }) => cursor)
          if (cursors.length > 0) {
            const reply = await ask(httpUrls, `${path}/Ack`, { consumer, cursors })
            // Of one whose answer was lost nobody knows whether it was in time.
            if (Object(reply).unknown === 0) for (const cursor of cursors) done.add(cursor)
          }
        }
      }
      let isChanging = true
      const changing = ids.map(async (device) => {
        let target = 0
        for (; isChanging; target++) {
          await ask(httpUrls, `/api/device/${device}/SetDesired`, { patch: { target } }, requestId())
          await eventually(
            async () => heard.get(device)?.length ?? 0,
            (count) => count > target - aheadMax
          )
        }
        return target
      })
      const consuming = Promise.all(consumers.map(consume))
      const killing = async () => {
        for (let node = 0; node < nodesCount; node++) {
          const before = done.size
          await eventually(
            async () => done.size,
            (count) => count > before + between
          )
          await cluster.signal(node, "SIGKILL")
          await cluster.start(node)
        }
        isChanging = false
        const counts = await Promise.all(changing)
        await eventually(
          async () => ids.map((id) => heard.get(id)?.length ?? 0),
          (lengths) => lengths.every((length, at) => length >= (counts[at] ?? 0))
        )
        await eventually(
          () => ask(httpUrls, `${path}/GetState`, {}),
          (view) => Object(view).inFlight === 0 && Object(view).lapsed === 0
        )
        isOver = true
        for (const [at, id] of ids.entries())
          assert.deepStrictEqual(
            heard.get(id),
            Array.from({ length: counts[at] ?? 0 }, (_, target) => target),
            id
          )
      }
      // What a consumer finds wrong ends the test at once.
      await Promise.race([killing(), consuming])
      await consuming
    })
  })

describe("subscriptions", () => {
  it.live(
    "give every event to consumers that share them, in order per source, and none that is done again, with every node killed",
    () => clustered(shared),
    180_000
  )
})
