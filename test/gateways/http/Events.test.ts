import { assert, layer } from "@effect/vitest"
import { Effect, Fiber, Schema, Stream } from "effect"
import { EventPageView } from "../../../src/gateways/http/EventQueries.ts"
import { HolonEvent } from "../../../src/protocol/Event.ts"
import { piped, run } from "../../support/Cli.ts"
import { holon } from "../../support/NodeCommands.ts"
import { freePorts, RunningNode, until } from "../../support/RunningNode.ts"

const pageOf = Schema.decodeUnknownSync(EventPageView)
const eventOf = Schema.decodeUnknownSync(Schema.fromJsonString(HolonEvent))

const typesOf = ({ events }: typeof EventPageView.Type) => events.map(({ event }) => event.type)

layer(RunningNode.layer({ boards: 1, config: freePorts }), { timeout: "60 seconds", excludeTestServices: true })(
  "events from outside",
  (it) => {
    const get = (path: string) => Effect.flatMap(RunningNode, ({ get: call }) => call(path))
    const page = (query: string) => Effect.map(get(`/api/events${query}`), ({ json }) => pageOf(json))
    const desire = (target: number) =>
      holon("send", "device", "heater-1", "SetDesired", `{"patch":{"target":${target}}}`)
    it.effect("come in pages, and each goes on where the one before ended", () =>
      Effect.gen(function* () {
        yield* desire(41)
        yield* desire(42)
        // What has just committed is shown when no older transaction is open any more.
        const whole = yield* until(page("?last=1000"), (found) => typesOf(found).includes("device.online"))
        const cursors: Array<string> = []
        for (let next = (yield* page("?last=1000&limit=1")).events[0]?.cursor; next !== undefined; ) {
          cursors.push(next)
          next = (yield* page(`?after=${next}&limit=1`)).events[0]?.cursor
        }
        assert.deepStrictEqual(
          cursors.slice(0, whole.events.length),
          whole.events.map(({ cursor }) => cursor)
        )
      })
    )

    it.effect("show measurements only to who asks for them, and of one actor only where it is named", () =>
      Effect.gen(function* () {
        const telemetry = yield* until(page("?last=1000&samples=true&source=device/heater-1"), (found) =>
          typesOf(found).includes("board.telemetry")
        )
        assert.isTrue(telemetry.events.every(({ event }) => event.source.id === "heater-1"))
        assert.notInclude(typesOf(yield* page("?last=1000")), "board.telemetry")
        assert.deepStrictEqual((yield* page("?last=1000&source=device/nobody")).events, [])
      })
    )

    it.effect("are those that fulfil a condition", () =>
      Effect.gen(function* () {
        const where = (condition: string) => page(`?last=1000&samples=true&where=${encodeURIComponent(condition)}`)
        const online = yield* until(where('type glob "device.*"'), ({ events }) => events.length > 0)
        assert.deepStrictEqual([...new Set(typesOf(online))], ["device.online"])
        const warm = yield* until(where("reported.temp > -50"), ({ events }) => events.length > 0)
        assert.isTrue(warm.events.every(({ event }) => event.type === "board.telemetry"))
        assert.deepStrictEqual((yield* where("reported.temp > 5000")).events, [])
        assert.deepStrictEqual((yield* where('source.id == "nobody"')).events, [])
      })
    )

    it.effect("are those on a topic, over HTTP and on the command line", () =>
      Effect.gen(function* () {
        const topic = (glob: string, more = "") => page(`?last=1000&topic=${encodeURIComponent(glob)}${more}`)
        const online = yield* until(topic("root.-.device.*.info"), ({ events }) => events.length > 0)
        assert.deepStrictEqual([...new Set(typesOf(online))], ["device.online"])
        assert.deepStrictEqual((yield* topic("root.-.device.*.info", "&source=device/nobody")).events, [])
        assert.deepStrictEqual((yield* topic("root.hall.*")).events, [])
        const wrong = yield* get("/api/events?topic=device.online")
        assert.deepStrictEqual([wrong.status, wrong.text.includes("VSM.ZONE.TYPE.SEVERITY")], [400, true])
        const { out } = yield* holon("events", "--topic", "*.device.online.*", "--where", 'source.id == "heater-1"')
        assert.match(out, /^\S+ \S+ +device\/heater-1 {2}device\.online/)
        assert.notMatch(out, /twin\./)
      })
    )

    it.effect("are those that fulfil a condition with parameters, which are given beside it", () =>
      Effect.gen(function* () {
        const where = encodeURIComponent("type in $types and source.id == $id")
        const given = (parameters: unknown) =>
          `?last=1000&where=${where}&parameters=${encodeURIComponent(JSON.stringify(parameters))}`
        const query = given({ types: ["device.online"], id: "heater-1" })
        const found = yield* until(page(query), ({ events }) => events.length > 0)
        assert.deepStrictEqual([...new Set(typesOf(found))], ["device.online"])
        assert.deepStrictEqual((yield* page(given({ types: [], id: '" or true' }))).events, [])
        const missing = yield* get(`/api/events${given({ types: ["device.online"] })}`)
        assert.deepStrictEqual([missing.status, missing.text.includes("no value was given for $id")], [400, true])
        const alone = yield* get(`/api/events?parameters=${encodeURIComponent('{"id":"x"}')}`)
        assert.deepStrictEqual([alone.status, alone.text.includes("no `where` that they belong to")], [400, true])
        const { out } = yield* holon("events", "--where", "type == $type", "--parameter", "type=device.online")
        assert.match(out, /device\/heater-1 {2}device\.online/)
      })
    )

    it.effect("arrive as Server-Sent Events while they happen, and go on behind the last id", () =>
      Effect.gen(function* () {
        const { url } = yield* RunningNode
        const tail = (headers: Readonly<Record<string, string>>) =>
          Effect.promise((signal) => fetch(`${url}/api/events/tail?source=device/heater-1`, { headers, signal })).pipe(
            Effect.map(({ body }) =>
              Stream.fromReadableStream({
                evaluate: () => body ?? new ReadableStream<Uint8Array>(),
                onError: (cause) => cause
              })
            ),
            Stream.unwrap,
            Stream.decodeText,
            Stream.splitLines,
            Stream.filter((line) => line.startsWith("id: ") || line.startsWith("data: {")),
            Stream.take(4),
            Stream.runCollect,
            Effect.map((lines) => [...lines])
          )
        const before = (yield* page("?last=1")).next
        const live = yield* Effect.forkChild(tail({}), { startImmediately: true })
        let target = 50
        yield* until(
          Effect.map(
            Effect.suspend(() => desire(target++)),
            () => live.pollUnsafe()
          ),
          (ended) => ended !== undefined
        )
        const [id = "", data = ""] = yield* Fiber.join(live)
        assert.strictEqual(eventOf(data.slice("data: ".length)).source.id, "heater-1")
        const again = yield* tail({ "last-event-id": before })
        const missed = yield* page(`?after=${before}&source=device/heater-1`)
        assert.deepStrictEqual(
          again.filter((line) => line.startsWith("id: ")),
          missed.events.slice(0, 2).map(({ cursor }) => `id: ${cursor}`)
        )
        assert.match(id, /^id: \d+\.\d+(\.\d+)?$/)
      })
    )

    it.effect("come over a line that says at once that it is alive", () =>
      Effect.gen(function* () {
        const { url } = yield* RunningNode
        const first = yield* Effect.promise(async (signal) => {
          const { body } = await fetch(`${url}/api/events/tail?source=device/nobody`, { signal })
          const reader = body?.getReader()
          const { value } = (await reader?.read()) ?? {}
          await reader?.cancel()
          return new TextDecoder().decode(value)
        })
        assert.match(first, /^event: alive\n/)
      })
    )

    it.effect("are refused with a sentence where the query is wrong", () =>
      Effect.gen(function* () {
        for (const [query, sentence] of [
          ["after=seven", /"seven" is no cursor of an event/],
          ["since=yesterday", /"yesterday" is no time; write an instant such as/],
          ["since=10min&last=5", /say one of after, since and last/],
          ["where=temp%20%3E", /line 1, column 7|"column":7/],
          ["where=severty%20%3D%3D%20%22x%22%20and%20typ%20%3D%3D%201%20%3E%202", /do not chain/],
          ["source=heater-1", /"heater-1" names no actor; write it as device\/press-1/]
        ] as const) {
          const { status, text } = yield* get(`/api/events?${query}`)
          assert.strictEqual(status, 400, query)
          assert.match(text.replaceAll('\\"', '"'), sentence)
        }
        for (const query of ["limit=0", "limit=1001", "last=x", "samples=yes", "what=ever"])
          assert.strictEqual((yield* get(`/api/events?${query}`)).status, 400, query)
        for (const query of ["since=yesterday", "after=seven", `after=${"9".repeat(20)}.1`])
          assert.strictEqual((yield* get(`/api/events/tail?${query}`)).status, 400, query)
      })
    )

    it.effect("are shown in the REPL, by a condition and with what is wrong in it", () =>
      Effect.gen(function* () {
        const { url, data } = yield* RunningNode
        const { out } = yield* run(
          ["repl", "--url", url, "--data", data],
          piped('events type == "device.online"\nevents temp >\n')
        )
        assert.match(out, /device\/heater-1 {2}device\.online/)
        assert.match(out, /line 1, column 7: /)
      })
    )

    it.effect("are printed by the command, one line each, or as JSON", () =>
      Effect.gen(function* () {
        yield* desire(43)
        const { out } = yield* holon("events", "--last", "1000")
        assert.match(out, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} {2}device\/heater-1 {2}device\.online {2}boot=/m)
        const lines = (yield* holon("events", "--since", "1h", "--json")).out.trim().split("\n")
        const placed = lines.map((line): unknown => JSON.parse(line))
        assert.isAbove(placed.length, 0)
        const none = yield* holon("events", "--last", "5", "--where", "boots == 7")
        assert.deepStrictEqual([none.out, none.isSuccess], ["", true])
        assert.match(none.err, /^no event matches: none of \d+ events has a field boots$/m)
        const { err, isSuccess } = yield* holon("events", "--since", "soon")
        assert.isFalse(isSuccess)
        assert.match(err, /"soon" is no time/)
      })
    )
  }
)
