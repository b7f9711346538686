import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { refusal } from "../../../devices/provisioning/ErrorCodes.ts"
import { orderFault, ProvisioningEvent } from "../../../devices/provisioning/ProvisioningEvents.ts"
import { source } from "../../../devices/provisioning/Source.ts"
import { seeded } from "../../../devices/simulated/Seeded.ts"
import { roomOfBoard } from "./CountingHost.ts"
import { goldenImage } from "./GoldenImage.ts"
import { LoaderRig, user } from "./LoaderRig.ts"

const isEvent = Schema.is(ProvisioningEvent)
const encode = Schema.encodeUnknownSync(ProvisioningEvent)
const decode = Schema.decodeUnknownSync(ProvisioningEvent)

/** Does anything in any order, wrongly as often as rightly, and lets time pass in between. */
const anything = (seed: number): LoaderRig => {
  const random = seeded(seed, "events")
  const pick = <A>(choices: ReadonlyArray<A>, otherwise: A): A =>
    choices[Math.floor(random() * choices.length)] ?? otherwise
  const rig = new LoaderRig({ transfersMax: 3, gapsMax: 2 })
  const sources = ["a", "b", "c", "d"]
  const seqs = new Map<number, number>()
  for (let step = 0; step < 120; step++) {
    const xfer = 1 + Math.floor(random() * Math.max(1, seqs.size))
    const what = Math.floor(random() * 12)
    if (what < 2) {
      rig.loader.begin(
        { source: source.stream(pick(sources, "a")), ...(random() < 0.5 ? { totalBytes: 376 } : {}) },
        user
      )
      seqs.set(seqs.size + 1, 0)
    } else if (what < 8) {
      const seq = seqs.get(xfer) ?? 0
      const sent = random() < 0.85 ? seq : seq + Math.floor(random() * 5) - 2
      const data = goldenImage().subarray(sent * 100, sent * 100 + 100)
      if (random() < 0.03) data[0] = 0xee
      const wrote = rig.loader.write({ xfer }, { seq: Math.max(0, sent), data }, user)
      if (wrote._tag === "Success") seqs.set(xfer, wrote.success.nextSeq)
    } else if (what === 8) {
      if (random() < 0.3) rig.host.registerRefusals = [refusal("EEXIST", "value:2:1")]
      rig.loader.end({ xfer }, random() < 0.1 ? { fileCrc32: 1 } : {}, user, () => {})
    } else if (what === 9) rig.loader.abort({ xfer }, {}, user)
    else if (what === 10) {
      const bytes = goldenImage()
      if (random() < 0.3) bytes[300] = 0x11
      rig.loader.load({ bytes, source: source.file("/a") }, user, () => {})
    } else rig.time.advance(random() * 3000)
    for (const [pid] of rig.host.running) if (random() < 0.3) rig.host.kill(pid)
  }
  rig.loader.shutdown()
  return rig
}

describe("events of the provisioning service", () => {
  for (let seed = 1; seed <= 40; seed++) {
    it(`come in order, once, and never go back, whatever is asked (seed ${seed})`, () => {
      const { events } = anything(seed)
      const byTransfer = Map.groupBy(
        events.filter(({ data }) => data.xfer !== 0),
        ({ data }) => data.xfer
      )
      for (const [xfer, ofTransfer] of byTransfer) {
        assert.isUndefined(orderFault(ofTransfer), `transfer ${xfer}`)
        assert.strictEqual(ofTransfer[0]?.type, "provisioning.started")
        const pids = new Set(ofTransfer.map(({ pid }) => pid))
        assert.strictEqual(pids.size, 1)
        const ends = ofTransfer.filter(({ type }) => type === "provisioning.complete" || type === "provisioning.error")
        const aborts = ofTransfer.filter(({ type }) => type === "provisioning.aborted")
        assert.isAtLeast(ends.length + aborts.length, 1)
      }
      for (const event of events) {
        assert.isTrue(isEvent(event))
        assert.deepStrictEqual(decode(JSON.parse(JSON.stringify(encode(event)))), event)
      }
      assert.deepStrictEqual(
        events.map(({ seq }) => seq),
        events.map((_event, index) => index + 1)
      )
    })
  }

  it("leave nothing reserved once everything has ended", () => {
    const rig = anything(7)
    rig.time.advance(60_000)
    for (const { xfer } of rig.loader.transfers) rig.loader.abort({ xfer }, {}, user)
    for (const [pid] of rig.host.running) rig.host.kill(pid)
    assert.deepStrictEqual(rig.host.free, roomOfBoard)
  })
})

describe("orderFault", () => {
  const base = { xfer: 1, source: source.stream("a"), app_name: null } as const
  const started: ProvisioningEvent = {
    seq: 1,
    ts: null,
    pid: 1,
    type: "provisioning.started",
    data: { ...base, phase: "begin", mode: "streaming", label: null, total_bytes: null, chunk_max: 1 }
  }
  const progress = (bytes: number): ProvisioningEvent => ({
    seq: 1,
    ts: null,
    pid: 1,
    type: "provisioning.progress",
    data: {
      ...base,
      phase: "transfer",
      bytes_written: bytes,
      total_bytes: null,
      percent: null,
      seq: 1,
      rate_bps: 0,
      coalesced: 0,
      stalled: false
    }
  })
  const aborted: ProvisioningEvent = {
    seq: 1,
    ts: null,
    pid: 1,
    type: "provisioning.aborted",
    data: { ...base, phase: "abort", reason: "user", bytes_written: 9 }
  }

  it("finds progress before the start, bytes that decrease, and what follows an end", () => {
    assert.isUndefined(orderFault([started, progress(1), progress(1), aborted]))
    assert.strictEqual(orderFault([progress(1)]), "provisioning.progress after nothing")
    assert.strictEqual(orderFault([started, progress(2), progress(1)]), "bytes_written decreased from 2 to 1")
    assert.strictEqual(orderFault([started, aborted, progress(9)]), "provisioning.progress after provisioning.aborted")
    assert.strictEqual(orderFault([started, aborted, aborted]), "provisioning.aborted after provisioning.aborted")
    assert.strictEqual(orderFault([started, started]), "provisioning.started after provisioning.started")
  })
})
