import { type IncomingMessage, request } from "node:http"
import { connect } from "node:net"
import { assert, layer } from "@effect/vitest"
import { ConfigProvider, Effect, Layer, Schema } from "effect"
import { generate } from "mqtt-packet"
import { WebSocket } from "ws"
import { codes } from "../../src/protocol/Codes.ts"
import { ThreatsView } from "../../src/protocol/vsm/Threat.ts"
import { eventsWhere } from "../support/NodeCommands.ts"
import { RawBoard } from "../support/RawBoard.ts"
import { freePorts, RunningNode, until } from "../support/RunningNode.ts"

/** On Linux all of 127.0.0.0/8 is this machine: here is somebody else than the others at 127.0.0.1. */
const elsewhere = "127.0.0.2"
const ttlMillis = 3000
const boards = 11

const viewOf = Schema.decodeUnknownSync(ThreatsView)
const config = {
  ...freePorts,
  tokens: {
    operators: {
      ada: { env: "ADA" },
      bob: { env: "BOB" },
      eve: { token: { env: "EVE" }, may: ["device.*"] }
    }
  }
}
const env = { ...process.env, ADA: "ada-has-a-token", BOB: "bob-has-a-token", EVE: "eve-has-a-token" }
const withTokens = Layer.provide(Layer.succeed(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env })))

/** What a client at this address is answered: the status, or nothing where it is cut off. */
const asked = (url: string, path: string, token: string, localAddress = elsewhere) =>
  Effect.promise(
    () =>
      new Promise<number | undefined>((resolve) => {
        const sent = request(`${url}${path}`, {
          localAddress,
          agent: false,
          headers: token === "" ? {} : { authorization: `Bearer ${token}` }
        })
        sent.on("response", (response: IncomingMessage) => {
          response.resume()
          resolve(response.statusCode)
        })
        sent.on("error", () => resolve(undefined))
        sent.end()
      })
  )

/** The first bytes that an MQTT client with a token is answered; none where it is cut off. */
const knocked = (port: number, password: string, localAddress: string) =>
  Effect.promise(
    () =>
      new Promise<number>((resolve) => {
        const socket = connect({ port, host: "127.0.0.1", localAddress })
        let bytes = 0
        socket.on("data", (chunk) => {
          bytes += chunk.length
          socket.destroy()
        })
        socket.on("error", () => {})
        socket.on("close", () => resolve(bytes))
        socket.write(
          generate({
            cmd: "connect",
            protocolId: "MQTT",
            protocolVersion: 4,
            clean: true,
            keepalive: 60,
            clientId: "x-1",
            username: "x-1",
            password: Buffer.from(password)
          })
        )
      })
  )

layer(RunningNode.layer({ boards, config }).pipe(withTokens), { timeout: "90 seconds", excludeTestServices: true })(
  "a node under attack",
  (it) => {
    const view = Effect.flatMap(RunningNode, ({ post }) =>
      Effect.map(post("/api/immune/root/GetThreats", {}), ({ json }) => viewOf(json))
    )
    const ofSubject = (subject: string, state: string) =>
      Effect.map(view, ({ mitigations }) =>
        mitigations.find((mitigation) => mitigation.subject === subject && mitigation.state === state)
      )
    /** Fewer than a tenth of the fleet is turned away without a person: all of it must have been counted. */
    const isCounted = Effect.flatMap(RunningNode, ({ sql }) =>
      until(sql<{ readonly count: number }>`select count(*)::int as count from device_search`, ([counted]) =>
        counted === undefined ? false : counted.count >= boards
      )
    )
    const short = Effect.flatMap(RunningNode, ({ post }) =>
      post("/api/immune/root/SetTerms", { mitigateMillis: ttlMillis, isolateMillis: ttlMillis })
    )

    it.effect(
      "turns an address away that tries tokens, within 5 s, and nobody else; and lets it in when that is over",
      () =>
        Effect.gen(function* () {
          const { url, mqttPort, get } = yield* RunningNode
          yield* isCounted
          yield* short
          assert.strictEqual(yield* asked(url, "/api/nodes", "wrong-1"), 401)
          const began = Date.now()
          for (let number = 0; number < 10; number++) {
            yield* asked(url, "/api/nodes", `wrong-${number}`)
            yield* knocked(mqttPort, `wrong-${number}`, elsewhere)
          }
          yield* until(asked(url, "/api/nodes", "wrong"), (status) => status === 403)
          assert.isBelow(Date.now() - began, 5000)
          const bar = yield* ofSubject(`address/${elsewhere}`, "active")
          assert.deepInclude(bar, { template: "bar", by: "immune" })
          // MQTT cuts it off, a WebSocket is refused, and the others notice nothing.
          assert.strictEqual(yield* knocked(mqttPort, "wrong", elsewhere), 0)
          assert.strictEqual((yield* get("/api/nodes")).status, 200)
          assert.isAbove(yield* knocked(mqttPort, "wrong", "127.0.0.1"), 0)
          const status = yield* Effect.promise(
            () =>
              new Promise<number | undefined>((resolve) => {
                const socket = new WebSocket(`${url.replace("http", "ws")}/attach`, ["holon.1"], {
                  localAddress: elsewhere
                })
                socket.on("unexpected-response", (_request, response) => resolve(response.statusCode))
                socket.on("error", () => {})
              })
          )
          assert.strictEqual(status, 403)
          yield* until(asked(url, "/api/nodes", "ada-has-a-token"), (answer) => answer === 200)
          assert.isDefined(yield* ofSubject(`address/${elsewhere}`, "expired"))
        })
    )

    it.effect("says a few words of a flood of wrong tokens", () =>
      Effect.gen(function* () {
        const { url } = yield* RunningNode
        yield* short
        const flood = Array.from({ length: 1000 }, (_, number) =>
          asked(url, "/api/nodes", `wrong-${number}`, "127.0.0.3")
        )
        yield* Effect.all(flood, { concurrency: 20 })
        yield* until(ofSubject("address/127.0.0.3", "expired"), (found) => found !== undefined)
        const said = yield* eventsWhere('source.actor == "immune" and unit == "127.0.0.3"')
        assert.include(
          said.map(({ type }) => type),
          "immune.mitigated"
        )
        assert.isBelow(said.length, 10)
      })
    )

    it.effect("proposes only, where others come in from the same address", () =>
      Effect.gen(function* () {
        const { url, get } = yield* RunningNode
        for (let number = 0; number < 5; number++) yield* asked(url, "/api/nodes", "wrong", "127.0.0.1")
        const proposal = yield* until(ofSubject("address/127.0.0.1", "proposed"), (found) => found !== undefined)
        assert.strictEqual(proposal?.reason, "others come in from the same address")
        assert.strictEqual((yield* get("/api/nodes")).status, 200)
      })
    )

    it.effect("turns a board away that sends what no board of ours sends, within 5 s, while the others go on", () =>
      Effect.gen(function* () {
        const { url, post, get } = yield* RunningNode
        yield* short
        const board = yield* Effect.promise(() => RawBoard.attached("intruder", url))
        const began = Date.now()
        for (let number = 0; number < 50; number++) board.sayBytes(Uint8Array.of(0xff, number))
        yield* until(ofSubject("device/intruder", "active"), (found) => found !== undefined)
        assert.isBelow(Date.now() - began, 5000)
        const status = Effect.map(get("/api/devices/intruder"), ({ json }) => Object(json).status)
        const isolated = yield* until(status, ({ isolatedUntil }) => isolatedUntil !== undefined)
        assert.notStrictEqual(isolated.connection.state, "online")
        const refused = yield* Effect.promise(() => RawBoard.refused("intruder", url))
        assert.strictEqual(refused.code, codes.Quarantined)
        assert.include((yield* get("/api/devices/heater-1")).text, '"online"')
        assert.strictEqual((yield* post("/api/device/heater-1/SetDesired", { patch: { target: 21 } })).status, 200)
        yield* until(status, ({ isolatedUntil }) => isolatedUntil === undefined)
        const back = yield* Effect.promise(() => RawBoard.attached("intruder", url, 2))
        back.close()
        assert.isDefined(yield* ofSubject("device/intruder", "expired"))
      })
    )

    it.effect("turns a board away whose old hellos are played again, within 5 s", () =>
      Effect.gen(function* () {
        const { url } = yield* RunningNode
        yield* short
        const board = yield* Effect.promise(() => RawBoard.attached("stolen", url, 5))
        const began = Date.now()
        for (let number = 0; number < 3; number++) yield* Effect.promise(() => RawBoard.parted("stolen", url, 1))
        yield* until(ofSubject("device/stolen", "active"), (found) => found !== undefined)
        assert.isBelow(Date.now() - began, 5000)
        assert.deepInclude(yield* Effect.promise(() => RawBoard.refused("stolen", url, 6)), { code: codes.Quarantined })
        board.close()
        yield* until(ofSubject("device/stolen", "expired"), (found) => found !== undefined)
      })
    )

    it.effect("throttles and then locks out an account that sends what nobody can read, and no other", () =>
      Effect.gen(function* () {
        const { post } = yield* RunningNode
        yield* short
        const send = (who: string, body: unknown) =>
          post("/api/device/heater-1/SetDesired", body, { authorization: `Bearer ${who}-has-a-token` })
        const began = Date.now()
        assert.strictEqual((yield* send("eve", { patsch: 1 })).status, 400)
        yield* Effect.repeat(send("eve", { patsch: 1 }), { until: ({ status }) => status === 401 })
        assert.isBelow(Date.now() - began, 5000)
        assert.deepInclude(yield* ofSubject("user/eve", "active"), { template: "revoke" })
        assert.strictEqual((yield* send("bob", { patch: { target: 23 } })).status, 200)
        yield* until(send("eve", { patch: { target: 24 } }), ({ status }) => status === 200)
      })
    )

    it.effect("says every step on the event stream, and in the audit", () =>
      Effect.gen(function* () {
        const { get } = yield* RunningNode
        const where = encodeURIComponent('type glob "immune.*"')
        const log = Effect.map(get(`/api/audit?where=${where}&limit=100`), ({ text }) => text)
        const text = yield* until(log, (found) => found.includes("immune.ended") && found.includes("immune.suspected"))
        assert.include(text, "immune.mitigated")
        assert.include(text, "immune.proposed")
      })
    )
  }
)
