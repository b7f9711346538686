import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { build } from "../../../devices/hxe/assembler/Build.ts"
import { FileNvDevice } from "../../../devices/nv/FileNvDevice.ts"
import { MemoryNvDevice } from "../../../devices/nv/MemoryNvDevice.ts"
import type { NvDevice } from "../../../devices/nv/NvDevice.ts"
import { hostMap, hostShape, partitionTypes } from "../../../devices/nv/NvMap.ts"
import { decodeSlotHeader, encodeSlotHeader, slotHeaderBytes } from "../../../devices/nv/SlotHeader.ts"
import { profileOf } from "../../../devices/profiles/Profiles.ts"
import { type Memories, memoriesOf, programsOn, simulatedMemories } from "../../../devices/programs/BoardPrograms.ts"
import { signersIn, trustOf } from "../../../devices/programs/BoardTrust.ts"
import { trustsAll } from "../../../devices/programs/ImageChecks.ts"
import { plainBody } from "../../../devices/simulated/PlainBoard.ts"
import { SimulatedBoard } from "../../../devices/simulated/SimulatedBoard.ts"
import type { DownFrame } from "../../../src/protocol/Frame.ts"
import { newKeyPair, rawPublicKey, readPublicKey } from "../../../src/protocol/image/SigningKey.ts"
import { Rig } from "../agent/ScriptedPeer.ts"
import { WillingPeer } from "../simulated/WillingPeer.ts"
import { VirtualTime } from "../VirtualTime.ts"
import { manifestOf, sha256 } from "./Bench.ts"

const counter = Result.getOrThrow(
  build(
    [
      {
        file: "counter.mvasm",
        text: `.value {"group":1,"id":1,"name":"turns","group_name":"counter","flags":"PERSIST","persist_key":1,"init":0}
.entry main
.text
main:
    LDI R0, 1000
    SVC EXEC_SLEEP_MS
    LDI R1, 0x101
    SVC VAL_GET
    LDI32 R3, f16(1)
    FADD R2, R0, R3
    LDI R1, 0x101
    SVC VAL_SET
    JMP main
`
      }
    ],
    () => undefined,
    { name: "counter" }
  )
)

/** The frames by which the image reaches a board. */
const delivery: ReadonlyArray<(epoch: number) => DownFrame> = [
  (epoch) => ({
    type: "image-offer",
    epoch,
    xfer: 1,
    sha256: sha256(counter),
    size: counter.length,
    kind: 1,
    manifest: manifestOf(counter, { name: "counter" }),
    chunk: 16_384,
    window: 8,
    flags: 1 | 2 | 4 | 8
  }),
  (epoch) => ({ type: "chunk", epoch, xfer: 1, index: 0, data: counter }),
  (epoch) => ({ type: "image-op", epoch, op: 1, xfer: 1, req: 1 }),
  (epoch) => ({ type: "image-op", epoch, op: 2, xfer: 1, req: 2 })
]

describe("a simulated board", () => {
  const boardOf = (memories: Memories | undefined) => {
    const time = new VirtualTime()
    const peer = new WillingPeer(time)
    let boot = 1
    const board = new SimulatedBoard(
      {
        id: "board-1",
        seed: 1,
        body: plainBody(),
        nextBoot: () => boot++,
        ...(memories === undefined ? {} : { programs: { memories, trust: trustsAll } })
      },
      {
        clock: time.clock(),
        transport: peer,
        report: (what, cause) => {
          throw new Error(what, { cause })
        }
      }
    )
    board.start()
    time.advance(100)
    const say = (frame: (epoch: number) => DownFrame) => {
      peer.say(frame(board.agent?.epoch ?? 0))
      time.advance(20)
    }
    const turns = () => {
      say((epoch) => ({ type: "value-get", epoch, req: time.now, program: "counter", ids: ["turns"] }))
      return peer.of("answer").at(-1)?.value
    }
    return { time, peer, say, turns }
  }

  it("of the plain kind has a lamp and room for programs", () => {
    const { peer, time } = boardOf(simulatedMemories())
    assert.deepInclude(peer.of("hello")[0], { profile: "sim-board", kinds: [1], caps: 8 | 32 })
    peer.desire(1, { led: "on", fan: 3 })
    time.advance(20)
    assert.deepStrictEqual([peer.reported.led, peer.of("desired-ack")[0]?.refused], ["on", { "/fan": 2 }])
  })

  it("that was given no memories takes none, and says so", () => {
    const { peer, say } = boardOf(undefined)
    assert.notProperty(peer.of("hello")[0], "kinds")
    for (const frame of delivery) say(frame)
    assert.strictEqual(peer.of("image-ack")[0]?.code, 95)
  })

  it("keeps a program, its trial and its values over a reboot", () => {
    const { peer, say, time, turns } = boardOf(simulatedMemories())
    for (const frame of delivery) say(frame)
    assert.deepInclude(peer.of("image-status").at(-1), { xfer: 1, state: 8, req: 2 })
    time.advance(5500)
    assert.deepStrictEqual(turns(), [["turns", 5, 0]])
    peer.invoke("reboot", {})
    time.advance(2500)
    assert.lengthOf(peer.boots, 2)
    assert.deepStrictEqual(turns(), [["turns", 5, 0]])
    assert.deepInclude(peer.of("image-status").at(-1), { xfer: 0, state: 8, sha256: sha256(counter) })
    time.advance(31_000)
    assert.strictEqual(peer.of("image-status").at(-1)?.state, 9)
  })

  /** Changes a byte of the memory, wherever the board wrote that. */
  const damaged = (device: NvDevice, at: number) => {
    const [byte = 0] = device.read(at, 1)
    device.write(at, Uint8Array.of(byte ^ 0x10))
  }

  it("tells how many kept values a program found again, and how many are damaged", () => {
    const devices = { nvm: new MemoryNvDevice(hostShape.nvm), flash: new MemoryNvDevice(hostShape.flash) }
    const { peer, say, time } = boardOf(memoriesOf(devices))
    const told = () => peer.of("event").filter(({ name }) => name === "provisioning.restored")
    for (const frame of delivery) say(frame)
    time.advance(31_000)
    const reboot = () => {
      peer.invoke("reboot", {})
      time.advance(2500)
    }
    reboot()
    // A program that starts again within one boot says what it has said before, and that once.
    say((epoch) => ({ type: "program-ctl", epoch, op: 6, req: 7, program: "counter" }))
    const valuesAt = hostMap.find(({ type }) => type === partitionTypes.values)?.offset ?? 0
    const bank = hostMap.find(({ type }) => type === partitionTypes.values)?.size ?? 0
    time.advance(500)
    for (let at = valuesAt; at < valuesAt + bank; at += bank / 3) {
      for (let record = at + 24; devices.nvm.read(record, 1)[0] !== 0xff; record += 8) damaged(devices.nvm, record + 7)
    }
    reboot()
    assert.deepStrictEqual(
      told().map(({ program, level, data }) => [program, level, data]),
      [
        ["counter", 2, { restored: 0, defaulted: 1, stale: 0, reset: 0 }],
        ["counter", 2, { restored: 1, defaulted: 0, stale: 0, reset: 0 }],
        ["counter", 1, { restored: 0, defaulted: 0, stale: 1, reset: 0 }]
      ]
    )
  })

  it("tells when its memory is worn, at its start and never twice", () => {
    const devices = { nvm: new MemoryNvDevice(hostShape.nvm), flash: new MemoryNvDevice(hostShape.flash) }
    const { peer, say, time } = boardOf(memoriesOf(devices))
    for (const frame of delivery) say(frame)
    const slot = Number(peer.of("image-status").at(-1)?.slot)
    const at = slot * 0x42000
    /** As if the slot had been written so often. */
    const wear = (eraseCount: number) => {
      const block = devices.flash.read(at, 4096)
      const header = decodeSlotHeader(block.subarray(0, slotHeaderBytes))
      if (header === undefined) throw new Error("there is no image")
      block.set(encodeSlotHeader({ ...header, eraseCount }))
      devices.flash.erase(at, 4096)
      devices.flash.write(at, block)
    }
    const told = () => peer.of("event").filter(({ name }) => name === "provisioning.wear")
    assert.deepStrictEqual(told(), [])
    for (const count of [8500, 10_000]) {
      wear(count)
      peer.invoke("reboot", {})
      time.advance(2500)
    }
    const both = { partition: "image", slot, limit: 10_000 }
    assert.deepStrictEqual(
      told().map(({ level, data }) => [level, data]),
      [
        [1, { ...both, count: 8500, pct: 85, level: "warn" }],
        [0, { ...both, count: 10_000, pct: 100, level: "worn" }]
      ]
    )
  })

  it("uses none of its memories before somebody brings it a program", () => {
    const memories = simulatedMemories()
    const { say, time, peer } = boardOf(memories)
    time.advance(60_000)
    assert.isTrue(memories.isBlank())
    say((epoch) => ({ type: "program-ctl", epoch, op: 1, req: 1, program: "counter" }))
    assert.strictEqual(peer.of("answer")[0]?.code, 3)
    assert.isFalse(memories.isBlank())
  })
})

describe("a board with its memories in files", () => {
  const inFolder = (run: (folder: string) => void) => {
    const folder = mkdtempSync(join(tmpdir(), "holon-programs-"))
    try {
      run(folder)
    } finally {
      rmSync(folder, { recursive: true })
    }
  }

  const rigOn = (folder: string, boot: number) => {
    const time = new VirtualTime()
    const nvm = new FileNvDevice(join(folder, "nvm.bin"), hostShape.nvm)
    const flash = new FileNvDevice(join(folder, "flash.bin"), hostShape.flash)
    const faults: Array<string> = []
    const programs = programsOn(
      { memories: memoriesOf({ nvm, flash }), trust: trustsAll },
      { profile: profileOf("host-linux"), clock: time.clock(), report: (what) => faults.push(what) }
    )
    const rig = new Rig({ time, boot, ...(programs === undefined ? {} : { programs }) })
    const line = rig.up({ window: 64 })
    const close = () => {
      nvm.close()
      flash.close()
    }
    return { time, rig, line, faults, close }
  }

  it("keeps a program and its values from one process to the next", () =>
    inFolder((folder) => {
      const first = rigOn(folder, 1)
      for (const frame of delivery) first.line.say(frame(5))
      assert.strictEqual(first.line.of("image-status").at(-1)?.state, 8)
      // The third turn is a few milliseconds old, and a value waits longer than that to be saved.
      first.time.advance(3050)
      first.line.say({ type: "image-op", epoch: 5, op: 3, req: 3 })
      assert.strictEqual(first.line.of("image-status").at(-1)?.state, 9)
      first.rig.agent.stop(0, () => {})
      first.close()
      const second = rigOn(folder, 2)
      second.line.say({ type: "value-get", epoch: 5, req: 1, program: "counter", ids: ["turns"] })
      assert.deepStrictEqual(second.line.of("answer")[0]?.value, [["turns", 3, 0]])
      second.close()
    }))

  it("takes no programs, and touches nothing, where what lies there is of another make", () =>
    inFolder((folder) => {
      const made = rigOn(folder, 1)
      made.rig.agent.cut()
      made.close()
      const nvm = new FileNvDevice(join(folder, "nvm.bin"), hostShape.nvm)
      // Both superblocks stay; all manifests go.
      nvm.write(0x200, new Uint8Array(0x3e00).fill(0))
      const before = nvm.read(0, hostShape.nvm.size)
      nvm.close()
      const again = rigOn(folder, 2)
      assert.lengthOf(again.faults, 1)
      assert.notProperty(again.line.of("hello")[0], "kinds")
      again.close()
      const after = new FileNvDevice(join(folder, "nvm.bin"), hostShape.nvm)
      assert.deepStrictEqual(after.read(0, hostShape.nvm.size), before)
      after.close()
    }))

  it("trusts the public keys that lie beside it, and nobody's where others could reach it", () =>
    inFolder((folder) => {
      const faults: Array<string> = []
      const signers = () => signersIn(join(folder, "trust"), (what) => faults.push(what))
      assert.deepStrictEqual(signers(), [])
      mkdirSync(join(folder, "trust"))
      const { publicPem } = newKeyPair()
      writeFileSync(join(folder, "trust", "mine.pem"), publicPem)
      writeFileSync(join(folder, "trust", "noise.pem"), "noise")
      writeFileSync(join(folder, "trust", "README"), "keys")
      const key = rawPublicKey(Result.getOrThrow(readPublicKey(publicPem)))
      assert.deepStrictEqual(signers(), [{ key }])
      assert.lengthOf(faults, 1)
      assert.include(faults[0], "noise.pem")
      assert.strictEqual(trustOf("mqtt://127.0.0.1:1883", []).policy, "none")
      assert.strictEqual(trustOf("ws://localhost:7700", []).policy, "none")
      assert.strictEqual(trustOf("wss://[::1]:7700", []).policy, "none")
      assert.strictEqual(trustOf("mqtts://example.org", []).policy, "any")
      assert.strictEqual(trustOf("mqtt://127.0.0.1.example.org", []).policy, "any")
      assert.deepStrictEqual(trustOf("mqtt://127.0.0.1", [{ key }]), { policy: "any", signers: [{ key }] })
    }))
})
