import { assert, describe, it } from "@effect/vitest"
import { percentOf } from "../../../devices/provisioning/Progress.ts"
import type { ProvisioningEvent } from "../../../devices/provisioning/ProvisioningEvents.ts"
import { writeHxe } from "../../../src/protocol/hxe/HxeWriter.ts"
import { done, LoaderRig, user } from "./LoaderRig.ts"

/** Enough code for thousands of chunks. */
const largeImage = writeHxe({
  version: 2,
  entry: 0,
  code: new Uint8Array(60_000),
  rodata: new Uint8Array(0),
  appName: "large"
})

const isProgress = (event: ProvisioningEvent): event is Extract<ProvisioningEvent, { type: "provisioning.progress" }> =>
  event.type === "provisioning.progress"

/** Sends chunks at 1000 a second for a while. */
const stream = (rig: LoaderRig, xfer: number, from: number, chunks: number): void => {
  for (let seq = from; seq < from + chunks; seq++) {
    rig.time.advance(1)
    done(rig.loader.write({ xfer }, { seq, data: largeImage.subarray(seq * 10, seq * 10 + 10) }, user))
  }
}

describe("progress", () => {
  it("is told at most ten times a second at a thousand chunks a second, and says what it left out", () => {
    const rig = new LoaderRig()
    const xfer = rig.begin({ totalBytes: largeImage.length })
    stream(rig, xfer, 0, 5000)
    const told = rig.events.filter(isProgress)
    assert.isAtMost(told.length, 51)
    assert.isAtLeast(told.length, 40)
    assert.strictEqual(told.length + told.reduce((sum, { data }) => sum + data.coalesced, 0), told.at(-1)?.data.seq)
    for (const [index, event] of told.entries()) {
      assert.isAtLeast(event.data.bytes_written, told[index - 1]?.data.bytes_written ?? 0)
      assert.isAtLeast(event.data.percent ?? 0, told[index - 1]?.data.percent ?? 0)
    }
  })

  it("waits for four KiB where the length is not known", () => {
    const rig = new LoaderRig()
    const xfer = rig.begin()
    stream(rig, xfer, 0, 2000)
    const told = rig.events.filter(isProgress)
    assert.isTrue(told.every((event) => event.data.percent === null && event.data.total_bytes === null))
    assert.strictEqual(told.length, 4)
  })

  it("slows down to one a second while a consumer is half full, and stops while it is full", () => {
    const rig = new LoaderRig()
    let pressure = 0.5
    rig.loader.subscribe(() => {}, { pressure: () => pressure })
    const xfer = rig.begin({ totalBytes: largeImage.length })
    stream(rig, xfer, 0, 4000)
    const slow = rig.events.filter(isProgress).length
    assert.isAtMost(slow, 8)
    pressure = 1
    stream(rig, xfer, 4000, 500)
    pressure = 0.7
    stream(rig, xfer, 4500, 500)
    assert.strictEqual(rig.events.filter(isProgress).length, slow)
    pressure = 0.4
    stream(rig, xfer, 5000, 100)
    assert.isAbove(rig.events.filter(isProgress).length, slow)
  })

  it("pauses at a full window until it is acknowledged, then goes on with one fresh event", () => {
    const rig = new LoaderRig()
    const heard: Array<ProvisioningEvent> = []
    const subscription = rig.loader.subscribe((event) => heard.push(event), { ackWindow: 2 })
    const xfer = rig.begin({ totalBytes: largeImage.length })
    stream(rig, xfer, 0, 1000)
    assert.strictEqual(heard.filter(isProgress).length, 2)
    subscription.acknowledge(heard.at(-1)?.seq ?? 0)
    const fresh = heard.filter(isProgress)
    assert.strictEqual(fresh.length, 3)
    const all = rig.events.filter(isProgress)
    assert.strictEqual(fresh[2]?.data.bytes_written, all.at(-1)?.data.bytes_written)
    assert.strictEqual(
      fresh.length + fresh.reduce((sum, { data }) => sum + data.coalesced, 0),
      all.length + all.reduce((sum, { data }) => sum + data.coalesced, 0)
    )
  })

  it("tells one event in five seconds to a consumer that acknowledges nothing, and the last one at once", () => {
    const rig = new LoaderRig()
    const heard: Array<ProvisioningEvent> = []
    rig.loader.subscribe((event) => heard.push(event), { ackWindow: 1 })
    const xfer = rig.begin({ totalBytes: largeImage.length })
    stream(rig, xfer, 0, 4900)
    assert.strictEqual(heard.filter(isProgress).length, 1)
    stream(rig, xfer, 4900, 1109)
    assert.strictEqual(heard.filter(isProgress).length, 2)
    stream(rig, xfer, 6009, 1)
    done(rig.end(xfer))
    assert.deepStrictEqual(
      heard.slice(-2).map(({ type }) => type),
      ["provisioning.progress", "provisioning.complete"]
    )
    assert.strictEqual(heard.filter(isProgress).at(-1)?.data.percent, 100)
  })

  it("comes to a silent consumer also after a while without any", () => {
    const rig = new LoaderRig()
    const heard: Array<ProvisioningEvent> = []
    rig.loader.subscribe((event) => heard.push(event), { ackWindow: 1 })
    const xfer = rig.begin({ totalBytes: largeImage.length })
    stream(rig, xfer, 0, 90)
    for (let second = 0; second < 7; second++) {
      rig.time.advance(1000)
      done(rig.loader.write({ xfer }, { seq: 0, data: new Uint8Array(0) }, user))
    }
    assert.strictEqual(heard.filter(isProgress).length, 1)
    stream(rig, xfer, 90, 4800)
    assert.strictEqual(heard.filter(isProgress).length, 2)
  })

  it("is not told any more once its transfer has ended, however late the acknowledgement", () => {
    const rig = new LoaderRig()
    const heard: Array<ProvisioningEvent> = []
    const subscription = rig.loader.subscribe((event) => heard.push(event), { ackWindow: 1 })
    const xfer = rig.begin({ totalBytes: largeImage.length })
    stream(rig, xfer, 0, 1000)
    done(rig.loader.abort({ xfer }, {}, user))
    subscription.acknowledge(heard.at(-1)?.seq ?? 0)
    rig.time.advance(20_000)
    assert.strictEqual(heard.at(-1)?.type, "provisioning.aborted")
  })

  it("numbers events upwards for every subscriber, also those held back", () => {
    const rig = new LoaderRig()
    const heard: Array<ProvisioningEvent> = []
    const subscription = rig.loader.subscribe((event) => heard.push(event), { ackWindow: 1 })
    const xfer = rig.begin({ totalBytes: largeImage.length })
    for (let round = 0; round < 10; round++) {
      stream(rig, xfer, round * 300, 300)
      subscription.acknowledge(heard.at(-1)?.seq ?? 0)
    }
    for (const [index, { seq }] of heard.entries()) assert.isAbove(seq, heard[index - 1]?.seq ?? 0)
    assert.isAbove(heard.length, 9)
  })
})

describe("percentOf", () => {
  it("rounds down and never passes a hundred", () => {
    assert.deepStrictEqual(
      [percentOf(0, 3), percentOf(2, 3), percentOf(3, 3), percentOf(9, 3), percentOf(0, 0), percentOf(1, undefined)],
      [0, 66, 100, 100, 100, undefined]
    )
  })
})
