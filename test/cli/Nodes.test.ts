import { assert, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { NodeLine } from "../../src/gateways/http/Control.ts"
import { good, holon } from "../support/NodeCommands.ts"
import { RunningNode, until } from "../support/RunningNode.ts"

const decodeList = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Struct({ nodes: Schema.Array(NodeLine) })))
const decodeEvents = Schema.decodeUnknownSync(
  Schema.Struct({ events: Schema.Array(Schema.Struct({ event: Schema.Struct({ data: Schema.Json }) })) })
)

/** Another member, alive by its heartbeat; nobody listens where it says that it does. */
const other = "127.0.0.1:1"
const join = Effect.gen(function* () {
  const { sql } = yield* RunningNode
  yield* sql`insert into cluster_node (address, node, incarnation, healthy, ready, backend_pid, session, last_heartbeat,
    beats, relay_host, relay_port, started_at, vitals) values (${other}, ${`n-${other}-1`}, '1', true, true, 0, '',
    now() + interval '1 hour', array[now()], '127.0.0.1', 1, now(), '{}')`
})

layer(RunningNode.layer(), { timeout: "90 seconds", excludeTestServices: true })("holon nodes", (it) => {
  it.effect("takes a node out of service and puts it back, as far as enough are left, and says so on the stream", () =>
    Effect.gen(function* () {
      const { get } = yield* RunningNode
      const own = decodeList(yield* good("nodes", "ls", "--json")).nodes[0]?.address ?? ""
      const alone = yield* holon("nodes", "exclude", own, "--below-quorum")
      assert.isFalse(alone.isSuccess)
      assert.include(alone.err, "no other node would serve")
      assert.include((yield* holon("nodes", "readmit", own)).err, "not possible while it serves")
      assert.include((yield* holon("nodes", "exclude", "nowhere:1")).err, "nowhere:1")

      yield* until(get("/metrics"), ({ text }) => /^holon_node_in_service(\{.*\})? 1$/m.test(text))
      yield* join
      assert.include((yield* holon("nodes", "exclude", other)).err, "2 are more than half of all")
      const argv = ["nodes", "exclude", other, "--reason", "its disk fails", "--below-quorum"]
      assert.include(yield* good(...argv), "out of service")
      assert.match(yield* good("nodes", "ls"), /127\.0\.0\.1:1 +healthy +ready +excluded: its disk fails +0/)
      assert.match((yield* holon(...argv)).err, /exclusion is not possible while excluded/)
      assert.include(yield* good("nodes", "readmit", other), "serves again")

      const where = encodeURIComponent('type == "node.excluded"')
      const page = yield* until(get(`/api/events?since=1h&where=${where}`), ({ text }) => text.includes("its disk"))
      const [excluded] = decodeEvents(page.json).events
      assert.deepInclude(excluded?.event.data, { address: other, why: ["its disk fails"] })
    })
  )
})
