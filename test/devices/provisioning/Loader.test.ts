import { crc32 } from "node:zlib"
import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { refusal } from "../../../devices/provisioning/ErrorCodes.ts"
import { orderFault, ProvisioningEvent } from "../../../devices/provisioning/ProvisioningEvents.ts"
import { source } from "../../../devices/provisioning/Source.ts"
import type { Refused } from "../../../devices/Refused.ts"
import { writeHxe } from "../../../src/protocol/hxe/HxeWriter.ts"
import { roomOfBoard } from "./CountingHost.ts"
import { goldenCrc32, goldenHxeCrc32, goldenImage, goldenSha256 } from "./GoldenImage.ts"
import { admin, done, LoaderRig, refusedAs, user } from "./LoaderRig.ts"

const isEvent = Schema.is(ProvisioningEvent)

describe("Loader", () => {
  it("makes a program of an image that comes byte by byte, and tells so", () => {
    const rig = new LoaderRig()
    const xfer = rig.begin({ totalBytes: 376, fileCrc32: goldenCrc32, label: "golden" })
    rig.stream(xfer, goldenImage(), 1)
    const reply = done(rig.end(xfer, { sha256: Buffer.from(goldenSha256, "hex") }))
    assert.strictEqual(reply.state, "READY")
    assert.strictEqual(reply.hxeCrc32, goldenHxeCrc32)
    assert.deepStrictEqual(rig.host.running, [[1, "gold full"]])
    assert.strictEqual(rig.types[0], "started")
    assert.deepStrictEqual(rig.types.slice(-2), ["progress", "complete"])
    const { data } = rig.last("provisioning.complete")
    assert.deepStrictEqual(
      [data.file_crc32, data.hxe_crc32, data.values, data.commands, data.mailboxes, data.signed, data.bytes_written],
      [goldenCrc32, goldenHxeCrc32, 2, 1, 1, false, 376]
    )
    const { data: last } = rig.last("provisioning.progress")
    assert.deepStrictEqual([last.bytes_written, last.percent], [376, 100])
    assert.isUndefined(orderFault(rig.events))
    assert.isTrue(rig.events.every(isEvent))
  })

  it("tells every change of state, in order", () => {
    const rig = new LoaderRig()
    const xfer = rig.begin()
    rig.stream(xfer, goldenImage(), 200)
    done(rig.end(xfer))
    rig.time.advance(30_000)
    assert.deepStrictEqual(rig.states, [
      "1 IDLE begin LOADING",
      "1 LOADING write LOADING",
      "1 LOADING write LOADING",
      "1 LOADING end VERIFY",
      "1 VERIFY verified READY",
      "1 READY close IDLE"
    ])
  })

  it("refuses a wrong magic at the sixth byte", () => {
    const rig = new LoaderRig()
    const xfer = rig.begin()
    const bytes = goldenImage()
    bytes[0] = 0x49
    rig.stream(xfer, bytes.subarray(0, 5), 1)
    assert.deepStrictEqual(refusedAs(rig.loader.write({ xfer }, { seq: 5, data: bytes.subarray(5, 6) }, user)), [
      74,
      "bad_magic"
    ])
    assert.strictEqual(done(rig.loader.status({ xfer })).state, "FAILED")
    const { data } = rig.last("provisioning.error")
    assert.deepStrictEqual([data.where, data.code, data.errno, data.phase], ["write", "EBADMSG", 74, "transfer"])
  })

  it("refuses what the board cannot do as soon as the header is in, and stores nothing of it", () => {
    const rig = new LoaderRig()
    rig.host.capabilities = 0x02
    const xfer = rig.begin({ totalBytes: 376 })
    rig.stream(xfer, goldenImage().subarray(0, 95), 5)
    const refused = rig.loader.write({ xfer }, { seq: 19, data: goldenImage().subarray(95, 96) }, user)
    assert.deepStrictEqual(refusedAs(refused), [95, "caps:41"])
    assert.strictEqual(rig.host.free.codeBytes, roomOfBoard.codeBytes)
  })

  it("refuses a name that is taken as soon as it has come, unless the image may run more than once", () => {
    const rig = new LoaderRig()
    const single = {
      version: 2,
      entry: 0,
      code: new Uint8Array(400),
      rodata: new Uint8Array(0),
      appName: "one"
    } as const
    done(rig.load(writeHxe({ ...single, allowsMultiple: false })))
    const xfer = rig.begin()
    const first = writeHxe({ ...single, allowsMultiple: false }).subarray(0, 96)
    assert.deepStrictEqual(refusedAs(rig.loader.write({ xfer }, { seq: 0, data: first }, user)), [17, "app_exists:one"])
    done(rig.load(writeHxe({ ...single, allowsMultiple: true })))
  })

  it("refuses at the end what its sections ask for and the board has no room for", () => {
    const rig = new LoaderRig({}, { ...roomOfBoard, values: 1 })
    const xfer = rig.begin()
    rig.stream(xfer, goldenImage(), 100)
    assert.deepStrictEqual(refusedAs(rig.end(xfer)), [28, "budget:values:2/1"])
    assert.deepStrictEqual(rig.host.log, [])
  })

  it("answers a gap with the number it waits for, takes a duplicate for done, and goes on", () => {
    const rig = new LoaderRig()
    const xfer = rig.begin()
    const bytes = goldenImage()
    const write = (seq: number) =>
      rig.loader.write({ xfer }, { seq, data: bytes.subarray(seq * 94, seq * 94 + 94) }, user)
    done(write(0))
    const gap = write(2)
    assert.deepStrictEqual(refusedAs(gap), [84, "expected:1"])
    assert.deepInclude(done(write(1)), { nextSeq: 2, totalWritten: 188, isDuplicate: false })
    assert.deepInclude(done(write(0)), { nextSeq: 2, totalWritten: 188, isDuplicate: true, bytes: 0 })
    done(write(2))
    done(write(3))
    assert.strictEqual(done(rig.end(xfer)).state, "READY")
    assert.deepInclude(done(rig.loader.status({ xfer })), { gaps: 1, duplicates: 1 })
  })

  it("gives up after more gaps than it tolerates", () => {
    const rig = new LoaderRig({ gapsMax: 2 })
    const xfer = rig.begin()
    for (let gap = 0; gap < 3; gap++) {
      assert.deepStrictEqual(refusedAs(rig.loader.write({ xfer }, { seq: 9, data: Uint8Array.of(1) }, user)), [
        84,
        "expected:0"
      ])
    }
    assert.strictEqual(done(rig.loader.status({ xfer })).state, "FAILED")
    assert.strictEqual(rig.last("provisioning.error").data.expected_seq, 0)
  })

  it("compares numbers of 16 bits across their wrap", () => {
    const rig = new LoaderRig({ strict: false })
    const xfer = rig.begin({ sequenceBits: 16 })
    const bytes = new Uint8Array(70_000)
    bytes.set(goldenImage())
    // Longer than the header says: only the CRC at the end would find out.
    for (let seq = 0; seq < 65_536; seq++) {
      done(rig.loader.write({ xfer }, { seq: seq & 0xffff, data: bytes.subarray(seq, seq + 1) }, user))
    }
    assert.isTrue(done(rig.loader.write({ xfer }, { seq: 65_535, data: Uint8Array.of(0) }, user)).isDuplicate)
    assert.deepInclude(done(rig.loader.write({ xfer }, { seq: 0, data: Uint8Array.of(0) }, user)), {
      isDuplicate: false,
      nextSeq: 1
    })
  })

  it("asks for a damaged chunk again and consumes nothing", () => {
    const rig = new LoaderRig()
    const xfer = rig.begin()
    const data = goldenImage().subarray(0, 50)
    assert.deepStrictEqual(refusedAs(rig.loader.write({ xfer }, { seq: 0, data, crc32: 1 }, user)), [71, "chunk_crc"])
    assert.strictEqual(done(rig.loader.write({ xfer }, { seq: 0, data, crc32: crc32(data) }, user)).nextSeq, 1)
    assert.deepStrictEqual(
      rig.types.filter((type) => type === "error"),
      []
    )
  })

  it("refuses a chunk that is too large, an unknown transfer and a write after the end, without an event", () => {
    const rig = new LoaderRig({ chunkBytesMax: 400 })
    const xfer = rig.begin({ chunkBytesMax: 100 })
    assert.deepStrictEqual(refusedAs(rig.loader.write({ xfer }, { seq: 0, data: new Uint8Array(101) }, user)), [
      22,
      "chunk_too_large"
    ])
    assert.strictEqual(refusedAs(rig.loader.write({ xfer: 77 }, { seq: 0, data: new Uint8Array(1) }, user))[0], 3)
    rig.stream(xfer, goldenImage(), 100)
    done(rig.end(xfer))
    const told = rig.events.length
    assert.deepStrictEqual(refusedAs(rig.loader.write({ xfer }, { seq: 4, data: new Uint8Array(1) }, user)), [
      16,
      "state:READY"
    ])
    assert.deepStrictEqual(refusedAs(rig.end(xfer)), [16, "state:READY"])
    assert.deepStrictEqual(refusedAs(rig.loader.abort({ xfer }, {}, user)), [16, "state:READY"])
    assert.strictEqual(rig.events.length, told)
  })

  it("refuses more bytes than were announced, and more than the board takes", () => {
    const rig = new LoaderRig({ imageBytesMax: 400 })
    assert.deepStrictEqual(refusedAs(rig.loader.begin({ source: source.stream("a"), totalBytes: 401 }, user)), [
      28,
      "image_too_large:401/400"
    ])
    const announced = rig.begin({ totalBytes: 376 })
    rig.stream(announced, goldenImage(), 100)
    assert.strictEqual(
      refusedAs(rig.loader.write({ xfer: announced }, { seq: 4, data: new Uint8Array(1) }, user))[0],
      74
    )
    const open = rig.begin({ source: source.stream("b") })
    rig.stream(open, goldenImage(), 376)
    assert.strictEqual(refusedAs(rig.loader.write({ xfer: open }, { seq: 1, data: new Uint8Array(30) }, user))[0], 28)
  })

  it("refuses at the end what is too short, or has another hash", () => {
    const rig = new LoaderRig()
    const short = rig.begin({ totalBytes: 376 })
    rig.stream(short, goldenImage().subarray(0, 375), 100)
    assert.deepStrictEqual(refusedAs(rig.end(short)), [74, "length_mismatch:375/376"])
    const other = rig.begin()
    rig.stream(other, goldenImage(), 100)
    assert.deepStrictEqual(refusedAs(rig.end(other, { fileCrc32: 5 })), [74, "file_crc32"])
    const third = rig.begin()
    rig.stream(third, goldenImage(), 100)
    assert.deepStrictEqual(refusedAs(rig.end(third, { sha256: new Uint8Array(32) })), [74, "sha256"])
    assert.strictEqual(rig.last("provisioning.error").data.where, "end")
  })

  it("refuses a flipped bit in the code at the end", () => {
    const rig = new LoaderRig()
    const bytes = goldenImage()
    bytes[0x65] = 0xff
    const xfer = rig.begin()
    rig.stream(xfer, bytes, 64)
    assert.deepStrictEqual(refusedAs(rig.end(xfer)), [74, "crc_mismatch"])
    assert.strictEqual(rig.last("provisioning.error").data.where, "verify")
    assert.deepStrictEqual(rig.host.running, [])
  })

  it("gives everything back on an abort, and answers a repeat alike", () => {
    const rig = new LoaderRig()
    const xfer = rig.begin({ totalBytes: 376 })
    rig.stream(xfer, goldenImage().subarray(0, 300), 50)
    assert.notDeepEqual(rig.host.free, roomOfBoard)
    const aborted = done(rig.loader.abort({ xfer }, {}, user))
    assert.deepStrictEqual(aborted, { xfer, state: "IDLE", freed: { bytes: 300, pid: 1 } })
    assert.deepStrictEqual(rig.host.free, roomOfBoard)
    assert.deepStrictEqual(done(rig.loader.abort({ xfer }, {}, user)), aborted)
    assert.deepStrictEqual(rig.types.slice(-1), ["aborted"])
    assert.strictEqual(rig.types.filter((type) => type === "aborted").length, 1)
    assert.isUndefined(orderFault(rig.events))
    rig.time.advance(30_000)
    assert.strictEqual(refusedAs(rig.loader.abort({ xfer }, {}, user))[0], 3)
    assert.strictEqual(rig.time.pending, 0)
  })

  it("never gives a pid twice", () => {
    const rig = new LoaderRig()
    for (let pid = 1; pid < 5; pid++) {
      const xfer = rig.begin()
      assert.strictEqual(done(rig.loader.status({ xfer })).pid, pid)
      done(rig.loader.abort({ xfer }, {}, user))
    }
  })

  it("undoes the registration that failed", () => {
    const rig = new LoaderRig()
    rig.host.registerRefusals = [refusal("EEXIST", "value:2:1")]
    const xfer = rig.begin()
    rig.stream(xfer, goldenImage(), 94)
    assert.deepStrictEqual(refusedAs(rig.end(xfer)), [17, "value:2:1"])
    assert.deepStrictEqual(rig.types.slice(-1), ["error"])
    rig.time.advance(30_000)
    assert.deepStrictEqual(rig.host.free, roomOfBoard)
    assert.deepStrictEqual(rig.states.slice(-1), ["1 FAILED purge IDLE"])
  })

  it("clears lingering failures away as soon as their room is needed", () => {
    const rig = new LoaderRig({ transfersMax: 9 })
    for (let failure = 0; failure < 4; failure++) {
      const xfer = rig.begin()
      rig.loader.write({ xfer }, { seq: 0, data: new Uint8Array(6) }, user)
    }
    assert.strictEqual(rig.host.free.tasks, 0)
    rig.begin()
    assert.strictEqual(rig.host.free.tasks, 3)
  })

  it("clears lingering failures away for the room that a header asks for, too", () => {
    const rig = new LoaderRig({}, { ...roomOfBoard, codeBytes: 60 })
    const failed = rig.begin()
    rig.stream(failed, goldenImage().subarray(0, 200), 100)
    assert.deepStrictEqual(refusedAs(rig.end(failed)), [74, "crc_mismatch"])
    assert.deepStrictEqual(rig.last("provisioning.error").data.phase, "verify")
    assert.strictEqual(rig.host.free.codeBytes, 24)
    const xfer = rig.begin()
    rig.stream(xfer, goldenImage(), 100)
    assert.strictEqual(done(rig.end(xfer)).state, "READY")
  })

  it("starts no timer for a transfer that was given up from inside its first event", () => {
    const rig = new LoaderRig()
    rig.loader.subscribe((event) => {
      if (event.type === "provisioning.started") rig.loader.abort({ xfer: event.data.xfer }, {}, user)
    })
    rig.begin()
    rig.time.advance(20_000)
    assert.deepStrictEqual(rig.types, ["started", "aborted"])
  })

  it("refuses a begin beyond the transfers it takes, or of a source under way, and reserves nothing", () => {
    const rig = new LoaderRig({ transfersMax: 2 })
    rig.begin({ source: source.stream("a") })
    assert.deepStrictEqual(refusedAs(rig.loader.begin({ source: source.stream("a") }, user)), [16, "source_active"])
    rig.begin({ source: source.stream("b") })
    assert.deepStrictEqual(refusedAs(rig.loader.begin({ source: source.stream("c") }, user)), [16, "max_transfers"])
    const { data, pid } = rig.last("provisioning.error")
    assert.deepStrictEqual([pid, data.xfer, data.where, data.phase], [null, 0, "begin", "begin"])
    assert.strictEqual(rig.host.free.tasks, 2)
  })

  it("keeps several transfers apart", () => {
    const rig = new LoaderRig()
    const one = rig.begin({ source: source.stream("a") })
    const two = rig.begin({ source: source.stream("b") })
    for (let seq = 0; seq < 4; seq++) {
      const data = goldenImage().subarray(seq * 94, seq * 94 + 94)
      done(rig.loader.write({ xfer: one }, { seq, data }, user))
      done(rig.loader.write({ xfer: two }, { seq, data }, user))
    }
    rig.loader.abort({ xfer: one }, {}, user)
    assert.strictEqual(done(rig.end(two)).pid, 2)
  })

  it("gives up everything under way at a shutdown", () => {
    const rig = new LoaderRig()
    rig.begin({ source: source.stream("a") })
    rig.begin({ source: source.stream("b") })
    rig.loader.shutdown()
    assert.deepStrictEqual(rig.host.free, roomOfBoard)
    assert.strictEqual(rig.last("provisioning.aborted").data.reason, "shutdown")
    assert.strictEqual(rig.time.pending, 0)
  })

  it("leaves no trace of a whole file that is no good", () => {
    const rig = new LoaderRig()
    const bytes = goldenImage()
    bytes[200] = 0x55
    assert.deepStrictEqual(refusedAs(rig.load(bytes)), [74, "crc_mismatch"])
    assert.deepStrictEqual(rig.host.free, roomOfBoard)
    assert.deepStrictEqual(rig.types, ["error"])
    assert.strictEqual(done(rig.load(goldenImage())).pid, 1)
    assert.deepStrictEqual(rig.types, ["error", "started", "progress", "complete"])
    assert.strictEqual(rig.last("provisioning.started").data.mode, "monolithic")
  })

  it("tells what became of persisted values before it tells that the program is there", () => {
    const rig = new LoaderRig()
    rig.host.restored = { restored: 3, defaulted: 2, stale: 1, reset: 0 }
    done(rig.load(goldenImage()))
    assert.deepStrictEqual(rig.types, ["started", "restored", "progress", "complete"])
    assert.deepInclude(rig.last("provisioning.restored").data, {
      restored: 3,
      defaulted: 2,
      stale: 1,
      reset: 0,
      xfer: 1
    })
    assert.isTrue(rig.events.every(isEvent))
  })

  it("refuses an image of another name than the one announced", () => {
    const rig = new LoaderRig()
    assert.deepStrictEqual(refusedAs(rig.load(goldenImage(), { appName: "motor" })), [
      74,
      "app_name_mismatch:gold full"
    ])
    const xfer = rig.begin({ appName: "motor" })
    assert.strictEqual(refusedAs(rig.loader.write({ xfer }, { seq: 0, data: goldenImage() }, user))[0], 74)
  })

  it("lets nobody but its owner write, and only an admin abort what another began", () => {
    const rig = new LoaderRig()
    const xfer = rig.begin()
    const other = { id: "other", level: 1 } as const
    assert.deepStrictEqual(refusedAs(rig.loader.write({ xfer }, { seq: 0, data: new Uint8Array(1) }, other)), [
      1,
      "owner"
    ])
    assert.strictEqual(refusedAs(rig.loader.abort({ xfer }, {}, other))[0], 1)
    assert.strictEqual(done(rig.loader.abort({ xfer }, { reason: "user" }, admin)).state, "IDLE")
  })

  it("keeps to its order when a listener gives the transfer up from inside an event", () => {
    const rig = new LoaderRig()
    rig.loader.subscribe((event) => {
      if (event.type === "provisioning.progress") rig.loader.abort({ xfer: event.data.xfer }, {}, user)
    })
    const xfer = rig.begin()
    done(rig.loader.write({ xfer }, { seq: 0, data: goldenImage().subarray(0, 370) }, user))
    rig.time.advance(3000)
    assert.deepStrictEqual(rig.types, ["started", "progress", "aborted"])
    assert.deepStrictEqual(rig.host.free, roomOfBoard)
  })
})

/** A transfer in each of its states, with nothing running in between. */
const inState: Readonly<Record<string, (rig: LoaderRig) => number>> = {
  LOADING: (rig) => rig.begin(),
  VERIFY: (rig) => {
    rig.host.prepare = () => {}
    const xfer = rig.begin()
    rig.stream(xfer, goldenImage(), 100)
    rig.loader.end({ xfer }, {}, user, () => {})
    return xfer
  },
  READY: (rig) => done(rig.load(goldenImage())).xfer,
  FAILED: (rig) => {
    const xfer = rig.begin()
    rig.loader.write({ xfer }, { seq: 0, data: new Uint8Array(6) }, user)
    return xfer
  },
  IDLE: (rig) => {
    const xfer = rig.begin()
    done(rig.loader.abort({ xfer }, {}, user))
    return xfer
  }
}

/** What each request leads to, in each state: the code of the answer and the state after it. */
const answers: Readonly<Record<string, Readonly<Record<string, readonly [code: number, after: string]>>>> = {
  LOADING: { write: [0, "LOADING"], end: [74, "FAILED"], abort: [0, "IDLE"] },
  VERIFY: { write: [16, "VERIFY"], end: [16, "VERIFY"], abort: [0, "IDLE"] },
  READY: { write: [16, "READY"], end: [16, "READY"], abort: [16, "READY"] },
  FAILED: { write: [16, "FAILED"], end: [16, "FAILED"], abort: [0, "IDLE"] },
  IDLE: { write: [16, "IDLE"], end: [16, "IDLE"], abort: [0, "IDLE"] }
}

const requests: Readonly<Record<string, (rig: LoaderRig, xfer: number) => Result.Result<unknown, Refused>>> = {
  write: (rig, xfer) => rig.loader.write({ xfer }, { seq: 0, data: goldenImage().subarray(0, 5) }, user),
  end: (rig, xfer) => rig.end(xfer),
  abort: (rig, xfer) => rig.loader.abort({ xfer }, {}, xfer === 1 ? user : admin)
}

describe("Loader, in each state", () => {
  for (const [state, reach] of Object.entries(inState)) {
    for (const [name, request] of Object.entries(requests)) {
      const [code, after] = answers[state]?.[name] ?? [0, ""]
      it(`answers ${name} in ${state} with ${code} and is ${after} then`, () => {
        const rig = new LoaderRig()
        const xfer = reach(rig)
        assert.strictEqual(done(rig.loader.status({ xfer })).state, state)
        const told = rig.events.length
        const answer = request(rig, xfer)
        assert.strictEqual(Result.isFailure(answer) ? answer.failure.code : 0, code)
        assert.strictEqual(done(rig.loader.status({ xfer })).state, after)
        // A request that changes nothing is only answered.
        if (code === 16 || (state === "IDLE" && name === "abort")) assert.strictEqual(rig.events.length, told)
      })
    }
  }
})

describe("Loader, when an image replaces a running one", () => {
  const replaced = (rig: LoaderRig) => rig.load(goldenImage(), { replace: true, source: source.file("/new.hxe") })

  it("ends the old program only after the new image is verified", () => {
    const rig = new LoaderRig()
    done(rig.load(goldenImage()))
    const bytes = goldenImage()
    bytes[300] = 0x55
    rig.load(bytes, { replace: true })
    assert.deepStrictEqual(rig.host.running, [[1, "gold full"]])
    assert.strictEqual(done(replaced(rig)).pid, 2)
    assert.deepStrictEqual(rig.host.log, ["register gold full 1", "kill 1", "register gold full 2"])
  })

  it("lets the old program run on when the new one cannot be registered", () => {
    const rig = new LoaderRig()
    done(rig.load(goldenImage()))
    rig.host.registerRefusals = [refusal("EEXIST", "value:2:1")]
    assert.deepStrictEqual(refusedAs(replaced(rig)), [17, "value:2:1"])
    assert.deepStrictEqual(rig.host.running, [[1, "gold full"]])
    assert.deepStrictEqual(rig.types.slice(-2), ["error", "rollback"])
  })

  it("runs the old image again where the old program had to be ended first", () => {
    const rig = new LoaderRig()
    rig.host.endsFirst = true
    done(rig.load(goldenImage()))
    rig.host.registerRefusals = [refusal("EEXIST", "value:2:1")]
    assert.deepStrictEqual(refusedAs(replaced(rig)), [17, "value:2:1"])
    assert.deepStrictEqual(rig.host.running, [[3, "gold full"]])
    assert.deepStrictEqual(rig.types.slice(-2), ["error", "rollback"])
    assert.strictEqual(rig.last("provisioning.rollback").data.reason, "verify")
    assert.deepStrictEqual(rig.host.registrationOf(3)?.source, source.file("/golden.hxe"))
    assert.isUndefined(orderFault(rig.events.slice(3)))
  })

  it("never touches a program that a debugger holds", () => {
    const rig = new LoaderRig()
    done(rig.load(goldenImage()))
    rig.host.locked.add(1)
    assert.deepStrictEqual(refusedAs(replaced(rig)), [16, "locked:1"])
    assert.deepStrictEqual(rig.host.running, [[1, "gold full"]])
  })
})
