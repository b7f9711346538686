import { assert, describe, it } from "@effect/vitest"
import { lineOf } from "../../src/cli/EventLine.ts"
import type { PlacedEventView } from "../../src/gateways/http/EventQueries.ts"

const placed = (data: unknown): PlacedEventView =>
  ({
    event: {
      at: 0,
      severity: "error",
      type: "provisioning.rollback",
      source: { actor: "session", id: "s-1" },
      data,
      unit: "press-1"
    }
  }) as PlacedEventView

describe("the line of an event", () => {
  it("says a board once, leaves out what is not there, and keeps the reason that stands last", () => {
    const reason = "its DIV at 0x10 divided by zero"
    assert.strictEqual(
      lineOf(
        placed({
          device: "press-1",
          phase: "rollback",
          source: "image:cd36fd80f04c",
          app_name: "trap",
          to: null,
          reason
        })
      ),
      `1970-01-01 00:00:00.000  error  session/s-1  provisioning.rollback  phase=rollback source=image:cd36fd80f04c app_name=trap reason=${reason} press-1`
    )
  })

  it("says another board than the one it is about", () => {
    assert.include(lineOf(placed({ device: "press-2" })), "device=press-2 press-1")
  })

  it("says of a match first which pattern, of whom and with what", () => {
    const match = {
      signal: "fire",
      id: "54164e62c4ef9eec26c299e70e1e28bc494346b706761703e93e6ee166b7c00d",
      pattern: "hot",
      version: 2,
      by: { "source.id": "oven-1" },
      kind: "enter",
      at: 0,
      windowEnd: 0,
      events: ["01a2007b-218d-7000-b968-6dceb7cc243b"],
      values: { value: 60.5 },
      isWarm: true,
      depth: 1
    }
    assert.include(
      lineOf(placed(match)),
      "  signal=fire pattern=hot version=2 kind=enter source.id=oven-1 value=60.5 id=54164e62… press-1"
    )
    assert.include(lineOf(placed({ ...match, isWarm: false })), " value=60.5 isWarm=false id=54164e62…")
  })
})
