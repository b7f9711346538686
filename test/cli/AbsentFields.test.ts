import { assert, describe, it } from "@effect/vitest"
import { absence, absentFields } from "../../src/cli/AbsentFields.ts"
import type { HolonEvent } from "../../src/protocol/Event.ts"

const event = (type: string, data: unknown): HolonEvent =>
  ({ type, severity: "info", source: { actor: "device", id: "press-1" }, data }) as HolonEvent
const seen = [event("command.ended", { code: 0, args: { speed: 3 } }), event("board.telemetry", { temp: 20 })]

describe("a condition that fits no event", () => {
  it("has the fields named that no event has, bare ones as they were written", () => {
    assert.deepStrictEqual(absentFields('cod == 1 and code == 2 and args.sped > 1 and source.id == "x"', seen), [
      "cod",
      "args.sped"
    ])
    assert.deepStrictEqual(absentFields("unit == 'press-1' or reported.temp > 90 or args.speed > 9", seen), ["unit"])
  })

  it("is told of in a line, and only where a field is missing", () => {
    assert.isUndefined(absence("code > 9", seen, false))
    assert.isUndefined(absence("cod > 9", [], false))
    assert.strictEqual(
      absence("cod > 9 or tmp > 1", seen, true),
      "no event matches: none of 2 events has a field cod or tmp"
    )
    assert.strictEqual(
      absence("reported.hum > 9", seen.slice(0, 1), false),
      "no event matches: the one event there is does not have a field reported.hum; what boards measure is looked at with --samples"
    )
  })
})
