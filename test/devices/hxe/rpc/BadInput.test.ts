import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { lineBytesMax } from "../../../../devices/hxe/rpc/Lines.ts"
import { RpcService } from "../../../../devices/hxe/rpc/RpcService.ts"
import { codes } from "../../../../src/protocol/Codes.ts"
import { at, imageOf, RpcClient, RpcRig } from "./RpcRig.ts"
import { consumerText } from "./TwoPrograms.ts"

let rig: RpcRig
beforeEach(() => {
  rig = new RpcRig()
})
afterEach(() => rig.stop())

/** Fields that are wrong, by command, and which of them the refusal names. */
const wrongFields: ReadonlyArray<readonly [cmd: string, fields: Record<string, unknown>, field: string]> = [
  ["info", { pid: "one" }, "pid"],
  ["pause", {}, "pid"],
  ["kill", { pid: -1 }, "pid"],
  ["reload", { pid: 1.5 }, "pid"],
  ["sched", { priority: 300 }, "priority"],
  ["sched", { quantum: 1 }, "pid"],
  ["clock", { op: "faster" }, "op"],
  ["clock", { op: "rate", rate: "5" }, "rate"],
  ["clock", { op: "rate" }, "rate"],
  ["step", { steps: 0 }, "steps"],
  ["load", {}, "path"],
  ["peek", { pid: 1, addr: 0, length: 100_000 }, "length"],
  ["poke", { pid: 1, addr: 0, data: "0" }, "data"],
  ["val.get", {}, "oid"],
  ["val.set", { oid: 1, value: "high" }, "value"],
  ["val.set", { oid: 1 }, "value"],
  ["cmd.call", { oid: 1, async: 1 }, "async"],
  ["list", {}, "pid"],
  ["listen", { limit: 0 }, "limit"],
  ["send", { pid: 1, data_hex: "xy" }, "data_hex"],
  ["stdio_fanout", { pid: 1, mode: "loud" }, "mode"],
  ["dmesg", { limit: -1 }, "limit"],
  ["session.open", { capabilities: { max_events: "all" } }, "capabilities.max_events"],
  ["session.open", { pid_lock: ["a"] }, "pid_lock.0"],
  ["vm_load_begin", { total: "big" }, "total"],
  ["vm_load_begin", { source: { kind: "nv", uri: "0@1" } }, "source.kind"],
  ["vm_load_write", { xfer: 1, seq: "first" }, "seq"],
  ["vm_load_write", { xfer: 1, seq: 0, data_hex: "abc" }, "data_hex"],
  ["vm_load_write", { xfer: 1, seq: 0, data: "*" }, "data"],
  ["vm_load_end", { xfer: 1, sha256: "ab" }, "sha256"],
  ["vm_load_abort", { reason: "user" }, "xfer"],
  ["provision.status", { xfer: true }, "xfer"]
]

describe("what cannot be done", () => {
  it("is answered by a code and a detail, and the connection goes on", () => {
    const client = rig.client()
    const answers = [
      ["{not json", "EINVAL", "invalid_json"],
      ["[1,2]", "EINVAL", "invalid_json"],
      ["7", "EINVAL", "invalid_json"],
      ['{"version":2,"cmd":"ping"}', "ENOTSUP", "unsupported_version:2"],
      ['{"version":{},"cmd":"ping"}', "ENOTSUP", "unsupported_version:object"],
      ["{}", "EINVAL", "invalid_field:cmd"],
      ['{"cmd":5}', "EINVAL", "invalid_field:cmd"],
      ['{"cmd":"ping","session":5}', "EINVAL", "invalid_field:session"],
      ['{"cmd":"ping","session":"none"}', "EPERM", "session_required"],
      ['{"cmd":"bp"}', "ENOTSUP", "unknown_cmd:bp"],
      ['{"cmd":"__proto__"}', "ENOTSUP", "unknown_cmd:__proto__"],
      ['{"cmd":"pause","pid":9}', "ESRCH", "pid:9"],
      ['{"cmd":"val.get","oid":9}', "ENOENT", "value:9"]
    ] as const
    for (const [line, code, detail] of answers) {
      client.write(`${line}\n`)
      const [reply] = client.take()
      assert.deepStrictEqual(
        [reply?.version, reply?.status, reply?.code, reply?.detail],
        [1, "error", code, detail],
        line
      )
      assert.strictEqual(reply?.error, reply?.detail)
      assert.strictEqual(reply?.errno, codes[code])
    }
    assert.strictEqual(client.did("PING").reply, "pong")
  })

  it("suggests the commands that may be meant", () => {
    assert.strictEqual(at(rig.client().ask("vm_load_wirte"), "suggestions")[0], "vm_load_write")
  })

  it("names the field that is wrong", () => {
    const client = rig.client()
    for (const [cmd, fields, field] of wrongFields) {
      const { code, detail, field: named } = client.ask(cmd, fields)
      assert.deepStrictEqual([code, detail, named], ["EINVAL", `invalid_field:${field}`, field], cmd)
    }
  })

  it("counts fields that are null as not there", () => {
    assert.strictEqual(rig.client().did("info", { pid: null, session: null, version: null }).status, "ok")
  })

  it("is a line that is too long or no text; the next one counts again", () => {
    const client = rig.client()
    client.write("x".repeat(lineBytesMax))
    assert.deepStrictEqual(client.lines, [])
    client.write("xx")
    assert.deepStrictEqual(
      client.take().map(({ code, detail }) => [code, detail]),
      [["EMSGSIZE", `line_too_long:${lineBytesMax}`]]
    )
    client.write(`${"x".repeat(200_000)}\n\n  \n{"cmd":"ping"}\r\n`)
    assert.deepStrictEqual(
      client.take().map(({ reply }) => reply),
      ["pong"]
    )
    client.connection.receive(Uint8Array.of(0xff, 0xfe, 0x0a))
    assert.strictEqual(client.take()[0]?.detail, "invalid_utf8")
    const longest = `{"cmd":"ping","x":"${"y".repeat(lineBytesMax - 21)}"}`
    assert.strictEqual(longest.length, lineBytesMax)
    client.write(`${longest}\n`)
    assert.strictEqual(client.take()[0]?.reply, "pong")
  })

  it("is a request of a web page: its body is not obeyed", () => {
    const client = rig.client()
    client.write('POST / HTTP/1.1\r\nHost: 127.0.0.1:9998\r\n\r\n{"cmd":"clock","op":"stop"}\n')
    assert.strictEqual(client.take()[0]?.detail, "http")
    assert.isTrue(client.isClosed)
    assert.isTrue(rig.board.executive.tasks().length === 0)
    assert.strictEqual((rig.client().did("clock").clock as { readonly running: boolean }).running, true)
  })

  it("is a flood of lines: those beyond the limit of a second are refused, others are served meanwhile", () => {
    const flood = rig.client()
    const other = rig.client()
    flood.write('{"cmd":"ping"}\n'.repeat(20_000))
    assert.isTrue(flood.isPaused)
    assert.strictEqual(flood.lines.length, 64)
    assert.strictEqual(other.did("ping").reply, "pong")
    rig.time.advance(0)
    const replies = flood.take()
    assert.strictEqual(replies.length, 20_000)
    assert.strictEqual(replies.filter(({ reply }) => reply === "pong").length, 5000)
    const refused = replies.filter(({ detail }) => detail === "too_many_lines:5000")
    assert.strictEqual(refused.length, 15_000)
    assert.isFalse(flood.isPaused)
    rig.time.advance(1000)
    flood.did("ping")
  })

  it("is telling a client that does not read more than fits: it is asked nothing until it does", () => {
    const client = rig.client()
    client.hasRoom = false
    client.write('{"cmd":"ping"}\n{"cmd":"ping"}\n')
    assert.deepStrictEqual([client.lines.length, client.isPaused], [0, true])
    client.hasRoom = true
    client.connection.drained()
    assert.deepStrictEqual([client.lines.length, client.isPaused], [2, false])
  })

  it("is a bug of the board: it says so, in the log too, and goes on", () => {
    const { board, rights } = rig.service
    const wear = (): never => {
      throw new Error("the memories burn")
    }
    const broken = new RpcClient(new RpcService({ ...board, wear }, rights), 1)
    assert.deepStrictEqual(broken.refusal("provision.wear"), ["Internal", "bug"])
    assert.include(String(at(broken.did("dmesg"), "logs", 0).msg), "the memories burn")
  })

  const Json = Schema.Union([
    Schema.Null,
    Schema.Boolean,
    Schema.Finite,
    Schema.String,
    Schema.Array(Schema.Int),
    Schema.Struct({ kind: Schema.String })
  ])
  const names = [
    ...["pid", "oid", "name", "value", "op", "rate", "steps", "path", "addr", "length", "data", "data_hex", "xfer"],
    ...["seq", "filters", "capabilities", "auth", "mode", "stream", "session", "version", "limit", "target", "role"]
  ]
  const Guess = Schema.Struct({
    cmd: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 63 })),
    fields: Schema.Array(Schema.Tuple([Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 31 })), Json])),
    raw: Schema.optionalKey(Schema.Uint8Array)
  })

  it.prop(
    "never takes the board down, whatever is sent",
    { guesses: Schema.Array(Guess).check(Schema.isMaxLength(20)) },
    ({ guesses }) => {
      const under = new RpcRig()
      const client = under.client()
      const pid = under.stream(client, "a", imageOf("consumer", consumerText), 500).pid
      const known = under.service.commandNames
      for (const { cmd, fields, raw } of guesses) {
        if (raw !== undefined) client.connection.receive(new Uint8Array([...raw, 0x0a]))
        const given = fields.map(([index, value]) => [names[index % names.length], value === 0 ? pid : value])
        client.write(`${JSON.stringify({ ...Object.fromEntries(given), cmd: known[cmd % known.length] })}\n`)
        under.time.advance(10)
      }
      const told = client.take()
      assert.isFalse(
        told.some(({ code }) => code === "Internal"),
        JSON.stringify(told)
      )
      const other = under.client()
      assert.strictEqual(other.did("ping").reply, "pong")
      under.stop()
    },
    { arbitrary: { runs: 60 } }
  )
})
