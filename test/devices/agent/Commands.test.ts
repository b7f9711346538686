import { assert, describe, it } from "@effect/vitest"
import type { Journal, JournalEntry } from "../../../devices/agent/Journal.ts"
import { memoryJournal } from "../../../devices/agent/MemoryJournal.ts"
import type { Invoke } from "../../../src/protocol/frame/CommandFrames.ts"
import { type Line, Rig } from "./ScriptedPeer.ts"

const id = "018f3a6e-4c00-7abc-8def-0123456789ab"

const idOf = (n: number): string => `018f3a6e-4c00-7abc-8def-${n.toString(16).padStart(12, "0")}`

const invoke = (rig: Rig, fields: Partial<Invoke> = {}): void =>
  rig.line.say({ type: "invoke", epoch: rig.agent.epoch, id, name: "blink", ttl: 30_000, ...fields })

const progressSeqs = (line: Line): Array<number> => line.of("progress").map(({ seq }) => seq)

describe("a command on a board without a journal", () => {
  it("runs only after its first progress is acknowledged", () => {
    const rig = new Rig()
    const line = rig.up()
    invoke(rig, { args: { times: 3 } })
    assert.deepStrictEqual(line.of("progress"), [{ type: "progress", seq: 1, id, done: 0 }])
    assert.lengthOf(rig.runs, 0)
    line.puback(1)
    assert.deepStrictEqual(rig.runs[0]?.command, {
      id,
      name: "blink",
      args: { times: 3 },
      idempotent: false,
      deadline: 30_000
    })
  })

  it("runs after an ack frame that covers its progress, in that mode", () => {
    const rig = new Rig()
    const line = rig.up({ ackMode: 1 })
    invoke(rig)
    line.puback(1)
    assert.lengthOf(rig.runs, 0)
    line.say({ type: "ack", epoch: 5, boot: 7, last: 1 })
    assert.lengthOf(rig.runs, 1)
  })

  it("asks again when only a welcome covers its progress, and runs by the answer to that", () => {
    const rig = new Rig()
    rig.up()
    invoke(rig, { ttl: 5000 })
    const line = rig.again({ last: 1 })
    assert.lengthOf(rig.runs, 0)
    assert.deepStrictEqual(progressSeqs(line), [2])
    invoke(rig)
    assert.deepStrictEqual(progressSeqs(line), [2])
    line.puback(1)
    assert.lengthOf(rig.runs, 0)
    line.puback(2)
    assert.lengthOf(rig.runs, 1)
  })

  it("has the life it had when it asks again", () => {
    const rig = new Rig()
    rig.up()
    invoke(rig, { ttl: 5000 })
    const line = rig.again({ last: 1 })
    rig.time.advance(5000)
    line.puback(2)
    assert.lengthOf(rig.runs, 0)
    assert.strictEqual(line.of("result")[0]?.code, 62)
  })

  it("never runs when the cluster has ended it", () => {
    for (const code of [62, 125]) {
      const rig = new Rig()
      const line = rig.up()
      invoke(rig)
      line.say({ type: "error", epoch: 5, code, req: id })
      line.puback(1)
      invoke(rig)
      line.puback(2)
      assert.lengthOf(rig.runs, 0)
    }
  })

  it("never runs when its progress was refused by number", () => {
    const rig = new Rig()
    const line = rig.up()
    invoke(rig)
    line.say({ type: "error", epoch: 5, code: 200, refusedSeq: 1 })
    line.puback(1)
    assert.lengthOf(rig.runs, 0)
  })

  it("sends its result once, and again when it is asked again", () => {
    const rig = new Rig()
    const line = rig.up()
    invoke(rig)
    line.puback(1)
    rig.time.advance(1520)
    rig.runs[0]?.execution.finish({ code: 0, value: 3 })
    rig.runs[0]?.execution.finish({ code: 5 })
    const result = { type: "result" as const, seq: 2, id, code: 0, value: 3, took: 1520 }
    assert.deepStrictEqual(line.of("result"), [result])
    invoke(rig)
    assert.lengthOf(line.of("result"), 1, "it is on its way already")
    line.puback(2)
    invoke(rig)
    assert.deepStrictEqual(line.of("result").slice(1), [{ ...result, seq: 3, again: true }])
    assert.lengthOf(rig.runs, 1)
  })

  it("tells of its progress, which never looks like the question whether it may start", () => {
    const rig = new Rig()
    const line = rig.up({ window: 8 })
    invoke(rig)
    line.puback(1)
    rig.runs[0]?.execution.progress(0.5, "half")
    rig.runs[0]?.execution.progress(0, "still at it")
    assert.deepStrictEqual(line.of("progress").slice(1), [
      { type: "progress", seq: 2, id, done: 0.5, note: "half" },
      { type: "progress", seq: 3, id, note: "still at it" }
    ])
    rig.again({ last: 3 })
    assert.lengthOf(rig.runs, 1)
    assert.lengthOf(rig.line.of("progress"), 0)
  })

  it("lives by the board's own clock from its receipt, and does not start after that", () => {
    const rig = new Rig()
    const line = rig.up({ lease: 600_000 })
    invoke(rig, { ttl: 1000 })
    rig.time.advance(1000)
    line.puback(1)
    assert.lengthOf(rig.runs, 0)
    assert.deepStrictEqual(line.of("result"), [{ type: "result", seq: 2, id, code: 62, detail: "life over" }])
  })

  it("finishes when its life ends while it runs, unless it says otherwise", () => {
    const rig = new Rig()
    const line = rig.up({ lease: 600_000 })
    invoke(rig, { ttl: 1000 })
    invoke(rig, { ttl: 1000, id: idOf(2), name: "mortal" })
    line.puback(1, 2)
    rig.time.advance(1000)
    assert.deepStrictEqual(
      rig.runs.map(({ cancelled }) => cancelled),
      [false, true]
    )
    rig.runs[0]?.execution.finish({ code: 0 })
    assert.strictEqual(line.of("result")[0]?.code, 0)
  })

  it("ends with 125 when cancelled before it began, and does not run by a late acknowledgement", () => {
    const rig = new Rig()
    const line = rig.up()
    invoke(rig)
    line.say({ type: "cancel", epoch: 5, id })
    line.puback(1)
    assert.deepStrictEqual(
      line.of("result").map(({ code }) => code),
      [125]
    )
    assert.lengthOf(rig.runs, 0)
  })

  it("is told when it is cancelled while it runs", () => {
    const rig = new Rig()
    const line = rig.up()
    invoke(rig)
    line.puback(1)
    line.say({ type: "cancel", epoch: 5, id })
    assert.isTrue(rig.runs[0]?.cancelled)
    assert.lengthOf(line.of("result"), 0)
    rig.runs[0]?.execution.finish({ code: 125 })
    assert.strictEqual(line.of("result")[0]?.code, 125)
  })

  it("that nobody knows cannot be cancelled: 3", () => {
    const rig = new Rig()
    const line = rig.up()
    line.say({ type: "cancel", epoch: 5, id })
    assert.strictEqual(line.of("result")[0]?.code, 3)
  })

  it("goes on and keeps its result while the link is away", () => {
    const rig = new Rig()
    const line = rig.up()
    invoke(rig)
    line.puback(1)
    line.lose()
    rig.runs[0]?.execution.finish({ code: 0 })
    rig.reopen()
    assert.deepStrictEqual(
      rig
        .welcomed({ epoch: 6, last: 1 })
        .of("result")
        .map(({ seq, code }) => [seq, code]),
      [[2, 0]]
    )
  })

  it("that throws ends with 240, and the bug is reported", () => {
    const rig = new Rig({ agent: { idsMax: 4 } })
    const line = rig.up()
    // A frozen list makes the rig's own application throw.
    Object.freeze(rig.runs)
    invoke(rig)
    line.puback(1)
    assert.strictEqual(line.of("result")[0]?.code, 240)
    assert.deepStrictEqual(rig.reports, ["command blink failed"])
  })
})

describe("memory of commands", () => {
  it("refuses one more with 11 when it is full of commands it must not forget", () => {
    const rig = new Rig({ agent: { idsMax: 2 } })
    const line = rig.up({ window: 16 })
    for (const n of [1, 2, 3]) invoke(rig, { id: idOf(n) })
    assert.deepStrictEqual(line.of("error"), [
      { type: "error", seq: 0, code: 11, frameType: 11, req: idOf(3), retry: 1000 }
    ])
    line.puback(1, 2)
    assert.lengthOf(rig.runs, 2)
  })

  it("forgets a result after it was acknowledged and ten minutes have passed, and not before both", () => {
    const rig = new Rig({ agent: { idsMax: 1 } })
    const line = rig.up({ lease: 86_400_000, heartbeat: 40_000_000, window: 16 })
    invoke(rig, { id: idOf(1) })
    line.puback(1)
    rig.runs[0]?.execution.finish({ code: 0 })
    rig.time.advance(600_000)
    invoke(rig, { id: idOf(2) })
    assert.lengthOf(line.of("error"), 1)
    line.puback(2)
    invoke(rig, { id: idOf(2) })
    assert.lengthOf(line.of("error"), 1)
    assert.deepStrictEqual(line.of("progress").at(-1)?.id, idOf(2))
  })

  it("keeps an acknowledged result for ten minutes", () => {
    const rig = new Rig({ agent: { idsMax: 1 } })
    const line = rig.up({ lease: 86_400_000, heartbeat: 40_000_000, window: 16 })
    invoke(rig, { id: idOf(1) })
    line.puback(1)
    rig.runs[0]?.execution.finish({ code: 0 })
    line.puback(2)
    rig.time.advance(599_999)
    invoke(rig, { id: idOf(2) })
    assert.lengthOf(line.of("error"), 1)
    invoke(rig, { id: idOf(1) })
    assert.strictEqual(line.of("result").at(-1)?.again, true)
  })
})

/** A journal that stores when the test says so. */
const slowJournal = () => {
  const waiting: Array<(durable: boolean) => void> = []
  const entries: Array<JournalEntry> = []
  const journal: Journal = {
    load: () => [],
    put: (entry, stored) => {
      entries.push(entry)
      waiting.push(stored)
    },
    remove: () => {}
  }
  return { journal, entries, store: (durable: boolean) => waiting.shift()?.(durable) }
}

describe("a command on a board with a journal", () => {
  it("runs once its id is stored, without asking", () => {
    const { journal, entries, store } = slowJournal()
    const rig = new Rig({ journal })
    const line = rig.up()
    assert.strictEqual(line.of("hello")[0]?.caps, 2)
    invoke(rig)
    assert.lengthOf(rig.runs, 0)
    assert.deepStrictEqual(entries, [{ id, name: "blink", idempotent: false, acknowledged: false }])
    store(true)
    assert.lengthOf(rig.runs, 1)
    assert.lengthOf(line.of("progress"), 0)
  })

  it("does not run when its id cannot be stored", () => {
    const { journal, store } = slowJournal()
    const rig = new Rig({ journal })
    const line = rig.up()
    invoke(rig)
    store(false)
    store(true)
    assert.lengthOf(rig.runs, 0)
    assert.strictEqual(line.of("result")[0]?.code, 5)
  })

  it("stores its result before it sends it", () => {
    const { journal, entries, store } = slowJournal()
    const rig = new Rig({ journal })
    const line = rig.up()
    invoke(rig)
    store(true)
    rig.runs[0]?.execution.finish({ code: 0, value: 1 })
    assert.deepStrictEqual(entries[1]?.result, { code: 0, value: 1, took: 0 })
    assert.lengthOf(line.of("result"), 0)
    store(true)
    assert.lengthOf(line.of("result"), 1)
  })

  it("that was interrupted by a restart ends with 4 and never runs again", () => {
    const journal = memoryJournal()
    const before = new Rig({ journal })
    before.up()
    invoke(before)
    assert.lengthOf(before.runs, 1)
    before.agent.cut()
    before.runs[0]?.execution.finish({ code: 0 })
    const rig = new Rig({ journal, boot: 8 })
    const line = rig.up()
    assert.deepStrictEqual(
      line.of("result").map(({ seq, code }) => [seq, code]),
      [[1, 4]]
    )
    invoke(rig)
    line.puback(1)
    invoke(rig)
    assert.lengthOf(rig.runs, 0)
    assert.deepStrictEqual(
      line.of("result").map(({ code }) => code),
      [4, 4]
    )
  })

  it("that was interrupted and is idempotent runs again when it comes again, with the life it has left", () => {
    const journal = memoryJournal()
    const before = new Rig({ journal })
    before.up()
    invoke(before, { idempotent: true })
    before.agent.cut()
    const rig = new Rig({ journal, boot: 8 })
    const line = rig.up()
    assert.lengthOf(rig.runs, 0)
    assert.lengthOf(line.of("result"), 0)
    invoke(rig, { idempotent: true, ttl: 500 })
    assert.strictEqual(rig.runs[0]?.command.deadline, 500)
  })

  it("answers from the journal after a restart, until the answer is acknowledged", () => {
    const journal = memoryJournal()
    const before = new Rig({ journal })
    before.up()
    invoke(before)
    before.runs[0]?.execution.finish({ code: 0, value: "done" })
    before.agent.cut()
    const rig = new Rig({ journal, boot: 8 })
    const line = rig.up()
    assert.deepStrictEqual(line.of("result"), [
      { type: "result", seq: 1, id, code: 0, value: "done", took: 0, again: true }
    ])
    line.puback(1)
    rig.agent.cut()
    const last = new Rig({ journal, boot: 9 })
    assert.lengthOf(last.up().of("result"), 0)
    invoke(last)
    assert.strictEqual(last.line.of("result")[0]?.again, true)
    assert.lengthOf(last.runs, 0)
  })
})
