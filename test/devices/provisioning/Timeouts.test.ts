import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import type { Refused } from "../../../devices/Refused.ts"
import { roomOfBoard } from "./CountingHost.ts"
import { goldenImage } from "./GoldenImage.ts"
import { done, LoaderRig, user } from "./LoaderRig.ts"

describe("a transfer's timers", () => {
  it("warn at half the time between two chunks, and give up at its end", () => {
    const rig = new LoaderRig()
    const xfer = rig.begin()
    done(rig.loader.write({ xfer }, { seq: 0, data: goldenImage().subarray(0, 50) }, user))
    rig.time.advance(2499)
    assert.isFalse(rig.events.some((event) => event.type === "provisioning.progress" && event.data.stalled))
    rig.time.advance(1)
    assert.isTrue(rig.last("provisioning.progress").data.stalled)
    rig.time.advance(2499)
    assert.strictEqual(done(rig.loader.status({ xfer })).state, "LOADING")
    rig.time.advance(1)
    assert.deepStrictEqual(rig.types.slice(-2), ["error", "aborted"])
    const { data } = rig.last("provisioning.error")
    assert.deepStrictEqual([data.code, data.errno, data.where], ["ETIMEDOUT", 110, "write"])
    assert.strictEqual(rig.last("provisioning.aborted").data.reason, "timeout")
    assert.deepStrictEqual(rig.host.free, roomOfBoard)
    assert.strictEqual(done(rig.loader.status({ xfer })).lastError?.code, 110)
  })

  it("start anew with each chunk and each empty one", () => {
    const rig = new LoaderRig()
    const xfer = rig.begin()
    for (let chunk = 0; chunk < 10; chunk++) {
      rig.time.advance(4900)
      const seq = chunk >> 1
      const data = chunk % 2 === 0 ? goldenImage().subarray(seq, seq + 1) : new Uint8Array(0)
      done(rig.loader.write({ xfer }, { seq, data }, user))
    }
    assert.strictEqual(done(rig.loader.status({ xfer })).bytesWritten, 5)
  })

  it("start anew with a duplicate, whose sender only missed the answer, but not with a gap", () => {
    const rig = new LoaderRig()
    const xfer = rig.begin()
    const write = (seq: number) => rig.loader.write({ xfer }, { seq, data: goldenImage().subarray(0, 1) }, user)
    write(0)
    rig.time.advance(4000)
    write(0)
    rig.time.advance(4000)
    assert.strictEqual(done(rig.loader.status({ xfer })).state, "LOADING")
    write(5)
    rig.time.advance(1000)
    assert.strictEqual(done(rig.loader.status({ xfer })).state, "IDLE")
  })

  it("bound the whole transfer, however lively", () => {
    const rig = new LoaderRig()
    const xfer = rig.begin()
    for (let second = 0; second < 119; second++) {
      rig.time.advance(1000)
      done(rig.loader.write({ xfer }, { seq: second, data: goldenImage().subarray(second, second + 1) }, user))
    }
    rig.time.advance(1000)
    assert.strictEqual(rig.last("provisioning.error").data.detail, "total_timeout")
    assert.strictEqual(done(rig.loader.status({ xfer })).state, "IDLE")
  })

  it("bound what is done between end and ready, and answer the end", () => {
    const rig = new LoaderRig()
    let late: ((refused: Refused | undefined) => void) | undefined
    rig.host.prepare = (_pid, _image, ready) => {
      late = ready
    }
    const xfer = rig.begin()
    rig.stream(xfer, goldenImage(), 100)
    const answers: Array<unknown> = []
    rig.loader.end({ xfer }, {}, user, (reply) => {
      answers.push(Result.isFailure(reply) ? reply.failure.detail : "ready")
    })
    rig.time.advance(9999)
    assert.deepStrictEqual(answers, [])
    assert.strictEqual(done(rig.loader.status({ xfer })).state, "VERIFY")
    rig.time.advance(1)
    assert.deepStrictEqual(answers, ["verify_timeout"])
    assert.deepStrictEqual(rig.types.slice(-2), ["error", "aborted"])
    late?.(undefined)
    assert.deepStrictEqual(rig.host.running, [])
    assert.deepStrictEqual(answers, ["verify_timeout"])
  })

  it("say nothing of a stalled sender once all has come", () => {
    const rig = new LoaderRig()
    rig.host.prepare = () => {}
    const xfer = rig.begin()
    rig.stream(xfer, goldenImage(), 100)
    rig.loader.end({ xfer }, {}, user, () => {})
    const told = rig.events.length
    rig.time.advance(9000)
    assert.strictEqual(rig.events.length, told)
  })

  it("let a transfer be given up while something else prepares the image", () => {
    const rig = new LoaderRig()
    rig.host.prepare = () => {}
    const xfer = rig.begin()
    rig.stream(xfer, goldenImage(), 100)
    const answers: Array<unknown> = []
    rig.loader.end({ xfer }, {}, user, (reply) => {
      answers.push(Result.isFailure(reply) ? reply.failure.code : 0)
    })
    done(rig.loader.abort({ xfer }, {}, user))
    assert.deepStrictEqual(answers, [125])
    assert.deepStrictEqual(rig.types.slice(-1), ["aborted"])
    assert.deepStrictEqual(rig.host.free, roomOfBoard)
  })

  it("keep a finished record for half a minute", () => {
    const rig = new LoaderRig()
    const xfer = done(rig.load(goldenImage())).xfer
    rig.time.advance(29_999)
    assert.strictEqual(done(rig.loader.status({ xfer })).state, "READY")
    rig.time.advance(1)
    assert.isTrue(Result.isFailure(rig.loader.status({ xfer })))
    assert.strictEqual(rig.time.pending, 0)
  })
})
