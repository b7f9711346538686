import { assert, describe, it } from "@effect/vitest"
import { EventTime, futureMillisMax, sourcesMax } from "../../../src/events/temporal/EventTime.ts"
import { SnapshotMalformed } from "../../../src/events/temporal/State.ts"
import { epoch, eventOf } from "./Rig.ts"

const at = (time: EventTime, id: number, happens: number, comes = happens, who = "press-1") =>
  time.admit(eventOf({ id, at: happens, comes, who }))

describe("the time of events", () => {
  it("is the newest time a source spoke of, less two seconds; what comes behind that is late", () => {
    const time = new EventTime()
    assert.strictEqual(at(time, 1, 10_000)?.isLate, false)
    assert.strictEqual(at(time, 2, 8000, 10_100)?.isLate, false)
    assert.strictEqual(at(time, 3, 7999, 10_200)?.isLate, true)
    assert.strictEqual(at(time, 4, 3000, 10_300, "press-2")?.isLate, false)
    assert.strictEqual(time.sourceOf("device", "press-1").markAt(time.now), epoch + 8000)
  })

  it("goes on with ours when a source was silent for five seconds, and keeps to the source's own clock", () => {
    const time = new EventTime()
    // A board whose clock is ten minutes behind.
    const source = at(time, 1, 0, 600_000)
    time.advance(epoch + 604_999)
    assert.strictEqual(source?.markAt(time.now), epoch - 2000)
    time.advance(epoch + 605_000)
    assert.strictEqual(source?.markAt(time.now), epoch + 3000)
    time.advance(epoch + 700_000)
    assert.strictEqual(source?.markAt(time.now), epoch + 98_000)
    assert.strictEqual(at(time, 2, 98_000, 700_000)?.isLate, false)
    assert.strictEqual(at(time, 3, 97_999, 700_000)?.isLate, true)
  })

  it("never goes back", () => {
    const time = new EventTime()
    const source = at(time, 1, 0)
    time.advance(epoch + 60_000)
    at(time, 2, 10_000, 60_000)
    assert.strictEqual(source?.markAt(time.now), epoch + 58_000)
    time.advance(epoch)
    assert.strictEqual(time.now, epoch + 60_000)
  })

  it("knows an event that comes again, at once or after many others", () => {
    const time = new EventTime()
    for (let id = 1; id <= 20_000; id++) at(time, id, id)
    for (const id of [20_000, 19_999, 1]) assert.isUndefined(at(time, id, id))
    assert.strictEqual(time.duplicates, 3)
    // An actor that was removed and made again counts from the beginning.
    assert.isDefined(at(time, 1, 30_000))
    assert.isDefined(at(time, 2, 30_000))
    assert.strictEqual(time.duplicates, 3)
  })

  it("refuses an event from the far future, which moves nothing", () => {
    const time = new EventTime()
    at(time, 1, 0)
    assert.isUndefined(at(time, 2, futureMillisMax + 6001, 6000))
    assert.isDefined(at(time, 3, futureMillisMax + 6000, 6000, "press-2"))
    assert.strictEqual(time.fromFuture, 1)
    // It does not even count as being heard.
    assert.strictEqual(time.sourceOf("device", "press-1").heard, epoch)
    assert.strictEqual(time.sourceOf("device", "press-1").markAt(time.now), epoch + 4000)
  })

  it("calls events late by when they were written, though ours was moved ahead of a stream that is read later", () => {
    const time = new EventTime()
    at(time, 1, 0)
    time.advance(epoch + 3_600_000)
    assert.strictEqual(at(time, 2, 1000)?.isLate, false)
    assert.strictEqual(at(time, 3, 60_000)?.isLate, false)
    assert.strictEqual(at(time, 4, 57_000, 60_100)?.isLate, true)
  })

  it("of all sources together is that of the last, but waits for no straggler", () => {
    const time = new EventTime()
    time.wantOverall()
    at(time, 1, 100_000, 100_000, "press-1")
    at(time, 2, 80_000, 100_000, "press-2")
    time.advance(epoch + 100_100)
    assert.strictEqual(time.overall, epoch + 78_000)
    // One is a minute behind, one ten minutes ahead: neither holds up or hurries the others.
    at(time, 3, 40_000, 100_200, "press-3")
    at(time, 4, 700_000, 100_200, "press-4")
    time.advance(epoch + 100_400)
    assert.strictEqual(time.overall, epoch + 78_000)
  })

  it("goes on from a snapshot as if nothing had been", () => {
    const time = new EventTime()
    for (let id = 1; id <= 50; id++) at(time, id, id * 1000, id * 1000 + 40, `press-${id % 7}`)
    const copy = new EventTime()
    copy.restore(time.snapshot())
    assert.isUndefined(at(copy, 7, 7000, 7040, "press-0"))
    for (const each of [time, copy]) each.advance(epoch + 61_000)
    for (let who = 0; who < 7; who++)
      assert.strictEqual(
        copy.sourceOf("device", `press-${who}`).markAt(copy.now),
        time.sourceOf("device", `press-${who}`).markAt(time.now)
      )
    assert.throws(() => copy.restore(new Uint8Array([0x81, 0x09])), SnapshotMalformed)
    assert.throws(() => copy.restore(new Uint8Array([0xff])), SnapshotMalformed)
  })

  it("remembers a bounded number of sources, those heard of last", () => {
    const time = new EventTime()
    const hear = (index: number) => {
      time.advance(epoch + index)
      time.sourceOf("device", `press-${index}`).heard = time.now
    }
    for (let index = 0; index < sourcesMax; index++) hear(index)
    const size = time.snapshot().length
    hear(sourcesMax)
    assert.isBelow(time.snapshot().length, 0.8 * size)
    assert.strictEqual(time.sourceOf("device", `press-${sourcesMax}`).heard, epoch + sourcesMax)
    assert.strictEqual(time.sourceOf("device", "press-1").heard, Number.NEGATIVE_INFINITY)
  })
})
