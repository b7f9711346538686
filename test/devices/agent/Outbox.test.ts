import { assert, describe, it } from "@effect/vitest"
import { sync } from "../../../src/protocol/frame/LinkFrames.ts"
import { Rig, welcome } from "./ScriptedPeer.ts"

const events = (rig: Rig, ...names: ReadonlyArray<string>) => {
  for (const name of names) rig.voice.event(name)
}

describe("numbers", () => {
  it("are given when a frame is first put on the wire, and no sooner", () => {
    const rig = new Rig()
    events(rig, "waits.a")
    assert.strictEqual(rig.agent.owed, 1)
    const line = rig.up({ window: 2 })
    events(rig, "goes.b", "waits.c", "waits.d")
    assert.deepStrictEqual(
      line.of("event").map(({ seq, name }) => [seq, name]),
      [
        [1, "waits.a"],
        [2, "goes.b"]
      ]
    )
    line.puback(1)
    assert.deepStrictEqual(line.of("event").at(-1), { type: "event", seq: 3, at: 0, name: "waits.c" })
  })

  it("go on over the links of a boot, and stand in the next hello", () => {
    const rig = new Rig()
    rig.up()
    events(rig, "a.a", "b.b")
    rig.line.puback(1, 2)
    const line = rig.again({ last: 2 })
    assert.strictEqual(line.of("hello")[0]?.sent, 2)
    events(rig, "c.c")
    assert.deepStrictEqual(line.seqs, [3])
  })

  it("never fall behind what the cluster has of this boot", () => {
    const rig = new Rig()
    const line = rig.up({ last: 40 })
    events(rig, "a.a")
    assert.deepStrictEqual(line.seqs, [41])
  })
})

describe("a numbered frame", () => {
  it("is kept until acknowledged and sent again unchanged, in order, after a welcome", () => {
    const rig = new Rig()
    const first = rig.up()
    events(rig, "a.a", "b.b", "c.c")
    rig.voice.report({ temp: 1 })
    first.puback(2)
    rig.voice.report({ temp: 2 })
    const second = rig.again({ last: 0 })
    assert.deepStrictEqual(second.seqs, [1, 3, 4, 5])
    assert.deepStrictEqual(second.bytes.slice(1, 4), [first.bytes[1], first.bytes[3], first.bytes[4]])
  })

  it("is dropped when the welcome covers it", () => {
    const rig = new Rig()
    rig.up()
    events(rig, "a.a", "b.b", "c.c")
    assert.deepStrictEqual(rig.again({ last: 2 }).seqs, [3])
  })

  it("is not sent again when the gateway offers it itself", () => {
    const rig = new Rig()
    const line = rig.up()
    events(rig, "a.a", "b.b")
    line.say(welcome({ epoch: 6, sync: sync.doNotResend }))
    assert.deepStrictEqual(line.seqs, [1, 2])
    line.puback(1, 2)
    assert.strictEqual(rig.agent.owed, 0)
  })

  it("is sent again after a fresh welcome on the same link", () => {
    const rig = new Rig()
    const line = rig.up()
    events(rig, "a.a", "b.b", "c.c")
    line.say(welcome({ epoch: 6, last: 1 }))
    assert.deepStrictEqual(line.seqs, [1, 2, 3, 2, 3])
  })

  it("is sent again no faster than a smaller window allows", () => {
    const rig = new Rig()
    rig.up({ window: 4 })
    events(rig, "a.a", "b.b", "c.c", "d.d", "e.e")
    const line = rig.again({ window: 2 })
    assert.deepStrictEqual(line.seqs, [1, 2])
    line.puback(2)
    assert.deepStrictEqual(line.seqs, [1, 2, 3])
    line.puback(1, 3, 4)
    assert.deepStrictEqual(line.seqs, [1, 2, 3, 4, 5])
  })

  it("is sent again one after the other as ack frames make room", () => {
    const rig = new Rig()
    rig.up({ ackMode: 1 })
    events(rig, "a.a", "b.b", "c.c", "d.d")
    const line = rig.again({ ackMode: 1, window: 1 })
    for (const last of [1, 2, 3]) line.say({ type: "ack", epoch: rig.agent.epoch, boot: 7, last })
    assert.deepStrictEqual(line.seqs, [1, 2, 3, 4])
  })

  it("is acknowledged by ack frames alone where the broker's PUBACK is not ours", () => {
    const rig = new Rig()
    const line = rig.up({ ackMode: 1 })
    events(rig, "a.a", "b.b", "c.c")
    line.puback(1, 2, 3)
    assert.strictEqual(rig.agent.owed, 3)
    line.say({ type: "ack", epoch: 5, boot: 6, last: 3 })
    assert.strictEqual(rig.agent.owed, 3)
    line.say({ type: "ack", epoch: 5, boot: 7, last: 2 })
    assert.strictEqual(rig.agent.owed, 1)
  })

  it("gets a new number when the boot number changes", () => {
    const rig = new Rig()
    rig.up()
    events(rig, "a.a", "b.b")
    rig.line.puback(1)
    for (let link = 2; link <= 65_535; link++) {
      rig.line.lose()
      rig.reopen().events.opened()
    }
    rig.line.lose()
    rig.reopen()
    const line = rig.welcomed()
    const hello = line.of("hello")[0]
    assert.deepStrictEqual([hello?.boot, hello?.link, hello?.sent], [8, 1, 0])
    assert.deepStrictEqual(
      line.of("event").map(({ seq, name }) => [seq, name]),
      [[1, "b.b"]]
    )
  })

  it("that three links in a row did not take while later ones passed gives its number to an event", () => {
    const rig = new Rig()
    rig.up()
    for (let link = 1; link <= 3; link++) {
      events(rig, `link.n${link}`)
      // Number 1 never gets an answer; whatever follows does.
      rig.line.puback(...rig.line.seqs.filter((seq) => seq > 1))
      events(rig, `more.n${link}`)
      rig.line.puback(...rig.line.seqs.filter((seq) => seq > 1))
      if (link < 3) assert.deepStrictEqual(rig.again().of("event")[0]?.seq, 1)
    }
    const line = rig.again()
    const [event] = line.of("event")
    assert.strictEqual(event?.name, "link.poison")
    assert.strictEqual(event?.seq, 1)
    assert.deepStrictEqual(event?.data, { frame: "event", seq: 1 })
    line.puback(1)
    assert.strictEqual(rig.agent.owed, 0)
  })

  it("is no poison when nothing passed it, or when it was refused", () => {
    const rig = new Rig()
    rig.up()
    events(rig, "a.a")
    for (let link = 0; link < 5; link++) rig.again()
    assert.strictEqual(rig.line.of("event")[0]?.name, "a.a")
    const refused = new Rig()
    refused.up()
    events(refused, "a.a")
    for (let link = 0; link < 5; link++) {
      events(refused, "b.b")
      refused.line.say({ type: "error", epoch: refused.agent.epoch, code: 11, refusedSeq: 1 })
      refused.line.puback(...refused.line.seqs.filter((seq) => seq > 1))
      refused.again()
    }
    assert.strictEqual(refused.line.of("event")[0]?.name, "a.a")
  })
})

describe("pace", () => {
  it("keeps the rate of the welcome", () => {
    const rig = new Rig()
    const line = rig.up({ rate: 10, window: 8 })
    events(rig, "a.a", "b.b", "c.c")
    assert.deepStrictEqual(line.seqs, [1])
    rig.time.advance(99)
    assert.deepStrictEqual(line.seqs, [1])
    rig.time.advance(1)
    assert.deepStrictEqual(line.seqs, [1, 2])
    rig.time.advance(100)
    assert.deepStrictEqual(line.seqs, [1, 2, 3])
  })

  it("keeps the interval of a flow frame, and does without again", () => {
    const rig = new Rig()
    const line = rig.up({ window: 8 })
    line.say({ type: "flow", epoch: 5, interval: 250 })
    events(rig, "a.a", "b.b", "c.c", "d.d")
    rig.time.advance(250)
    assert.deepStrictEqual(line.seqs, [1, 2])
    line.say({ type: "flow", epoch: 5, interval: 0 })
    assert.deepStrictEqual(line.seqs, [1, 2, 3, 4])
  })
})

describe("what waits", () => {
  it("is merged when it reports state: later values win, earlier ones stay", () => {
    const rig = new Rig()
    rig.agent.start()
    rig.voice.report({ temp: 1, fan: { on: true } })
    rig.time.advance(100)
    rig.voice.report({ temp: 2, fan: { rpm: 9 } })
    const line = rig.welcomed()
    assert.deepStrictEqual(line.of("report"), [
      { type: "report", seq: 1, at: 100, state: { temp: 2, fan: { on: true, rpm: 9 } } }
    ])
  })

  it("is not merged once it has a number, nor when it carries samples", () => {
    const rig = new Rig()
    const line = rig.up()
    rig.voice.report({ temp: 1 })
    rig.voice.report({ temp: 2 })
    assert.deepStrictEqual(line.seqs, [1, 2])
    const late = new Rig()
    late.agent.start()
    late.voice.report(undefined, [{ dt: -10, values: { temp: 1 } }])
    late.voice.report({ temp: 2 })
    late.voice.report(undefined, [{ dt: 0, values: { temp: 2 } }])
    assert.lengthOf(late.welcomed().of("report"), 3)
  })

  it("keeps its order but for what is merged", () => {
    const rig = new Rig()
    rig.agent.start()
    rig.voice.report({ temp: 1 })
    events(rig, "a.a")
    rig.voice.report({ temp: 2 })
    const line = rig.welcomed()
    assert.deepStrictEqual(
      line.frames.slice(1).map((frame) => (frame.type === "report" ? frame.state : frame.type)),
      [{ temp: 2 }, "event"]
    )
  })

  it("gives way to a full report but for its samples", () => {
    const rig = new Rig({ state: () => ({ temp: 9 }) })
    rig.agent.start()
    rig.voice.report({ temp: 1 })
    rig.voice.report({ temp: 2 }, [{ dt: 0, values: { temp: 2 } }])
    events(rig, "a.a")
    const line = rig.welcomed({ sync: sync.fullReport })
    assert.deepStrictEqual(
      line.frames.slice(1).map(({ seq: _seq, ...frame }) => frame),
      [
        { type: "report", at: 0, full: true, state: { temp: 9 } },
        { type: "report", at: 0, samples: [{ dt: 0, values: { temp: 2 } }] },
        { type: "event", at: 0, name: "a.a" }
      ]
    )
  })

  it("is bounded: the oldest goes first, and the next event and heartbeat tell how many went", () => {
    const rig = new Rig({ agent: { waitingMax: 3 } })
    rig.agent.start()
    events(rig, "a.a", "b.b", "c.c", "d.d", "e.e")
    const line = rig.welcomed({ lease: 600_000, window: 8 })
    assert.strictEqual(line.of("hello")[0]?.dropped, 2)
    assert.deepStrictEqual(
      line.of("event").map(({ name, dropped }) => [name, dropped]),
      [
        ["c.c", 2],
        ["d.d", undefined],
        ["e.e", undefined]
      ]
    )
    rig.time.advance(10_000)
    assert.strictEqual(line.of("heartbeat")[0]?.dropped, 2)
  })

  it("that is dropped and was a change of state comes in a full report", () => {
    const rig = new Rig({ agent: { waitingMax: 2 }, state: () => ({ fan: { on: true }, led: "on" }) })
    rig.agent.start()
    rig.voice.report({ fan: 1 })
    // Not to be merged with the value before it.
    rig.voice.report({ fan: { on: true } })
    events(rig, "a.a")
    const line = rig.welcomed()
    assert.deepStrictEqual(
      line.frames.slice(1).map(({ seq: _seq, ...frame }) => frame),
      [
        { type: "report", at: 0, full: true, state: { fan: { on: true }, led: "on" } },
        { type: "event", at: 0, name: "a.a", dropped: 1 }
      ]
    )
  })

  it("says nothing when there is nothing to say", () => {
    const rig = new Rig()
    const line = rig.up()
    rig.voice.report({})
    rig.voice.report(undefined)
    assert.lengthOf(line.frames, 1)
  })

  it("loses errors last, and never a result or an acknowledgement of desired", () => {
    const rig = new Rig({ agent: { waitingMax: 2 } })
    rig.up({ window: 1 })
    rig.voice.report({ occupies: "the window" })
    rig.voice.event("fire.alarm", undefined, 0)
    rig.line.say({ type: "cancel", epoch: 5, id: "018f3a6e-4c00-7abc-8def-0123456789ab" })
    rig.line.say({ type: "desired", epoch: 5, version: 2, state: {} })
    events(rig, "a.a", "b.b")
    rig.voice.event("fire.spreads", undefined, 0)
    const line = rig.again({ window: 8, last: 1 })
    assert.deepStrictEqual(
      line.frames.slice(1).map((frame) => (frame.type === "event" ? frame.name : frame.type)),
      ["result", "desired-ack"]
    )
  })

  it("counts lines of text that nobody could hear", () => {
    const rig = new Rig()
    rig.agent.start()
    rig.voice.log(2, "unheard")
    const line = rig.welcomed()
    rig.voice.log(2, "heard")
    assert.strictEqual(line.of("hello")[0]?.dropped, 1)
    assert.deepStrictEqual(
      line.of("log").map(({ text, seq }) => [text, seq]),
      [["heard", 0]]
    )
    assert.strictEqual(line.carriages.at(-1)?.qos, 0)
  })
})

describe("a frame too large for the gateway", () => {
  const wide = Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`key${n}`, "x".repeat(20)]))

  it("is split when it reports: each part fits, and together they say the same", () => {
    const rig = new Rig()
    const line = rig.up({ rx: 512, window: 16 })
    rig.voice.report(wide)
    for (const bytes of line.bytes) assert.isAtMost(bytes.length, 512)
    assert.deepStrictEqual(Object.assign({}, ...line.of("report").map(({ state }) => state)), wide)
    assert.deepStrictEqual(
      line.seqs,
      line.seqs.map((_, index) => index + 1)
    )
  })

  it("is full only in its first part", () => {
    const rig = new Rig({ state: () => wide })
    const line = rig.up({ rx: 512, window: 16, sync: sync.fullReport })
    const [first, ...others] = line.of("report")
    assert.isTrue(first?.full)
    assert.isAbove(others.length, 0)
    for (const other of others) assert.notStrictEqual(other.full, true)
  })

  it("is split by samples too, also when there are more than a report may carry", () => {
    const rig = new Rig()
    const line = rig.up({ window: 16 })
    const samples = Array.from({ length: 1100 }, (_, n) => ({ dt: n - 1100, values: { n } }))
    rig.voice.report(undefined, samples)
    for (const { samples: part } of line.of("report")) assert.isAtMost(part?.length ?? 0, 512)
    assert.deepStrictEqual(
      line.of("report").flatMap(({ samples: part }) => part ?? []),
      samples
    )
  })

  it("is given up and counted when it is one leaf, and leaves no gap", () => {
    const rig = new Rig()
    const line = rig.up({ rx: 512 })
    rig.voice.report({ blob: "x".repeat(1000) })
    rig.voice.event("big.event", { blob: "x".repeat(1000) })
    assert.deepStrictEqual(line.frames.slice(1), [{ type: "event", seq: 1, at: 0, name: "big.event", dropped: 1 }])
  })

  it("ends a command with 90 when it is its result", () => {
    const rig = new Rig()
    const line = rig.up({ rx: 512 })
    line.say({ type: "invoke", epoch: 5, id: "018f3a6e-4c00-7abc-8def-0123456789ab", name: "dump", ttl: 1000 })
    line.puback(1)
    rig.runs[0]?.execution.finish({ code: 0, value: "x".repeat(1000) })
    assert.strictEqual(line.of("result")[0]?.code, 90)
  })

  it("leaves out the explanation of a failure that does not fit, and keeps its code", () => {
    const rig = new Rig()
    const line = rig.up({ rx: 512 })
    line.say({ type: "invoke", epoch: 5, id: "018f3a6e-4c00-7abc-8def-0123456789ab", name: "dump", ttl: 1000 })
    line.puback(1)
    rig.runs[0]?.execution.finish({ code: 5, value: "x".repeat(1000), detail: "bus" })
    assert.strictEqual(line.of("result")[0]?.code, 5)
  })
})
