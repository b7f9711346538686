import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { Unavailable } from "../../../../src/protocol/Errors.ts"
import { capabilities } from "../../../../src/protocol/intent/Capabilities.ts"
import { intentLine } from "../../../../src/protocol/intent/Choose.ts"
import type { Intent, Unclear } from "../../../../src/protocol/intent/Intent.ts"
import { fieldsFreshMillis, freshMin } from "../../../../src/systems/operations/asking/LiveWords.ts"
import { corpusLines } from "../../../protocol/intent/Corpora.ts"
import { askingOf, hall, programOf, type Stored, vsmOf } from "./StoredFleet.ts"

const lineOf = (found: Intent | Unclear): string => (found._tag === "Intent" ? intentLine(found) : `? ${found.reason}`)

describe("asking a live fleet", () => {
  it.effect("reads by the devices, fields and commands that are stored", () =>
    Effect.gen(function* () {
      const { read } = yield* askingOf({ devices: hall })
      const said = (text: string) => Effect.map(read(text), lineOf)
      assert.strictEqual(
        yield* said("turn off the heaters of line 2 except press-1"),
        "device.output.switch@1 kind:sim-heater&zone:hall.line-2 - press-1 on=false output=on"
      )
      assert.strictEqual(
        yield* said("turn on the lamp of board-1"),
        "device.output.switch@1 board-1 on=true output=led"
      )
      assert.strictEqual(yield* said("what is the temperature of heater-1"), "device.field.read@1 heater-1 field=temp")
      assert.strictEqual(yield* said("press press-1"), "device.command.invoke@1 press-1 command=press")
      assert.strictEqual(yield* said("turn off heater-9"), "? unknown")
    })
  )

  it.effect("looks again once its words are old, and makes them anew only when something has changed", () =>
    Effect.gen(function* () {
      const reads = new Map<string, number>()
      const stored: Stored = { devices: hall, reads }
      const { read } = yield* askingOf(stored)
      yield* read("list the devices")
      yield* read("list the devices")
      assert.strictEqual(reads.get("mark"), 1)
      yield* TestClock.adjust(freshMin)
      yield* read("list the devices")
      assert.deepStrictEqual([reads.get("mark"), reads.get("devices"), reads.get("twins")], [2, 1, 1])
      stored.devices = [...hall, { id: "heater-9", profile: "sim-heater" }]
      yield* TestClock.adjust(freshMin)
      assert.strictEqual(lineOf(yield* read("ping heater-9")), "device.command.invoke@1 heater-9 command=ping")
      assert.deepStrictEqual([reads.get("devices"), reads.get("twins")], [2, 1])
      yield* TestClock.adjust(fieldsFreshMillis)
      yield* read("list the devices")
      assert.strictEqual(reads.get("twins"), 2)
    })
  )

  it.effect("looks for new fields and programs where a sentence has a word that nobody knows", () =>
    Effect.gen(function* () {
      const reads = new Map<string, number>()
      const stored: Stored = { devices: hall, reads }
      const { read } = yield* askingOf(stored)
      yield* read("list the devices")
      stored.programs = new Map([["heater-1:blink", programOf("heater-1", "blink", ["gain"])]])
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(
        lineOf(yield* read("set the gain of blink on heater-1 to 2")),
        "program.value.set@1 heater-1 name=gain program=blink value=2"
      )
      const before = reads.get("programs")
      for (let time = 0; time < 10; time++) yield* read("colourless green ideas")
      assert.strictEqual(reads.get("programs"), before)
    })
  )

  it.effect("looks once for all who ask at the same time", () =>
    Effect.gen(function* () {
      const reads = new Map<string, number>()
      const { read } = yield* askingOf({ devices: hall, reads })
      yield* Effect.all(
        Array.from({ length: 20 }, () => read("list the devices")),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual([reads.get("mark"), reads.get("devices")], [1, 1])
    })
  )

  it.effect("is unavailable while the store is away, and understands again when it is back", () =>
    Effect.gen(function* () {
      const stored: Stored = { devices: hall, isAway: true }
      const { plan, read } = yield* askingOf(stored)
      assert.instanceOf(yield* Effect.flip(read("ping heater-1")), Unavailable)
      const order = {
        capability: "device.command.invoke@1",
        targets: { of: [{}], except: [] },
        args: { command: "ping" }
      } as const
      assert.instanceOf(yield* Effect.flip(plan(order)), Unavailable)
      stored.isAway = false
      assert.strictEqual(lineOf(yield* read("ping heater-1")), "device.command.invoke@1 heater-1 command=ping")
    })
  )

  it.effect("speaks to whoever is confined to zones of nothing in others", () =>
    Effect.gen(function* () {
      const { plan, read } = yield* askingOf({ devices: hall })
      const scope = ["hall.line-1"]
      assert.strictEqual(lineOf(yield* read("turn off heater-3", scope)), "? unknown")
      assert.strictEqual(lineOf(yield* read("turn off heater-3")), "device.output.switch@1 heater-3 on=false output=on")
      const all = {
        capability: "device.list.read@1",
        targets: { of: [{}], except: [] },
        args: { count: true }
      } as const
      assert.deepInclude(yield* plan(all, scope), { sentence: "2 devices" })
      const named = { of: [{ id: "heater-3" }], except: [] }
      const order = { capability: "device.output.switch@1", targets: named, args: { output: "on", on: false } } as const
      assert.deepInclude(yield* Effect.flip(plan(order, scope)), { _tag: "NotFound", what: "device heater-3" })
    })
  )

  it.effect("means what it was taught, and nothing that the words cannot mean", () =>
    Effect.gen(function* () {
      const { learn, read } = yield* askingOf({ devices: hall })
      const unclear = yield* read("turn off the heater")
      if (unclear._tag === "Intent") return assert.fail("one of four heaters is meant")
      const [, second] = unclear.readings
      const other = yield* read("retire heater-1")
      if (second === undefined || other._tag !== "Intent") return assert.fail("no readings")
      assert.isFalse(yield* learn("turn off the heater", other))
      assert.isTrue(yield* learn("turn off the heater", second))
      assert.strictEqual(
        lineOf(yield* read("turn off the heater")),
        "device.output.switch@1 heater-2 on=false output=on"
      )
    })
  )
})

describe("devices with words of the grammar for names", () => {
  const names = [
    "off",
    "all",
    "except",
    "and",
    "then",
    "the",
    "heater",
    "turn-off-heater-1",
    "and-retire-press-1",
    "not"
  ]
  const devices = [...hall, ...names.map((id) => ({ id, profile: "sim-heater", reported: { on: true } }))]

  it.effect("change nothing about what orders to others mean", () =>
    Effect.gen(function* () {
      const { read } = yield* askingOf({ devices })
      const said = (text: string) => Effect.map(read(text), lineOf)
      assert.strictEqual(yield* said("turn off heater-1"), "device.output.switch@1 heater-1 on=false output=on")
      assert.strictEqual(
        yield* said("ping press-1 and press-2"),
        "device.command.invoke@1 press-1 + press-2 command=ping"
      )
      assert.strictEqual(
        yield* said("turn off turn-off-heater-1"),
        "device.output.switch@1 turn-off-heater-1 on=false output=on"
      )
      // Nobody can tell the word from the name: then nothing is done.
      assert.match(yield* said("turn off all"), /^\?|all on=false/)
      assert.match(yield* said("do not turn off heater-1"), /^\?/)
    })
  )

  it.effect("do none of the traps", () =>
    Effect.gen(function* () {
      const vsms = new Map(["line-1", "line-2"].map((id) => [id, vsmOf(id, "root")]))
      const { read } = yield* askingOf({ devices, vsms })
      const acted: Array<string> = []
      for (const trap of corpusLines("traps.txt")) if ((yield* read(trap))._tag === "Intent") acted.push(trap)
      assert.deepStrictEqual(acted, [])
    })
  )

  it.effect("carry no order into sentences that quote them", () =>
    Effect.gen(function* () {
      const { read } = yield* askingOf({ devices })
      const texts = names.flatMap((id) => [
        `"${id}" turn off heater-1`,
        `the board "${id}" says retire press-1`,
        `show "${id}; retire press-1"`,
        `ping ${id}; retire press-1`,
        `what is the temperature of ${id}\nretire press-1`
      ])
      for (const text of texts) {
        const found = yield* read(text)
        const isOrder = found._tag === "Intent" && capabilities[found.capability].effect === "actuates"
        assert.isFalse(isOrder, `${text}: ${lineOf(found)}`)
      }
    })
  )
})
