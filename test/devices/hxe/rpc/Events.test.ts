import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { historyMax } from "../../../../devices/hxe/rpc/EventLog.ts"
import { ProvisioningEvent } from "../../../../devices/provisioning/ProvisioningEvents.ts"
import { at, imageOf, type RpcClient, RpcRig, type Said, switchedOnAt } from "./RpcRig.ts"
import { consumerText } from "./TwoPrograms.ts"

const image = imageOf("consumer", consumerText)
const isProvisioning = Schema.is(ProvisioningEvent)

let rig: RpcRig
beforeEach(() => {
  rig = new RpcRig()
})
afterEach(() => rig.stop())

/** A client that hears, and the id of its session. */
const hearing = (fields: Said = {}, open: Said = {}): { readonly client: RpcClient; readonly session: string } => {
  const client = rig.client()
  const session = client.open(open)
  client.did("events.subscribe", { session, ...fields })
  return { client, session }
}

/** Makes so many events: values that change by the host's hand. */
const change = (tool: RpcClient, times: number): void => {
  for (let index = 1; index <= times; index++) tool.did("val.set", { name: "level", value: index % 2 })
}

/** A program with one value, which waits. */
const withValue = (tool: RpcClient): void => {
  const text = `.value {"group":1,"id":1,"name":"level","init":0}\n${consumerText}`
  rig.stream(tool, "valued", imageOf("valued", text), 500)
  rig.time.advance(50)
}

describe("events of the board", () => {
  it("carry number, time, type, program and facts, and only those asked for", () => {
    const { client } = hearing({ filters: { categories: ["provisioning"] } })
    rig.time.advance(2500)
    rig.stream(rig.client(), "a", image, 100)
    const events = client.events()
    assert.isTrue(events.length > 3 && events.every(isProvisioning))
    assert.deepStrictEqual([events[0]?.ts, events[0]?.pid], [switchedOnAt / 1000 + 2.5, 1])
    const { client: ofTwo } = hearing({ filters: { pid: 2, categories: "task_state" } })
    rig.stream(rig.client(), "b", image, 100)
    rig.time.advance(100)
    assert.deepStrictEqual(
      ofTwo.events().map(({ data, pid, type }) => [type, pid, at(data).new_state]),
      [
        ["task_state", 2, "ready"],
        ["task_state", 2, "waiting_mbx"]
      ]
    )
  })

  it("refuse a category that is never told, and say what may be meant", () => {
    const client = rig.client()
    const session = client.open()
    const reply = client.ask("events.subscribe", { session, filters: { categories: ["mailbox", "provisionig"] } })
    assert.deepStrictEqual([reply.code, reply.detail], ["EINVAL", "unsupported_category:provisionig"])
    assert.include(reply.suggestions as ReadonlyArray<string>, "provisioning")
  })

  it("tell of progress at most ten times a second at a thousand chunks a second", () => {
    const { client } = hearing({ filters: { categories: ["provisioning.progress"] } })
    const tool = rig.client()
    const long = new Uint8Array(60_000)
    long.set(imageOf("long", `.entry main\n.text\nmain:\n RET\n.data\n.zero 40000\n`).subarray(0, 60_000))
    const { xfer } = tool.did("vm_load_begin", { label: "long", total: 40_100 })
    for (let seq = 0; seq < 3000; seq++) {
      rig.time.advance(1)
      const data_hex = Buffer.from(long.subarray(seq * 13, seq * 13 + 13)).toString("hex")
      tool.did("vm_load_write", { xfer, seq, data_hex })
    }
    const events = client.events()
    assert.isAtLeast(events.length, 25)
    assert.isAtMost(events.length, 31)
    const coalesced = events.reduce((sum, { data }) => sum + Number(at(data).coalesced), 0)
    assert.isAtLeast(coalesced + events.length, 2900)
    for (let from = 0; from + 1 < events.length; from++) {
      const [one, next] = [events[from], events[from + 1]]
      assert.isAtLeast((next?.ts ?? 0) - (one?.ts ?? 0), 0.0999)
    }
  })

  it("hold progress back at a window of two until one is acknowledged, and then tell the newest", () => {
    const { client, session } = hearing({ filters: { categories: ["provisioning.progress"] }, ack_window: 2 })
    const tool = rig.client()
    const { xfer } = tool.did("vm_load_begin", { label: "a", total: image.length })
    const send = (seq: number): void => {
      rig.time.advance(200)
      tool.did("vm_load_write", {
        xfer,
        seq,
        data_hex: Buffer.from(image.subarray(seq * 10, seq * 10 + 10)).toString("hex")
      })
    }
    for (const seq of [0, 1, 2, 3, 4]) send(seq)
    const first = client.events()
    assert.deepStrictEqual(
      first.map(({ data }) => at(data).bytes_written),
      [10, 20]
    )
    tool.did("events.ack", { session, seq: first[0]?.seq })
    const third = client.events()
    assert.deepStrictEqual(
      third.map(({ data }) => [at(data).bytes_written, at(data).coalesced]),
      [[50, 2]]
    )
    assert.isAbove(third[0]?.seq ?? 0, first[1]?.seq ?? 0)
    send(5)
    assert.deepStrictEqual(client.events(), [])
    // Nobody acknowledges: one event every five seconds, for the sender keeps the transfer alive.
    for (let seconds = 0; seconds < 5; seconds++) {
      rig.time.advance(1000)
      tool.did("vm_load_write", { xfer, seq: 6, data_hex: "" })
    }
    assert.deepStrictEqual(
      client.events().map(({ data }) => at(data).bytes_written),
      [60]
    )
  })

  it("come again from a number on, before the new ones", () => {
    const tool = rig.client()
    withValue(tool)
    change(tool, 5)
    const { client: all } = hearing({ filters: { since_seq: 0 } })
    const before = all.events()
    assert.deepStrictEqual(before.map(({ seq }) => seq)[0], 1)
    const since = before.at(-3)?.seq ?? 0
    const { client: late } = hearing({ filters: { since_seq: since } })
    change(tool, 1)
    const told = late.events().map(({ seq }) => seq)
    assert.deepStrictEqual(
      told.slice(0, 2),
      before.slice(-2).map(({ seq }) => seq)
    )
    assert.deepStrictEqual(told.length, 3)
  })

  it("say that those asked for are no longer kept, or never were", () => {
    const tool = rig.client()
    withValue(tool)
    for (let round = 0; round <= historyMax / 256; round++) {
      change(tool, 256)
      rig.time.advance(100)
    }
    const client = rig.client()
    const session = client.open()
    const reply = client.ask("events.subscribe", { session, filters: { since_seq: 1 } })
    assert.deepStrictEqual([reply.code, String(reply.detail).split(":")[0]], ["ESTALE", "seq_evicted"])
    const oldest = Number(reply.oldest_seq)
    const again = client.did("events.subscribe", { session, filters: { since_seq: oldest - 1, pid: 99 } })
    assert.isAbove(Number(at(again, "events").cursor), oldest)
    const other = rig.client()
    const ahead = other.ask("events.subscribe", { session: other.open(), filters: { since_seq: 1_000_000 } })
    assert.deepStrictEqual([ahead.code, ahead.cursor], ["ESTALE", at(again, "events").cursor])
  })

  it("warn a subscriber that never acknowledges, and then cut it off, and nobody else", () => {
    const tool = rig.client()
    withValue(tool)
    const { client: deaf, session } = hearing({}, { capabilities: { max_events: 2 } })
    const { client: good, session: goodSession } = hearing({}, { capabilities: { max_events: 2 } })
    rig.time.advance(1000)
    const told: Array<Said> = []
    for (let round = 0; round < 30; round++) {
      change(tool, 10)
      rig.time.advance(100)
      told.push(...(deaf.events() as unknown as ReadonlyArray<Said>))
      const seq = good.events().at(-1)?.seq
      tool.did("events.ack", { session: goodSession, seq })
    }
    const reasons = told.filter(({ type }) => type === "warning").map(({ data }) => at(data).reason)
    assert.deepStrictEqual([...new Set(reasons)], ["slow_consumer", "slow_consumer_drop"])
    assert.strictEqual(reasons.at(-1), "slow_consumer_drop")
    assert.strictEqual(told.at(-1)?.type, "warning")
    // At most every half second; 300 events in three seconds reach the limit of 256 after 2.6.
    assert.isAtMost(reasons.length, 6)
    assert.deepStrictEqual([deaf.isClosed, good.isClosed], [true, false])
    assert.deepStrictEqual(tool.refusal("events.ack", { session, seq: 1 }), ["ENOENT", "no_subscription"])
    assert.strictEqual(at(tool.did("events.ack", { session: goodSession, seq: 0 }), "events").drops, 0)
  })

  it("are read in peace for a second", () => {
    const tool = rig.client()
    withValue(tool)
    const { client } = hearing({}, { capabilities: { max_events: 2 } })
    rig.time.advance(999)
    change(tool, 400)
    assert.isTrue(client.events().every(({ type }) => type === "value_changed"))
    rig.time.advance(1)
    change(tool, 1)
    assert.strictEqual(at(client.events().at(-1), "data").reason, "slow_consumer_drop")
    assert.isTrue(client.isClosed)
  })

  it("are not sent any more when they were acknowledged before they went out", () => {
    const tool = rig.client()
    withValue(tool)
    const { client, session } = hearing()
    client.hasRoom = false
    change(tool, 3)
    const { cursor } = at(rig.client().did("events.subscribe", { session: rig.client().open() }), "events")
    change(tool, 1)
    tool.did("events.ack", { session, seq: cursor })
    client.hasRoom = true
    client.connection.drained()
    assert.deepStrictEqual(
      client.events().map(({ seq }) => seq),
      [Number(cursor) + 1]
    )
  })

  it("drop the oldest for a client that takes nothing, and tell it so when it does again", () => {
    const tool = rig.client()
    withValue(tool)
    const { client, session } = hearing({}, { capabilities: { max_events: 8 } })
    client.hasRoom = false
    change(tool, 50)
    assert.deepStrictEqual(client.lines, [])
    client.hasRoom = true
    client.connection.drained()
    const events = client.events()
    assert.isAtMost(events.length, 8)
    assert.isTrue(events.some(({ data }) => at(data).reason === "event_dropped"))
    const { drops } = at(tool.did("events.ack", { session, seq: 0 }), "events")
    assert.isAtLeast(Number(drops), 42)
    assert.isTrue(events.every(({ seq }, index) => index === 0 || seq > (events[index - 1]?.seq ?? 0)))
  })

  it("share their line with nothing but their end; a second subscription ends the first", () => {
    const { client, session } = hearing()
    assert.deepStrictEqual(client.refusal("ping"), ["EBUSY", "connection_carries_events"])
    client.write(
      `{"cmd":"events.ack","session":"${session}","seq":1}\n{"cmd":"session.keepalive","session":"${session}"}\n`
    )
    assert.deepStrictEqual(client.lines, [])
    client.did("events.unsubscribe", { session })
    assert.strictEqual(client.did("ping").reply, "pong")
    client.did("events.subscribe", { session })
    const other = rig.client()
    other.did("events.subscribe", { session })
    assert.deepStrictEqual([client.isClosed, other.isClosed], [true, false])
    rig.client().did("session.close", { session })
    assert.isTrue(other.isClosed)
  })

  it("slow down the progress of a transfer whose own client is behind, not of others", () => {
    const rates = [true, false].map((isOwn) => {
      const tool = rig.client()
      const session = tool.open({ capabilities: { max_events: 8 } })
      const listener = rig.client()
      listener.did("events.subscribe", { session, filters: { categories: ["provisioning"] } })
      const own = isOwn ? { session } : {}
      const { xfer } = tool.did("vm_load_begin", { label: `${isOwn}`, total: 1000, ...own })
      for (let seq = 0; seq < 30; seq++) {
        rig.time.advance(100)
        tool.did("vm_load_write", {
          xfer,
          seq,
          data_hex: Buffer.from(image.subarray(seq * 10, seq * 10 + 10)).toString("hex"),
          ...own
        })
      }
      const heard = listener.events().length
      tool.did("vm_load_abort", { xfer, ...own })
      tool.did("session.close", { session })
      return heard
    })
    assert.isBelow(rates[0] ?? 0, rates[1] ?? 0)
  })
})
