import { assert, describe, it } from "@effect/vitest"
import type { EventPage } from "../../../src/events/EventStream.ts"
import { RecentPages } from "../../../src/events/engine/RecentPages.ts"
import { eventIdOf, type HolonEvent } from "../../../src/protocol/Event.ts"

const event = (seq: number): HolonEvent => ({
  id: eventIdOf({ kind: "device", id: "oven-1", version: 1, committedAt: 1000 }, seq),
  type: "board.telemetry",
  source: { actor: "device", id: "oven-1" },
  seq,
  ts: { ms: 1000, ctr: 0, node: "0000000000000000" },
  at: 1000,
  vsm: "root",
  severity: "info",
  data: {},
  causes: []
})

/** A page of one commit with three events. */
const pageOf = (transaction: number): EventPage => ({
  events: [1, 2, 3].map((seq) => ({
    cursor: seq === 3 ? `${transaction}.1` : `${transaction}.1.${seq}`,
    event: event(seq)
  })),
  next: `${transaction}.1`,
  hasMore: true
})

describe("recent pages", () => {
  it("are found by the cursor behind which they were read", () => {
    const pages = new RecentPages()
    pages.keep("9.1", pageOf(10))
    pages.keep("10.1", pageOf(11))
    assert.strictEqual(pages.behind("9.1")?.next, "10.1")
    assert.strictEqual(pages.behind("10.1")?.next, "11.1")
  })

  it("give the rest to who stopped within one", () => {
    const pages = new RecentPages()
    pages.keep("9.1", pageOf(10))
    assert.deepEqual(
      pages.behind("10.1.2")?.events.map(({ event: { seq } }) => seq),
      [3]
    )
  })

  it("know nothing of what lies outside, or behind the last of them", () => {
    const pages = new RecentPages()
    pages.keep("9.1", pageOf(10))
    for (const cursor of ["8.1", "10.1", "12.1", "10.1.9"]) assert.isUndefined(pages.behind(cursor))
  })

  it("are forgotten, the oldest first", () => {
    const pages = new RecentPages()
    for (let transaction = 10; transaction < 40; transaction++) pages.keep(`${transaction - 1}.1`, pageOf(transaction))
    assert.isUndefined(pages.behind("9.1"))
    assert.isDefined(pages.behind("38.1"))
  })

  it("are not kept when they are empty: what comes next is not known", () => {
    const pages = new RecentPages()
    pages.keep("9.1", { events: [], next: "9.1", hasMore: false })
    assert.isUndefined(pages.behind("9.1"))
  })
})
