import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { type Sent, send, sentBy } from "../../../src/actors/delivery/Sending.ts"
import { type OutletMethods, Outlets, OutletUnavailable, type Post } from "../../../src/actors/Outlets.ts"
import type { DeliveryTarget } from "../../../src/protocol/Delivery.ts"

const letter = (target: DeliveryTarget) => ({ target, matchId: "m-1", envelope: { value: 61.5 } })
const web = (url: string): DeliveryTarget => ({ _tag: "Webhook", url })

const sending = (target: DeliveryTarget, methods: Partial<OutletMethods>): Effect.Effect<Sent> =>
  Effect.provideService(send(letter(target)), Outlets, {
    post: () => Effect.die("no post here"),
    publish: () => Effect.die("no publication here"),
    ...methods
  })

describe("an attempt", () => {
  it("has arrived with 2xx, is final with 4xx that asks for no repeat, finds nobody behind a gateway, and comes again otherwise", () => {
    const tags = (...statuses: ReadonlyArray<number>) => statuses.map((status) => sentBy(status)._tag)
    assert.deepStrictEqual(tags(200, 201, 204, 299), ["Delivered", "Delivered", "Delivered", "Delivered"])
    assert.deepStrictEqual(tags(400, 401, 404, 410, 422, 499), Array(6).fill("Refused"))
    assert.deepStrictEqual(tags(408, 425, 500, 501, 505, 301, 307), Array(7).fill("Failed"))
    assert.deepStrictEqual(tags(429, 502, 503, 504), Array(4).fill("Away"))
    assert.deepInclude(sentBy(503), { error: "the server answers 503" })
  })

  it.effect("posts the match with its id, and the account of the address as it should be", () =>
    Effect.gen(function* () {
      const posts: Array<Post> = []
      const post = (each: Post) => Effect.sync(() => posts.push(each)).pipe(Effect.as(204))
      assert.deepStrictEqual(yield* sending(web("https://ada:p%40ss@plant.example/h?a=1"), { post }), {
        _tag: "Delivered"
      })
      yield* sending(web("http://plant.example/h"), { post })
      assert.deepStrictEqual(posts, [
        {
          url: "https://plant.example/h?a=1",
          headers: {
            "content-type": "application/json",
            "idempotency-key": "m-1",
            authorization: `Basic ${Buffer.from("ada:p@ss").toString("base64")}`
          },
          body: '{"value":61.5}'
        },
        {
          url: "http://plant.example/h",
          headers: { "content-type": "application/json", "idempotency-key": "m-1" },
          body: '{"value":61.5}'
        }
      ])
    })
  )

  it.effect("finds nobody who answers in ten seconds, and ends the request", () =>
    Effect.gen(function* () {
      let isEnded = false
      const post = () =>
        Effect.onInterrupt(Effect.never, () =>
          Effect.sync(() => {
            isEnded = true
          })
        )
      const attempt = yield* Effect.forkChild(sending(web("http://plant.example"), { post }), {
        startImmediately: true
      })
      yield* TestClock.adjust("9999 millis")
      assert.strictEqual(attempt.pollUnsafe(), undefined)
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(yield* Fiber.join(attempt), { _tag: "Away", error: "no answer in 10 seconds" })
      assert.isTrue(isEnded)
    })
  )

  it.effect("fails, and never breaks, whatever goes wrong on the way", () =>
    Effect.gen(function* () {
      const refused = () => Effect.fail(new OutletUnavailable({ reason: "the server is not reached: ECONNREFUSED" }))
      assert.deepStrictEqual(yield* sending(web("http://plant.example"), { post: refused }), {
        _tag: "Away",
        error: "the server is not reached: ECONNREFUSED"
      })
      const broken = yield* sending(web("http://plant.example"), {
        post: () => Effect.die(new Error("x".repeat(9000)))
      })
      assert.strictEqual(broken._tag, "Failed")
      assert.isAtMost(Object(broken).error.length, 500)
      assert.deepStrictEqual(yield* send(letter(web("http://plant.example"))), {
        _tag: "Away",
        error: "there is no way out of this process"
      })
      assert.strictEqual((yield* send({ target: "nonsense" }))._tag, "Failed")
    })
  )

  it.effect("carries the trace of the chain, and for a chain in none one of its own that the chain's root names", () =>
    Effect.gen(function* () {
      const heard: Array<string | undefined> = []
      const post = ({ headers }: Post) => Effect.sync(() => heard.push(headers.traceparent)).pipe(Effect.as(204))
      const methods = { post, publish: () => Effect.die("no publication here") }
      const root = "01938c0e-2f6a-7c41-b1c0-5e2f8a9d0c11"
      const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
      const given = letter(web("http://plant.example/h"))
      for (const chain of [{ root, traceparent }, { root }, { root }, {}, { root: "no uuid" }])
        yield* Effect.provideService(send({ ...given, ...chain }), Outlets, methods)
      assert.strictEqual(heard[0], traceparent)
      assert.match(String(heard[1]), /^00-01938c0e2f6a7c41b1c05e2f8a9d0c11-(?!0{16})[0-9a-f]{16}-01$/)
      assert.strictEqual(heard[2], heard[1], "a repeat is the same span")
      assert.deepStrictEqual(heard.slice(3), [undefined, undefined])
    })
  )

  it.effect("is final for an address that is none, and for a topic on which boards speak", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* sending(web("plant.example"), {}), {
        _tag: "Refused",
        error: "the address is none"
      })
      const topics: Array<string> = []
      const publish = (topic: string, _payload: string, id: string) =>
        Effect.sync(() => void topics.push(`${topic} ${id}`))
      assert.strictEqual((yield* sending({ _tag: "Mqtt", topic: "holon/1/b/press-1/dn" }, { publish }))._tag, "Refused")
      assert.strictEqual((yield* sending({ _tag: "Mqtt", topic: "alarms" }, { publish }))._tag, "Delivered")
      assert.deepStrictEqual(topics, ["alarms m-1"])
      const unreached = Effect.fail(new OutletUnavailable({ reason: "not reached: node-2" }))
      assert.deepStrictEqual(yield* sending({ _tag: "Mqtt", topic: "alarms" }, { publish: () => unreached }), {
        _tag: "Away",
        error: "not reached: node-2"
      })
    })
  )
})
