import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { type Asker, runtimeAsker } from "../../src/protocol/Asker.ts"
import { type Commit, EventType, eventIdOf, eventsOf, HolonEvent } from "../../src/protocol/Event.ts"
import { isUuidV7, millisOf } from "../../src/protocol/Ids.ts"
import { decodeJournalBody, encodeEmission, journalBody } from "../../src/protocol/JournalBody.ts"

const commit: Commit = { kind: "device", id: "press-1", version: 7, committedAt: 1_790_000_000_123 }
const asker: Asker = { kind: "user", id: "ada", role: "operator", traceparent: "00-0af7-b7ad-01" }
const request = "018f3a6e-4c00-7abc-8def-0123456789ab"

const body = journalBody(41, [
  encodeEmission({
    at: 1_790_000_000_100,
    asker,
    requestId: request,
    events: [{ type: "twin.desired-changed", data: { version: 3 } }],
    samples: []
  }),
  encodeEmission({
    at: 1_790_000_000_110,
    asker: runtimeAsker,
    requestId: "",
    events: [
      { type: "heater.overheat", data: { temp: 91.5 }, severity: "warn", at: 1_790_000_000_000, unit: "press-1" }
    ],
    samples: [{ type: "board.telemetry", data: { temp: 90 } }]
  })
])

describe("events of a commit", () => {
  it("are in the zone that their source was in, and in none where it was in none", () => {
    const moved = journalBody(1, [
      encodeEmission({
        at: 1,
        asker,
        requestId: request,
        zone: "hall.line-3",
        events: [{ type: "a.b", data: 1 }],
        samples: []
      }),
      encodeEmission({ at: 2, asker, requestId: request, events: [{ type: "a.c", data: 1 }], samples: [] })
    ])
    const [first, second] = eventsOf(commit, decodeJournalBody(moved))
    assert.strictEqual(first?.zone, "hall.line-3")
    assert.isFalse(second !== undefined && "zone" in second)
  })

  it("are those of its journal row, in the one shape of the stream", () => {
    const events = eventsOf(commit, decodeJournalBody(body))
    const encoded = Schema.encodeSync(Schema.toCodecJson(Schema.Array(HolonEvent)))(events)
    assert.deepStrictEqual(
      Schema.decodeUnknownSync(Schema.toCodecJson(Schema.Array(HolonEvent)))(JSON.parse(JSON.stringify(encoded))),
      events
    )
    const [changed, overheat, telemetry] = events
    assert.deepInclude(changed, {
      type: "twin.desired-changed",
      source: { actor: "device", id: "press-1" },
      seq: 41,
      at: 1_790_000_000_100,
      vsm: "root",
      severity: "info",
      data: { version: 3 },
      causes: [request],
      context: { root: request, principal: "user:ada", traceparent: "00-0af7-b7ad-01" }
    })
    assert.deepInclude(overheat, {
      type: "heater.overheat",
      seq: 42,
      at: 1_790_000_000_000,
      unit: "press-1",
      severity: "warn",
      causes: [],
      context: { root: eventIdOf(commit, 1), principal: "service:holon" }
    })
    assert.deepInclude(telemetry, { type: "board.telemetry", seq: 43, severity: "info" })
    assert.strictEqual(telemetry?.context?.root, overheat?.id)
  })

  it("are the same whenever the row is read", () => {
    assert.deepStrictEqual(eventsOf(commit, decodeJournalBody(body)), eventsOf({ ...commit }, decodeJournalBody(body)))
  })

  it("name what led to them, and go on with its chain of causes", () => {
    const [cause, root] = [eventIdOf({ ...commit, version: 3 }, 0), eventIdOf({ ...commit, version: 2 }, 0)]
    const chain = { causes: [cause], root }
    const found = eventsOf(
      commit,
      decodeJournalBody(
        journalBody(1, [
          encodeEmission({ at: 1, asker, requestId: "", events: [{ type: "begun", data: 1 }], samples: [] }),
          encodeEmission({
            at: 2,
            asker: runtimeAsker,
            requestId: "",
            events: [
              { type: "found", data: 1, because: chain },
              { type: "done", data: 1, because: chain, causedBy: 0 }
            ],
            samples: []
          })
        ])
      )
    )
    assert.deepStrictEqual(
      found.map(({ type, causes, context }) => [type, causes, context?.root]),
      [
        ["begun", [], eventIdOf(commit, 0)],
        ["found", [cause], root],
        ["done", [eventIdOf(commit, 1)], root]
      ]
    )
  })

  it("show data that is no JSON as null", () => {
    const [event] = eventsOf(
      commit,
      decodeJournalBody(
        journalBody(1, [
          encodeEmission({
            at: 1,
            asker,
            requestId: "",
            events: [{ type: "a.b", data: Uint8Array.of(1) }],
            samples: []
          })
        ])
      )
    )
    assert.strictEqual(event?.data, null)
  })
})

describe("ids of events", () => {
  it("are UUIDv7 of the commit's time that sort by their place in it", () => {
    const ids = Array.from({ length: 300 }, (_, index) => eventIdOf(commit, index))
    for (const id of ids) {
      assert.isTrue(isUuidV7(id))
      assert.strictEqual(millisOf(id), commit.committedAt)
    }
    assert.deepStrictEqual([...ids].sort(), ids)
  })

  it("differ by actor, version and place", () => {
    const ids = new Set([
      eventIdOf(commit, 0),
      eventIdOf(commit, 1),
      eventIdOf(commit, 5000),
      eventIdOf(commit, 5001),
      eventIdOf({ ...commit, version: 8 }, 0),
      eventIdOf({ ...commit, id: "press-2" }, 0),
      eventIdOf({ ...commit, kind: "unit" }, 0),
      eventIdOf({ ...commit, id: "press-1\n7", version: 0 }, 0)
    ])
    assert.strictEqual(ids.size, 8)
  })
})

describe("types of events", () => {
  it("are lower-case segments", () => {
    const isType = Schema.is(EventType)
    for (const type of ["device.silent", "link.malformed-burst", "boom", "a_b.c0"]) assert.isTrue(isType(type), type)
    for (const type of ["", "Device.silent", "a..b", ".a", "a.", "a b", "ä.b"]) assert.isFalse(isType(type), type)
  })
})
