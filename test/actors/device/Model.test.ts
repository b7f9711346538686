import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { mapOf } from "../../../src/protocol/TwinSection.ts"
import { Bench, journal, refusal } from "./Bench.ts"

const small = Schema.Literals([0, 1, 2, 3])
const key = Schema.Literals(["a", "b", "c"])
const Step = Schema.Union([
  Schema.TaggedStruct("Attach", {
    boot: Schema.Literals([1, 2, 3, 4, 5]),
    link: Schema.Literals([1, 2]),
    caps: Schema.Literals([0, journal]),
    requests: Schema.Literals([1, 2])
  }),
  Schema.TaggedStruct("Report", { ahead: Schema.Literals([-2, -1, 1, 1, 1, 2, 3, 5, 70]), key, value: small }),
  Schema.TaggedStruct("Forget", { ahead: Schema.Literals([1, 1, 2, 4]), key }),
  Schema.TaggedStruct("Full", { ahead: Schema.Literals([1, 1, 2, 4]), key, value: small }),
  Schema.TaggedStruct("Invoke", { ttlMillis: Schema.Literals([100, 5000, 60_000]), idempotent: Schema.Boolean }),
  Schema.TaggedStruct("Again", { which: small }),
  Schema.TaggedStruct("Progress", { which: small, ahead: Schema.Literals([-1, 1, 1, 2]) }),
  Schema.TaggedStruct("Result", { which: small, ahead: Schema.Literals([-1, 1, 1, 2]), code: Schema.Literals([0, 5]) }),
  Schema.TaggedStruct("Cancel", { which: small }),
  Schema.TaggedStruct("SetDesired", { key, value: small }),
  Schema.TaggedStruct("Acknowledge", { ahead: Schema.Literals([1, 2]) }),
  Schema.TaggedStruct("Heartbeat", {}),
  Schema.TaggedStruct("Lost", { reason: Schema.Literals([0, 4, 5]) }),
  Schema.TaggedStruct("FailOver", {}),
  Schema.TaggedStruct("Wait", { millis: Schema.Literals([1, 10, 100, 3000, 30_000, 400_000]) })
])
type Step = typeof Step.Type
const Steps = Schema.Array(Step).check(Schema.isMinLength(10), Schema.isMaxLength(60))

interface Written {
  readonly order: number
  readonly seq: number
  readonly key: string
  readonly value: number | null
  readonly full: boolean
}

interface KnownBoot {
  readonly boot: number
  link: number
  readonly order: number
  /** The newest, by what was consumed since it became the current one. */
  isProven: boolean
  readonly provenAbove: number
  readonly consumed: Set<number>
}

/** The board and the world as they remember it, written apart from the actor. */
class World {
  readonly bench = new Bench()
  /** Latest first. */
  private boots: Array<KnownBoot> = []
  private caps = 0
  private requestsMost = 0
  private reports: Array<Written> = []
  private readonly ids: Array<string> = []
  private readonly mayHaveRun = new Set<string>()
  private readonly ends = new Map<string, number>()

  private get order(): number {
    return this.boots[0]?.order ?? 0
  }

  private get consumed(): Set<number> {
    return this.boots[0]?.consumed ?? new Set()
  }

  step(step: Step): void {
    const { bench } = this
    const epoch = bench.state.epoch
    this.act(step)
    assert.isAtLeast(bench.state.epoch, epoch)
    this.look()
    bench.clear()
  }

  private act(step: Step): void {
    const { bench } = this
    const isLinked = bench.link !== undefined
    switch (step._tag) {
      case "Attach":
        return this.attach(step)
      case "Invoke": {
        const { id } = bench.invoke({ ttlMillis: step.ttlMillis, idempotent: step.idempotent })
        this.ids.push(id)
        return
      }
      case "Again": {
        const id = this.ids[step.which]
        if (id !== undefined && bench.state.commands.byId.has(id)) bench.invoke({}, id)
        return
      }
      case "Cancel": {
        const id = this.ids[step.which]
        if (id !== undefined && bench.state.commands.byId.has(id)) bench.ask("CancelCommand", { id })
        return
      }
      case "SetDesired":
        bench.ask("SetDesired", { patch: { [step.key]: step.value } })
        return
      case "Lost":
        bench.ask("Lost", {
          node: "a-1",
          connection: this.order * 10 + (this.boots[0]?.link ?? 0),
          reason: step.reason
        })
        return
      case "FailOver":
        return bench.failOver()
      case "Wait":
        return bench.advance(step.millis)
      default:
        if (isLinked) this.up(step)
    }
  }

  private attach({ boot, link, caps, requests }: Step & { readonly _tag: "Attach" }): void {
    const { bench } = this
    const [current, ...before] = this.boots
    const known = this.boots.slice(0, 3).find((one) => one.boot === boot)
    const isAgain = known !== undefined && known === current
    const returns = !isAgain && known !== undefined && current?.isProven === false && link > known.link
    const isStale = isAgain ? link < known.link : known !== undefined && !returns
    const { state } = bench
    const order = known?.order ?? Math.max(0, ...this.boots.slice(0, 3).map((one) => one.order)) + 1
    const refused = refusal(() => bench.attach({ boot, link, caps, requests, connection: order * 10 + link }))
    assert.strictEqual(refused, isStale ? "LinkStale" : "")
    if (isStale) return assert.strictEqual(bench.state, state)
    if (isAgain) known.link = link
    else {
      const consumed = known?.consumed ?? new Set<number>()
      const one = { boot, link, order, isProven: false, provenAbove: Math.max(0, ...consumed), consumed }
      this.boots = [one, ...(current === undefined ? [] : [current]), ...before.filter((old) => old !== known)]
    }
    Object.assign(this, { caps, requestsMost: Math.max(this.requestsMost, requests) })
  }

  private next(ahead: number): number {
    let gapless = 0
    while (this.consumed.has(gapless + 1)) gapless++
    return Math.max(1, gapless + ahead)
  }

  /** Whether the frame is news that the actor takes. */
  private takes(seq: number, reply: unknown): boolean {
    let gapless = 0
    while (this.consumed.has(gapless + 1)) gapless++
    assert.strictEqual(reply, seq > gapless + 64 && !this.consumed.has(seq) ? "beyond" : "consumed")
    if (reply !== "consumed" || this.consumed.has(seq)) return false
    this.consumed.add(seq)
    const [current] = this.boots
    // A late number below one that was consumed before proves nothing: its boot may have died since.
    if (current !== undefined && seq > current.provenAbove) current.isProven = true
    return true
  }

  private up(step: Step): void {
    const { bench, order } = this
    switch (step._tag) {
      case "Report":
      case "Forget":
      case "Full": {
        const seq = this.next(step.ahead)
        const value = step._tag === "Forget" ? null : step.value
        const full = step._tag === "Full"
        const reply = bench.up({ type: "report", seq, state: { [step.key]: value }, full })
        if (this.takes(seq, reply)) this.reports.push({ order, seq, key: step.key, value, full })
        return
      }
      case "Progress": {
        const id = this.ids[step.which]
        // No board accepts what it was never sent.
        if (id === undefined || bench.state.commands.byId.get(id)?.state === "queued") return
        const seq = this.next(step.ahead)
        const reply = bench.up({ type: "progress", seq, id })
        const isRefused = bench.sent("error").length > 0
        const command = bench.state.commands.byId.get(id)
        assert.strictEqual(isRefused, command === undefined || command.state === "done")
        if (this.takes(seq, reply) && !isRefused) this.mayHaveRun.add(id)
        return
      }
      case "Result": {
        const id = this.ids[step.which]
        if (id === undefined) return
        const seq = this.next(step.ahead)
        this.takes(seq, bench.up({ type: "result", seq, id, code: step.code }))
        return
      }
      case "Acknowledge": {
        const seq = this.next(step.ahead)
        const { desiredVersion } = bench.state.twin
        this.takes(seq, bench.up({ type: "desired-ack", seq, version: desiredVersion }))
        return
      }
      case "Heartbeat":
        bench.up({ type: "heartbeat", seq: 0, up: 1, epoch: bench.state.epoch })
    }
  }

  /** What must hold after every step. */
  private look(): void {
    const { bench } = this
    const { commands, connection, board } = bench.state
    for (const frame of bench.frames) {
      if (frame.type !== "invoke") continue
      assert.isAtLeast(frame.ttl, 1)
      if ((this.caps & journal) !== 0) this.mayHaveRun.add(frame.id)
      else assert.notStrictEqual(commands.byId.get(frame.id)?.state, "queued")
    }
    for (const { type, data } of bench.events) {
      if (type !== "command.ended") continue
      const { id, code } = Object(data)
      assert.isFalse(this.ends.has(id), "a command ends once")
      this.ends.set(id, code)
      if (code === 62) assert.isFalse(this.mayHaveRun.has(id), "expired means that it did not run")
    }
    for (const command of commands.byId.values())
      assert.strictEqual(command.code, this.ends.get(command.id), "an end stays what it was")
    const underWay = commands.open.filter(({ state }) => state !== "queued").length
    assert.isAtMost(underWay, this.requestsMost)
    assert.strictEqual(underWay, commands.underWay)
    assert.isFalse(bench.link !== undefined && connection.state !== "online", "a link is a board that is online")
    assert.strictEqual(board?.order ?? 0, this.order)
    this.compareReported()
  }

  private compareReported(): void {
    const expected = new Map<string, number>()
    for (const { key, value, full } of [...this.reports].sort((l, r) => l.order - r.order || l.seq - r.seq)) {
      if (full) expected.clear()
      if (value === null) expected.delete(key)
      else expected.set(key, value)
    }
    assert.deepStrictEqual(mapOf(this.bench.state.twin.reported), Object.fromEntries(expected))
  }

  /** With the board gone for good, every command ends. */
  finish(): void {
    this.bench.advance(2 * 60_000 + 60_000)
    this.look()
    assert.strictEqual(this.bench.state.commands.open.length, 0)
    for (const id of this.ids) assert.isTrue(this.ends.has(id))
  }
}

describe("any run of a device", () => {
  it.prop(
    "keeps numbers, twin, commands and connection right, and ends every command once",
    { steps: Steps },
    ({ steps }) => {
      const world = new World()
      for (const step of steps) {
        if (step._tag === "Invoke" && world.bench.state.connection.state === "never") continue
        world.step(step)
      }
      world.finish()
    },
    { arbitrary: { runs: 300 }, timeout: 60_000 }
  )
})
