import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Behaviour from "../../src/actors/Behaviour.ts"
import { tellIdOf } from "../../src/actors/Envelope.ts"
import { done, type JudgedMatch } from "../../src/actors/pattern/Actions.ts"
import { type Asker, runtimeAsker } from "../../src/protocol/Asker.ts"
import * as Contract from "../../src/protocol/Contract.ts"
import { eventIdOf, eventsOf, type HolonEvent } from "../../src/protocol/Event.ts"
import { isUuidV7 } from "../../src/protocol/Ids.ts"
import { decodeJournalBody } from "../../src/protocol/JournalBody.ts"
import { encodeStored } from "../../src/protocol/Stored.ts"
import { ActorRig, epoch, operator } from "../support/ActorRig.ts"

/** Passes a word on through a row of actors; each says so. */
const Runner = Contract.make("runner", {
  state: Schema.Struct({ due: Schema.NullOr(Schema.Finite) }),
  messages: {
    Pass: Contract.once({
      payload: { to: Schema.Array(Schema.String), isNamed: Schema.Boolean },
      audience: "operator"
    }),
    PassLater: Contract.once({ payload: { at: Schema.Finite }, audience: "operator" }),
    PassSilently: Contract.once({ payload: { to: Schema.Array(Schema.String) }, audience: "operator" }),
    Work: Contract.once({ payload: {}, audience: "operator" }),
    /** Passes on what something else led to. */
    PassFor: Contract.once({ payload: { to: Schema.String, root: Schema.String }, audience: "operator" }),
    /** Says under which id it was told so. */
    Tellme: Contract.once({ payload: {}, audience: "operator" }),
    TellTwice: Contract.once({ payload: { to: Schema.String }, audience: "operator" })
  },
  events: { "runner.passed": Schema.Int, "runner.gone": Schema.Int, "runner.told": Schema.String }
})

const passOn = ([next, ...rest]: ReadonlyArray<string>, isNamed: boolean) => ({
  events: [
    { type: "runner.passed", data: rest.length },
    { type: "runner.gone", data: rest.length }
  ],
  ...(next !== undefined && {
    tells: [
      {
        to: { kind: "runner", id: next },
        message: "Pass",
        payload: { to: rest, isNamed },
        ...(isNamed && { causedBy: 1 })
      }
    ]
  })
})

const runner = Behaviour.make(Runner, {
  initial: () => ({ due: null }),
  dueAt: ({ due }) => due ?? undefined,
  timeout: ({ due }, { now }) => (due !== null && due <= now ? { state: { due: null }, ...passOn(["b"], false) } : {}),
  completed: (_state, { id }) => ({
    events: [{ type: "runner.gone", data: 0 }],
    effects: [{ name: "work", id: `${id}'`, input: {} }]
  }),
  Pass: (state, { to, isNamed }) => ({ state, ...passOn(to, isNamed) }),
  PassLater: (_state, { at }) => ({ state: { due: at } }),
  PassSilently: (_state, { to }) => ({
    tells: to.map((id) => ({ to: { kind: "runner", id }, message: "Pass", payload: { to: [], isNamed: false } }))
  }),
  PassFor: (_state, { to, root }) => ({
    tells: [
      {
        to: { kind: "runner", id: to },
        message: "Pass",
        payload: { to: [], isNamed: false },
        because: { causes: [root], root }
      }
    ]
  }),
  Tellme: (_state, _payload, { requestId }) => ({ events: [{ type: "runner.told", data: requestId }] }),
  TellTwice: (_state, { to }) => ({
    tells: [0, 1].map(() => ({ to: { kind: "runner", id: to }, message: "Tellme", payload: {} }))
  }),
  Work: () => ({ effects: [{ name: "work", id: "w", input: {} }] })
})

/** The node dies, and another one begins with the rows. */
const restart = (rig: ActorRig): void => {
  rig.residency.stop()
  rig.residency.dropAll()
  rig.start("node-2")
}

const at = (id: string) => ({ kind: "runner", id })

const eventsIn = (rig: ActorRig): ReadonlyArray<HolonEvent> =>
  rig.journal.flatMap(({ kind, id, version, at: committedAt, body }) =>
    eventsOf({ kind, id, version, committedAt }, decodeJournalBody(body))
  )

const saidBy = (rig: ActorRig, id: string): ReadonlyArray<HolonEvent> =>
  eventsIn(rig).filter(({ source }) => source.id === id)

const traced: Asker = { ...operator, traceparent: "00-0af7-b7ad-01" }

describe("what a tell changes", () => {
  it("names the request that began it, also behind another tell", () => {
    const rig = new ActorRig([runner])
    const requestId = rig.requestId()
    rig.ask(at("a"), "Pass", { to: ["b", "c"], isNamed: false }, { requestId, asker: traced })
    const events = eventsIn(rig)
    assert.deepStrictEqual([...new Set(events.map(({ source }) => source.id))], ["a", "b", "c"])
    for (const { causes, context } of events) {
      assert.deepStrictEqual(causes, [requestId])
      assert.strictEqual(context?.root, requestId)
      assert.strictEqual(context?.traceparent, traced.traceparent)
    }
    assert.deepStrictEqual([...new Set(events.map(({ context }) => context?.principal))], ["user:ada", "service:holon"])
  })

  it("names the event that its sender says led to it", () => {
    const rig = new ActorRig([runner])
    const requestId = rig.requestId()
    rig.ask(at("a"), "Pass", { to: ["b", "c"], isNamed: true }, { requestId })
    const [, goneA] = saidBy(rig, "a")
    const [passedB, goneB] = saidBy(rig, "b")
    const [passedC] = saidBy(rig, "c")
    assert.deepStrictEqual([passedB?.causes, passedC?.causes], [[goneA?.id], [goneB?.id]])
    assert.strictEqual(passedC?.context?.root, requestId)
  })

  it("names what a timer said first, and goes on with its chain", () => {
    const rig = new ActorRig([runner])
    rig.ask(at("a"), "PassLater", { at: rig.now + 5000 })
    rig.advance(10_000)
    const [begun] = saidBy(rig, "a")
    const [passed] = saidBy(rig, "b")
    assert.deepStrictEqual([begun?.causes, begun?.context?.root], [[], begun?.id])
    assert.deepStrictEqual([passed?.causes, passed?.context?.root], [[begun?.id], begun?.id])
  })

  it("goes on with what its sender remembers, when that led to it", () => {
    const rig = new ActorRig([runner])
    const [asked, remembered] = [rig.requestId(), rig.requestId()]
    rig.ask(at("a"), "PassFor", { to: "b", root: remembered }, { requestId: asked })
    for (const { causes, context } of saidBy(rig, "b"))
      assert.deepStrictEqual([causes, context?.root], [[remembered], remembered])
  })

  it("has an id of its own, which each copy of it has", () => {
    const rig = new ActorRig([runner])
    rig.ask(at("a"), "TellTwice", { to: "b" })
    const [first, second] = saidBy(rig, "b").map(({ data }) => String(data))
    assert.isTrue(isUuidV7(first ?? ""))
    assert.isTrue(isUuidV7(second ?? ""))
    assert.notStrictEqual(first, second)
    const commit = rig.journal.find(({ id }) => id === "b")
    const tell = { from: "runner/a", version: 9, index: 0, at: commit?.at ?? 0 }
    assert.strictEqual(tellIdOf(tell), tellIdOf({ ...tell }))
    assert.notStrictEqual(tellIdOf(tell), tellIdOf({ ...tell, index: 1 }))
    assert.strictEqual(tellIdOf({ from: "runner/a", version: 9, index: 0 }), "")
  })

  it("is in one chain where its sender said nothing", () => {
    const rig = new ActorRig([runner])
    rig.ask(at("a"), "PassSilently", { to: ["b", "c"] }, { requestId: rig.requestId(), asker: runtimeAsker })
    const roots = eventsIn(rig).map(({ context }) => context?.root)
    assert.strictEqual(roots.length, 4)
    assert.strictEqual(new Set(roots).size, 1)
  })

  it("still names it when the sender's node died before it arrived", () => {
    const rig = new ActorRig([runner])
    rig.canPost = false
    const requestId = rig.requestId()
    rig.ask(at("a"), "Pass", { to: ["b"], isNamed: true }, { requestId, asker: traced })
    rig.canPost = true
    restart(rig)
    rig.advance(10_000)
    const [, gone] = saidBy(rig, "a")
    const [passed] = saidBy(rig, "b")
    assert.deepStrictEqual([passed?.causes, passed?.context?.root], [[gone?.id], requestId])
    assert.strictEqual(passed?.context?.traceparent, traced.traceparent)
  })

  it("is sent on from a row that was written before causes were", () => {
    const rig = new ActorRig([runner])
    rig.canPost = false
    rig.ask(at("a"), "Pass", { to: ["b"], isNamed: false })
    const parts = rig.rows.get("runner/a")?.parts
    const key = [...(parts?.keys() ?? [])].find((name) => name.startsWith("~tell/"))
    assert.isDefined(key)
    const body = encodeStored({ to: [], isNamed: false })
    parts?.set(key ?? "", encodeStored(["runner", "b", "Pass", body, rig.now]))
    rig.canPost = true
    restart(rig)
    rig.advance(10_000)
    const [passed] = saidBy(rig, "b")
    assert.deepStrictEqual([passed?.causes, passed?.context?.root], [[], passed?.id])
  })
})

describe("the outcome of an effect", () => {
  it("is in the chain of the message that it was begun for, and what it begins itself is not", () => {
    const rig = new ActorRig([runner])
    const requestId = rig.requestId()
    rig.ask(at("a"), "Work", {}, { requestId, asker: traced })
    rig.ends[0]?.("done")
    rig.advance(1000)
    rig.ends[1]?.("done")
    rig.advance(1000)
    assert.deepStrictEqual(rig.performed, ["w", "w'", "w''"])
    const [first, second] = saidBy(rig, "a")
    const principal = "service:holon"
    assert.deepStrictEqual(
      [first?.causes, first?.context],
      [[requestId], { root: requestId, principal, traceparent: traced.traceparent ?? "" }]
    )
    assert.deepStrictEqual([second?.causes, second?.context], [[], { root: second?.id ?? "", principal }])
  })
})

describe("the clock of an actor", () => {
  const timesOf = (rig: ActorRig, id: string) => saidBy(rig, id).map(({ ts }) => [ts.ms, ts.ctr])

  it("goes on with each commit, also while the node's stands still", () => {
    const rig = new ActorRig([runner])
    for (let round = 0; round < 3; round++) {
      rig.send(at("a"), "Pass", { to: [], isNamed: false })
      rig.advance()
    }
    assert.deepStrictEqual(
      timesOf(rig, "a").map(([ms, ctr]) => [(ms ?? 0) - epoch, ctr]),
      [0, 1, 2].flatMap((ms) => [
        [ms, 0],
        [ms, 1]
      ])
    )
  })

  it("never goes back, also on another node whose own is behind", () => {
    const rig = new ActorRig([runner])
    rig.ask(at("a"), "Pass", { to: [], isNamed: false })
    const before = timesOf(rig, "a")[0]?.[0] ?? 0
    rig.sleep(-20_000)
    rig.start("node-2")
    rig.ask(at("a"), "Pass", { to: [], isNamed: false })
    assert.isAbove(timesOf(rig, "a")[2]?.[0] ?? 0, before)
  })

  const told = (time: number) => {
    const rig = new ActorRig([runner])
    const tell = { from: "runner/x", version: 1, index: 0, at: rig.now + time }
    const payload = encodeStored({ to: [], isNamed: false })
    rig.post(at("a"), { message: "Pass", body: payload, requestId: "", asker: runtimeAsker, tell })
    rig.advance()
    return [(timesOf(rig, "a")[0]?.[0] ?? 0) - epoch, rig.residency.counts.skewed]
  }

  it("is not behind that of whoever told it something", () => {
    assert.deepStrictEqual(told(5000), [5001, 0])
  })

  it("does not follow one that is too far ahead, and counts it", () => {
    assert.deepStrictEqual(told(31_000), [0, 1])
  })
})

describe("what a match does", () => {
  const telemetry = eventIdOf({ kind: "device", id: "press-1", version: 2, committedAt: epoch }, 0)
  const found = (id: string, events: ReadonlyArray<string>): JudgedMatch => ({
    match: {
      id,
      pattern: "hot",
      version: 1,
      key: "",
      by: {},
      kind: "match",
      at: epoch,
      events,
      values: {},
      isWarm: true
    },
    depth: 1,
    priority: "normal",
    actions: [
      { _tag: "Event", type: "cooling.needed" },
      { _tag: "Tell", kind: "device", id: "press-1", message: "SetDesired", payload: { patch: { fan: true } } }
    ],
    because: { causes: [telemetry], root: telemetry },
    author: "user:ada",
    missing: new Map()
  })

  it("names the match, and the match the events that made it", () => {
    const { events, tells } = done([found("m-1", [telemetry]), found("m-2", ["m-1"])], epoch)
    assert.deepStrictEqual(
      events.map(({ type, because, causedBy }) => [type, because?.root, because?.causes, causedBy]),
      [
        ["pattern.matched", telemetry, [telemetry], undefined],
        ["cooling.needed", telemetry, [telemetry], 0],
        ["pattern.matched", telemetry, [telemetry], 0],
        ["cooling.needed", telemetry, [telemetry], 2]
      ]
    )
    assert.deepStrictEqual(
      tells.map(({ causedBy }) => causedBy),
      [0, 2]
    )
  })
})
