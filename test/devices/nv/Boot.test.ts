import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { Boot, type BootEvent, type BootHost, type BootOptions } from "../../../devices/nv/Boot.ts"
import { type BootEntry, readBootConfig } from "../../../devices/nv/BootConfig.ts"
import type { BootSource } from "../../../devices/nv/BootSources.ts"
import type { NvStore } from "../../../devices/nv/NvStore.ts"
import { seeded } from "../../../devices/simulated/Seeded.ts"
import { type Board, prefix, Supply, scattered, untilCut, untouched } from "./PowerCut.ts"
import { emptyBoard, got, imageOf, mounted } from "./Stores.ts"

/** Programs that load unless they are told not to, and remember what was done to them. */
class Programs implements BootHost {
  readonly log: Array<string> = []
  readonly #store: NvStore | undefined
  /** What a load answers, by path or name; absent means that it works. */
  readonly answers = new Map<string, { code: number; detail: string } | "waiting">()
  /** Called while a program starts. */
  onStart: (name: string, pid: number) => void = () => {}
  #pid = 0
  readonly #names = new Map<number, string>()

  constructor(store?: NvStore) {
    this.#store = store
  }

  load(
    entry: BootEntry,
    path: string | undefined
  ): Result.Result<number, { code: number; detail: string }> | "waiting" {
    const answer = this.answers.get(path ?? entry.name)
    if (answer === "waiting") return "waiting"
    if (answer !== undefined) return Result.fail(answer)
    const image = entry.carrier === "nv" ? this.#store?.image(entry.name) : undefined
    if (image !== undefined && Result.isFailure(image)) return Result.fail(image.failure)
    this.#pid++
    this.#names.set(this.#pid, entry.name)
    this.log.push(`load ${path ?? entry.name}`)
    return Result.succeed(this.#pid)
  }

  start(pid: number): void {
    const name = this.#names.get(pid) ?? ""
    this.log.push(`start ${name}`)
    this.onStart(name, pid)
  }

  unload(pid: number): void {
    this.log.push(`unload ${this.#names.get(pid) ?? ""}`)
  }

  abandon(entry: BootEntry): void {
    this.log.push(`abandon ${entry.name}`)
  }
}

interface Rig {
  readonly boot: Boot
  readonly programs: Programs
  readonly events: Array<BootEvent>
  /** Time goes on, step by step as the boot wants it. */
  readonly until: (millis: number) => void
}

const rig = (options: Omit<BootOptions, "host" | "observe">, programs = new Programs(options.store)): Rig => {
  const events: Array<BootEvent> = []
  const boot = new Boot({ ...options, host: programs, observe: (event) => events.push(event) })
  return {
    boot,
    programs,
    events,
    until: (millis) => {
      for (let due = boot.nextDue(); due !== undefined && due <= millis; due = boot.nextDue()) boot.step(due)
    }
  }
}

const storeOn = (board: Board): NvStore => mounted(board.on(new Supply()))
const motor = (seed: number) => ({ name: "motor", required: true, image: { bytes: imageOf(seed) } })

/** A board with a proven motor of seed 1 and one of seed 2 on trial. */
const trialBoard = (): Board => {
  const board = emptyBoard()
  const store = storeOn(board)
  got(store.commit({ put: [motor(1)], settings: { confirmSeconds: 10, bootFailuresMax: 3 } }))
  got(store.confirm())
  got(store.commit({ put: [motor(2)] }))
  return board
}

const entry = (name: string, more: Partial<BootEntry> = {}): BootEntry => ({
  name,
  place: "sd",
  carrier: "sd",
  path: `${name}.hxe`,
  priority: 0,
  autostart: true,
  required: false,
  retries: 0,
  fallback: undefined,
  persist: false,
  pidHint: 0,
  ...more
})
const from = (place: "sd" | "can", list: ReturnType<BootSource["offer"]>): BootSource => ({ place, offer: () => list })
const broken = { code: 74, detail: "crc_mismatch" }
const types = (events: ReadonlyArray<BootEvent>): ReadonlyArray<string> =>
  events.map((event) =>
    event.type === "boot"
      ? `${event.entry} ${event.result} ${event.attempt}`
      : event.type === "alert"
        ? `alert ${event.reason}`
        : `confirmed ${event.generation}`
  )

describe("Boot", () => {
  it("loads by priority and then in the order of the list, and starts what asks for it once all is loaded", () => {
    const list = [
      entry("a"),
      entry("b", { priority: 5 }),
      entry("c", { autostart: false }),
      entry("d", { priority: 5 })
    ]
    const { boot, programs } = rig({ store: undefined, sources: [from("sd", list)] })
    boot.start(0)
    assert.deepStrictEqual(programs.log, [
      "load b.hxe",
      "load d.hxe",
      "load a.hxe",
      "load c.hxe",
      "start b",
      "start d",
      "start a"
    ])
    assert.strictEqual(boot.phase, "running")
    assert.strictEqual(boot.nextDue(), undefined)
  })

  it("takes the first list of host, SD card, CAN and store", () => {
    const store = storeOn(trialBoard())
    const config = got(readBootConfig(`{"version":1,"entries":[{"name":"hosted","path":"h.hxe"}]}`))
    const sources = [from("can", [entry("canned")]), from("sd", [entry("carded")])]
    const first = rig({ store, sources, config })
    first.boot.start(0)
    assert.deepStrictEqual(first.programs.log, ["load h.hxe", "start hosted"])
    const second = rig({ store, sources })
    second.boot.start(0)
    assert.deepStrictEqual(second.programs.log, ["load carded.hxe", "start carded"])
    const third = rig({ store, sources: [from("can", [entry("canned")]), from("sd", undefined)] })
    third.boot.start(0)
    assert.deepStrictEqual(third.programs.log, ["load canned.hxe", "start canned"])
    const last = rig({ store, sources: [from("can", undefined)] })
    last.boot.start(0)
    assert.deepStrictEqual(last.programs.log, ["load motor", "start motor"])
  })

  it("asks only the places that the store or the file enables", () => {
    const store = storeOn(emptyBoard())
    got(store.commit({ put: [motor(1)], settings: { sourceMask: 8 } }))
    const one = rig({ store, sources: [from("sd", [entry("carded")])] })
    one.boot.start(0)
    assert.deepStrictEqual(one.programs.log, ["load motor", "start motor"])
    const config = got(readBootConfig(`{"version":1,"sources":["sd"]}`))
    const other = rig({ store, config, sources: [from("sd", [entry("carded")])] })
    other.boot.start(0)
    assert.deepStrictEqual(other.programs.log, ["load carded.hxe", "start carded"])
  })

  it("merges lists by name, the earlier place first", () => {
    const store = storeOn(trialBoard())
    const config = got(readBootConfig(`{"version":1,"merge":true,"entries":[{"name":"motor","path":"m.hxe"}]}`))
    const { boot, programs } = rig({ store, config, sources: [from("sd", [entry("motor"), entry("lamp")])] })
    boot.start(0)
    assert.deepStrictEqual(programs.log, ["load m.hxe", "load lamp.hxe", "start motor", "start lamp"])
  })

  it("listens for a list for as long as the file says and no longer", () => {
    const config = got(readBootConfig(`{"version":1,"can_listen_ms":300}`))
    const { boot, programs, until } = rig({ store: storeOn(trialBoard()), config, sources: [from("can", "waiting")] })
    boot.start(0)
    until(299)
    assert.deepStrictEqual([boot.phase, programs.log], ["listing", []])
    until(300)
    assert.deepStrictEqual(programs.log, ["load motor", "start motor"])
  })

  it("tries again after 500 ms, 1 s and so on, then takes the fallback", () => {
    const { boot, programs, events, until } = rig({
      store: undefined,
      sources: [from("sd", [entry("motor", { retries: 2, fallback: "old.hxe", required: true })])]
    })
    programs.answers.set("motor.hxe", broken)
    boot.start(0)
    until(499)
    assert.deepStrictEqual(types(events), ["motor failed 1"])
    until(1499)
    assert.deepStrictEqual(types(events), ["motor failed 1", "motor failed 2"])
    until(1500)
    assert.deepStrictEqual(types(events).slice(2), ["motor failed 3", "motor loaded 4"])
    assert.deepStrictEqual(programs.log, ["load old.hxe", "start motor"])
  })

  it("starts without a program that is not required", () => {
    const { boot, programs, events } = rig({ store: undefined, sources: [from("sd", [entry("lamp"), entry("pump")])] })
    programs.answers.set("lamp.hxe", broken)
    boot.start(0)
    assert.deepStrictEqual(types(events), ["lamp failed 1", "pump loaded 1"])
    assert.strictEqual(boot.phase, "running")
  })

  it("stays without programs when a required one cannot be had", () => {
    const list = [entry("lamp"), entry("pump", { required: true })]
    const { boot, programs, events } = rig({ store: undefined, sources: [from("sd", list)] })
    programs.answers.set("pump.hxe", broken)
    boot.start(0)
    assert.deepStrictEqual(types(events), ["lamp loaded 1", "pump failed 1", "alert boot_failed"])
    assert.deepStrictEqual(programs.log, ["load lamp.hxe", "unload lamp"])
    assert.deepStrictEqual([boot.phase, boot.nextDue()], ["safe", undefined])
  })

  it("gives up a load that takes too long", () => {
    const { boot, programs, events, until } = rig({
      store: undefined,
      loadMillis: 1000,
      sources: [from("sd", [entry("slow"), entry("pump")])]
    })
    programs.answers.set("slow.hxe", "waiting")
    boot.start(0)
    until(999)
    assert.strictEqual(boot.phase, "loading")
    until(1000)
    assert.deepStrictEqual(types(events), ["slow failed 1", "pump loaded 1"])
    assert.deepStrictEqual(programs.log, ["abandon slow", "load pump.hxe", "start pump"])
  })
})

describe("Boot on trial", () => {
  it("confirms what has run long enough", () => {
    const store = storeOn(trialBoard())
    const { boot, events, until } = rig({ store })
    boot.start(0)
    assert.deepStrictEqual([boot.phase, boot.nextDue(), store.bootState.failCount], ["trial", 10_000, 1])
    until(9999)
    assert.isTrue(store.isOnTrial)
    until(10_000)
    assert.deepStrictEqual(types(events), ["motor loaded 1", "confirmed 3"])
    assert.deepStrictEqual([store.isOnTrial, store.bootState.failCount], [false, 0])
  })

  it("neither confirms nor takes back what was committed meanwhile: that was not started", () => {
    const store = storeOn(trialBoard())
    const { boot, events, until } = rig({ store })
    boot.start(0)
    got(store.commit({ put: [motor(3)] }))
    for (const pid of boot.pids) boot.programFailed(pid, "division_by_zero", 5000)
    until(20_000)
    assert.deepStrictEqual([boot.phase, types(events)], ["running", ["motor loaded 1"]])
    assert.deepStrictEqual([store.isOnTrial, store.bootState.failCount], [true, 0])
    boot.restart(21_000)
    until(40_000)
    assert.deepStrictEqual(types(events).slice(1), ["motor loaded 1", "confirmed 4"])
  })

  it("is confirmed before that by who asks for it", () => {
    const store = storeOn(trialBoard())
    const { boot } = rig({ store })
    boot.start(0)
    boot.confirm()
    assert.deepStrictEqual([boot.phase, boot.nextDue(), store.isOnTrial], ["running", undefined, false])
  })

  it("tries three times and goes back to the proven configuration", () => {
    const store = storeOn(trialBoard())
    const { boot, programs, events, until } = rig({ store })
    programs.onStart = (_, pid) => {
      if (store.isOnTrial) boot.programFailed(pid, "trap", 0)
    }
    boot.start(0)
    until(60_000)
    const attempt = ["motor loaded 1", "motor fault 1"]
    assert.deepStrictEqual(types(events), [...attempt, ...attempt, ...attempt, "alert boot_failure", "motor loaded 1"])
    assert.deepStrictEqual(got(store.image("motor")).bytes, imageOf(1))
    assert.deepStrictEqual([boot.phase, store.isOnTrial, store.bootState.lastReason], ["running", false, 1])
    assert.deepStrictEqual(store.bootState.rolledBackAt, store.bootState.bootCount)
  })

  it("goes back at the start when nobody heard from three attempts", () => {
    const board = trialBoard()
    for (let attempt = 0; attempt < 3; attempt++) rig({ store: storeOn(board) }).boot.start(0)
    const store = storeOn(board)
    const { boot, events } = rig({ store })
    boot.start(0)
    assert.deepStrictEqual(types(events), [" unconfirmed 3", "alert boot_failure", "motor loaded 1"])
    assert.deepStrictEqual(got(store.image("motor")).bytes, imageOf(1))
    assert.strictEqual(store.bootState.lastReason, 4)
  })

  it("does not count an end of a program that is not required, or after the confirmation", () => {
    const board = emptyBoard()
    const store = storeOn(board)
    got(store.commit({ put: [motor(1), { name: "lamp", image: { bytes: imageOf(3) } }] }))
    const { boot, until } = rig({ store })
    boot.start(0)
    boot.programFailed(boot.pids[1] ?? 0, "exit 1", 5)
    assert.strictEqual(boot.phase, "trial")
    until(30_000)
    boot.programFailed(boot.pids[0] ?? 0, "trap", 30_001)
    assert.deepStrictEqual([boot.phase, store.isOnTrial], ["running", false])
  })

  it("counts nothing when another place's list was taken", () => {
    const store = storeOn(trialBoard())
    const { boot } = rig({ store, sources: [from("sd", [entry("carded", { required: true })])] })
    boot.start(0)
    assert.deepStrictEqual([boot.phase, store.bootState.failCount, store.isOnTrial], ["running", 0, true])
  })

  it("stops trying when it went back and would have to again at once", () => {
    const board = trialBoard()
    const store = storeOn(board)
    const { boot, programs, events, until } = rig({ store })
    programs.onStart = (_, pid) => {
      if (store.isOnTrial) boot.programFailed(pid, "trap", 0)
    }
    boot.start(0)
    until(60_000)
    got(store.commit({ put: [motor(4)] }))
    boot.restart(60_000)
    until(120_000)
    assert.strictEqual(types(events).at(-1), "alert boot_loop")
    assert.deepStrictEqual([boot.phase, store.isOnTrial, boot.pids], ["safe", true, []])
    // Not even the next day.
    const later = rig({ store: storeOn(board) })
    later.boot.start(0)
    assert.deepStrictEqual([later.boot.phase, later.programs.log], ["safe", []])
    // Until somebody decides.
    const decided = storeOn(board)
    got(decided.rollback())
    const last = rig({ store: decided })
    last.boot.start(0)
    assert.strictEqual(last.boot.phase, "running")
  })

  it("alerts and stays without programs when there is nothing proven to go back to", () => {
    const board = trialBoard()
    const damaged = storeOn(board).previous?.entries[0]?.slot ?? 0
    // The image of the proven one has gone bad.
    board.flash.write(damaged * 512 + 100, new Uint8Array(64))
    const store = storeOn(board)
    const { boot, programs, events, until } = rig({ store })
    programs.answers.set("motor", broken)
    boot.start(0)
    until(60_000)
    assert.deepStrictEqual(types(events).slice(-2), ["alert boot_failure", "alert no_confirmed"])
    assert.deepStrictEqual([boot.phase, boot.nextDue()], ["safe", undefined])
  })
})

describe("a power cut at every write of a start", () => {
  /** A whole start in which the motor of seed 2 works or does not, with this power. */
  const run = (board: Board, supply: Supply, isGood: boolean): void => {
    const store = mounted(board.on(supply))
    const programs = new Programs(store)
    const { boot, until } = rig({ store }, programs)
    programs.onStart = (_, pid) => {
      if (!isGood && store.isOnTrial) boot.programFailed(pid, "trap", 0)
    }
    boot.start(0)
    until(60_000)
  }

  for (const isGood of [true, false]) {
    it(`ends with the ${isGood ? "new configuration confirmed" : "proven configuration"}`, () => {
      const random = seeded(5, "boot")
      const fresh = trialBoard()
      const supply = new Supply()
      run(fresh.copy(), supply, isGood)
      assert.isAtLeast(supply.writes.length, 3)
      for (let last = 0; last < supply.writes.length; last++) {
        for (const tear of [untouched, prefix(4), prefix(31), scattered(random), scattered(random)]) {
          const board = fresh.copy()
          assert.isFalse(untilCut(() => run(board, new Supply(last, tear), isGood)))
          const cut = storeOn(board)
          assert.include([1, 2], got(cut.image("motor")).bytes[1] === imageOf(2)[1] ? 2 : 1)
          for (let again = 0; again < 12 && storeOn(board).isOnTrial; again++) run(board, new Supply(), isGood)
          const store = storeOn(board)
          assert.isFalse(store.isOnTrial)
          assert.deepStrictEqual(got(store.image("motor")).bytes, imageOf(isGood ? 2 : 1))
          assert.deepStrictEqual([store.bootState.pending, store.bootState.failCount], [0, 0])
        }
      }
    })
  }

  it("needs no more starts than were promised when its power goes in each of them", () => {
    const board = trialBoard()
    let starts = 0
    while (storeOn(board).isOnTrial && starts < 20) {
      starts++
      // After the attempt was counted and before the confirmation.
      const store = mounted(board.on(new Supply()))
      rig({ store }).boot.start(0)
    }
    assert.strictEqual(starts, 4)
    assert.deepStrictEqual(got(storeOn(board).image("motor")).bytes, imageOf(1))
  })

  it("settles though its power comes and goes", () => {
    for (let seed = 0; seed < 200; seed++) {
      const random = seeded(seed, "flicker")
      const board = trialBoard()
      for (let life = 0; life < 6; life++) {
        untilCut(() => run(board, new Supply(Math.floor(random() * 12), scattered(random)), false))
      }
      for (let again = 0; again < 5 && storeOn(board).isOnTrial; again++) run(board, new Supply(), false)
      assert.deepStrictEqual(got(storeOn(board).image("motor")).bytes, imageOf(1))
    }
  })
})
