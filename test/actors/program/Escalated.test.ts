import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { device } from "../../../src/actors/device/Device.ts"
import { program } from "../../../src/actors/program/Program.ts"
import { vsm } from "../../../src/actors/vsm/Vsm.ts"
import { runtimeAsker } from "../../../src/protocol/Asker.ts"
import { codes } from "../../../src/protocol/Codes.ts"
import { DeviceStatus } from "../../../src/protocol/Device.ts"
import { decodeJournalBody } from "../../../src/protocol/JournalBody.ts"
import { encodeStored } from "../../../src/protocol/Stored.ts"
import { ActorRig } from "../../support/ActorRig.ts"
import { hello } from "../device/Bench.ts"

const board = { kind: "device", id: "press-1" }
const motor = { kind: "program", id: "press-1:motor" }
const running = { name: "motor", state: "running", restarts: 0 }
const failed = { ...running, state: "failed", code: codes.Trap }

/** A board that is there, with a program that runs. */
const begun = (): ActorRig => {
  const rig = new ActorRig([program, device, vsm])
  rig.ask(board, "Attach", hello, { asker: { kind: "device", id: "press-1", role: "board" } })
  report(rig, running)
  return rig
}
const report = (rig: ActorRig, told: object): void => {
  rig.ask(motor, "Reported", { report: told, at: rig.now }, { asker: runtimeAsker })
}
/** The node dies with all it held in memory; another one has its shard. */
const kill = (rig: ActorRig): void => {
  rig.residency.stop()
  rig.start("node-2")
}
const said = (rig: ActorRig): ReadonlyArray<string> =>
  rig.journal.flatMap(({ body }) =>
    decodeJournalBody(body).flatMap(({ type }) => (type.startsWith("device.program") ? [type] : []))
  )
const failing = (rig: ActorRig): ReadonlyArray<string> => {
  const reply = rig.ask(board, "GetStatus", {})
  const status = Schema.decodeUnknownSync(DeviceStatus)(reply._tag === "Success" ? reply.value : undefined)
  return (status.failing ?? []).map((one) => one.program)
}

describe("a program that keeps failing", () => {
  it("reaches the device once, though the node dies before it is told, while it is, and after", () => {
    const rig = begun()
    report(rig, failed)
    kill(rig)
    rig.canPost = false
    rig.advance(10_000)
    assert.deepStrictEqual(said(rig), [])
    kill(rig)
    rig.canPost = true
    rig.advance(10_000)
    assert.deepStrictEqual([failing(rig), said(rig)], [["motor"], ["device.programs-failing"]])
    kill(rig)
    report(rig, { ...failed, pid: 2 })
    rig.advance(300_000)
    assert.deepStrictEqual([failing(rig), said(rig)], [["motor"], ["device.programs-failing"]])
    report(rig, running)
    rig.advance(5000)
    assert.deepStrictEqual([failing(rig), said(rig)], [[], ["device.programs-failing", "device.program-recovered"]])
  })

  it("and whose actor is quarantined reaches the device, too", () => {
    const rig = begun()
    rig.residency.dropAll()
    const row = rig.rows.get("program/press-1:motor")
    if (row !== undefined) row.head = encodeStored([{ report: "no report" }, 1])
    rig.residency.wake([motor])
    rig.advance(20_000)
    assert.deepStrictEqual(said(rig), ["device.programs-quarantined"])
  })
})
