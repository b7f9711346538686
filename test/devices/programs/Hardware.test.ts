import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { simulatedFiles } from "../../../devices/hal/BoardFiles.ts"
import { build } from "../../../devices/hxe/assembler/Build.ts"
import { type BoardPrograms, simulatedMemories } from "../../../devices/programs/BoardPrograms.ts"
import { trustsAll } from "../../../devices/programs/ImageChecks.ts"
import { heaterBody } from "../../../devices/simulated/HeaterBoard.ts"
import { plainBody } from "../../../devices/simulated/PlainBoard.ts"
import { pressBody } from "../../../devices/simulated/PressBoard.ts"
import { sensorBody } from "../../../devices/simulated/SensorBoard.ts"
import type { Body } from "../../../devices/simulated/SimulatedApplication.ts"
import { SimulatedBoard } from "../../../devices/simulated/SimulatedBoard.ts"
import type { DownFrame } from "../../../src/protocol/Frame.ts"
import { capabilities } from "../../../src/protocol/hxe/Hxe.ts"
import type { Manifest } from "../../../src/protocol/image/Manifest.ts"
import { WillingPeer } from "../simulated/WillingPeer.ts"
import { VirtualTime } from "../VirtualTime.ts"
import { manifestOf, sha256 } from "./Bench.ts"

const assembled = (text: string, name: string, requiredCaps = 0): Uint8Array =>
  Result.getOrThrow(build([{ file: `${name}.mvasm`, text }], () => undefined, { name, requiredCaps }))

const cooler = assembled(readFileSync(new URL("../../../examples/cooler.mvasm", import.meta.url), "utf8"), "cooler")

/** Does this once, puts R0 into the value `got`, and stays. */
const once = (calls: string, name: string, data = ""): Uint8Array =>
  assembled(
    `.value {"group":1,"id":1,"name":"got","group_name":"once","init":0}
.entry main
.text
main:
${calls}
    I2F R2, R0
    LDI R1, 0x101
    SVC VAL_SET
stay:
    LDI32 R0, 60000
    SVC EXEC_SLEEP_MS
    JMP stay
${data}`,
    name
  )

const boardOf = (bodyAt: (now: () => number) => Body, kept: Partial<BoardPrograms> = {}) => {
  const time = new VirtualTime()
  const peer = new WillingPeer(time)
  let boot = 1
  let xfer = 0
  const board = new SimulatedBoard(
    {
      id: "board-1",
      seed: 1,
      body: bodyAt(() => time.now),
      nextBoot: () => boot++,
      programs: { memories: simulatedMemories(), trust: trustsAll, files: simulatedFiles(), ...kept }
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
  /** Brings an image to the board and lets it run; answers where it stands. */
  const install = (image: Uint8Array, name: string, manifest: Partial<Manifest> = {}, flags = 1 | 2 | 4) => {
    xfer++
    const facts = { xfer, sha256: sha256(image), size: image.length, kind: 1, chunk: 16_384, window: 8 }
    say((epoch) => ({
      type: "image-offer",
      epoch,
      ...facts,
      manifest: manifestOf(image, { name, ...manifest }),
      flags
    }))
    const ack = peer.of("image-ack").at(-1)
    if (ack?.state === 0) return { state: 0, code: ack.code }
    say((epoch) => ({ type: "chunk", epoch, xfer, index: 0, data: image }))
    say((epoch) => ({ type: "image-op", epoch, op: 1, xfer, req: 2 * xfer }))
    const verified = peer.of("image-status").at(-1)
    if (verified?.state !== 3) return verified
    say((epoch) => ({ type: "image-op", epoch, op: 2, xfer, req: 2 * xfer + 1 }))
    time.advance(200)
    return peer.of("image-status").at(-1)
  }
  const value = (program: string, id: string): unknown => {
    say((epoch) => ({ type: "value-get", epoch, req: time.now, program, ids: [id] }))
    const answer = peer.of("answer").at(-1)?.value
    return Array.isArray(answer) && Array.isArray(answer[0]) ? answer[0][1] : answer
  }
  const set = (program: string, id: string, to: number) =>
    say((epoch) => ({ type: "value-set", epoch, req: time.now, program, id, value: to, level: 3 }))
  return { time, peer, board, say, install, value, set }
}

const heater = (kept: Partial<BoardPrograms> = {}) =>
  boardOf((now) => heaterBody({ id: "heater-1", seed: 1, now }), kept)

const readPin = (pin: number): string => `    LDI R1, ${pin}\n    SVC HAL_GPIO_READ`
const writePin = (pin: number, on: number): string => `    LDI R1, ${pin}\n    LDI R2, ${on}\n    SVC HAL_GPIO_WRITE`

describe("a program on a simulated heater", () => {
  it("reads its temperature and switches its fan, which its twin reports", () => {
    const { install, value, set, peer, time } = heater()
    assert.strictEqual(install(cooler, "cooler")?.state, 7)
    assert.isFalse(peer.reported.fan)
    time.advance(1500)
    assert.closeTo(Number(value("cooler", "temp")), Number(peer.reported.temp), 1)
    set("cooler", "limit", 10)
    time.advance(1500)
    assert.isTrue(peer.reported.fan)
    assert.strictEqual(value("cooler", "fan"), 1)
    set("cooler", "limit", 90)
    time.advance(1500)
    assert.isFalse(peer.reported.fan)
  })

  it("keeps it at its limit where the board alone would go on", () => {
    const { install, set, peer, time } = heater()
    install(cooler, "cooler")
    set("cooler", "limit", 35)
    time.advance(900_000)
    assert.approximately(Number(peer.reported.temp), 35, 1.5)
    const alone = heater()
    alone.time.advance(900_000)
    assert.approximately(Number(alone.peer.reported.temp), 45, 1)
  })

  it("has the element until somebody desires otherwise, or it overheats", () => {
    const { install, value, peer, time } = heater()
    const on = once(writePin(16, 1), "on")
    install(on, "on")
    assert.strictEqual(value("on", "got"), 0)
    peer.desire(1, { target: 1 })
    time.advance(4000)
    assert.strictEqual(peer.reported.power, 0)
    const again = heater()
    again.peer.desire(1, { target: 1 })
    again.install(on, "on")
    again.time.advance(4000)
    assert.strictEqual(again.peer.reported.power, 150)
    again.time.advance(3_600_000)
    assert.isBelow(Number(again.peer.reported.temp), 103)
    assert.lengthOf(
      again.peer.of("event").filter(({ name }) => name === "heater.overheat"),
      1
    )
  })

  it("keeps the fan it switched from what is only told again, until somebody desires otherwise", () => {
    const { install, peer, time } = heater()
    const refused = () => peer.of("desired-ack").at(-1)?.refused
    peer.desire(1, { fan: true })
    time.advance(100)
    install(once(writePin(17, 0), "off"), "off")
    time.advance(1000)
    assert.isFalse(peer.reported.fan)
    peer.desire(1, { fan: true })
    time.advance(100)
    assert.deepStrictEqual([refused(), peer.reported.fan], [{ "/fan": 16 }, false])
    peer.desire(2, { fan: false })
    time.advance(100)
    peer.desire(3, { fan: true })
    time.advance(100)
    assert.deepStrictEqual([refused(), peer.reported.fan], [undefined, true])
  })

  it("loses what it switched with the power", () => {
    const { install, peer, time, set, say } = heater()
    install(cooler, "cooler")
    set("cooler", "limit", 10)
    time.advance(1500)
    say((epoch) => ({ type: "program-ctl", epoch, op: 7, req: 900, program: "cooler" }))
    time.advance(5000)
    assert.isTrue(peer.reported.fan)
    peer.invoke("reboot", {})
    time.advance(3000)
    assert.lengthOf(peer.boots, 2)
    assert.isFalse(peer.reported.fan)
  })

  it("may only what its manifest lists, by kind of pin or by its name", () => {
    const refused = -1
    const granted = (caps: ReadonlyArray<string>, calls: string): unknown => {
      const { install, value } = heater()
      assert.strictEqual(install(once(calls, "p"), "p", { requires: { caps: ["value", "sleep", ...caps] } })?.state, 7)
      return value("p", "got")
    }
    assert.strictEqual(granted([], readPin(17)), refused)
    assert.strictEqual(granted([], writePin(17, 1)), refused)
    assert.strictEqual(granted(["sensor"], writePin(17, 1)), refused)
    assert.strictEqual(granted(["pin.fan"], writePin(17, 1)), 0)
    assert.strictEqual(granted(["pin.fan"], writePin(16, 1)), refused)
    assert.strictEqual(granted(["pin.fan"], readPin(32)), refused)
    assert.strictEqual(granted(["gpio"], writePin(16, 1)), 0)
    // What a half is to whoever takes it for a whole number.
    assert.isAbove(Number(granted(["sensor"], readPin(32))), 0x4000)
  })

  it("is not taken where its manifest asks for a pin that the board has not", () => {
    const { install } = heater()
    assert.deepStrictEqual(install(cooler, "cooler", { requires: { caps: ["pin.valve"] } }), { state: 0, code: 95 })
    const { install: onPlain } = boardOf(() => plainBody())
    assert.deepStrictEqual(onPlain(cooler, "cooler", { requires: { caps: ["pin.fan"] } }), { state: 0, code: 95 })
  })

  it("finds the bits of its header for hardware and files", () => {
    const text = ".entry main\n.text\nmain:\n    RET\n"
    const wants = assembled(text, "wants", capabilities.hal | capabilities.files)
    assert.strictEqual(heater().install(wants, "wants")?.state, 7)
    const bus = assembled(text, "bus", capabilities.can)
    assert.strictEqual(heater().install(bus, "bus")?.code, 95)
  })
})

describe("a program on another simulated board", () => {
  it("switches the lamp of the plain one", () => {
    const { install, peer } = boardOf(() => plainBody())
    install(once(writePin(0, 1), "lamp"), "lamp")
    assert.strictEqual(peer.reported.led, "on")
  })

  it("has the press make a stroke", () => {
    const { install, peer, time } = boardOf(() => pressBody({ id: "press-1", seed: 1 }))
    install(once(writePin(16, 1), "ram"), "ram")
    time.advance(600)
    assert.strictEqual(peer.reported.strokes, 1)
  })

  it("reads a room sensor", () => {
    const { install, value } = boardOf(() => sensorBody({ id: "sensor-1", seed: 1 }))
    const read = assembled(
      `.value {"group":1,"id":1,"name":"humidity","group_name":"room","init":0}
.entry main
.text
main:
    LDI R1, 33
    SVC HAL_GPIO_READ
    MOV R2, R0
    LDI R1, 0x101
    SVC VAL_SET
stay:
    LDI32 R0, 60000
    SVC EXEC_SLEEP_MS
    JMP stay
`,
      "room"
    )
    install(read, "room")
    assert.approximately(Number(value("room", "humidity")), 65, 5)
  })
})

describe("files of a program on a simulated board", () => {
  const path = '.data\npath:\n    .asciz "count"\nbuffer:\n    .zero 4\n'
  /** Counts its starts in a file. */
  const count = once(
    `    LDI32 R1, path
    LDI R2, 0
    SVC FS_OPEN
    MOV R8, R0
    MOV R1, R8
    LDI32 R2, buffer
    LDI R3, 1
    SVC FS_READ
    MOV R1, R8
    SVC FS_CLOSE
    LDI32 R2, buffer
    LDB R9, [R2+0]
    LDI R1, 1
    ADD R9, R9, R1
    STB [R2+0], R9
    LDI32 R1, path
    LDI R2, 0
    SVC FS_OPEN
    MOV R1, R0
    LDI32 R2, buffer
    LDI R3, 1
    SVC FS_WRITE
    MOV R0, R9`,
    "count",
    path
  )

  it("outlive its restarts and the board's boots", () => {
    const { install, value, peer, time, say } = heater()
    install(count, "count")
    assert.strictEqual(value("count", "got"), 1)
    say((epoch) => ({ type: "program-ctl", epoch, op: 6, req: 900, program: "count" }))
    assert.strictEqual(value("count", "got"), 2)
    peer.invoke("reboot", {})
    time.advance(3000)
    assert.strictEqual(value("count", "got"), 3)
  })

  it("are none where the manifest lists others", () => {
    const { install, value } = heater()
    install(count, "count", { requires: { caps: ["value", "sleep"] } })
    assert.strictEqual(value("count", "got"), 1)
    const files = simulatedFiles()
    heater({ files }).install(count, "count", { requires: { caps: ["value", "sleep"] } })
    assert.deepStrictEqual(files.of("count").list(""), [])
    heater({ files }).install(count, "count", { requires: { caps: ["value", "sleep", "file"] } })
    assert.deepStrictEqual(files.of("count").list(""), ["count"])
  })
})

describe("what programs leave behind", () => {
  const path = '.data\npath:\n    .asciz "left"\n'
  /** Keeps a value under its own key, and a file. */
  const keeping = (name: string, key: number): Uint8Array =>
    assembled(
      `.value {"group":1,"id":1,"name":"kept","group_name":"left","flags":"PERSIST","persist_key":${key},"init":0}
.entry main
.text
main:
    LDI R1, 0x101
    LDI32 R2, f16(7)
    SVC VAL_SET
    LDI32 R1, path
    LDI R2, 0
    SVC FS_OPEN
stay:
    LDI32 R0, 60000
    SVC EXEC_SLEEP_MS
    JMP stay
${path}`,
      name
    )

  const sweep = ({ peer, time }: ReturnType<typeof heater>) => {
    const id = peer.invoke("sweep", {})
    time.advance(100)
    return peer.of("result").find((result) => result.id === id)
  }

  it("is cleared away when somebody asks, and nothing of those that are there", () => {
    const files = simulatedFiles()
    const board = heater({ files })
    const { install, say, time, value } = board
    for (const [name, key] of [
      ["one", 11],
      ["two", 12],
      ["three", 13]
    ] as const)
      assert.strictEqual(install(keeping(name, key), name)?.state, 7)
    time.advance(500)
    assert.deepInclude(sweep(board), { code: 0, value: { values: 0, files: 0 } })
    say((epoch) => ({ type: "program-ctl", epoch, op: 7, req: 900, program: "one" }))
    say((epoch) => ({ type: "program-ctl", epoch, op: 2, req: 901, program: "two" }))
    assert.deepInclude(sweep(board), { code: 0, value: { values: 1, files: 1 } })
    assert.deepInclude(sweep(board), { code: 0, value: { values: 0, files: 0 } })
    assert.deepStrictEqual(
      ["one", "two", "three"].map((name) => files.of(name).list("")),
      [[], ["left"], ["left"]]
    )
    say((epoch) => ({ type: "program-ctl", epoch, op: 1, req: 902, program: "two" }))
    assert.deepStrictEqual([value("two", "kept"), value("three", "kept")], [7, 7])
    // What was cleared away is not found again: the start value, not what was kept.
    const looks = assembled(
      `.value {"group":1,"id":1,"name":"kept","group_name":"left","flags":"PERSIST","persist_key":11,"init":3}
.entry main
.text
main:
    LDI32 R0, 60000
    SVC EXEC_SLEEP_MS
    JMP main
`,
      "looks"
    )
    install(looks, "looks")
    assert.strictEqual(value("looks", "kept"), 3)
  })

  it("stays while an image is on trial, and on a board that never had a program there is none", () => {
    const board = heater()
    assert.deepInclude(sweep(board), { code: 0, value: { values: 0, files: 0 } })
    assert.strictEqual(board.install(keeping("one", 11), "one", {}, 1 | 2 | 4 | 8)?.state, 8)
    assert.deepInclude(sweep(board), { code: 16, detail: "trial" })
    board.time.advance(31_000)
    assert.deepInclude(sweep(board), { code: 0, value: { values: 0, files: 0 } })
  })
})
