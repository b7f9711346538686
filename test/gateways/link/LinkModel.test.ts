/**
 * A board, its link and a device actor that moves, in virtual time and by the luck of a seed. What the checks know is kept
 * apart from the link: which numbers the actor made durable, and what the board was told.
 */

import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { LinkStale } from "../../../src/protocol/Device.ts"
import { Unavailable } from "../../../src/protocol/Errors.ts"
import { encodeDown } from "../../../src/protocol/FrameCodec.ts"
import { sync } from "../../../src/protocol/frame/LinkFrames.ts"
import { between, randomOf } from "../../../src/simulation/Random.ts"
import { consumed, LinkBench, type Offered } from "./LinkBench.ts"

const windowFrames = 8

interface World {
  readonly bench: LinkBench
  readonly durable: Set<number>
  /** Numbers the board may forget, in the order it was told. */
  readonly told: Array<number>
  readonly faults: Array<string>
}

const run = (seed: number, ackMode: 0 | 1): World => {
  const random = randomOf(seed, "schedule")
  const bench = new LinkBench({ ackMode, terms: { window: windowFrames } })
  const durable = new Set<number>()
  const told: Array<number> = []
  const faults: Array<string> = []
  const { time, host } = bench
  let epoch = 0
  let isThere = true
  let last = 0
  let lastOffered = 0
  let welcomes = 0

  const later = (least: number, most: number, then: () => void) => host.schedule(between(random, least, most), then)

  // The cell: takes offers in order, commits later, moves away, and answers a copy of what it has as consumed.
  const serve = (offer: Offered) => {
    if (offer.epoch !== epoch)
      return later(0, 5, () => offer.answer(isThere ? { _tag: "Superseded" } : { _tag: "NotHere" }))
    if (!isThere) return later(0, 5, () => offer.answer({ _tag: "NotHere" }))
    const { seq } = offer.frame
    if (seq > 0) {
      if (seq < lastOffered) faults.push(`offered ${seq} after ${lastOffered} under epoch ${epoch}`)
      lastOffered = seq
    }
    return later(0, 40, () => {
      // A commit may end well although nobody is left to say so.
      const isLost = random() < 0.05
      if (seq > 0) {
        durable.add(seq)
        while (durable.has(last + 1)) last++
      }
      if (isLost) return later(0, 100, () => offer.answer({ _tag: "NotHere" }))
      return offer.answer(consumed)
    })
  }
  const grant = () => {
    const ask = bench.asks.shift()
    if (ask === undefined) return
    const luck = random()
    if (luck < 0.15) return ask.answer(Result.fail(new Unavailable({ cause: "moving" })))
    // At least once: the actor may take an attach whose answer is lost.
    epoch++
    isThere = true
    lastOffered = 0
    const current = epoch
    const at = last
    if (luck < 0.2) return ask.answer(Result.fail(new Unavailable({ cause: "answer lost" })))
    later(0, 10, () =>
      ask.answer(Result.succeed({ owner: `node-${current % 3}`, epoch: current, last: at, desired: 0, sync: 0 }))
    )
    return later(0, 10, () => {
      const frame = encodeDown({ type: "desired", epoch: current, version: current, state: {} })
      bench.down({ _tag: "Frames", connection: 7, epoch: current, frames: [frame] })
    })
  }
  const move = () => {
    if (time.now > 20_000) return
    isThere = false
    const luck = random()
    if (luck < 0.5) bench.down({ _tag: "Moved", connection: 7, epoch })
    else if (luck < 0.75) bench.down({ _tag: "Broken", node: `node-${epoch % 3}` })
    later(50, 3_000, move)
  }

  // The board: a window of numbered frames, a heartbeat now and then, and what the frames down do to it.
  let seq = 0
  let boardEpoch = 0
  const unacknowledged = new Set<number>()
  const forget = (number: number) => {
    told.push(number)
    unacknowledged.delete(number)
  }
  const board = () => {
    for (const entry of bench.sent.splice(0)) {
      if (typeof entry === "number") {
        forget(entry)
        continue
      }
      if (entry.type === "welcome") {
        if (entry.epoch <= boardEpoch) faults.push(`welcome ${entry.epoch} after ${boardEpoch}`)
        boardEpoch = entry.epoch
        if (welcomes++ > 0 && (entry.sync & sync.doNotResend) === 0) faults.push("told to resend")
      } else if (entry.epoch !== boardEpoch) faults.push(`${entry.type} of ${entry.epoch} under ${boardEpoch}`)
      if (entry.type === "ack") for (const number of [...unacknowledged]) if (number <= entry.last) forget(number)
    }
    if (boardEpoch > 0 && time.now < 22_000)
      while (unacknowledged.size < windowFrames && random() < 0.6) {
        seq++
        unacknowledged.add(seq)
        bench.report(seq, ackMode === 0 ? seq : -1)
      }
    if (boardEpoch > 0 && random() < 0.05)
      bench.up({ type: "heartbeat", seq: 0, up: Math.floor(time.now), epoch: boardEpoch })
    later(1, 30, board)
  }

  const turn = () => {
    for (const offer of bench.offers.splice(0)) serve(offer)
    if (bench.asks.length > 0) later(0, 60, grant)
    later(1, 3, turn)
  }
  bench.hello()
  turn()
  board()
  later(500, 3_000, move)
  time.runUntil(35_000)

  if (bench.closedAs !== undefined) faults.push(`closed as ${bench.closedAs}`)
  for (const number of told) if (!durable.has(number)) faults.push(`acknowledged ${number}, which nobody has`)
  if (unacknowledged.size > 0) faults.push(`never acknowledged: ${[...unacknowledged].join(" ")}`)
  if (new Set(told).size !== told.length) faults.push("acknowledged twice")
  if (ackMode === 0 && told.some((number, index) => index > 0 && number < (told[index - 1] ?? 0)))
    faults.push("out of order")
  if (seq < 100) faults.push(`only ${seq} frames`)
  return { bench, durable, told, faults }
}

describe("a link whose actor moves all the time", () => {
  for (const ackMode of [0, 1] as const)
    it(`acknowledges every frame once it is durable, once and in order, in ack mode ${ackMode}`, () => {
      for (let seed = 1; seed <= 60; seed++) {
        const { faults, told } = run(seed, ackMode)
        assert.deepStrictEqual(faults, [], `seed ${seed}`)
        assert.isAbove(told.length, 100, `seed ${seed}`)
      }
    })

  it("ends as superseded, whatever is under way, once the actor knows a newer link", () => {
    for (let seed = 1; seed <= 50; seed++) {
      const random = randomOf(seed, "superseded")
      const bench = new LinkBench()
      bench.attach()
      for (let seq = 1; seq <= 5; seq++) bench.report(seq)
      if (random() < 0.5) bench.down({ _tag: "Moved", connection: 7, epoch: 4 })
      for (const offer of bench.offers) if (random() < 0.5) offer.answer({ _tag: "Superseded" })
      bench.pass(2_000)
      bench.asks.shift()?.answer(Result.fail(new LinkStale({ boot: 5, link: 2 })))
      for (const offer of bench.offers) offer.answer({ _tag: "Superseded" })
      assert.strictEqual(bench.closedAs, "superseded", `seed ${seed}`)
      assert.isEmpty(bench.acknowledged)
      assert.lengthOf(bench.losses, 1)
    }
  })
})
