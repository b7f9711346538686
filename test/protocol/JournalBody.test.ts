import { assert, describe, it } from "@effect/vitest"
import { type Asker, runtimeAsker } from "../../src/protocol/Asker.ts"
import {
  countOf,
  decodeJournalBody,
  type Emission,
  encodeEmission,
  holdsOnlySamples,
  journalBody
} from "../../src/protocol/JournalBody.ts"
import { encodeStored } from "../../src/protocol/Stored.ts"

const board: Asker = { kind: "device", id: "press-1", role: "board" }
const person: Asker = { kind: "user", id: "ada", role: "operator", root: "r-1", traceparent: "00-1-2-01" }

const emissions: ReadonlyArray<Emission> = [
  {
    at: 1000,
    asker: board,
    requestId: "",
    events: [{ type: "device.online", data: { reason: "attach" } }],
    samples: [{ type: "board.telemetry", data: { temp: 71.25 }, at: 990, unit: "line-1" }]
  },
  {
    at: 1005,
    asker: runtimeAsker,
    requestId: "",
    events: [{ type: "twin.diverged", data: null, severity: "critical" }],
    samples: []
  },
  {
    at: 1006,
    asker: person,
    requestId: "q-1",
    events: [{ type: "desired.changed", data: 3, unit: "line-2" }],
    samples: []
  }
]

const bodyOf = (seq: number, emissions: ReadonlyArray<Emission>): Uint8Array =>
  journalBody(seq, emissions.map(encodeEmission))

describe("JournalBody", () => {
  it("numbers what a commit emitted without a gap, in order, each with its asker", () => {
    const records = decodeJournalBody(bodyOf(7, emissions))
    assert.strictEqual(records.length, countOf(emissions.map(encodeEmission)))
    assert.deepStrictEqual(
      records.map(({ seq, type, isSample, at, severity, unit, requestId }) => [
        seq,
        type,
        isSample,
        at,
        severity,
        unit,
        requestId
      ]),
      [
        [7, "device.online", false, 1000, "info", undefined, ""],
        [8, "board.telemetry", true, 990, "info", "line-1", ""],
        [9, "twin.diverged", false, 1005, "critical", undefined, ""],
        [10, "desired.changed", false, 1006, "info", "line-2", "q-1"]
      ]
    )
    assert.deepStrictEqual(
      records.map((record) => record.asker),
      [board, board, runtimeAsker, person]
    )
    assert.deepStrictEqual(
      records.map((record) => record.data),
      [{ reason: "attach" }, { temp: 71.25 }, null, 3]
    )
  })

  it("keeps the zone of each transition, and costs nothing where there is none", () => {
    const moved: ReadonlyArray<Emission> = emissions.map((emission, index) =>
      index === 1 ? emission : { ...emission, zone: index === 0 ? "hall" : "hall.line-3" }
    )
    const records = decodeJournalBody(bodyOf(7, moved))
    assert.deepStrictEqual(
      records.map(({ zone }) => zone),
      ["hall", "hall", undefined, "hall.line-3"]
    )
    const without = (list: typeof records) => list.map((record) => ({ ...record, zone: undefined }))
    assert.deepStrictEqual(without(records), without(decodeJournalBody(bodyOf(7, emissions))))
    assert.deepStrictEqual(
      bodyOf(
        7,
        emissions.map((emission) => ({ ...emission, zone: undefined }))
      ),
      bodyOf(7, emissions)
    )
  })

  it("keeps what led to a fact, and the chain of causes that it is in", () => {
    const [telemetry, request] = ["018f3a6e-4c00-7abc-8def-0123456789ab", "018f3a6e-4c01-7abc-8def-0123456789ab"]
    const records = decodeJournalBody(
      bodyOf(1, [
        { at: 1, asker: board, requestId: "", events: [{ type: "a.b", data: 1 }], samples: [] },
        {
          at: 2,
          asker: runtimeAsker,
          requestId: "",
          causes: [request],
          events: [
            { type: "told", data: 1 },
            { type: "found", data: 2, because: { causes: [telemetry], root: telemetry, traceparent: "00-1-2-01" } },
            { type: "done", data: 3, unit: "line-1", because: { causes: [telemetry], root: telemetry }, causedBy: 1 }
          ],
          samples: [{ type: "s", data: 1 }]
        }
      ])
    )
    assert.deepStrictEqual(
      records.map(({ type, causes, causedBy, first, asker: { root, traceparent }, unit, at }) => [
        [type, causes, causedBy, first],
        [root, traceparent, unit, at]
      ]),
      [
        [
          ["a.b", [], undefined, 0],
          [undefined, undefined, undefined, 1]
        ],
        [
          ["told", [request], undefined, 1],
          [undefined, undefined, undefined, 2]
        ],
        [
          ["found", [telemetry], undefined, 1],
          [telemetry, "00-1-2-01", undefined, 2]
        ],
        [
          ["done", [telemetry], 2, 1],
          [telemetry, undefined, "line-1", 2]
        ],
        [
          ["s", [request], undefined, 1],
          [undefined, undefined, undefined, 2]
        ]
      ]
    )
  })

  it("reads rows of before causes were stored, and what a fact needs no more of is not stored", () => {
    const old = encodeStored([1, 7, [1000, null, "", [1, "a.b", 5, 2, "line-1"], [9, "s", 6]]])
    assert.deepStrictEqual(
      decodeJournalBody(old).map(({ seq, type, at, unit, causes, causedBy }) => [
        seq,
        type,
        at,
        unit,
        causes,
        causedBy
      ]),
      [
        [7, "a.b", 1002, "line-1", [], undefined],
        [8, "s", 1000, undefined, [], undefined]
      ]
    )
    const fact = { type: "a.b", data: 5, at: 1002, unit: "line-1" }
    const sample = { type: "s", data: 6 }
    const same = { at: 1000, asker: runtimeAsker, requestId: "", events: [fact], samples: [sample] }
    assert.deepStrictEqual(Buffer.from(bodyOf(7, [same])), Buffer.from(old))
  })

  it("tells a body of samples only by its first bytes, however many emissions it has", () => {
    for (const count of [1, 21, 22, 300, 70_000]) {
      const samples: ReadonlyArray<Emission> = Array.from({ length: count }, (_, at) => ({
        at,
        asker: board,
        requestId: "",
        events: [],
        samples: [{ type: "board.telemetry", data: at }]
      }))
      const passing = bodyOf(1, samples)
      assert.isTrue(holdsOnlySamples(passing))
      assert.strictEqual(decodeJournalBody(passing).length, count)
      assert.isFalse(holdsOnlySamples(bodyOf(1, [...samples, ...emissions])))
    }
    assert.isFalse(holdsOnlySamples(new Uint8Array()))
  })

  it("refuses a form it does not know", () => {
    assert.throws(() => decodeJournalBody(encodeStored([3, 7])), /form 3/)
  })

  it("refuses what is no journal body", () => {
    for (const value of [
      {},
      [1],
      [1, "7"],
      [1, 7, []],
      [1, 7, [1000, null, "", [1]]],
      [1, 7, [1000, ["robot", "x", "board"], ""]]
    ])
      assert.throws(() => decodeJournalBody(encodeStored(value)), /journal body/)
  })
})
