import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { proofOf } from "../../../../devices/provisioning/Access.ts"
import { at, imageOf, RpcRig, switchedOnAt } from "./RpcRig.ts"
import { consumerText } from "./TwoPrograms.ts"

let rig: RpcRig
beforeEach(() => {
  rig = new RpcRig()
})
afterEach(() => rig.stop())

const withProgram = (): number => Number(rig.stream(rig.client(), "a", imageOf("consumer", consumerText), 500).pid)

describe("sessions of the board's own line", () => {
  it("are opened with what was asked for, within bounds, and say what is different", () => {
    const { session } = rig.client().did("session.open", {
      client: "tool",
      capabilities: { features: ["events", "stack"], max_events: 1 },
      heartbeat_s: 1,
      pid_lock: null
    })
    assert.deepStrictEqual(session, {
      id: "01".repeat(16),
      client: "tool",
      heartbeat_s: 5,
      features: ["events"],
      max_events: 2,
      pid_lock: null,
      level: 3,
      created_at: switchedOnAt / 1000,
      last_seen: switchedOnAt / 1000,
      warnings: ["unsupported_feature:stack", "max_events_clamped:2", "heartbeat_clamped:5"]
    })
  })

  it("live as long as they are heard of, and no longer", () => {
    const client = rig.client()
    const session = client.open({ heartbeat_s: 10 })
    for (let beat = 0; beat < 5; beat++) {
      rig.time.advance(9900)
      client.did("ping", { session })
    }
    rig.time.advance(10_000)
    assert.strictEqual(at(client.did("session.current", { session }), "session").last_seen, switchedOnAt / 1000 + 59.5)
    rig.time.advance(10_001)
    assert.deepStrictEqual(client.refusal("session.keepalive", { session }), ["EPERM", "session_required"])
    assert.deepStrictEqual(client.refusal("ping", { session }), ["EPERM", "session_required"])
    assert.deepStrictEqual(client.did("session.list").sessions, [])
  })

  it("are swept when they fall silent: what they had reserved is free, and their events end", () => {
    const pid = withProgram()
    const client = rig.client()
    const session = client.open({ heartbeat_s: 5, pid_lock: [pid] })
    client.did("events.subscribe", { session })
    rig.time.advance(4000)
    assert.isFalse(client.isClosed)
    rig.time.advance(6100)
    assert.isTrue(client.isClosed)
    rig.client().did("kill", { pid })
    const logs = rig.client().did("dmesg", { filter_session: session.slice(0, 8) }).logs
    assert.include(String(at(logs, 0).msg), "silent")
  })

  it("are needed for events, and for their own commands", () => {
    const client = rig.client()
    for (const cmd of [
      "session.keepalive",
      "session.close",
      "session.current",
      "events.subscribe",
      "events.unsubscribe"
    ]) {
      assert.deepStrictEqual(client.refusal(cmd), ["EPERM", "session_required"])
    }
    assert.deepStrictEqual(client.refusal("events.ack", { seq: 1 }), ["EPERM", "session_required"])
  })

  it("reserve programs: nobody else changes them, everybody sees them", () => {
    const pid = withProgram()
    const owner = rig.client()
    const session = owner.open({ pid_lock: pid })
    const other = rig.client()
    const locked = ["EBUSY", `pid_locked:${pid}`]
    assert.deepStrictEqual(other.refusal("session.open", { pid_lock: [7, pid] }), locked)
    const own = other.open({ pid_lock: 7 })
    const changes = [
      ["pause", {}],
      ["resume", {}],
      ["kill", {}],
      ["reload", {}],
      ["step", {}],
      ["sched", { quantum: 5 }],
      ["poke", { addr: 0, data: "00" }],
      ["send", { data: "x" }],
      ["listen", {}],
      ["stdio_fanout", { mode: "drop" }],
      ["provision.persist", {}]
    ] as const
    for (const [cmd, fields] of changes) {
      assert.deepStrictEqual(other.refusal(cmd, { pid, ...fields }), locked, cmd)
      assert.deepStrictEqual(other.refusal(cmd, { pid, session: own, ...fields }), locked, cmd)
    }
    other.did("peek", { pid, addr: 0, length: 1 })
    other.did("dumpregs", { pid })
    owner.did("pause", { pid, session })
    owner.did("session.close", { session })
    other.did("resume", { pid })
  })

  it("are listed without the key that their ids are, and can be ended by somebody who may", () => {
    const client = rig.client()
    const session = client.open({ client: "one" })
    const [listed] = rig.client().did("session.list").sessions as ReadonlyArray<{ readonly id: string }>
    assert.strictEqual(listed?.id, session.slice(0, 8))
    assert.deepStrictEqual(rig.client().refusal("ping", { session: listed?.id }), ["EPERM", "session_required"])
    rig.client().did("session.terminate", { target: listed?.id })
    assert.deepStrictEqual(client.refusal("ping", { session }), ["EPERM", "session_required"])
  })
})

describe("rights on the board's own line", () => {
  const key = new Uint8Array(32).fill(7)
  let guarded: RpcRig
  beforeEach(() => {
    const roles = { roleKeys: new Map([[2, key]]), nonce: () => new Uint8Array(8) }
    guarded = new RpcRig({ roles })
  })
  afterEach(() => guarded.stop())

  const prove = (client: ReturnType<RpcRig["client"]>, role: number | string, by = key): Record<string, unknown> => {
    const nonce = new Uint8Array(Buffer.from(String(client.did("session.challenge", { role }).nonce), "hex"))
    const token = Buffer.from(proofOf(by, 5, 2, nonce)).toString("hex")
    return client.ask("session.open", { auth: { role, token } })
  }

  it("are those of everybody until a role is proved, and then those of the role, for the session alone", () => {
    const client = guarded.client()
    client.did("ps")
    assert.deepStrictEqual(client.refusal("vm_load_begin", {}), ["EPERM", "level:begin:0/1"])
    const session = String(at(prove(client, "admin"), "session").id)
    client.did("vm_load_begin", { session })
    assert.deepStrictEqual(client.refusal("vm_load_begin", {}), ["EPERM", "level:begin:0/1"])
    assert.deepStrictEqual(guarded.client().refusal("session.open", { pid_lock: 1 }), ["EPERM", "level:pid_lock:0/1"])
  })

  it("are not had by a wrong proof, by an old one, or for a role without a key", () => {
    const client = guarded.client()
    assert.deepStrictEqual(prove(client, 2, new Uint8Array(32)).detail, "proof")
    assert.deepStrictEqual(client.refusal("session.open", { auth: { role: 2, token: "00".repeat(8) } }), [
      "EPERM",
      "no_challenge"
    ])
    assert.deepStrictEqual(client.refusal("session.challenge", { role: 3 }), ["ENOKEY", "role:3"])
    assert.deepStrictEqual(client.refusal("session.challenge", { role: "king" })[1], "invalid_field:role")
    assert.strictEqual(at(prove(client, 2), "session").level, 2)
  })

  it("are blocked for a minute after five refusals, for this client and no other", () => {
    const client = guarded.client()
    for (let tries = 0; tries < 5; tries++) assert.strictEqual(client.refusal("pause", { pid: 1 })[0], "EPERM")
    assert.deepStrictEqual(client.refusal("ps"), ["EPERM", "blocked"])
    guarded.client().did("ps")
    guarded.time.advance(60_000)
    client.did("ps")
  })
})
