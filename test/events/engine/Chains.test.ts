import { assert, describe, it } from "@effect/vitest"
import { Chains } from "../../../src/events/engine/Chains.ts"
import type { Match } from "../../../src/events/temporal/Match.ts"
import type { HolonEvent } from "../../../src/protocol/Event.ts"

const idOf = (number: number): string => `01a0c450-6c00-7101-8101-${String(number).padStart(12, "0")}`

const event = (number: number, context: Omit<NonNullable<HolonEvent["context"]>, "principal">): HolonEvent => ({
  id: idOf(number),
  type: "a.b",
  source: { actor: "a", id: "b" },
  seq: number,
  ts: { ms: 0, ctr: 0, node: "0000000000000000" },
  at: 0,
  vsm: "root",
  severity: "info",
  data: null,
  causes: [],
  context: { principal: "service:holon", ...context }
})

const match = (id: string, events: ReadonlyArray<string>): Match => ({
  id,
  pattern: "p",
  version: 1,
  key: "",
  by: {},
  kind: "match",
  at: 0,
  events,
  values: {},
  isWarm: true
})

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

describe("the chain of a match", () => {
  it("is the one of the first event that made it, with the trace of who began that", () => {
    const chains = new Chains()
    chains.hear(event(1, { root: "request-1", traceparent }))
    chains.hear(event(2, { root: "request-2" }))
    assert.deepStrictEqual(chains.of(match("m", [idOf(1), idOf(2)])), {
      causes: [idOf(1), idOf(2)],
      root: "request-1",
      traceparent
    })
  })

  it("begins with the first event where that began one, or where nothing is remembered of it", () => {
    const chains = new Chains()
    chains.hear(event(1, { root: idOf(1) }))
    for (const number of [1, 7])
      assert.deepStrictEqual(chains.of(match(`m-${number}`, [idOf(number)])), {
        causes: [idOf(number)],
        root: idOf(number)
      })
  })

  it("begins with the match where no event has made it", () => {
    assert.deepStrictEqual(new Chains().of(match("m", [])), { causes: [], root: "m" })
  })

  it("goes on behind matches, with the events that made those, each once", () => {
    const chains = new Chains()
    chains.hear(event(1, { root: "request-1" }))
    chains.of(match("m-1", [idOf(1), idOf(2)]))
    chains.of(match("m-2", [idOf(2), idOf(3)]))
    assert.deepStrictEqual(chains.of(match("m-3", ["m-1", "m-2"])), {
      causes: [idOf(1), idOf(2), idOf(3)],
      root: "request-1"
    })
  })

  it("names the first of many events, and the last ones", () => {
    const numbers = Array.from({ length: 100 }, (_, number) => number)
    const { causes } = new Chains().of(match("m", numbers.map(idOf)))
    assert.deepStrictEqual(causes, [0, 93, 94, 95, 96, 97, 98, 99].map(idOf))
  })

  it("is forgotten when too much has come since", () => {
    const chains = new Chains()
    for (let number = 0; number <= 20_000; number++) chains.hear(event(number, { root: "request" }))
    assert.strictEqual(chains.of(match("m-1", [idOf(20_000)])).root, "request")
    assert.strictEqual(chains.of(match("m-2", [idOf(0)])).root, idOf(0))
  })
})
