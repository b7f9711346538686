import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { orderFault, ProvisioningEvent } from "../../../../devices/provisioning/ProvisioningEvents.ts"
import { at, imageOf, RpcRig } from "./RpcRig.ts"
import { consumerText, producerText } from "./TwoPrograms.ts"

let rig: RpcRig
beforeEach(() => {
  rig = new RpcRig()
})
afterEach(() => rig.stop())

const isProvisioning = Schema.is(ProvisioningEvent)

describe("images over the board's own line", () => {
  it("run two programs that talk, after both were streamed, and show where they came from", () => {
    const tool = rig.client()
    const listener = rig.client()
    const session = listener.open({ client: "test" })
    listener.did("events.subscribe", { session })
    const first = rig.stream(tool, "consumer.hxe", imageOf("consumer", consumerText), 64)
    rig.time.advance(100)
    assert.strictEqual(at(tool.did("ps"), "tasks", "tasks", 0).state, "waiting_mbx")
    const second = rig.stream(tool, "producer.hxe", imageOf("producer", producerText), 16)
    rig.time.advance(100)
    const tasks = at(tool.did("ps"), "tasks", "tasks") as unknown as ReadonlyArray<Record<string, unknown>>
    assert.deepStrictEqual(
      tasks.map((task) => [task.pid, task.app_name, task.state, task.exit_status, task.filepath, task.source]),
      [
        [first.pid, "consumer", "returned", 0, "stream:consumer.hxe", { kind: "stream", uri: "consumer.hxe" }],
        [second.pid, "producer", "returned", 0, "stream:producer.hxe", { kind: "stream", uri: "producer.hxe" }]
      ]
    )
    const { messages } = tool.did("listen", { pid: first.pid })
    assert.deepStrictEqual(
      (messages as ReadonlyArray<Record<string, unknown>>).map(({ text }) => text),
      ["ping from producer", "\n"]
    )
    const events = listener.events()
    assert.isTrue(events.every(({ seq }, index) => index === 0 || seq > (events[index - 1]?.seq ?? 0)))
    for (const { pid, xfer } of [first, second]) {
      const own = events.filter(isProvisioning).filter(({ data }) => data.xfer === xfer)
      assert.isUndefined(orderFault(own))
      assert.deepStrictEqual([own[0]?.type, own.at(-1)?.type], ["provisioning.started", "provisioning.complete"])
      assert.isTrue(own.every((event) => event.pid === pid))
    }
    const sent = events.find(({ type }) => type === "mailbox_send")
    const woken = events.find(({ type }) => type === "mailbox_wake")
    assert.isBelow(sent?.seq ?? 0, woken?.seq ?? 0)
  })

  it("name the client where it gave the image no label", () => {
    const tool = rig.client()
    const session = tool.open({ client: "bench-7" })
    const { pid } = tool.did("vm_load_begin", { session })
    const row = at(tool.did("ps"), "tasks", "tasks", 0)
    assert.deepStrictEqual([row.pid, row.state, row.filepath], [pid, "loading", "rpc:bench-7"])
  })

  it("say where to go on when a chunk is missing, take a copy once, and refuse what no transfer waits for", () => {
    const tool = rig.client()
    const image = Buffer.from(imageOf("consumer", consumerText))
    const { xfer } = tool.did("vm_load_begin", { label: "a" })
    const chunk = (seq: number) => ({ xfer, seq, data: image.subarray(seq * 10, seq * 10 + 10).toString("base64") })
    tool.did("vm_load_write", chunk(0))
    const gap = tool.ask("vm_load_write", chunk(2))
    assert.deepStrictEqual([gap.code, gap.expected], ["EILSEQ", 1])
    assert.deepStrictEqual(tool.refusal("vm_load_write", { ...chunk(1), crc32: 1 }), ["EPROTO", "chunk_crc"])
    assert.strictEqual(tool.did("vm_load_write", chunk(1)).total_written, 20)
    assert.strictEqual(tool.did("vm_load_write", chunk(1)).duplicate, true)
    assert.deepStrictEqual(tool.refusal("vm_load_write", { ...chunk(2), xfer: 99 }), ["ESRCH", "transfer"])
    assert.deepStrictEqual(tool.refusal("vm_load_write", { seq: 2 }), ["EINVAL", "invalid_field:xfer"])
    assert.deepStrictEqual(
      [tool.did("provision.status", { xfer }).state, tool.did("provision.status", { xfer }).next_seq],
      ["LOADING", 2]
    )
  })

  it("belong to their client: another one cannot write, and needs a higher level to give them up", () => {
    const tool = rig.client()
    const other = rig.client()
    const { xfer } = tool.did("vm_load_begin", { label: "a" })
    assert.deepStrictEqual(other.refusal("vm_load_write", { xfer, seq: 0, data: "AAAA" }), ["EPERM", "owner"])
    assert.strictEqual(other.did("vm_load_abort", { xfer }).state, "IDLE")
  })

  it("give everything back when their client goes away in the middle", () => {
    const before = rig.board.executive.counts()
    const tool = rig.client()
    const { pid, xfer } = tool.did("vm_load_begin", { label: "a", total: 1000 })
    tool.did("vm_load_write", {
      xfer,
      seq: 0,
      data_hex: Buffer.from(imageOf("c", consumerText)).toString("hex", 0, 40)
    })
    tool.connection.closed()
    const watcher = rig.client()
    rig.time.advance(4900)
    assert.strictEqual(watcher.did("provision.status", { pid }).state, "LOADING")
    rig.time.advance(200)
    const ended = watcher.did("provision.status", { pid })
    assert.deepStrictEqual([ended.state, at(ended, "last_error").code], ["IDLE", "ETIMEDOUT"])
    assert.deepStrictEqual(rig.board.executive.counts(), before)
    rig.time.advance(31_000)
    assert.deepStrictEqual(watcher.refusal("provision.status", { pid }), ["ESRCH", "transfer"])
  })

  it("go on over another connection of the same session", () => {
    const image = Buffer.from(imageOf("consumer", consumerText))
    const tool = rig.client()
    const session = tool.open()
    const { xfer } = tool.did("vm_load_begin", { session, label: "a" })
    tool.did("vm_load_write", { session, xfer, seq: 0, data_hex: image.toString("hex", 0, 100) })
    tool.connection.closed()
    const again = rig.client()
    again.did("vm_load_write", { session, xfer, seq: 1, data_hex: image.toString("hex", 100) })
    assert.strictEqual(again.did("vm_load_end", { session, xfer }).state, "READY")
  })

  it("come from files of the board, and are loaded again from there", () => {
    writeFileSync(join(rig.folder, "consumer.hxe"), imageOf("consumer", consumerText))
    const tool = rig.client()
    const later = (cmd: string, fields: Record<string, unknown>) => {
      tool.write(`${JSON.stringify({ cmd, ...fields })}\n`)
      rig.time.advance(20)
      const [reply] = tool.take()
      return reply ?? {}
    }
    const { image } = later("load", { path: "consumer.hxe" })
    assert.deepStrictEqual(
      [at(image, "metadata", "mailboxes", 0).owner_pid, at(image).app_name, at(image).code_len !== 0],
      [1, "consumer", true]
    )
    const { reload } = later("reload", { pid: 1 })
    assert.deepStrictEqual(
      [at(reload).old_pid, at(reload).new_pid, at(reload, "task").filepath],
      [1, 2, "file:/consumer.hxe"]
    )
    assert.deepStrictEqual(
      [later("load", { path: "../secret" }).detail, later("load", { path: "none.hxe" }).detail],
      ["path", "file"]
    )
  })

  it("are not replaced while somebody has reserved the program", () => {
    const tool = rig.client()
    const image = imageOf("consumer", consumerText)
    const { pid } = rig.stream(tool, "one", image, 100)
    const session = tool.open({ pid_lock: pid })
    const other = rig.client()
    const { xfer } = other.did("vm_load_begin", { label: "two", replace: true })
    const data = Buffer.from(image).toString("base64")
    other.did("vm_load_write", { xfer, seq: 0, data })
    assert.strictEqual(other.refusal("vm_load_end", { xfer })[0], "EBUSY")
    other.did("vm_load_abort", { xfer })
    tool.did("session.close", { session })
    rig.stream(other, "three", image, 100, { replace: true })
  })
})
