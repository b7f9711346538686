import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { type NvDevice, NvFault } from "../../../devices/nv/NvDevice.ts"
import { Bench, manifestOf, memories, sha256 } from "./Bench.ts"
import { imageOf, ScriptedRuntime } from "./ScriptedRuntime.ts"

const good = imageOf({ does: "run", mark: "good" })
const other = imageOf({ does: "run", mark: "other" })
const trapping = imageOf({ does: "trap", after: 100 })
const marked = (bench: Bench): string | undefined => bench.runtime.only.script.mark

/** A bench whose program `motor` has proved itself. */
const proven = () => {
  const bench = new Bench()
  bench.install(good)
  bench.advance(30_000)
  return bench
}

describe("an image on a board", () => {
  it("is verified, committed and started, and proves itself in half a minute", () => {
    const bench = new Bench()
    const xfer = bench.send(good, manifestOf(good, { version: "2.1.0" }))
    assert.deepInclude(bench.operate(1, { xfer }), { xfer, state: 3 })
    const committed = bench.operate(2, { xfer })
    assert.deepInclude(committed, { xfer, state: 8, sha256: sha256(good), generation: 2 })
    bench.advance(100)
    assert.deepInclude(bench.told().motor, {
      name: "motor",
      state: 4,
      kind: 1,
      sha256: sha256(good),
      version: "2.1.0",
      restarts: 0
    })
    bench.advance(29_800)
    assert.deepStrictEqual(bench.unasked(), [])
    bench.advance(200)
    assert.deepStrictEqual(
      bench.unasked().map((status) => [status.xfer, status.state, status.generation]),
      [[xfer, 9, 2]]
    )
  })

  it("is confirmed earlier by who has seen that it is healthy, also when he says it twice", () => {
    const bench = new Bench()
    const { xfer = 0 } = bench.install(good)
    assert.deepInclude(bench.operate(3), { xfer, state: 9 })
    assert.deepInclude(bench.operate(3), { xfer, state: 9 })
    bench.advance(60_000)
    assert.deepStrictEqual(bench.unasked(), [])
  })

  it("needs no proof where nobody asked to keep the old one", () => {
    const bench = new Bench()
    assert.strictEqual(bench.install(good, {}, { flags: 1 | 2 | 4 }).state, 7)
    assert.strictEqual(bench.operate(3).code, 16)
    bench.restart()
    bench.advance(100)
    assert.strictEqual(bench.told().motor?.state, 4)
    assert.deepInclude(bench.unasked()[0], { state: 9 })
  })

  it("waits, loaded, until somebody starts it where it is not to start by itself", () => {
    const bench = new Bench()
    bench.install(good, {}, { flags: 2 })
    bench.advance(100)
    assert.strictEqual(bench.told().motor?.state, 2)
    assert.strictEqual(bench.control(1), 0)
    bench.advance(100)
    assert.strictEqual(bench.told().motor?.state, 4)
  })

  it("runs again after a restart of the board, on the first attempt as on any later one", () => {
    const bench = proven()
    for (let boot = 0; boot < 5; boot++) {
      bench.restart()
      bench.advance(100)
      assert.deepInclude(bench.told().motor, { state: 4, sha256: sha256(good), version: "1.0.0" })
      assert.deepInclude(bench.unasked()[0], { xfer: 0, state: 9, sha256: sha256(good) })
    }
  })

  it("is gone after a restart where it was not to be kept", () => {
    const bench = proven()
    bench.install(other, {}, { flags: 1 | 4 })
    assert.strictEqual(marked(bench), "other")
    bench.restart()
    assert.strictEqual(marked(bench), "good")
  })

  it("leaves the board untouched when it is bad", () => {
    const bench = proven()
    const bad = new TextEncoder().encode("no program at all")
    assert.deepInclude(bench.install(bad), { state: 4, code: 74, detail: "bad_magic" })
    const torn = new TextEncoder().encode(`{${"\0".repeat(200)}`)
    const xfer = bench.send(torn, manifestOf(torn))
    assert.deepInclude(bench.of("image-ack").at(-1), { xfer, state: 4, code: 74 })
    assert.deepInclude(bench.unasked().at(-1), { xfer, state: 4, code: 74, detail: "a zero byte" })
    assert.deepInclude(bench.operate(2, { xfer }), { state: 4, code: 16 })
    bench.advance(60_000)
    assert.strictEqual(marked(bench), "good")
    assert.strictEqual(bench.told().motor?.state, 4)
    bench.restart()
    assert.strictEqual(marked(bench), "good")
  })

  it("gives its place back when it cannot be loaded", () => {
    const bench = proven()
    const refused = imageOf({ does: "refuse" })
    assert.deepInclude(bench.install(refused), { state: 4, code: 28, detail: "budget" })
    bench.advance(1000)
    assert.strictEqual(marked(bench), "good")
    assert.strictEqual(bench.told().motor?.state, 4)
    bench.restart()
    assert.strictEqual(marked(bench), "good")
    assert.deepInclude(bench.install(other), { state: 8 })
  })

  it("is refused where the memory does not take it, and the one before goes on", () => {
    let isWorn = false
    const { nvm, flash } = memories()
    const worn: NvDevice = {
      size: flash.size,
      eraseSize: flash.eraseSize,
      read: (offset, length) => flash.read(offset, length),
      erase: (offset, length) => flash.erase(offset, length),
      write: (offset, bytes) => {
        if (isWorn) throw new NvFault(offset)
        flash.write(offset, bytes)
      }
    }
    const bench = new Bench({ devices: { nvm, flash: worn } })
    bench.install(good, {}, { flags: 1 | 2 | 4 })
    isWorn = true
    assert.deepInclude(bench.install(other), { state: 4, code: 5 })
    assert.strictEqual(marked(bench), "good")
    isWorn = false
    bench.restart()
    assert.strictEqual(marked(bench), "good")
    assert.strictEqual(bench.install(other).state, 8)
  })

  it("is refused while its name is taken, unless it replaces or may run beside", () => {
    const bench = proven()
    const xfer = bench.send(other, manifestOf(other), { flags: 1 })
    assert.deepInclude(bench.of("image-ack").at(-1), { xfer, state: 0, code: 17 })
    bench.install(other, { start: { multiple: true } }, { flags: 1 })
    bench.install(other, {}, { flags: 1, instance: "pump" })
    bench.advance(100)
    assert.sameMembers(Object.keys(bench.told()), ["motor", "motor_#0", "pump"])
  })

  it("is refused before a byte of it is sent for its kind, size, signer or profile, and reserves nothing", () => {
    const bench = new Bench({ trust: { policy: "any", signers: [] } })
    const xfer = bench.send(good, manifestOf(good))
    assert.deepStrictEqual(bench.of("image-ack").at(-1), {
      type: "image-ack",
      seq: 0,
      xfer,
      next: 0,
      state: 0,
      code: 1
    })
    assert.deepInclude(bench.operate(6, { xfer }), { xfer, state: 0, code: 3 })
    assert.strictEqual(bench.host?.imageStates()[0]?.state, 0)
  })

  it("is not taken while another one proves itself", () => {
    const bench = new Bench()
    bench.install(good)
    const xfer = bench.send(other, manifestOf(other))
    assert.deepInclude(bench.of("image-ack").at(-1), { xfer, state: 0, code: 16 })
    assert.strictEqual(bench.control(7), 16)
  })

  it("is taken with no lower security version than the one that proved itself", () => {
    const bench = new Bench()
    bench.install(good, { secver: 5 })
    bench.operate(3)
    const xfer = bench.send(other, manifestOf(other, { secver: 4 }))
    assert.deepInclude(bench.of("image-ack").at(-1), { xfer, state: 0, code: 1 })
    bench.restart()
    bench.send(other, manifestOf(other, { secver: 4 }))
    assert.deepInclude(bench.of("image-ack").at(-1), { state: 0, code: 1 })
    assert.strictEqual(bench.install(other, { secver: 5 }).state, 8)
  })
})

describe("an image that does not prove itself", () => {
  it("is started three times and then left for the one before, and the board says so", () => {
    const bench = proven()
    const { xfer = 0 } = bench.install(trapping)
    bench.advance(10_000)
    assert.strictEqual(marked(bench), "good")
    assert.deepStrictEqual(bench.states(), [4, 4, 9, 4, 9, 4, 10, 4])
    assert.deepInclude(bench.unasked().at(-1), {
      xfer,
      state: 10,
      code: 220,
      detail: "illegal opcode",
      sha256: sha256(trapping)
    })
    assert.deepInclude(bench.told().motor, { state: 4, sha256: sha256(good) })
    bench.restart()
    assert.strictEqual(marked(bench), "good")
    assert.strictEqual(bench.install(other).state, 8)
  })

  it("is not taken for healthy while it waits for its next start", () => {
    const bench = proven()
    bench.install(trapping, { confirm: 900 })
    bench.advance(10_000)
    assert.strictEqual(bench.unasked().at(-1)?.state, 10)
    assert.strictEqual(marked(bench), "good")
  })

  it("leaves the board as it was when it is the first one", () => {
    const bench = new Bench()
    const { xfer = 0 } = bench.install(trapping)
    bench.advance(10_000)
    assert.deepInclude(bench.unasked().at(-1), { xfer, state: 10, code: 220 })
    assert.deepInclude(bench.told().motor, { state: 10, code: 220 })
    bench.restart()
    assert.strictEqual(bench.runtime.tasks.size, 0)
    assert.deepStrictEqual(bench.host?.programStatus().programs, [])
    assert.strictEqual(bench.install(good, {}, { flags: 3 }).state, 7)
  })

  it("is given up at the start of the board when it has taken the power away three times", () => {
    const bench = proven()
    bench.install(other)
    bench.restart()
    assert.strictEqual(marked(bench), "other")
    assert.deepInclude(bench.unasked()[0], { xfer: 0, state: 8, sha256: sha256(other) })
    bench.restart()
    assert.strictEqual(marked(bench), "other")
    bench.restart()
    assert.strictEqual(marked(bench), "good")
    assert.deepInclude(bench.unasked()[0], { xfer: 0, state: 10, code: 220, sha256: sha256(other) })
    bench.advance(60_000)
    assert.lengthOf(bench.unasked(), 1)
  })

  it("is left alone, and so are all others, when it failed too often and there is nothing whole to go back to", () => {
    const bench = proven()
    bench.install(trapping)
    // The proven image is worn away under it.
    bench.devices.flash.erase(0, 4096)
    bench.advance(10_000)
    assert.deepInclude(bench.unasked().at(-1), { state: 10, code: 220 })
    for (let boot = 0; boot < 2; boot++) {
      bench.restart()
      bench.advance(5000)
      assert.lengthOf([...bench.runtime.tasks], 0)
      assert.deepInclude(bench.told().motor, { state: 9, code: 1 })
    }
  })

  it("is given up when it does not even load any more", () => {
    let boots = 0
    const bench = new Bench({
      runtime: (time, events) => {
        const runtime = new ScriptedRuntime(time, events)
        const load = runtime.load.bind(runtime)
        const isLater = ++boots > 1
        runtime.load = (bytes, wanted) =>
          isLater && Buffer.from(bytes).includes("other")
            ? Result.fail({ code: 12, detail: "memory" })
            : load(bytes, wanted)
        return runtime
      }
    })
    bench.install(good)
    bench.operate(3)
    bench.install(other)
    bench.restart()
    bench.restart()
    bench.advance(10_000)
    assert.strictEqual(marked(bench), "good")
    assert.deepInclude(bench.unasked().at(-1), { state: 10, code: 12, sha256: sha256(other) })
  })

  it("proves itself after a restart in the middle of its trial", () => {
    const bench = proven()
    bench.install(other)
    bench.advance(20_000)
    bench.restart()
    bench.advance(31_000)
    assert.deepStrictEqual(
      bench.unasked().map(({ state }) => state),
      [8, 9]
    )
    for (let boot = 0; boot < 4; boot++) bench.restart()
    assert.strictEqual(marked(bench), "other")
  })

  it("is left when somebody wants the one before", () => {
    const bench = proven()
    const { xfer = 0 } = bench.install(other)
    assert.deepInclude(bench.operate(4), { xfer, state: 10 })
    bench.advance(60_000)
    assert.strictEqual(marked(bench), "good")
    assert.deepStrictEqual(
      bench.unasked().map(({ state }) => state),
      [9]
    )
    bench.restart()
    assert.strictEqual(marked(bench), "good")
  })

  it("goes back to a program in no store", () => {
    const bench = new Bench()
    bench.install(good, {}, { flags: 1 })
    bench.install(trapping, {}, { flags: 1 | 4 | 8 })
    bench.advance(10_000)
    assert.strictEqual(marked(bench), "good")
    assert.deepInclude(bench.told().motor, { state: 4, sha256: sha256(good) })
    assert.strictEqual(bench.unasked().at(-1)?.state, 10)
  })

  it("does not take another program down with it", () => {
    const bench = proven()
    bench.install(other, { name: "pump" })
    bench.operate(3)
    bench.install(trapping, { name: "fan" })
    bench.advance(10_000)
    assert.deepStrictEqual(
      ["motor", "pump", "fan"].map((name) => bench.told()[name]?.state),
      [4, 4, 10]
    )
    assert.deepStrictEqual(bench.states("pump"), [4])
  })

  it("is not blamed for another program's failure", () => {
    const bench = new Bench()
    bench.install(trapping, { name: "fan" }, { flags: 3 })
    bench.install(good)
    bench.advance(31_000)
    assert.strictEqual(bench.unasked().at(-1)?.state, 9)
    assert.strictEqual(bench.told().fan?.state, 9)
  })
})

describe("a program that has proved itself", () => {
  it("gives way to the one before it when somebody says so, also over a restart", () => {
    const bench = proven()
    bench.install(other)
    bench.operate(3)
    assert.deepInclude(bench.operate(4), { state: 10 })
    for (let boot = 0; boot < 5; boot++) {
      assert.strictEqual(marked(bench), "good")
      bench.restart()
    }
    assert.strictEqual(marked(bench), "good")
    bench.advance(100)
    assert.strictEqual(bench.told().motor?.state, 4)
  })

  it("stays where there is none before it", () => {
    const bench = proven()
    assert.deepInclude(bench.operate(4, { generation: 77 }), { code: 2 })
    assert.strictEqual(marked(bench), "good")
  })

  it("is taken off the board for good", () => {
    const bench = proven()
    assert.strictEqual(bench.control(7), 0)
    bench.advance(100)
    assert.strictEqual(bench.told().motor?.state, 0)
    assert.strictEqual(bench.control(1), 3)
    bench.restart()
    assert.strictEqual(bench.runtime.tasks.size, 0)
  })

  it("is told with all others after a restart, so that nobody waits in vain", () => {
    const bench = proven()
    bench.install(other, { name: "pump" })
    bench.operate(3)
    bench.install(other, { name: "fan" })
    bench.restart()
    assert.deepStrictEqual(
      bench.unasked().map(({ state }) => state),
      [9, 9, 8]
    )
  })

  it("stands in the list of slots", () => {
    const bench = proven()
    const slots = bench.operate(7).slots ?? []
    assert.lengthOf(slots, 12)
    assert.deepInclude(
      slots.find(({ state }) => state === 9),
      { sha256: sha256(good), version: "1.0.0", generation: 2 }
    )
  })
})
