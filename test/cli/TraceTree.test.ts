import { assert, describe, it } from "@effect/vitest"
import { treeOf } from "../../src/cli/TraceTree.ts"
import type { PlacedEventView } from "../../src/gateways/http/EventQueries.ts"

const root = "01a0c450-6c00-7101-8101-010101010101"
const idOf = (number: number): string => `01a0c450-6c00-7101-8101-${String(number).padStart(12, "0")}`

const placed = (number: number, causes: ReadonlyArray<string>): PlacedEventView => ({
  cursor: `1.${number}`,
  event: {
    id: idOf(number),
    type: `said.n${number}`,
    source: { actor: "a", id: "b" },
    seq: number,
    ts: { ms: 0, ctr: 0, node: "0000000000000000" },
    at: 0,
    vsm: "root",
    severity: "info",
    data: null,
    causes,
    context: { root, principal: "service:holon" }
  }
})

const shape = (text: string): ReadonlyArray<string> =>
  text.split("\n").map((line) => line.replace(/1970-01-01 00:00:00.000 {2}a\/b {2}/, ""))

describe("a trace", () => {
  it("shows each event below what led to it, once", () => {
    const events = [
      placed(1, [root]),
      placed(2, [idOf(1)]),
      placed(3, [idOf(2), idOf(99)]),
      placed(4, [idOf(2)]),
      placed(5, [idOf(1), idOf(2)]),
      placed(6, [])
    ]
    assert.deepStrictEqual(shape(treeOf({ root, events, isCut: true })), [
      `${root} (what was asked for, or a match), 6 events`,
      "said.n1",
      "└─ said.n2",
      "   ├─ said.n3",
      "   ├─ said.n4",
      "   └─ said.n5",
      "said.n6",
      "… there may be more"
    ])
  })

  it("ends where events name each other in a circle", () => {
    const events = [placed(1, [idOf(2)]), placed(2, [idOf(1)]), placed(3, [idOf(3)])]
    assert.deepStrictEqual(shape(treeOf({ root: idOf(1), events, isCut: false })), [
      `${idOf(1)} (an event), 3 events`,
      "said.n3",
      "said.n1",
      "└─ said.n2"
    ])
  })
})
