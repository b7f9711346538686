import { crc32 } from "node:zlib"
import { assert, describe, it } from "@effect/vitest"
import { Loader } from "../../../../devices/provisioning/Loader.ts"
import { loaderDefaults } from "../../../../devices/provisioning/LoaderSettings.ts"
import type { ProvisioningEvent } from "../../../../devices/provisioning/ProvisioningEvents.ts"
import { orderFault } from "../../../../devices/provisioning/ProvisioningEvents.ts"
import {
  decodeListener,
  decodeMaster,
  encodeListener,
  encodeMaster,
  type MasterFrame
} from "../../../../devices/provisioning/transports/BroadcastFrames.ts"
import { CanBroadcastListener } from "../../../../devices/provisioning/transports/CanBroadcastListener.ts"
import {
  type BroadcastLimits,
  type BroadcastRequest,
  CanBroadcastMaster,
  type NodeOutcome
} from "../../../../devices/provisioning/transports/CanBroadcastMaster.ts"
import { seeded } from "../../../../devices/simulated/Seeded.ts"
import { writeHxe } from "../../../../src/protocol/hxe/HxeWriter.ts"
import { VirtualTime } from "../../VirtualTime.ts"
import { CountingHost, roomOfBoard } from "../CountingHost.ts"
import { goldenCrc32, goldenImage } from "../GoldenImage.ts"
import { FaultyBus, perfect } from "./FaultyMedia.ts"

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex").toUpperCase()

const longImage = writeHxe({
  version: 2,
  entry: 0,
  code: Uint8Array.from({ length: 2000 }, (_, index) => (index * 37) & 0xff),
  rodata: new Uint8Array(0),
  appName: "fleet"
})

/** Three boards and a master on one bus. */
class Fleet {
  readonly time = new VirtualTime()
  readonly bus: FaultyBus
  readonly boards: ReadonlyArray<{
    readonly node: number
    readonly host: CountingHost
    readonly events: Array<ProvisioningEvent>
    readonly loader: Loader
  }>

  constructor(loss: number, seed: number, allowsUnsigned = true) {
    this.bus = new FaultyBus(this.time, seeded(seed, "fleet"), { ...perfect, loss })
    this.boards = [1, 2, 5].map((node) => {
      const host = new CountingHost()
      const clock = this.time.clock()
      const loader = new Loader({ clock, programs: host })
      const events: Array<ProvisioningEvent> = []
      loader.subscribe((event) => events.push(event))
      new CanBroadcastListener({
        bus: this.bus.join(),
        clock,
        loader,
        node,
        channelName: "can0",
        groups: node === 5 ? [3] : [],
        allowsUnsigned
      })
      return { node, host, events, loader }
    })
  }

  send(
    image: Uint8Array,
    request: Partial<BroadcastRequest> = {},
    limits?: Partial<BroadcastLimits>
  ): ReadonlyArray<NodeOutcome> {
    let outcomes: ReadonlyArray<NodeOutcome> | undefined
    new CanBroadcastMaster(
      this.bus.join(),
      this.time.clock(),
      { image, xfer: 0x2a, flags: 1, ...request },
      (given) => {
        outcomes = given
      },
      limits
    )
    while (outcomes === undefined && this.time.now < 200_000) this.time.step()
    if (outcomes === undefined) throw new Error("no end")
    return outcomes
  }
}

describe("broadcast frames", () => {
  it("are those of the known bytes", () => {
    const announceA = { type: "announceA", xfer: 0x2a, totalBytes: 376, blockFrames: 32, group: 0 } as const
    const announceB = { type: "announceB", xfer: 0x2a, fileCrc32: goldenCrc32, version: 1 } as const
    const block = { type: "block", xfer: 0x2a, block: 0, frames: 32 } as const
    const data = { type: "data", index: 0, bytes: goldenImage().subarray(0, 7) } as const
    const known = [
      [announceA, 0x600, "102A000001782000"],
      [announceB, 0x600, "112AA621E7040001"],
      [block, 0x600, "122A000020000000"],
      [data, 0x700, "0048535845000200"]
    ] as const
    for (const [frame, id, bytes] of known) {
      const encoded = encodeMaster(frame)
      assert.deepStrictEqual([encoded.id, hex(encoded.data)], [id, bytes])
      assert.deepStrictEqual(decodeMaster(encoded), frame)
    }
    const ack = { type: "blockAck", node: 5, xfer: 0x2a, block: 0, missing: 0 } as const
    assert.deepStrictEqual([encodeListener(ack).id, hex(encodeListener(ack).data)], [0x685, "932A000000000000"])
    assert.deepStrictEqual(decodeListener(encodeListener(ack)), ack)
  })

  it("cut the image into blocks of 224 bytes, the last frame padded", () => {
    const fleet = new Fleet(0, 1)
    const heard: Array<string> = []
    fleet.bus.join().listen(({ data, id }) => {
      if (id >= 0x600 && id <= 0x67f) heard.push(hex(data))
      if (id === 0x700) heard.push(`D ${hex(data)}`)
    })
    fleet.send(goldenImage())
    assert.strictEqual(heard.filter((frame) => frame.startsWith("D")).length, 32 + 22)
    const second = heard.indexOf("122A000116000000")
    assert.isAbove(second, 0)
    assert.strictEqual(heard[second + 22], `D 15${hex(goldenImage().subarray(371, 376))}CCCC`)
  })

  it("are left alone when they are of somebody else", () => {
    assert.isUndefined(decodeMaster({ id: 0x685, data: new Uint8Array(8) }))
    assert.isUndefined(decodeMaster({ id: 0x600, data: Uint8Array.of(0x77) }))
    assert.isUndefined(decodeMaster({ id: 0x600, data: new Uint8Array(0) }))
    assert.isUndefined(decodeListener({ id: 0x600, data: Uint8Array.of(0x91, 1, 0) }))
    assert.isUndefined(decodeListener({ id: 0x585, data: Uint8Array.of(0x91, 1, 0) }))
    assert.deepStrictEqual(decodeListener({ id: 0x685, data: Uint8Array.of(0x91, 1, 0) }), {
      type: "join",
      node: 5,
      xfer: 1,
      status: 0
    })
  })
})

describe("a broadcast to three boards", () => {
  for (const loss of [0, 0.05, 0.1, 0.2, 0.3]) {
    for (let seed = 1; seed <= 3; seed++) {
      it(`brings all of them the image when ${loss * 100} % of the frames are lost, given patience (seed ${seed})`, () => {
        const fleet = new Fleet(loss, seed)
        const outcomes = fleet.send(
          longImage,
          { expected: [1, 2, 5] },
          { rounds: 20, silentPolls: 12, announcements: 12 }
        )
        assert.deepStrictEqual(
          outcomes.map(({ node, status, state }) => [node, status, state]),
          [
            [1, 0, 3],
            [2, 0, 3],
            [5, 0, 3]
          ]
        )
        for (const { events, host } of fleet.boards) {
          assert.deepStrictEqual(
            host.running.map(([, name]) => name),
            ["fleet"]
          )
          assert.isUndefined(orderFault(events))
        }
      })

      it(`leaves each board with all or nothing when ${loss * 100} % are lost, without patience (seed ${seed})`, () => {
        const fleet = new Fleet(loss, seed)
        const outcomes = fleet.send(longImage)
        fleet.time.advance(200_000)
        for (const { host, node } of fleet.boards) {
          const outcome = outcomes.find((candidate) => candidate.node === node)
          if (outcome?.status === 0)
            assert.deepStrictEqual(
              host.running.map(([, name]) => name),
              ["fleet"]
            )
          for (const [pid] of host.running) {
            assert.strictEqual(host.registrationOf(pid)?.fileCrc32, crc32(longImage))
          }
          if (host.running.length === 0) assert.deepStrictEqual(host.free, roomOfBoard)
        }
      })
    }
  }

  it("sends only what somebody misses a second time", () => {
    const frames = (loss: number): number => {
      const fleet = new Fleet(loss, 4)
      const master = new CanBroadcastMaster(
        fleet.bus.join(),
        fleet.time.clock(),
        { image: longImage, xfer: 1, flags: 1, expected: [1, 2, 5] },
        () => {},
        { rounds: 20, silentPolls: 12 }
      )
      fleet.time.advance(60_000)
      return master.framesSent
    }
    const least = Math.ceil(longImage.length / 7)
    assert.strictEqual(frames(0), least)
    assert.isBelow(frames(0.05), 2 * least)
  })

  it("leaves a board behind that has joined and leaves three polls unanswered", () => {
    const fleet = new Fleet(0, 1)
    const mute = fleet.bus.join()
    let polls = 0
    mute.listen((frame) => {
      const decoded = decodeMaster(frame)
      if (decoded?.type === "announceB") {
        mute.send(encodeListener({ type: "join", node: 99, xfer: decoded.xfer, status: 0 }))
      }
      if (decoded?.type === "poll" && decoded.block === 0) polls += 1
    })
    const outcomes = fleet.send(longImage, {}, { rounds: 10 })
    assert.deepStrictEqual(
      outcomes.map(({ node, status }) => [node, status]),
      [
        [1, 0],
        [2, 0],
        [5, 0],
        [99, 110]
      ]
    )
    assert.strictEqual(polls, 3)
  })

  it("leaves a board behind that never gets a block whole", () => {
    const fleet = new Fleet(0, 1)
    const poor = fleet.bus.join()
    poor.listen((frame) => {
      const decoded = decodeMaster(frame)
      if (decoded?.type === "announceB") {
        poor.send(encodeListener({ type: "join", node: 99, xfer: decoded.xfer, status: 0 }))
      }
      if (decoded?.type === "poll") {
        const { block, xfer } = decoded
        poor.send(encodeListener({ type: "blockAck", node: 99, xfer, block, missing: 1 }))
      }
    })
    assert.deepStrictEqual(
      fleet.send(longImage).map(({ status }) => status),
      [0, 0, 0, 5]
    )
  })

  it("never mixes the frames of two blocks", () => {
    const fleet = new Fleet(0, 1)
    const master = fleet.bus.join()
    const answers: Array<number> = []
    master.listen((frame) => {
      const decoded = decodeListener(frame)
      if (decoded?.type === "blockAck" && decoded.node === 5) answers.push(decoded.missing)
    })
    const say = (frame: MasterFrame): void => master.send(encodeMaster(frame))
    const block = (number: number): MasterFrame => ({ type: "block", xfer: 1, block: number, frames: 32 })
    say({ type: "announceA", xfer: 1, totalBytes: longImage.length, blockFrames: 32, group: 0 })
    say({ type: "announceB", xfer: 1, fileCrc32: 1, version: 1 })
    say(block(0))
    for (let index = 0; index < 31; index++) {
      say({ type: "data", index, bytes: longImage.subarray(index * 7, index * 7 + 7) })
    }
    say(block(1))
    say({ type: "data", index: 31, bytes: new Uint8Array(7) })
    say({ type: "poll", xfer: 1, block: 0 })
    fleet.time.advance(50)
    assert.deepStrictEqual(answers, [0xffff_ffff])
  })

  it("goes to a group only", () => {
    const fleet = new Fleet(0, 1)
    assert.deepStrictEqual(
      fleet.send(longImage, { group: 3 }).map(({ node }) => node),
      [5]
    )
    assert.deepStrictEqual(
      fleet.boards.map(({ host }) => host.running.length),
      [0, 0, 1]
    )
  })

  it("goes on without a board that refuses, and says why", () => {
    const fleet = new Fleet(0, 1)
    const refusing = fleet.boards[1]
    if (refusing !== undefined) refusing.host.capabilities = 0
    const outcomes = fleet.send(goldenImage())
    assert.deepStrictEqual(
      outcomes.map(({ node, status }) => [node, status]),
      [
        [1, 0],
        [2, 95],
        [5, 0]
      ]
    )
  })

  it("goes on without a board that falls silent", () => {
    const fleet = new Fleet(0, 1)
    const outcomes = fleet.send(longImage, { expected: [1, 2, 5, 9] })
    assert.deepStrictEqual(outcomes.map(({ node, status }) => [node, status]).at(-1), [9, 110])
    assert.strictEqual(outcomes.filter(({ status }) => status === 0).length, 3)
  })

  it("is refused by boards that would have to take unsigned images from anybody", () => {
    const fleet = new Fleet(0, 1, false)
    assert.deepStrictEqual(
      fleet.send(goldenImage()).map(({ status }) => status),
      [1, 1, 1]
    )
    assert.strictEqual(loaderDefaults.trust.policy, "none")
  })

  it("is forgotten by all of them when the master gives it up", () => {
    const fleet = new Fleet(0, 1)
    const ended: Array<ReadonlyArray<NodeOutcome>> = []
    const master = new CanBroadcastMaster(
      fleet.bus.join(),
      fleet.time.clock(),
      { image: longImage, xfer: 1, flags: 1 },
      (outcomes) => ended.push(outcomes)
    )
    fleet.time.advance(300)
    master.abort()
    fleet.time.advance(10)
    assert.deepStrictEqual(
      ended[0]?.map(({ status }) => status),
      [125, 125, 125]
    )
    for (const { events, host } of fleet.boards) {
      assert.deepStrictEqual(host.free, roomOfBoard)
      assert.strictEqual(events.at(-1)?.type, "provisioning.aborted")
    }
  })

  it("begins anew when the master restarts in the middle of it", () => {
    const fleet = new Fleet(0, 1)
    const first = new CanBroadcastMaster(
      fleet.bus.join(),
      fleet.time.clock(),
      { image: longImage, xfer: 0x2a, flags: 1 },
      () => {}
    )
    fleet.time.advance(350)
    assert.isAbove(first.framesSent, 0)
    fleet.bus.isCut = true
    fleet.time.advance(1000)
    fleet.bus.isCut = false
    assert.strictEqual(fleet.send(longImage).filter(({ status }) => status === 0).length, 3)
  })
})
