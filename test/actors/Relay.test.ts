/** Messages under topics between two nodes: each is confirmed by who has it, and lost with the channel. */
import { assert, describe, it } from "@effect/vitest"
import { Relay, type RelayTransport } from "../../src/actors/Relay.ts"

/** A wire between nodes that is flushed and cut by hand. */
class Wire {
  readonly inboxes = new Map<string, (from: string, bytes: Uint8Array) => void>()
  readonly broken = new Map<string, (node: string) => void>()
  readonly deferred: Array<() => void> = []
  readonly #sent: Array<() => void> = []

  relay(node: string): Relay {
    const transport: RelayTransport = {
      send: (to, bytes) => this.#sent.push(() => this.inboxes.get(to)?.(node, bytes)),
      onBatch: (handler) => this.inboxes.set(node, handler),
      onBroken: (handler) => this.broken.set(node, handler)
    }
    const host = {
      now: () => 0,
      monotonic: () => 0,
      random: () => 0,
      schedule: () => () => {},
      defer: (run: () => void) => this.deferred.push(run),
      report: (what: string) => assert.fail(what)
    }
    return new Relay({ node, host, transport, frame: () => assert.fail("no frames here") })
  }

  /** Until nothing is under way. */
  flush(): void {
    while (this.deferred.length + this.#sent.length > 0) {
      for (const run of this.deferred.splice(0)) run()
      for (const run of this.#sent.splice(0)) run()
    }
  }

  /** What is under way is lost. */
  cut(one: string, other: string): void {
    for (const run of this.deferred.splice(0)) run()
    this.#sent.length = 0
    this.broken.get(one)?.(other)
    this.broken.get(other)?.(one)
  }
}

const payload = Buffer.from("{}")

describe("a message under a topic, on its way to another node", () => {
  it("is confirmed when that node has read it, and only then", () => {
    const wire = new Wire()
    const [one, other] = [wire.relay("one"), wire.relay("other")]
    const heard: Array<string> = []
    const ended: Array<boolean> = []
    one.publish("other", "alarms/early", payload, (isTaken) => ended.push(isTaken))
    wire.flush()
    assert.deepStrictEqual(ended, [false], "nobody reads there yet")
    other.onPublication((topic) => heard.push(topic))
    one.publish("other", "alarms/hot", payload, (isTaken) => ended.push(isTaken))
    assert.deepStrictEqual(ended, [false])
    wire.flush()
    assert.deepStrictEqual(ended, [false, true])
    assert.deepStrictEqual(heard, ["alarms/hot"])
  })

  it("is not taken when the channel breaks before the confirmation, and that is said once", () => {
    const wire = new Wire()
    const [one, other] = [wire.relay("one"), wire.relay("other")]
    other.onPublication(() => {})
    const ended: Array<boolean> = []
    one.publish("other", "alarms/hot", payload, (isTaken) => ended.push(isTaken))
    wire.cut("one", "other")
    wire.cut("one", "other")
    wire.flush()
    assert.deepStrictEqual(ended, [false])
  })
})

describe("a trial job for another node", () => {
  it("is answered when that node has done it or failed at it, and is lost with the channel", () => {
    const wire = new Wire()
    const [one, other] = [wire.relay("one"), wire.relay("other")]
    const ended: Array<string> = []
    const ask = () => one.probe("other", (outcome) => ended.push(outcome))
    ask()
    wire.flush()
    assert.deepStrictEqual(ended, ["unreached"], "that node still starts")
    const jobs: Array<(isDone: boolean) => void> = []
    other.onProbe((answer) => jobs.push(answer))
    ask()
    ask()
    ask()
    wire.flush()
    assert.lengthOf(ended, 1)
    jobs.shift()?.(true)
    jobs.shift()?.(false)
    wire.flush()
    assert.deepStrictEqual(ended.slice(1), ["done", "failed"])
    wire.cut("one", "other")
    assert.deepStrictEqual(ended.slice(3), ["unreached"])
  })
})
