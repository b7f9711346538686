import { assert, describe, it } from "@effect/vitest"
import { applyFields, numberField, wordField } from "../../../devices/agent/Fields.ts"
import type { TwinPatch } from "../../../src/protocol/TwinValue.ts"
import { Rig } from "./ScriptedPeer.ts"

const rigOfFields = () => {
  const applied: Array<TwinPatch> = []
  const rig = new Rig({
    apply: (delta) => {
      applied.push(delta)
      return applyFields(delta, { led: wordField(["on", "off"], () => {}), target: numberField(0, 60, () => {}) })
    }
  })
  return { rig, applied }
}

const desired = (rig: Rig, version: number, state: TwinPatch, more?: boolean) =>
  rig.line.say({
    type: "desired",
    epoch: rig.agent.epoch,
    version,
    state,
    ...(more === undefined ? {} : { more })
  })

describe("desired values", () => {
  it("are applied and reported before they are acknowledged", () => {
    const { rig } = rigOfFields()
    const line = rig.up()
    desired(rig, 13, { led: "on", target: 60 })
    assert.deepStrictEqual(line.frames.slice(1), [
      { type: "report", seq: 1, at: 0, state: { led: "on", target: 60 } },
      { type: "desired-ack", seq: 2, version: 13 }
    ])
  })

  it("are reported before they are acknowledged, whatever waits", () => {
    const { rig } = rigOfFields()
    rig.up({ window: 1 })
    rig.voice.event("occupies.window")
    rig.voice.report({ led: "off", other: 1 })
    desired(rig, 13, { led: "on" })
    rig.voice.report({ fan: 1 })
    desired(rig, 14, { target: 20 })
    const line = rig.again({ last: 1, window: 8 })
    const frames = line.frames.slice(1)
    assert.deepStrictEqual(
      frames.map(({ type }) => type),
      ["report", "desired-ack"]
    )
    const [report, ack] = frames
    assert.deepStrictEqual(report?.type === "report" && report.state, { led: "on", other: 1, fan: 1, target: 20 })
    assert.strictEqual(ack?.type === "desired-ack" && ack.version, 14)
  })

  it("are refused field by field", () => {
    const { rig } = rigOfFields()
    const line = rig.up()
    desired(rig, 14, { led: "blue", target: 20, fan: 1 })
    assert.deepStrictEqual(line.of("desired-ack"), [
      { type: "desired-ack", seq: 2, version: 14, refused: { "/led": 34, "/fan": 2 } }
    ])
    assert.deepStrictEqual(line.of("report")[0]?.state, { target: 20 })
  })

  it("of a lower version are acknowledged and not applied", () => {
    const { rig, applied } = rigOfFields()
    const line = rig.up()
    desired(rig, 14, { led: "on" })
    desired(rig, 13, { led: "off" })
    assert.lengthOf(applied, 1)
    assert.deepStrictEqual(
      line.of("desired-ack").map(({ version }) => version),
      [14, 13]
    )
  })

  it("of an equal version are applied again, and keep what was refused of it", () => {
    const { rig, applied } = rigOfFields()
    const line = rig.up({ window: 8 })
    desired(rig, 14, { led: "blue", target: 20 })
    desired(rig, 14, { target: 20 })
    assert.lengthOf(applied, 2)
    assert.deepStrictEqual(
      line.of("desired-ack").map(({ refused }) => refused),
      [{ "/led": 34 }, { "/led": 34 }]
    )
    desired(rig, 14, { led: "on" })
    assert.isUndefined(line.of("desired-ack").at(-1)?.refused)
  })

  it("in parts are acknowledged once, with what all parts refused", () => {
    const { rig } = rigOfFields()
    const line = rig.up()
    desired(rig, 14, { led: "blue" }, true)
    assert.lengthOf(line.of("desired-ack"), 0)
    desired(rig, 14, { fan: 1 })
    assert.deepStrictEqual(
      line.of("desired-ack").map(({ refused }) => refused),
      [{ "/led": 34, "/fan": 2 }]
    )
  })

  it("leave their version in the next hello", () => {
    const { rig } = rigOfFields()
    rig.up()
    desired(rig, 13, { led: "on" })
    desired(rig, 14, { led: "off" }, true)
    assert.strictEqual(rig.again().of("hello")[0]?.desired, 13)
  })

  it("that break the application are refused, and the bug is reported", () => {
    const rig = new Rig({
      apply: () => {
        throw new Error("relay burnt")
      }
    })
    const line = rig.up()
    desired(rig, 3, { led: "on", "a/b": 1 })
    assert.deepStrictEqual(line.of("desired-ack")[0]?.refused, { "/led": 240, "/a~1b": 240 })
    assert.deepStrictEqual(rig.reports, ["desired values could not be applied"])
    assert.strictEqual(rig.agent.state, "up")
  })

  it("of a named document are refused by a board that has none", () => {
    const { rig, applied } = rigOfFields()
    const line = rig.up()
    line.say({ type: "desired", epoch: 5, version: 2, state: { led: "on" }, doc: "config" })
    assert.lengthOf(applied, 0)
    assert.deepStrictEqual(line.of("error"), [{ type: "error", seq: 0, code: 95, frameType: 9, field: [4] }])
  })
})
