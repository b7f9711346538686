import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { EventData, EventType } from "../../../../devices/hxe/executive/Events.ts"
import { type Delivery, Mailboxes } from "../../../../devices/hxe/executive/Mailboxes.ts"
import { identityKey, mailboxIdentity } from "../../../../devices/hxe/executive/MailboxName.ts"

const capacity = 96

/** The mailboxes of tasks 1 to 4, all of which exist. */
class Post {
  readonly told: Array<readonly [EventType, EventData]> = []
  readonly woken: Array<readonly [number, Delivery]> = []
  readonly mailboxes: Mailboxes
  now = 0

  constructor(limits: { readonly tapRate?: number; readonly mailboxes?: number; readonly handles?: number } = {}) {
    this.mailboxes = new Mailboxes({
      limits: { mailboxes: limits.mailboxes ?? 16, handles: limits.handles ?? 8, tapRate: limits.tapRate },
      now: () => this.now,
      emit: (type, _pid, data) => this.told.push([type, data]),
      wake: (pid, delivery) => this.woken.push([pid, delivery]),
      isTask: (pid) => pid >= 1 && pid <= 4
    })
  }

  open(pid: number, target = "app:m"): number {
    const opened = this.mailboxes.open(pid, target)
    return "handle" in opened ? opened.handle : assert.fail(`status ${opened.status}`)
  }

  send(pid: number, handle: number, bytes: Uint8Array, flags = 0): number {
    return this.mailboxes.send(pid, handle, bytes, flags, 0)
  }

  /** First byte of each message a handle can still read, `!` before one that tells of a loss. */
  drain(pid: number, handle: number): ReadonlyArray<string> {
    const read: Array<string> = []
    for (;;) {
      const { message } = this.mailboxes.receive(pid, handle)
      if (message === undefined) return read
      read.push(`${(message.flags & 8) === 0 ? "" : "!"}${message.data[0]}`)
    }
  }

  reasons(type: EventType): ReadonlyArray<unknown> {
    return this.told.filter(([told]) => told === type).map(([, data]) => data["reason"] ?? data["policy"])
  }
}

const bytesOf = (number: number, length: number): Uint8Array => new Uint8Array(length).fill(number)

const Slot = Schema.Literals([1, 2, 3, 4])
const Step = Schema.Union([
  Schema.TaggedStruct("Open", { slot: Slot }),
  Schema.TaggedStruct("Close", { slot: Slot }),
  Schema.TaggedStruct("Send", { slot: Slot, length: Schema.Literals([0, 1, 24, 40, 88, 89]) }),
  Schema.TaggedStruct("Send", { slot: Slot, length: Schema.Literals([1, 24, 40]) }),
  Schema.TaggedStruct("Receive", { slot: Slot }),
  Schema.TaggedStruct("Receive", { slot: Slot }),
  Schema.TaggedStruct("Tap", { slot: Slot, on: Schema.Boolean })
])
const Steps = Schema.Array(Step).check(Schema.isMinLength(20), Schema.isMaxLength(60))
const Mode = Schema.Literals([0x03, 0x1b, 0x2b, 0x0b])

/** A reader as the oracle knows it: what it will read, in order, and whether it lost something before the next. */
interface Reader {
  unread: Array<number>
  hasLost: boolean
  isSender: boolean
  copies: Array<number> | undefined
}

/** The oracle: keeps every message with the readers that still want it, and knows no sequence numbers. */
class Oracle {
  readonly fansOut: boolean
  readonly blocks: boolean
  readonly readers = new Map<number, Reader>()
  readonly lengths = new Map<number, number>()
  held: Array<number> = []

  constructor(mode: number) {
    this.fansOut = (mode & 0x08) !== 0
    this.blocks = (mode & 0x20) !== 0
  }

  private cost(messages: ReadonlyArray<number>): number {
    return messages.reduce((sum, message) => sum + (this.lengths.get(message) ?? 0) + 8, 0)
  }

  /** In a fan-out, what no reader wants goes at once; without readers everything stays. */
  forget(): void {
    const wanting = [...this.readers.values()].filter(({ isSender, copies }) => !isSender && copies === undefined)
    if (!this.fansOut || wanting.length === 0) return
    while (this.held[0] !== undefined) {
      const first = this.held[0]
      if (wanting.some(({ unread }) => unread.includes(first))) return
      this.held.shift()
    }
  }

  private drop(): void {
    const lost = this.held.shift()
    if (lost === undefined) return
    for (const reader of this.readers.values()) {
      if (reader.copies !== undefined || !reader.unread.includes(lost)) continue
      reader.unread = reader.unread.filter((message) => message !== lost)
      if (!reader.isSender) reader.hasLost = true
    }
  }

  send(slot: number, number: number, length: number): number {
    const sender = this.readers.get(slot)
    if (sender === undefined) return 2
    sender.isSender = true
    if (length === 0) return 0
    if (length + 8 > capacity) return 4
    this.lengths.set(number, length)
    this.forget()
    const isFull = (): boolean => this.cost(this.held) + length + 8 > capacity
    if (isFull() && (!this.fansOut || this.blocks)) return 1
    while (isFull()) this.drop()
    this.held.push(number)
    for (const reader of this.readers.values()) {
      reader.unread.push(number)
      if (reader.copies === undefined) continue
      reader.copies.push(number)
      while (this.cost(reader.copies) > capacity) {
        reader.copies.shift()
        reader.hasLost = true
      }
    }
    return 0
  }

  /** What a reader gets: a status, or a message and whether something was lost before it. */
  receive(slot: number): number | readonly [message: number, hasLost: boolean] {
    const reader = this.readers.get(slot)
    if (reader === undefined) return 2
    const queue =
      reader.copies ?? (this.fansOut ? reader.unread.filter((message) => this.held.includes(message)) : this.held)
    const message = queue[0]
    if (message === undefined) return 3
    const hasLost = reader.hasLost
    reader.hasLost = false
    if (reader.copies !== undefined) reader.copies.shift()
    else if (this.fansOut) {
      reader.unread = reader.unread.filter((other) => other > message)
      reader.isSender = false
      this.forget()
    } else this.held.shift()
    return [message, hasLost]
  }
}

describe("any run of a mailbox", () => {
  it.prop(
    "gives each reader what the oracle gives it, and the senders the same answers",
    { mode: Mode, steps: Steps },
    ({ mode, steps }) => {
      const post = new Post()
      const oracle = new Oracle(mode)
      post.mailboxes.bind(1, "app:m", { capacity, mode })
      const handles = new Map<number, number>()
      let number = 0
      const opened = ([1, 2, 3] as const).map((slot) => ({ _tag: "Open", slot }) as const)
      for (const step of [...opened, ...steps]) {
        const handle = handles.get(step.slot) ?? 99
        const reader = oracle.readers.get(step.slot)
        switch (step._tag) {
          case "Open":
            if (handles.has(step.slot)) break
            handles.set(step.slot, post.open(step.slot))
            oracle.readers.set(step.slot, { unread: [], hasLost: false, isSender: false, copies: undefined })
            break
          case "Close":
            assert.strictEqual(post.mailboxes.close(step.slot, handle), reader === undefined ? 2 : 0)
            handles.delete(step.slot)
            oracle.readers.delete(step.slot)
            break
          case "Send": {
            number += 1
            const status = post.send(step.slot, handle, bytesOf(number, step.length))
            assert.strictEqual(status, oracle.send(step.slot, number, step.length))
            break
          }
          case "Receive": {
            const { status, message } = post.mailboxes.receive(step.slot, handle)
            const got = message === undefined ? status : [message.data[0], (message.flags & 8) !== 0]
            assert.deepStrictEqual<unknown>(got, oracle.receive(step.slot))
            break
          }
          case "Tap": {
            assert.strictEqual(post.mailboxes.tap(step.slot, handle, step.on), reader === undefined ? 2 : 0)
            if (reader === undefined || step.on === (reader.copies !== undefined)) break
            // What was lost is told by the queue it was lost from; a tap that ends starts anew behind the last message.
            reader.copies = step.on ? [] : undefined
            reader.hasLost = false
            reader.unread = []
          }
        }
        oracle.forget()
        const row = post.mailboxes.list()[0]
        assert.isAtMost(row?.bytesUsed ?? 0, capacity)
      }
    },
    { arbitrary: { runs: 400 }, timeout: 60_000 }
  )
})

describe("a mailbox", () => {
  it("without fan-out gives each message to one reader, the first in line", () => {
    const post = new Post()
    const [sender, first, second] = [post.open(1), post.open(2), post.open(3)]
    post.mailboxes.wait(3, second)
    post.mailboxes.wait(2, first)
    post.send(1, sender, bytesOf(1, 4))
    assert.deepStrictEqual(
      post.woken.map(([pid, { message }]) => [pid, message?.data[0]]),
      [[3, 1]]
    )
    post.send(1, sender, bytesOf(2, 4))
    assert.deepStrictEqual(
      post.woken.map(([pid, { message }]) => [pid, message?.data[0]]),
      [
        [3, 1],
        [2, 2]
      ]
    )
    post.send(1, sender, bytesOf(3, 4))
    assert.strictEqual(post.woken.length, 2)
    assert.deepStrictEqual(post.drain(2, first), ["3"])
  })

  it("with fan-out wakes everybody who waits, in the order in which they came", () => {
    const post = new Post()
    post.mailboxes.bind(1, "app:m", { mode: 0x0b })
    const [sender, first, second] = [post.open(1), post.open(2), post.open(3)]
    post.mailboxes.wait(3, second)
    post.mailboxes.wait(2, first)
    post.send(1, sender, bytesOf(7, 4))
    assert.deepStrictEqual(
      post.woken.map(([pid, { message }]) => [pid, message?.data[0]]),
      [
        [3, 7],
        [2, 7]
      ]
    )
  })

  it("that is full says so, and says how", () => {
    const post = new Post()
    const sender = post.open(1)
    assert.deepStrictEqual([post.send(1, sender, bytesOf(1, 50)), post.send(1, sender, bytesOf(2, 50))], [0, 1])
    assert.deepStrictEqual(post.told, [
      ["mailbox_backpressure", { descriptor: 1, policy: "single", capacity: 64, bytes_used: 58, requested: 50 }]
    ])
    const dropping = new Post()
    dropping.mailboxes.bind(1, "app:m", { mode: 0x1b })
    const [out, reader] = [dropping.open(1), dropping.open(2)]
    for (const number of [1, 2, 3]) dropping.send(1, out, bytesOf(number, 20))
    assert.deepStrictEqual(dropping.told[0]?.[1], {
      pid: 1,
      descriptor: 1,
      dropped_seq: 0,
      dropped_length: 20,
      dropped_flags: 0,
      channel: 0,
      reason: "fanout_drop",
      queue_depth: 1
    })
    assert.deepStrictEqual(dropping.drain(2, reader), ["!2", "3"])
    const blocking = new Post()
    blocking.mailboxes.bind(1, "app:m", { mode: 0x2b })
    const [held, slow] = [blocking.open(1), blocking.open(2)]
    assert.deepStrictEqual(
      [1, 2, 3].map((number) => blocking.send(1, held, bytesOf(number, 20))),
      [0, 0, 1]
    )
    assert.deepStrictEqual(blocking.reasons("mailbox_backpressure"), ["fanout_block"])
    assert.deepStrictEqual(blocking.drain(2, slow), ["1", "2"])
  })

  it("without readers keeps what was sent, for the one queue there is", () => {
    const post = new Post()
    const sender = post.open(1)
    post.send(1, sender, bytesOf(1, 4))
    assert.deepStrictEqual(post.drain(2, post.open(2)), ["1"])
  })

  it("copies to its taps at their rate, and holds up nobody for them", () => {
    const post = new Post({ tapRate: 2 })
    const [sender, reader, tap] = [post.open(1), post.open(2), post.open(3)]
    post.mailboxes.tap(3, tap, true)
    for (const number of [1, 2, 3, 4]) {
      post.send(1, sender, bytesOf(number, 4))
      assert.deepStrictEqual(post.drain(2, reader), [`${number}`])
    }
    assert.deepStrictEqual(post.drain(3, tap), ["1", "2"])
    assert.deepStrictEqual(post.reasons("mailbox_backpressure"), ["tap_rate_limit"])
    post.now = 1000
    post.send(1, sender, bytesOf(5, 4))
    assert.deepStrictEqual(post.drain(3, tap), ["!5"])
  })

  it("keeps a copy of what was sent", () => {
    const post = new Post()
    const sender = post.open(1)
    // A piece of a buffer shares its memory with the rest, also when it is cut out.
    for (const bytes of [bytesOf(1, 4), Buffer.alloc(4, 1).subarray(1)]) {
      post.send(1, sender, bytes)
      bytes.fill(9)
      assert.deepStrictEqual(post.drain(1, sender), ["1"])
    }
  })
})

describe("the pool of mailboxes", () => {
  it("has an end, and so have the handles of a task, which are not used again", () => {
    const post = new Post({ mailboxes: 3, handles: 2 })
    assert.deepStrictEqual([post.open(1, "app:a"), post.open(1, "app:b")], [1, 2])
    assert.strictEqual(post.mailboxes.open(1, "app:a").status, 5)
    post.mailboxes.close(1, 2)
    assert.strictEqual(post.open(1, "app:a"), 3)
    post.mailboxes.close(1, 1)
    // Two are all that one task may make.
    assert.strictEqual(post.mailboxes.open(1, "app:c").status, 5)
    assert.strictEqual(post.open(2, "app:c"), 1)
    assert.strictEqual(post.mailboxes.open(2, "app:d").status, 5)
    assert.deepStrictEqual(post.reasons("mailbox_exhausted"), ["handle_limit", "task_limit", "descriptor_pool_full"])
  })

  it("gives back what a task had, but nothing that others hold", () => {
    const post = new Post()
    post.open(1, "svc:own")
    post.open(1, "app:shared")
    post.open(1, "app:alone")
    post.open(2, "app:shared")
    const other = post.open(2, "svc:own@1")
    post.mailboxes.wait(2, other)
    post.mailboxes.endTask(1)
    assert.deepStrictEqual(post.mailboxes.counts(), { mailboxes: 3, handles: 2 })
    post.mailboxes.purgeTask(1)
    assert.deepStrictEqual(
      post.mailboxes.list().map(({ target }) => target),
      ["app:shared"]
    )
    assert.deepStrictEqual(
      post.woken.map(([pid, { status }]) => [pid, status]),
      [[2, 2]]
    )
    assert.strictEqual(post.send(2, other, bytesOf(1, 1)), 2)
    post.mailboxes.purgeTask(2)
    assert.deepStrictEqual(post.mailboxes.counts(), { mailboxes: 0, handles: 0 })
  })
})

describe("names of mailboxes", () => {
  const keyOf = (target: string, caller = 7): string => {
    const identity = mailboxIdentity(target, caller)
    return identity === undefined ? "none" : identityKey(identity)
  }

  it("say whose they are", () => {
    const names: Readonly<Record<string, string>> = {
      "pid:3": "0:3:pid:3",
      "pid:": "0:7:pid:7",
      "svc:stdio.in": "1:7:stdio.in",
      "svc:stdio.in@3": "1:3:stdio.in",
      "svc:stdio.in@": "1:7:stdio.in",
      plain: "1:7:plain",
      "app:log": "2::log",
      "app:log@3": "2:3:log",
      "shared:bus@3": "3::bus",
      "hal:can:rx": "4::can:rx",
      "pid:x": "none",
      "svc:a@b": "none",
      "app:": "none",
      "": "none"
    }
    for (const [target, key] of Object.entries(names)) assert.strictEqual(keyOf(target), key, target)
  })

  it("count with their first 32 characters", () => {
    const name = `app:${"x".repeat(28)}`
    assert.strictEqual(keyOf(`${name}y`), keyOf(name))
    assert.notStrictEqual(keyOf(name.slice(0, -1)), keyOf(name))
  })
})
