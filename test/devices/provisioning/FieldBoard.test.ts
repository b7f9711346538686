import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { build } from "../../../devices/hxe/assembler/Build.ts"
import { HostAccess } from "../../../devices/hxe/executive/HostAccess.ts"
import { MemoryNvDevice } from "../../../devices/nv/MemoryNvDevice.ts"
import type { NvDevices } from "../../../devices/nv/NvDevice.ts"
import { hostShape } from "../../../devices/nv/NvMap.ts"
import { FieldBoard, type FieldBoardEvent, type FieldBoardParts } from "../../../devices/provisioning/FieldBoard.ts"
import { boardCaller } from "../../../devices/provisioning/LoaderCalls.ts"
import { loadFlags } from "../../../devices/provisioning/LoadPdu.ts"
import { source } from "../../../devices/provisioning/Source.ts"
import { startGroup } from "../../../devices/provisioning/transports/CanBroadcastListener.ts"
import { CanBroadcastMaster, type NodeOutcome } from "../../../devices/provisioning/transports/CanBroadcastMaster.ts"
import { canClient } from "../../../devices/provisioning/transports/CanUnicast.ts"
import { VirtualTime } from "../VirtualTime.ts"
import { FaultyBus } from "./transports/FaultyMedia.ts"

const examples = new URL("../../../examples/", import.meta.url)
const assembled = (file: string, name: string): Uint8Array =>
  Result.getOrThrow(
    build(
      [{ file, text: readFileSync(new URL(file, examples), "utf8") }],
      (path) => ({ file: path, text: readFileSync(new URL(path, examples), "utf8") }),
      { name, requiredCaps: 0 }
    )
  )

/** Runs on for ever. */
const sound = (name: string): Uint8Array => assembled("blink.mvasm", name)
/** Traps half a second after each start. */
const trapping = (name: string): Uint8Array => assembled("trap.mvasm", name)

let folder = ""
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "holon-board-"))
})
afterEach(() => rmSync(folder, { recursive: true }))

const put = (path: string, contents: Uint8Array | object): void => {
  mkdirSync(join(folder, path, ".."), { recursive: true })
  writeFileSync(join(folder, path), contents instanceof Uint8Array ? contents : JSON.stringify(contents))
}

const shown = (event: FieldBoardEvent): ReadonlyArray<string> => {
  switch (event.type) {
    case "provisioning.boot":
      // The instruction that trapped is the executive's to tell.
      return [`${event.data.entry} ${event.data.result.replace(/:[A-Z].*$/, "")} ${event.data.attempt}`]
    case "provisioning.alert":
      return [`alert ${event.data.reason}`]
    case "provisioning.rollback":
      return [`rollback ${event.data.from_generation} ${event.data.to_generation} ${event.data.reason}`]
    case "confirmed":
      return [`confirmed ${event.generation}`]
    case "card":
      return [`card ${event.isUsable} ${event.detail}`]
    default:
      return []
  }
}

/** Memories that last while boards are switched on and off, and what the board of the last start told of it. */
class Bench {
  readonly time = new VirtualTime()
  readonly devices: NvDevices = {
    nvm: new MemoryNvDevice(hostShape.nvm),
    flash: new MemoryNvDevice(hostShape.flash)
  }
  told: Array<string> = []
  /** Values that programs of the last start were given back. */
  restored = 0
  /** Generations that were kept. */
  readonly kept: Array<number> = []

  start(card?: string, more: Partial<FieldBoardParts> = {}): FieldBoard {
    this.told = []
    this.restored = 0
    const observe = (event: FieldBoardEvent): void => {
      this.told.push(...shown(event))
      if (event.type === "provisioning.restored") this.restored += event.data.restored
      if (event.type === "provisioning.persisted") this.kept.push(event.data.generation)
    }
    const parts = { node: 5, clock: this.time.clock(), devices: this.devices, folder, observe }
    return Result.getOrThrow(FieldBoard.start({ ...parts, ...(card === undefined ? {} : { card }), ...more }))
  }

  /** Switches the board on for so long. */
  on(millis: number, card?: string): ReadonlyArray<string> {
    const board = this.start(card)
    this.time.advance(millis)
    const names = live(board)
    board.stop()
    return names
  }

  keep(bytes: Uint8Array, autostart = true): void {
    const board = this.start()
    const request = { bytes, source: source.file("/a.hxe"), persist: true, autostart, replace: true }
    board.loader.load(request, boardCaller, (answer) => Result.getOrThrow(answer))
    board.stop()
  }
}

const live = (board: FieldBoard): ReadonlyArray<string> =>
  board.executive
    .tasks()
    .filter(({ end }) => end === undefined)
    .map(({ name, origin }) => `${name} ${origin.source}`)

/** A value that the first program of a board counts and keeps. */
const blinks = (board: FieldBoard): number =>
  new HostAccess(board.executive).valueOf(board.executive.tasks()[0]?.pid ?? 0, "blinks")?.value ?? Number.NaN

describe("a board without a link", () => {
  it("runs what its store keeps, and calls it proven when it has stayed well", () => {
    const bench = new Bench()
    bench.keep(sound("motor"))
    const board = bench.start()
    bench.time.advance(29_900)
    assert.deepStrictEqual([live(board), board.phase], [["motor nv:0@2"], "trial"])
    bench.time.advance(200)
    assert.deepStrictEqual(bench.told, ["motor OK 1", "confirmed 2"])
    assert.strictEqual(board.phase, "running")
    board.stop()
    assert.deepStrictEqual(bench.on(100), ["motor nv:0@2"])
    assert.deepStrictEqual(bench.told, ["motor OK 1"])
  })

  it("gives its programs the values back that they kept, and says so", () => {
    const bench = new Bench()
    bench.keep(sound("motor"))
    const board = bench.start()
    bench.time.advance(10_000)
    const counted = blinks(board)
    assert.isAbove(counted, 3)
    board.stop()
    const again = bench.start()
    bench.time.advance(300)
    assert.isAtLeast(blinks(again), counted)
    assert.strictEqual(bench.restored, 1)
    again.stop()
  })

  it("loses no more than the last moment of them when the power goes without a word", () => {
    const bench = new Bench()
    bench.keep(sound("motor"))
    const board = bench.start()
    bench.time.advance(10_000)
    const counted = blinks(board)
    const { flash, nvm } = bench.devices
    const left = { nvm: new MemoryNvDevice(hostShape.nvm), flash: new MemoryNvDevice(hostShape.flash) }
    left.nvm.write(0, nvm.read(0, nvm.size))
    left.flash.write(0, flash.read(0, flash.size))
    board.stop()
    const again = bench.start(undefined, { devices: left })
    bench.time.advance(300)
    assert.isAtLeast(blinks(again), counted - 1)
    assert.isAbove(counted, 3)
    again.stop()
  })

  it("starts at power on only what was to start", () => {
    const bench = new Bench()
    bench.keep(sound("motor"), false)
    const board = bench.start()
    bench.time.advance(1000)
    const [task] = board.executive.tasks()
    assert.deepStrictEqual([task?.name, task?.machine?.steps], ["motor", 0])
    board.stop()
  })

  it("goes back to the program before after three starts with one that traps, and says so", () => {
    const bench = new Bench()
    bench.keep(sound("motor"))
    bench.on(31_000)
    bench.keep(trapping("motor"))
    assert.deepStrictEqual(bench.on(10_000), ["motor nv:0@4"])
    assert.deepStrictEqual(bench.told, [
      "motor OK 1",
      "motor fault: division_by_zero 1",
      "motor OK 1",
      "motor fault: division_by_zero 1",
      "motor OK 1",
      "motor fault: division_by_zero 1",
      "alert boot_failure",
      "rollback 3 2 boot_failure",
      "motor OK 1"
    ])
  })

  it("counts a start that ended without word, as when the power went", () => {
    const bench = new Bench()
    bench.keep(sound("motor"))
    bench.on(31_000)
    bench.keep(trapping("motor"))
    for (const _ of [1, 2, 3]) bench.on(400)
    assert.deepStrictEqual(bench.on(1000), ["motor nv:0@4"])
    assert.deepStrictEqual(bench.told, [
      " unconfirmed: watchdog 3",
      "alert boot_failure",
      "rollback 3 2 boot_failure",
      "motor OK 1"
    ])
  })

  it("starts what boot.json names before what a card names before what it keeps", () => {
    const bench = new Bench()
    bench.keep(sound("kept"))
    put("card/hsx/manifest.json", { version: 1, image: [{ path: "pump.hxe", app_name: "pump" }] })
    put("card/hsx/pump.hxe", sound("pump"))
    put("boot.json", { version: 1, entries: [{ name: "motor", path: "images/motor.hxe" }] })
    put("images/motor.hxe", sound("motor"))
    const card = join(folder, "card")
    assert.deepStrictEqual(bench.on(1000, card), ["motor file:images/motor.hxe"])
    put("boot.json", { version: 1 })
    assert.deepStrictEqual(bench.on(1000, card), ["pump sd:/hsx/manifest.json#0:pump.hxe"])
    assert.deepStrictEqual(bench.on(1000), ["kept nv:0@2"])
    put("boot.json", { version: 1, merge: true, entries: [{ name: "motor", path: "images/motor.hxe", priority: 1 }] })
    assert.deepStrictEqual(bench.on(1000, card), [
      "motor file:images/motor.hxe",
      "pump sd:/hsx/manifest.json#0:pump.hxe",
      "kept nv:0@2"
    ])
  })

  describe("on a bus, while it starts,", () => {
    /** A board of a bus, and a master that sends images to boards that start. */
    const onBus = (bench: Bench, group = startGroup) => {
      const bus = new FaultyBus(bench.time, () => 0.5)
      const board = bench.start(undefined, { can: { bus: bus.join(), name: "can0" } })
      let xfer = 0
      const send = (image: Uint8Array, flags: number = loadFlags.autostart): ReadonlyArray<NodeOutcome> => {
        const ended: Array<ReadonlyArray<NodeOutcome>> = []
        xfer += 1
        new CanBroadcastMaster(bus.join(), bench.time.clock(), { image, xfer, group, flags }, (outcomes) =>
          ended.push(outcomes)
        )
        while (ended.length === 0) bench.time.step()
        return ended.flat()
      }
      return { bus, board, send }
    }

    it("runs what is announced there, and not what it keeps", () => {
      const bench = new Bench()
      bench.keep(sound("kept"))
      const { board, send } = onBus(bench)
      bench.time.advance(1500)
      assert.deepStrictEqual([board.phase, live(board)], ["listing", []])
      assert.deepStrictEqual(
        [send(sound("motor")), send(sound("pump"), 0)].flat().map(({ status }) => status),
        [0, 0]
      )
      const [motor, pump] = board.executive.tasks()
      assert.deepStrictEqual([motor?.isStarted, pump?.isStarted], [false, false])
      bench.time.advance(1000)
      assert.deepStrictEqual(live(board), ["motor CAN:5:can0", "pump CAN:5:can0"])
      assert.deepStrictEqual([motor?.isStarted, pump?.isStarted], [true, false])
      assert.deepStrictEqual([bench.told, bench.kept], [["motor OK 1", "pump OK 1"], [2]])
      board.stop()
      assert.deepStrictEqual(bench.on(1000), ["kept nv:0@2"])
    })

    it("runs what it keeps when nothing was announced in time, and leaves later lists to others", () => {
      const bench = new Bench()
      bench.keep(sound("kept"))
      put("boot.json", { version: 1, can_listen_ms: 700 })
      const { board, send } = onBus(bench)
      bench.time.advance(600)
      assert.deepStrictEqual(live(board), [])
      bench.time.advance(200)
      assert.deepStrictEqual(live(board), ["kept nv:0@2"])
      assert.deepStrictEqual(send(sound("motor")), [])
      assert.deepStrictEqual(live(board), ["kept nv:0@2"])
      board.stop()
    })

    it("asks the bus after boot.json and before what it keeps, and takes an image once however often it is announced", () => {
      const bench = new Bench()
      put("boot.json", { version: 1, merge: true, entries: [{ name: "motor", path: "images/motor.hxe" }] })
      put("images/motor.hxe", sound("motor"))
      bench.keep(sound("kept"))
      const { board, send } = onBus(bench)
      assert.strictEqual(send(sound("pump")).length, 1)
      assert.deepStrictEqual(send(sound("pump")), [])
      bench.time.advance(1000)
      assert.deepStrictEqual([...live(board)].sort(), ["kept nv:0@2", "motor file:images/motor.hxe", "pump CAN:5:can0"])
      board.stop()
    })

    it("goes on to what it keeps when an image that it refuses is announced without end", () => {
      const bench = new Bench()
      bench.keep(sound("kept"))
      const { board, send } = onBus(bench)
      const bad = sound("motor")
      bad[100] = (bad[100] ?? 0) ^ 1
      const answers = Array.from({ length: 8 }, () => send(bad).length)
      assert.deepStrictEqual(answers.slice(0, 3), [1, 1, 1])
      assert.deepStrictEqual([answers.at(-1), live(board)], [0, ["kept nv:0@2"]])
      board.stop()
    })

    it("goes on to what it keeps when other images that it refuses are announced without end", () => {
      const bench = new Bench()
      bench.keep(sound("kept"))
      const { board, send } = onBus(bench)
      const answers = Array.from({ length: 24 }, (_, index) => {
        const bad = sound(`motor-${index}`)
        bad[100] = (bad[100] ?? 0) ^ 1
        return send(bad).length
      })
      assert.deepStrictEqual([answers[15], answers.at(-1), live(board)], [1, 0, ["kept nv:0@2"]])
      board.stop()
    })

    it("goes on to what it keeps when the master falls silent, or the image is no good", () => {
      const bench = new Bench()
      bench.keep(sound("kept"))
      const { board, bus, send } = onBus(bench)
      const bad = sound("motor")
      bad[100] = (bad[100] ?? 0) ^ 1
      assert.deepStrictEqual(
        send(bad).map(({ status }) => status),
        [74]
      )
      const image = sound("motor")
      new CanBroadcastMaster(bus.join(), bench.time.clock(), { image, xfer: 99, group: startGroup, flags: 1 }, () => {})
      bench.time.advance(250)
      bus.isCut = true
      bench.time.advance(4000)
      assert.strictEqual(board.phase, "listing")
      bench.time.advance(3000)
      assert.deepStrictEqual(live(board), ["kept nv:0@2"])
      board.stop()
    })
  })

  it("reads what to start in TOML as well, and says in which line that is none", () => {
    const bench = new Bench()
    put("images/motor.hxe", sound("motor"))
    const toml = 'version = 1\n[[entries]]\nname = "motor"\npath = "images/motor.hxe"\n'
    writeFileSync(join(folder, "boot.toml"), toml)
    assert.deepStrictEqual(bench.on(1000), ["motor file:images/motor.hxe"])
    writeFileSync(join(folder, "boot.toml"), `${toml}autostart = perhaps\n`)
    const parts = { node: 5, clock: bench.time.clock(), devices: bench.devices, folder }
    const refused = Result.merge(FieldBoard.start(parts))
    assert.match("detail" in refused ? refused.detail : "", /^boot_config: line 5: ./)
    put("boot.json", { version: 1 })
    assert.deepStrictEqual(bench.on(1000), [])
  })

  it("tries again, then takes what stands in, and keeps it once where that is asked for", () => {
    const bench = new Bench()
    const entry = { name: "motor", path: "new.hxe", retries: 1, fallback: "old.hxe", persist: true }
    put("boot.json", { version: 1, entries: [entry] })
    put("new.hxe", sound("motor").subarray(0, 60))
    put("old.hxe", sound("motor"))
    for (const _ of [1, 2]) {
      assert.deepStrictEqual(bench.on(5000), ["motor file:old.hxe"])
      assert.strictEqual(bench.told.length, 3)
      assert.match(bench.told.join(), /^motor failed: .+ 1,motor failed: .+ 2,motor OK 3$/)
    }
    assert.deepStrictEqual(bench.kept, [2])
    rmSync(join(folder, "boot.json"))
    assert.deepStrictEqual(bench.on(31_000), ["motor nv:0@2"])
    assert.include(bench.told, "confirmed 2")
  })

  it("runs nothing without a program that is required, and still takes images over its bus", () => {
    const bench = new Bench()
    const entries = [
      { name: "pump", path: "pump.hxe", priority: 1 },
      { name: "motor", path: "motor.hxe", required: true }
    ]
    put("boot.json", { version: 1, entries })
    put("pump.hxe", sound("pump"))
    const bus = new FaultyBus(bench.time, () => 0.5)
    const board = bench.start(undefined, { can: { bus: bus.join(), name: "can0" } })
    bench.time.advance(1000)
    assert.deepStrictEqual([live(board), board.phase], [[], "safe"])
    assert.deepStrictEqual(bench.told, ["pump OK 1", "motor failed: file 1", "alert boot_failed"])
    const pids: Array<number> = []
    const { client } = canClient(bus.join(), bench.time.clock(), 5, { firstXfer: 7 })
    client.push(sound("motor"), { label: "motor", persist: true }, (pushed) => pids.push(Result.getOrThrow(pushed).pid))
    bench.time.advance(10_000)
    assert.deepStrictEqual([live(board).length, pids.length, bench.kept], [1, 1, [2]])
    board.stop()
  })

  it("lets an image that comes during a trial prove itself by the next start", () => {
    const bench = new Bench()
    bench.keep(sound("motor"))
    const board = bench.start()
    bench.time.advance(1000)
    const request = { bytes: sound("pump"), source: source.file("/b.hxe"), persist: true }
    board.loader.load(request, boardCaller, (answer) => Result.getOrThrow(answer))
    bench.time.advance(60_000)
    assert.deepStrictEqual([board.phase, bench.told], ["running", ["motor OK 1"]])
    board.stop()
    assert.strictEqual(bench.on(31_000).length, 2)
    assert.deepStrictEqual(bench.told, ["motor OK 1", "pump OK 1", "confirmed 3"])
  })

  it("says what is wrong with a card, and does not start with a wrong boot.json", () => {
    const bench = new Bench()
    bench.keep(sound("kept"))
    assert.deepStrictEqual(bench.on(3000, folder), ["kept nv:0@2"])
    assert.deepStrictEqual(bench.told, ["card false file", "kept OK 1"])
    put("boot.json", { version: 2 })
    const parts = { node: 5, clock: bench.time.clock(), devices: bench.devices, folder }
    const refused = Result.merge(FieldBoard.start(parts))
    assert.match("detail" in refused ? refused.detail : "", /^boot_config: /)
  })

  it("does not start, and touches nothing, where what lies in its memories cannot be read", () => {
    const devices = { nvm: new MemoryNvDevice(hostShape.nvm), flash: new MemoryNvDevice(hostShape.flash) }
    const start = () => FieldBoard.start({ node: 5, clock: new VirtualTime().clock(), devices })
    Result.getOrThrow(start()).stop()
    // Both superblocks stay; all manifests go.
    devices.nvm.write(0x200, new Uint8Array(0x3e00).fill(0))
    const before = devices.nvm.read(0, hostShape.nvm.size)
    assert.isTrue(Result.isFailure(start()))
    assert.deepStrictEqual(devices.nvm.read(0, hostShape.nvm.size), before)
  })
})
