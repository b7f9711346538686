import { connect } from "node:net"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { uuidV7 } from "../../../src/protocol/Ids.ts"
import { ask, RunningNode, until } from "../../support/RunningNode.ts"

/** Answers the status line to a raw request: fetch would set Host and Expect by itself. */
const rawStatus = (url: string, head: ReadonlyArray<string>, body = "") =>
  Effect.callback<string>((resume) => {
    const { hostname, port } = new URL(url)
    let text = ""
    const socket = connect(Number(port), hostname, () => socket.write(`${head.join("\r\n")}\r\n\r\n${body}`))
    socket.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk
      const status = /^HTTP\/1\.1 (?!100)(\d+)/m.exec(text)?.[1]
      if (status === undefined) return
      socket.destroy()
      resume(Effect.succeed(status))
    })
    socket.on("error", () => resume(Effect.succeed("closed")))
  })

const tagOf = (json: unknown): unknown =>
  typeof json === "object" && json !== null && "_tag" in json ? json._tag : undefined

layer(RunningNode.layer({ boards: 2 }), { timeout: "60 seconds", excludeTestServices: true })("the HTTP API", (it) => {
  it.effect("lists devices in pages, in order of their ids", () =>
    Effect.gen(function* () {
      const { get } = yield* RunningNode
      const first = yield* get("/api/devices?limit=1")
      assert.include(first.text, '"id":"heater-1"')
      assert.include(first.text, '"next":"heater-1"')
      const second = yield* get("/api/devices?limit=1&after=heater-1")
      assert.include(second.text, '"id":"heater-2"')
      assert.notInclude(second.text, '"id":"heater-1"')
    })
  )

  it.effect("answers messages of the registry, and the board follows", () =>
    Effect.gen(function* () {
      const { get, post } = yield* RunningNode
      const set = yield* post("/api/device/heater-1/SetDesired", { patch: { target: 50 } })
      assert.strictEqual(set.status, 200, set.text)
      assert.strictEqual(tagOf(set.json), "Accepted")
      yield* until(get("/api/devices/heater-1"), ({ text }) => /"reported":\{[^}]*"target":50/.test(text))
    })
  )

  it.effect("answers a wrong expected version as a conflict that changes nothing", () =>
    Effect.gen(function* () {
      const { post } = yield* RunningNode
      const before = yield* post("/api/device/heater-2/GetTwin", {})
      const conflict = yield* post("/api/device/heater-2/SetDesired", { patch: { target: 1 }, expected: 999 })
      assert.deepStrictEqual(conflict.json, { _tag: "Conflict", code: 116, current: 0, desired: {} })
      const after = yield* post("/api/device/heater-2/GetTwin", {})
      assert.include(before.text, '"desired":{}')
      assert.include(after.text, '"desired":{}')
    })
  )

  it.effect("answers a repeat under one idempotency key with the first reply, and does it once", () =>
    Effect.gen(function* () {
      const { post } = yield* RunningNode
      const key = uuidV7(Date.now(), (count) => crypto.getRandomValues(new Uint8Array(count)))
      const headers = { "idempotency-key": key }
      const path = "/api/device/heater-1/SetDesired"
      const first = yield* post(path, { patch: { target: 41 } }, headers)
      yield* post(path, { patch: { target: 42 } })
      const again = yield* post(path, { patch: { target: 41 } }, headers)
      assert.strictEqual(again.text, first.text)
      assert.include((yield* post("/api/device/heater-1/GetTwin", {})).text, '"desired":{"target":42}')
    })
  )

  it.effect("refuses an unknown field with its path", () =>
    Effect.gen(function* () {
      const { get, post } = yield* RunningNode
      const { status, headers, json } = yield* post("/api/device/heater-1/SetDesired", { patch: {}, bogus: 1 })
      assert.strictEqual(status, 400)
      assert.strictEqual(headers.get("content-type"), "application/problem+json")
      assert.deepNestedInclude(json, { "errors[0].path": ["payload", "bogus"] })
      const mistyped = yield* get("/api/devices?limt=5")
      assert.strictEqual(mistyped.status, 400)
      assert.deepNestedInclude(mistyped.json, { "errors[0].path": ["query", "limt"] })
    })
  )

  it.effect("refuses a wrong type, a body that is no JSON, and none at all", () =>
    Effect.gen(function* () {
      const { post } = yield* RunningNode
      for (const body of [{ patch: 5 }, "{bad", ""])
        assert.strictEqual((yield* post("/api/device/heater-1/SetDesired", body)).status, 400)
    })
  )

  it.effect("refuses values that no twin can hold", () =>
    Effect.gen(function* () {
      const { post } = yield* RunningNode
      const bodies = [
        '{"patch":{"a":"\\u0000"}}',
        '{"patch":{"a":"\\ud800"}}',
        '{"patch":{"__proto__":{"polluted":true}}}',
        `{"patch":{"a":${"[".repeat(5000)}${"]".repeat(5000)}}}`
      ]
      for (const body of bodies) {
        const { status, text } = yield* post("/api/device/heater-1/SetDesired", body)
        assert.strictEqual(status, 400, `${body.slice(0, 60)}: ${text}`)
      }
      assert.isUndefined(Reflect.get({}, "polluted"))
    })
  )

  it.effect("suggests the nearest kind and message, and shows none that people may not send", () =>
    Effect.gen(function* () {
      const { post } = yield* RunningNode
      const message = yield* post("/api/device/heater-1/SetDesierd", {})
      assert.strictEqual(message.status, 404)
      assert.include(message.text, "did you mean SetDesired?")
      assert.include((yield* post("/api/devic/heater-1/SetDesired", {})).text, "did you mean device?")
      for (const tag of ["Attach", "Lost", "NoteEvidence"])
        assert.strictEqual((yield* post(`/api/device/heater-1/${tag}`, {})).status, 404)
    })
  )

  it.effect("answers each error with its status", () =>
    Effect.gen(function* () {
      const { get, post } = yield* RunningNode
      const unknown = yield* get("/api/devices/nobody")
      assert.deepStrictEqual([unknown.status, tagOf(unknown.json)], [404, "NotFound"])
      const asked = yield* post("/api/device/nobody/GetTwin", {})
      assert.deepStrictEqual([asked.status, tagOf(asked.json)], [404, "NotFound"])
      const stranger = yield* get("/api/devices", { headers: { authorization: "Bearer wrong" } })
      assert.deepStrictEqual([stranger.status, tagOf(stranger.json)], [401, "Unauthenticated"])
    })
  )

  it.effect("knows nobody whose id has NUL, and does not take the question for an outage", () =>
    Effect.gen(function* () {
      const { get, post } = yield* RunningNode
      const found = yield* get("/api/devices/heater%00")
      assert.deepStrictEqual([found.status, tagOf(found.json)], [404, "NotFound"])
      const page = yield* get("/api/devices?after=%00")
      assert.deepStrictEqual([page.status, tagOf(page.json)], [400, "Malformed"])
      assert.strictEqual((yield* post("/api/device/heater%00/GetTwin", {})).status, 404)
    })
  )

  it.effect("refuses a body above 1 MiB, announced or not", () =>
    Effect.gen(function* () {
      const { url, post } = yield* RunningNode
      const body = JSON.stringify({ patch: { text: "x".repeat(1_100_000) } })
      assert.strictEqual((yield* post("/api/device/heater-1/SetDesired", body)).status, 413)
      const chunked = new ReadableStream({
        start: (stream) => {
          stream.enqueue(new TextEncoder().encode(body))
          stream.close()
        }
      })
      const init: RequestInit & { duplex: "half" } = {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: chunked,
        duplex: "half"
      }
      assert.strictEqual((yield* ask(`${url}/api/device/heater-1/SetDesired`, init)).status, 413)
      const head = [
        "POST /api/device/heater-1/SetDesired HTTP/1.1",
        `Host: ${new URL(url).host}`,
        "Content-Length: 2000000"
      ]
      assert.strictEqual(yield* rawStatus(url, [...head, "Expect: 100-continue"]), "413")
    })
  )

  it.effect("turns away a page of another origin and a foreign name bent to this address", () =>
    Effect.gen(function* () {
      const { url, get } = yield* RunningNode
      const { host } = new URL(url)
      assert.strictEqual((yield* get("/api/devices", { headers: { origin: "http://evil.example" } })).status, 403)
      assert.strictEqual((yield* get("/api/devices", { headers: { origin: url } })).status, 200)
      const foreign = ["GET /api/devices HTTP/1.1", "Host: evil.example"]
      assert.strictEqual(yield* rawStatus(url, foreign), "403")
      assert.strictEqual(yield* rawStatus(url, [...foreign, "Expect: 100-continue"]), "403")
      const upgrade = [
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="
      ]
      const asOrigin = (path: string) => [
        `GET ${path} HTTP/1.1`,
        `Host: ${host}`,
        "Origin: http://evil.example",
        ...upgrade
      ]
      assert.strictEqual(yield* rawStatus(url, asOrigin("/rpc")), "403")
      assert.strictEqual(yield* rawStatus(url, asOrigin("/attach")), "403")
    })
  )

  it.effect("opens /rpc to nobody without the token", () =>
    Effect.gen(function* () {
      const { url, token } = yield* RunningNode
      const { host } = new URL(url)
      const upgrade = [
        "GET /rpc HTTP/1.1",
        `Host: ${host}`,
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="
      ]
      assert.strictEqual(yield* rawStatus(url, upgrade), "401")
      assert.strictEqual(yield* rawStatus(url, [...upgrade, "Authorization: Bearer "]), "401")
      assert.strictEqual(yield* rawStatus(url, [...upgrade, `Authorization: Bearer ${token.slice(1)}x`]), "401")
      assert.strictEqual(yield* rawStatus(url, [...upgrade, `Authorization: Bearer ${token}`]), "101")
      // The scheme's name is written in any case (RFC 9110, section 11.1).
      assert.strictEqual(yield* rawStatus(url, [...upgrade, `Authorization: bearer ${token}`]), "101")
    })
  )

  it.effect("documents every message that people may send, and no other", () =>
    Effect.gen(function* () {
      const { get, engine } = yield* RunningNode
      const { text, status } = yield* get("/openapi.json")
      assert.strictEqual(status, 200)
      for (const [kind, { behaviour }] of engine.registry)
        for (const [tag, { audience, delivery }] of Object.entries(behaviour.contract.messages)) {
          const isShown = (audience === "operator" || audience === "public") && delivery !== "watch"
          assert.strictEqual(text.includes(`"/api/${kind}/{id}/${tag}"`), isShown, tag)
        }
      assert.include((yield* get("/docs")).text, "<!doctype html>")
      assert.strictEqual((yield* get("/")).headers.get("location"), "/docs")
    })
  )

  it.effect("says that the node lives, is ready, and what an acknowledgement is worth", () =>
    Effect.gen(function* () {
      const { get } = yield* RunningNode
      assert.deepStrictEqual((yield* get("/health/live")).json, { status: "live" })
      const ready = yield* get("/health/ready")
      assert.strictEqual(ready.status, 200)
      assert.deepInclude(ready.json, {
        status: "ready",
        isStoreReachable: true,
        isLeaseFresh: true,
        durability: "fsync",
        shards: 30
      })
    })
  )

  it.effect("counts actors, commits, drops, dead letters, links and the delay of the loop", () =>
    Effect.gen(function* () {
      const { get } = yield* RunningNode
      const { text } = yield* until(
        get("/metrics"),
        (found) =>
          /^holon_link_attached\{gateway="mqtt"\} 2$/m.test(found.text) &&
          /^holon_store_commits_total [1-9]/m.test(found.text)
      )
      for (const line of [
        /^holon_actors_resident\{kind="device"\} 2$/m,
        /^holon_actor_claims_total [1-9]/m,
        /^holon_actor_drops_total\{reason="fenced"\} 0$/m,
        /^holon_store_statements_total\{ended="written"\} [1-9]/m,
        /^holon_dead_letters_total 0$/m,
        /^holon_shards_held 30$/m,
        /^holon_loop_delay_seconds\{quantile="0.99"\} \d/m,
        /^holon_link_frames_in_total\{gateway="mqtt"\} [1-9]/m
      ])
        assert.match(text, line)
    })
  )
})
