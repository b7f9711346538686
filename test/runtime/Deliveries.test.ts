/** Deliveries and subscriptions of a whole node: real servers, real clients, the real command. */
import { assert, layer } from "@effect/vitest"
import { Effect, Fiber, Schema } from "effect"
import { connectAsync } from "mqtt"
import type { Asker } from "../../src/protocol/Asker.ts"
import { Delivery, type DeliveryTarget, deliveryIdOf } from "../../src/protocol/Delivery.ts"
import { run } from "../support/Cli.ts"
import { holon, lookedFor } from "../support/NodeCommands.ts"
import { freePorts, RunningNode, until } from "../support/RunningNode.ts"
import { sink } from "../support/Sink.ts"

const partition: Asker = { kind: "service", id: "patterns", role: "internal" }

const deliver = (
  target: DeliveryTarget,
  matchId: string,
  key: string,
  chain: Pick<Asker, "root" | "traceparent"> = {}
) =>
  Effect.flatMap(RunningNode, ({ actors }) =>
    actors.ask(
      Delivery,
      deliveryIdOf(target),
      "Deliver",
      { matchId, pattern: "hot", target, key, envelope: { id: matchId, key, values: { value: 61.5 } } },
      { asker: { ...partition, ...chain } }
    )
  )

const operator: Asker = { kind: "user", id: "ada", role: "operator" }
const view = (target: DeliveryTarget) =>
  Effect.flatMap(RunningNode, ({ actors }) =>
    actors.ask(Delivery, deliveryIdOf(target), "GetState", {}, { asker: operator })
  )

const json = (text: string): unknown => JSON.parse(text)

layer(RunningNode.layer({ boards: 1, config: freePorts }), { timeout: "60 seconds", excludeTestServices: true })(
  "what leaves the cluster",
  (it) => {
    it.effect(
      "reaches a server that fails, is silent, cuts connections and goes away: each match once, in order per key",
      () =>
        Effect.gen(function* () {
          const server = yield* sink
          const target: DeliveryTarget = { _tag: "Webhook", url: server.url }
          server.mood = (id, tries) => {
            if (id === "silent-0") return tries === 1 ? "silent" : 200
            if (id.startsWith("cut")) return tries === 1 ? "cut" : 200
            if (id.startsWith("busy")) return [503, 429, 200][tries - 1] ?? 200
            return 200
          }
          const keys = ["silent", "cut", "busy", "good"]
          const send = (from: number) =>
            Effect.forEach(
              keys.flatMap((key) => [from, from + 1, from + 2].map((number) => ({ key, number }))),
              ({ key, number }) => deliver(target, `${key}-${number}`, key),
              { discard: true }
            )
          yield* send(0)
          yield* until(view(target), ({ delivered }) => delivered >= 4)
          yield* Effect.promise(() => server.down())
          yield* send(3)
          const waiting = yield* until(view(target), ({ inFlight, queued }) => inFlight <= 1 && queued >= 12)
          assert.strictEqual(waiting.dead, 0)
          yield* Effect.promise(() => server.up())
          const end = yield* until(view(target), ({ queued }) => queued === 0)
          assert.deepInclude(end, { delivered: 24, dead: 0, dropped: 0, state: "active" })
          for (const key of keys)
            assert.deepStrictEqual(
              server.taken.filter(({ id }) => id.startsWith(key)).map(({ id }) => id),
              [0, 1, 2, 3, 4, 5].map((number) => `${key}-${number}`),
              key
            )
          assert.strictEqual(server.taken.length, 24)
          assert.deepInclude(server.taken, {
            id: "good-2",
            body: { id: "good-2", key: "good", values: { value: 61.5 } }
          })
          assert.isAbove(server.tries.get("cut-0") ?? 0, 1)
          const { get } = yield* RunningNode
          // Metrics are told once a second.
          yield* until(get("/metrics"), ({ text }) =>
            /holon_delivery_attempts_total\{[^}]*delivered[^}]*\} 24\b/.test(text)
          )
        }),
      60_000
    )

    it.effect("waits for a server that is away, which people see, and carries the trace that it is in", () =>
      Effect.gen(function* () {
        const server = yield* sink
        const target: DeliveryTarget = { _tag: "Webhook", url: server.url }
        const id = deliveryIdOf(target)
        yield* Effect.promise(() => server.down())
        const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        const root = "01938c0e-2f6a-7c41-b1c0-5e2f8a9d0c11"
        yield* deliver(target, "m-1", "press-1", { root, traceparent })
        yield* deliver(target, "m-2", "press-1", { root })
        yield* until(view(target), ({ away }) => (away?.tries ?? 0) > 0)
        const listed = yield* holon("deliveries", "ls")
        assert.match(listed.out, /\/hook +away for \d+ s, asked again (in \d+ s|now) +2 /)
        assert.match(
          (yield* holon("deliveries", "show", id)).out,
          /\(the server is not reached: .*ECONNREFUSED.*\); 2 que/
        )
        yield* Effect.promise(() => server.up())
        yield* holon("deliveries", "resume", id)
        yield* until(view(target), ({ delivered }) => delivered === 2)
        assert.deepStrictEqual(
          server.taken.map((taken) => taken.id),
          ["m-1", "m-2"]
        )
        assert.strictEqual(server.headers.get("m-1")?.traceparent, traceparent)
        assert.match(
          String(server.headers.get("m-2")?.traceparent),
          /^00-01938c0e2f6a7c41b1c05e2f8a9d0c11-[0-9a-f]{16}-01$/
        )
        const { out } = yield* holon("events", "--last", "1000", "--where", 'type == "delivery.back"', "--json")
        assert.include(out, id)
      })
    )

    it.effect("carries the trace of the request that led to the match, from the edge to the server", () =>
      Effect.gen(function* () {
        const server = yield* sink
        const { post } = yield* RunningNode
        const text = `pattern "traced" { from twin.desired-changed where patch.target == 77 do webhook("${server.url}") }`
        yield* lookedFor("traced", text)
        const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        const taken = Effect.sync(() => [...server.headers.values()])
        yield* post("/api/device/heater-1/SetDesired", { patch: { target: 77 } }, { traceparent })
        const [headers] = yield* until(taken, ({ length }) => length > 0)
        assert.strictEqual(headers?.traceparent, traceparent)
      })
    )

    it.effect("is a dead letter when the server refuses it, which an operator looks at, replays and drops", () =>
      Effect.gen(function* () {
        const server = yield* sink
        const target: DeliveryTarget = { _tag: "Webhook", url: `${server.url}?token=secret` }
        const id = deliveryIdOf(target)
        let isOpen = false
        server.mood = () => (isOpen ? 204 : 404)
        for (const number of [1, 2, 3]) yield* deliver(target, `m-${number}`, "press-1")
        yield* until(view(target), ({ dead }) => dead === 3)
        const listed = yield* holon("deliveries", "ls")
        assert.match(listed.out, new RegExp(`${id} +http://127.0.0.1:${server.port}/hook +active +0 +3 +0 +0`))
        const shown = yield* holon("deliveries", "show", id)
        assert.match(shown.out, /0 queued, 0 under way, 3 dead, 0 delivered/)
        const byAddress = yield* holon("deliveries", "show", `${server.url}?token=secret`)
        assert.match(byAddress.out, /3 dead, 0 delivered/)
        assert.match(shown.out, /m-1 +hot +press-1 +1 +\d+ s ago +the server answers 404/)
        const letter = json((yield* holon("deliveries", "show", id, "m-2")).out)
        assert.deepStrictEqual(Object(letter).envelope, { id: "m-2", key: "press-1", values: { value: 61.5 } })
        assert.match((yield* holon("deliveries", "show", id, "m-9")).err, /there is no letter m-9/)
        assert.match((yield* holon("deliveries", "replay", id)).err, /name matches, or say --all/)
        isOpen = true
        assert.match((yield* holon("deliveries", "replay", id, "m-3")).out, /1 tried again/)
        yield* until(view(target), ({ delivered }) => delivered === 1)
        assert.match((yield* holon("deliveries", "drop", id, "m-1")).out, /1 given up/)
        assert.match((yield* holon("deliveries", "replay", id, "--all")).out, /1 tried again/)
        yield* until(view(target), ({ delivered }) => delivered === 2)
        assert.deepStrictEqual(
          server.taken.map((taken) => taken.id),
          ["m-3", "m-2"]
        )
        const { out } = yield* holon("events", "--last", "1000", "--where", 'type glob "delivery.*"', "--json")
        const events = out
          .trim()
          .split("\n")
          .map(json)
          .map((placed) => Object(placed).event)
        assert.deepStrictEqual(
          events.filter(({ source }) => source.id === id).map(({ type }) => type),
          [
            ...["delivery.dead", "delivery.dead", "delivery.dead"],
            ...["delivery.replayed", "delivery.discarded", "delivery.replayed"]
          ]
        )
        assert.match(events.at(-1).context.principal, /^user:/)
        assert.notInclude(out, "secret")
      })
    )

    it.effect("reaches who subscribes to its topic, and nobody's topic of the link", () =>
      Effect.gen(function* () {
        const { mqttPort } = yield* RunningNode
        const client = yield* Effect.acquireRelease(
          Effect.promise(() =>
            connectAsync(`mqtt://127.0.0.1:${mqttPort}`, { clientId: "reader_1", reconnectPeriod: 0 })
          ),
          (open) => Effect.promise(() => open.endAsync(true))
        )
        const heard: Array<readonly [topic: string, id: unknown]> = []
        client.on("message", (topic, payload) => heard.push([topic, Object(json(payload.toString())).id]))
        yield* Effect.promise(() =>
          client.subscribeAsync(["alarms/#", "holon/1/b/heater-1/dn"], { qos: 1 }).catch(() => {})
        )
        for (const number of [1, 2, 3])
          yield* deliver({ _tag: "Mqtt", topic: "alarms/hall-1" }, `q-${number}`, "press-1")
        yield* until(
          Effect.sync(() => heard.length),
          (count) => count === 3
        )
        const link: DeliveryTarget = { _tag: "Mqtt", topic: "holon/1/b/heater-1/dn" }
        yield* deliver(link, "q-4", "press-1")
        yield* until(view(link), ({ dead }) => dead === 1)
        assert.deepStrictEqual(
          heard,
          ["q-1", "q-2", "q-3"].map((id) => ["alarms/hall-1", id])
        )
      })
    )

    it.effect("is the event stream too, to groups of consumers that acknowledge what they have done", () =>
      Effect.gen(function* () {
        const where = 'type == "delivery.suspended" or type == "delivery.resumed"'
        const target: DeliveryTarget = { _tag: "Mqtt", topic: "suspended/often" }
        const id = deliveryIdOf(target)
        yield* deliver(target, "s-1", "")
        assert.match((yield* holon("subscription", "create", "alarms", "--where", 'typ > "x')).err, /line 1, column/)
        const made = yield* holon("subscription", "create", "alarms", "--where", where, "--ack-within", "2")
        assert.match(made.out, /subscription alarms is there/, made.err)
        yield* holon("deliveries", "suspend", id)
        yield* holon("deliveries", "resume", id)
        const pull = Effect.map(holon("subscription", "pull", "alarms", "--consumer", "me", "--json"), ({ out }) =>
          out.split("\n").flatMap((line) => (line === "" ? [] : [Object(json(line))]))
        )
        const first = yield* until(pull, (events) => events.length > 0)
        assert.deepStrictEqual(
          first.map(({ event, attempt }) => [event.type, attempt]),
          [
            ["delivery.suspended", 1],
            ["delivery.resumed", 1]
          ]
        )
        const lent = yield* holon("subscription", "pull", "alarms", "--consumer", "you")
        assert.deepInclude(lent, { out: "", err: "nothing to lend now\n" }, "me has them")
        const listed = yield* holon("subscription", "ls")
        assert.match(listed.out, /alarms +active +2 +0 +0 +0 +\d+ s/)
        const again = yield* until(pull, (events) => events.length > 0)
        assert.deepStrictEqual(
          again.map(({ attempt }) => attempt),
          [2, 2]
        )
        assert.match((yield* holon("subscription", "ack", "alarms")).err, /name the cursors that are done/)
        const acked = yield* holon(
          ...["subscription", "ack", "alarms", "--consumer", "me", "--up-to", String(again.at(-1)?.cursor)]
        )
        assert.match(acked.out, /^2 acknowledged$/m)
        const lines: Array<string> = []
        const { url, data } = yield* RunningNode
        const follow = yield* Effect.forkChild(
          run(["subscription", "pull", "alarms", "--follow", "--url", url, "--data", data], undefined, (line) =>
            lines.push(line)
          ),
          { startImmediately: true }
        )
        yield* holon("deliveries", "suspend", id)
        const done = Effect.map(
          holon("subscription", "ls", "--json"),
          ({ out }) => Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ done: Schema.Int })))(json(out))[0]?.done
        )
        assert.strictEqual(yield* until(done, (count) => count === 3), 3)
        yield* Fiber.interrupt(follow)
        assert.match(lines.join("\n"), /delivery\.suspended/)
        assert.match((yield* holon("subscription", "rm", "alarms")).out, /is gone/)
        assert.match((yield* holon("subscription", "pull", "alarms")).err, /no subscription alarms; create it first/)
        assert.match((yield* holon("subscription", "pull", "nobody")).err, /there is no/)
        assert.match((yield* holon("subscription", "ls")).out, /no subscriptions yet/)
      })
    )
  }
)
