import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { Device } from "../../../../src/protocol/Device.ts"
import { capabilityNames } from "../../../../src/protocol/intent/Capabilities.ts"
import type { Intent } from "../../../../src/protocol/intent/Intent.ts"
import { Plan } from "../../../../src/protocol/intent/Plan.ts"
import { Program } from "../../../../src/protocol/Program.ts"
import { Rollout } from "../../../../src/protocol/Rollout.ts"
import { Session } from "../../../../src/protocol/Session.ts"
import { Vsm } from "../../../../src/protocol/vsm/Vsm.ts"
import { askingOf, hall, programOf, rolloutOf, type Stored, vsmOf } from "./StoredFleet.ts"

const sha256 = "a".repeat(64)
const fleet: Stored = {
  devices: hall,
  images: [{ name: "blink", version: "1.2.0", sha256 }],
  programs: new Map([["heater-1:blink", programOf("heater-1", "blink", ["gain"])]]),
  rollouts: new Map([["r-1", rolloutOf(sha256)]]),
  vsms: new Map([
    ["root", vsmOf("root")],
    ["line-1", vsmOf("line-1", "root")]
  ])
}

type Order = Pick<Intent, "args" | "capability" | "targets">
const on = (...ids: ReadonlyArray<string>) => ({ of: ids.map((id) => ({ id })), except: [] })
const planned = (order: Order, stored = fleet) => Effect.flatMap(askingOf(stored), ({ plan }) => plan(order))
const refused = (order: Order, stored = fleet) => Effect.flip(planned(order, stored))
const stepsOf = (order: Order, stored = fleet) =>
  Effect.map(planned(order, stored), (plan) => {
    if (plan._tag !== "Acts") return assert.fail("an answer")
    return plan.steps.map(({ id, kind, message, payload }) => [`${kind}/${id} ${message}`, payload] as const)
  })

/** One order or question for each capability, and how it is done or answered. */
const each: ReadonlyArray<readonly [Order, string | RegExp]> = [
  [{ capability: "device.output.switch@1", targets: on("heater-1"), args: { output: "on", on: false } }, "SetDesired"],
  [{ capability: "device.field.set@1", targets: on("heater-1"), args: { field: "target", value: 65 } }, "SetDesired"],
  [{ capability: "device.field.change@1", targets: on("heater-1"), args: { field: "target", by: 5 } }, "SetDesired"],
  [
    { capability: "device.field.read@1", targets: on("heater-1"), args: { field: "temp" } },
    /^temp of heater-1 is 21 °C$/
  ],
  [{ capability: "device.state.read@1", targets: on("heater-1"), args: {} }, /^heater-1 is online, heard \d+ \w+ ago$/],
  [{ capability: "device.list.read@1", targets: { of: [{}], except: [] }, args: {} }, /^7 devices: 7 online$/],
  [{ capability: "device.command.invoke@1", targets: on("press-1"), args: { command: "press" } }, "Invoke"],
  [{ capability: "device.zone.set@1", targets: on("heater-1"), args: { zone: "yard" } }, "SetZone"],
  [{ capability: "device.board.retire@1", targets: on("heater-1"), args: {} }, "Retire"],
  [{ capability: "device.program.list@1", targets: on("heater-1"), args: {} }, /^no programs on heater-1$/],
  [
    { capability: "program.run.control@1", targets: on("heater-1"), args: { program: "blink", act: "stop" } },
    "Control"
  ],
  [
    { capability: "program.state.read@1", targets: on("heater-1"), args: { program: "blink" } },
    /^blink on heater-1 is running$/
  ],
  [
    { capability: "program.value.set@1", targets: on("heater-1"), args: { program: "blink", name: "gain", value: 2 } },
    "SetValue"
  ],
  [
    { capability: "program.value.read@1", targets: on("heater-1"), args: { program: "blink", name: "gain" } },
    "ReadValues"
  ],
  [
    { capability: "program.image.install@1", targets: on("heater-1"), args: { image: "blink", version: "1.2.0" } },
    "Provision"
  ],
  [{ capability: "rollout.run.start@1", targets: on("heater-1"), args: { image: "blink", version: "1.2.0" } }, "Start"],
  [{ capability: "rollout.run.control@1", args: { rollout: "r-1", act: "approve" } }, "Approve"],
  [
    { capability: "rollout.state.read@1", args: { rollout: "r-1" } },
    /^rollout r-1 is running: wave 1 of 2, 1 of 4 boards good$/
  ],
  [{ capability: "rollout.list.read@1", args: {} }, /^1 rollout is under way$/],
  [{ capability: "vsm.child.spawn@1", args: { child: "line-2", parent: "root", "budget.spawn": 3 } }, "Spawn"],
  [{ capability: "vsm.unit.adopt@1", targets: on("heater-1"), args: { vsm: "line-1" } }, "Adopt"],
  [{ capability: "vsm.self.retire@1", args: { vsm: "line-1" } }, "Retire"],
  [{ capability: "vsm.self.quarantine@1", args: { vsm: "line-1", reason: "late" } }, "Quarantine"],
  [{ capability: "vsm.self.release@1", args: { vsm: "line-1" } }, "Release"],
  [
    { capability: "vsm.state.read@1", args: { vsm: "line-1" } },
    /^line-1 is active, below root, 1 step deep: 0 children, 0 devices$/
  ],
  [{ capability: "vsm.tree.read@1", args: {} }, /^2 VSMs: root, line-1$/],
  [{ capability: "vsm.unit.list@1", args: { vsm: "root" } }, /^root has 1 child, 7 devices$/]
]

const contracts = { device: Device, program: Program, session: Session, rollout: Rollout, vsm: Vsm }
const isKind = (kind: string): kind is keyof typeof contracts => Object.hasOwn(contracts, kind)

describe("what an intent is in messages", () => {
  it("is known for every capability", () =>
    assert.deepStrictEqual(each.map(([{ capability }]) => capability).toSorted(), capabilityNames.toSorted()))

  for (const [order, meant] of each)
    it.effect(`${order.capability} is ${typeof meant === "string" ? meant : "answered"}`, () =>
      Effect.gen(function* () {
        const plan = yield* planned(order)
        assert.isTrue(Schema.is(Plan)(plan))
        if (plan._tag === "Answer") return assert.match(plan.sentence, meant instanceof RegExp ? meant : /^$/)
        assert.deepStrictEqual(
          plan.steps.map(({ message }) => message),
          [meant]
        )
        for (const { kind, message, payload } of plan.steps) {
          // Each fits the contract of the actor that gets it.
          const { messages } = contracts[isKind(kind) ? kind : "vsm"]
          const schema = Object.entries(messages).find(([name]) => name === message)?.[1].payload
          yield* Schema.decodeUnknownEffect(schema ?? Schema.Never)(payload, { onExcessProperty: "error" })
        }
      })
    )

  it.effect("turns a lamp that is told by a word on by that word", () =>
    Effect.gen(function* () {
      const order = {
        capability: "device.output.switch@1",
        targets: on("board-1"),
        args: { output: "led", on: true }
      } as const
      assert.deepStrictEqual(yield* stepsOf(order), [["device/board-1 SetDesired", { patch: { led: "on" } }]])
    })
  )

  it.effect("changes a field from what it is desired to be, and only while nobody else has changed it", () =>
    Effect.gen(function* () {
      const [heater] = hall
      if (heater === undefined) return assert.fail("no heater")
      const stored = { devices: [{ ...heater, desired: { target: 60 } }] }
      const raise = (by: number) =>
        ({ capability: "device.field.change@1", targets: on("heater-1"), args: { field: "target", by } }) as const
      const [step] = yield* stepsOf(raise(5), stored)
      assert.deepStrictEqual(step, ["device/heater-1 SetDesired", { patch: { target: 65 }, expected: 2 }])
      assert.deepInclude(yield* refused(raise(50), stored), {
        _tag: "Malformed",
        reason: "it can be 0 to 100 °C, not 110 °C"
      })
    })
  )

  it.effect("leaves alone what has retired or gone since, and fails only where nothing else is left", () =>
    Effect.gen(function* () {
      const [first, second, ...rest] = hall
      if (first === undefined || second === undefined) return assert.fail("no heaters")
      const stored = { devices: [first, { ...second, state: "retired" as const }, ...rest] }
      const off = (...ids: ReadonlyArray<string>) =>
        ({ capability: "device.output.switch@1", targets: on(...ids), args: { output: "on", on: false } }) as const
      const plan = yield* planned(off("heater-1", "heater-2", "heater-9"), stored)
      if (plan._tag !== "Acts") return assert.fail("an answer")
      assert.deepStrictEqual(
        plan.steps.map(({ unit }) => unit),
        ["heater-1"]
      )
      assert.deepStrictEqual(
        plan.spared.map(({ unit, refusal }) => [unit, refusal._tag]),
        [
          ["heater-2", "InvalidTransition"],
          ["heater-9", "NotFound"]
        ]
      )
      assert.strictEqual((yield* refused(off("heater-2"), stored)).message, "heater-2 is retired")
      assert.strictEqual((yield* refused(off("heater-9"), stored))._tag, "NotFound")
    })
  )

  it.effect("names the devices that the exceptions leave out", () =>
    Effect.gen(function* () {
      const targets = {
        of: [{ kind: "sim-heater", zone: "hall.line-2" }],
        except: [{ id: "heater-4" }, { id: "press-1" }]
      }
      const plan = yield* planned({ capability: "device.output.switch@1", targets, args: { output: "on", on: false } })
      assert.deepInclude(plan, { title: "turn off heater-3", excepted: ["heater-4", "press-1"] })
    })
  )

  it.effect("gives a rollout the rules that were said, and the usual ones for all else", () =>
    Effect.gen(function* () {
      const args = { image: "blink", version: "1.2.0", waveSize: 3, errorShare: 0.1 }
      const [step] = yield* stepsOf({
        capability: "rollout.run.start@1",
        targets: { of: [{ zone: "hall" }], except: [] },
        args
      })
      const { devices, rules } = Schema.decodeUnknownSync(
        Schema.Struct({ devices: Schema.Array(Schema.String), rules: Schema.Record(Schema.String, Schema.Unknown) })
      )(step?.[1])
      assert.lengthOf(devices, 6)
      assert.deepInclude(rules, { waveSize: 3, errorShare: 0.1, successShare: 0.9, canary: 1, rollsBack: true })
    })
  )

  const wrong: ReadonlyArray<readonly [what: string, order: Order, tag: string]> = [
    [
      "a field that nobody has",
      { capability: "device.output.switch@1", targets: on("heater-1"), args: { output: "lamp", on: true } },
      "UnknownCapability"
    ],
    [
      "a field that is only reported",
      { capability: "device.field.set@1", targets: on("heater-1"), args: { field: "temp", value: 3 } },
      "UnknownCapability"
    ],
    [
      "a value of another type",
      { capability: "device.field.set@1", targets: on("press-1"), args: { field: "mode", value: 3 } },
      "Malformed"
    ],
    [
      "a word that a field cannot be",
      { capability: "device.field.set@1", targets: on("press-1"), args: { field: "mode", value: "fast" } },
      "Malformed"
    ],
    [
      "a command that the board does not have",
      { capability: "device.command.invoke@1", targets: on("heater-1"), args: { command: "press" } },
      "UnknownCapability"
    ],
    [
      "arguments that are missing",
      { capability: "device.output.switch@1", targets: on("heater-1"), args: {} },
      "Malformed"
    ],
    [
      "arguments too many",
      { capability: "device.board.retire@1", targets: on("heater-1"), args: { sure: true } },
      "Malformed"
    ],
    ["no devices at all", { capability: "device.board.retire@1", args: {} }, "NotFound"],
    [
      "a program that is not there",
      { capability: "program.run.control@1", targets: on("heater-2"), args: { program: "blink", act: "stop" } },
      "NotFound"
    ],
    [
      "an act that is none",
      { capability: "program.run.control@1", targets: on("heater-1"), args: { program: "blink", act: "dance" } },
      "Malformed"
    ],
    [
      "an image that is not there",
      { capability: "program.image.install@1", targets: on("heater-1"), args: { image: "blink", version: "9" } },
      "NotFound"
    ],
    ["a rollout that is not there", { capability: "rollout.state.read@1", args: { rollout: "r-9" } }, "NotFound"],
    ["a VSM that is not there", { capability: "vsm.state.read@1", args: { vsm: "nowhere" } }, "NotFound"],
    [
      "a zone that is none",
      { capability: "device.zone.set@1", targets: on("heater-1"), args: { zone: "Not A Zone" } },
      "Malformed"
    ],
    [
      "a budget below nothing",
      { capability: "vsm.child.spawn@1", args: { child: "x", parent: "root", "budget.spawn": -1 } },
      "Malformed"
    ]
  ]
  for (const [what, order, tag] of wrong)
    it.effect(`refuses ${what} with ${tag}`, () =>
      Effect.map(refused(order), ({ _tag }) => assert.strictEqual(_tag, tag))
    )

  it.effect("refuses an order for more devices than it can look at, and a question about them", () =>
    Effect.gen(function* () {
      const devices = Array.from({ length: 2561 }, (_, at) => ({ id: `h-${at}`, profile: "sim-heater" }))
      const all = { of: [{}], except: [] }
      const orders: ReadonlyArray<Order> = [
        { capability: "device.output.switch@1", targets: all, args: { output: "on", on: false } },
        { capability: "device.state.read@1", targets: all, args: {} }
      ]
      for (const order of orders)
        assert.deepInclude(yield* refused(order, { devices }), { _tag: "TooLarge", limit: 2560, actual: 2561 })
    })
  )

  it.effect("refuses a name that stands for two images", () =>
    Effect.gen(function* () {
      const two = {
        ...fleet,
        images: [...(fleet.images ?? []), { name: "blink", version: "1.2.0", sha256: "b".repeat(64) }]
      }
      const order = {
        capability: "program.image.install@1",
        targets: on("heater-1"),
        args: { image: "blink", version: "1.2.0" }
      } as const
      assert.match((yield* refused(order, two)).message, /2 images are called blink@1\.2\.0/)
    })
  )

  it.effect("answers about many with what they have, and says of whom it is only the last word", () =>
    Effect.gen(function* () {
      const [first, second] = hall
      if (first === undefined || second === undefined) return assert.fail("no heaters")
      const stored = { devices: [first, { ...second, state: "silent" as const }] }
      const temps = (...ids: ReadonlyArray<string>) =>
        ({ capability: "device.field.read@1", targets: on(...ids), args: { field: "temp" } }) as const
      assert.deepStrictEqual(yield* planned(temps("heater-1", "heater-2"), stored), {
        _tag: "Answer",
        sentence: "temp of 2 heaters: 21 to 22 °C",
        data: {
          rows: [
            { device: "heater-1", temp: 21, unit: "°C" },
            { device: "heater-2", temp: 22, unit: "°C", state: "silent" }
          ]
        }
      })
      assert.deepInclude(yield* planned(temps("heater-2"), stored), {
        sentence: "temp of heater-2 is 22 °C, as it was last told; it is silent"
      })
    })
  )

  it.effect("finds that there is nothing of the sort, which is an answer", () =>
    Effect.gen(function* () {
      const none = { of: [{ state: "offline" as const }], except: [] }
      assert.deepInclude(yield* planned({ capability: "device.list.read@1", targets: none, args: {} }), {
        sentence: "0 devices"
      })
      assert.deepInclude(yield* planned({ capability: "rollout.list.read@1", args: {} }, { devices: [] }), {
        sentence: "no rollout is under way"
      })
    })
  )
})
