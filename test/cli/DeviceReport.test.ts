import { assert, describe, it } from "@effect/vitest"
import { deviceReport, type ShownDevice } from "../../src/cli/DeviceReport.ts"
import { codes } from "../../src/protocol/Codes.ts"
import { CommandId } from "../../src/protocol/Device.ts"

const now = 1_800_000_000_000
const second = 1000
const connection = { state: "online", since: now - 600 * second, reason: "attach", lastSeen: now - 3 * second } as const
const reported = { boot: 7, seq: 1, at: now - 4 * second, estimated: false, v: 1 }
const desired = (v: number) => ({ v, at: now - 90 * second, by: "ada" })
const id = CommandId.make("01890a5d-ac96-774b-bcce-b302099a8057")

const press: ShownDevice = {
  id: "press-1",
  status: {
    connection,
    epoch: 3,
    boot: 7,
    link: 2,
    profile: "press",
    firmware: "1.4.0",
    version: 9,
    desiredVersion: 8,
    applied: 6,
    commands: 1,
    load: 0.25
  },
  twin: {
    desired: { speed: 5, mode: "fast", lamp: { on: true }, gone: 1 },
    reported: { speed: 4, lamp: { on: true }, "a/b": 1 },
    version: 9,
    desiredVersion: 8,
    applied: 6,
    refused: { "/mode": codes.EINVAL },
    connection,
    meta: {
      desired: { "/speed": desired(8), "/mode": desired(6), "/lamp/on": desired(5), "/gone": desired(5) },
      reported: { "/speed": reported, "/lamp/on": { ...reported, estimated: true }, "/a~1b": reported }
    }
  },
  commands: [
    { id, name: "press", state: "accepted", acceptedAt: now - 5 * second, expiresAt: now, progress: 0.5, note: "down" },
    { id, name: "old", state: "done", acceptedAt: now, expiresAt: now, code: 0 }
  ],
  programs: [{ device: "press-1", name: "blink", state: "running", version: "1.0.0", sha256: "ab".repeat(32) }]
}

const lines = (shown: ShownDevice) => deviceReport(shown, now).split("\n")

describe("a device for people", () => {
  it("says in which zone it is and who says so, where somebody does", () => {
    const moved = (zoneBy: "people" | "rule" | "board") =>
      lines({ ...press, status: { ...press.status, zone: "hall.line-3", zoneBy } })[1]
    assert.deepStrictEqual(
      [moved("people"), moved("rule"), moved("board")],
      [
        "firmware 1.4.0, profile press, zone hall.line-3 (people say so), load 25 %",
        "firmware 1.4.0, profile press, zone hall.line-3 (a rule of the config), load 25 %",
        "firmware 1.4.0, profile press, zone hall.line-3 (its board says so), load 25 %"
      ]
    )
  })

  it("says whether its board is there, what it is, and what it reports, with ages", () => {
    assert.deepStrictEqual(lines(press).slice(0, 7), [
      "press-1: online for 10 min, heard 3 s ago, boot 7, link 2",
      "firmware 1.4.0, profile press, load 25 %",
      "",
      "REPORTED  VALUE  AGE",
      "speed     4      4 s",
      "lamp.on   true   4 s, about",
      "a/b       1      4 s"
    ])
  })

  it("says of each desired field whether the board has it, refuses it, or has not applied it", () => {
    assert.deepStrictEqual(lines(press).slice(8, 13), [
      "DESIRED  VALUE  STATE                                 SET",
      "speed    5      not applied yet                       90 s ago by ada",
      "mode     fast   refused: An argument is wrong         90 s ago by ada",
      "lamp.on  true   applied                               90 s ago by ada",
      "gone     1      taken, but the board reports nothing  90 s ago by ada"
    ])
  })

  it("lists commands under way, and programs", () => {
    assert.deepStrictEqual(lines(press).slice(14), [
      "COMMAND  STATE     AGE  PROGRESS   ID",
      `press    accepted  5 s  50 % down  ${id}`,
      "",
      "PROGRAM  STATE    VERSION  IMAGE         RESTARTS  DETAIL",
      "blink    running  1.0.0    abababababab         0"
    ])
  })

  it("lists what failed, as sentences", () => {
    const failing = [
      { program: "blink", since: now - 60 * second, state: "failed", detail: "division_by_zero:DIV" }
    ] as const
    const failedImages = [{ sha256: "cd".repeat(32), at: now - 30 * second, code: codes.Trap }]
    const text = deviceReport({ ...press, status: { ...press.status, failing, failedImages } }, now)
    assert.match(text, /^blink +failed +60 s ago +its DIV divided by zero; .*\(division_by_zero:DIV\)$/m)
    assert.match(text, /^cdcdcdcdcdcd +30 s ago +\S/m)
  })

  it("leaves out what there is not", () => {
    const { twin, status } = press
    const never = { ...connection, state: "never", lastSeen: 0 } as const
    const empty = { ...twin, desired: {}, reported: {}, meta: { desired: {}, reported: {} } }
    const shown = {
      ...press,
      twin: empty,
      commands: [],
      programs: [],
      status: { ...status, connection: never, firmware: "", profile: "" }
    }
    assert.deepStrictEqual(lines({ ...shown, status: { ...shown.status, load: 0 } }), [
      "press-1: its board has not been here yet",
      "load 0 %",
      "",
      "nothing reported yet"
    ])
  })
})
