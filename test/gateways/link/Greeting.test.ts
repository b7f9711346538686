import { assert, describe, it } from "@effect/vitest"
import { attachRequest, type LinkSide, welcomeOf } from "../../../src/gateways/link/Greeting.ts"
import type { Hello } from "../../../src/protocol/frame/LinkFrames.ts"

const hello: Hello = {
  type: "hello",
  seq: 0,
  min: 1,
  max: 1,
  id: "press-1",
  boot: 7,
  link: 1,
  up: 1000,
  profile: "generic",
  firmware: "1.0.0",
  caps: 0,
  rx: 1024
}

const side: LinkSide = {
  node: "a-1",
  connection: 3,
  ackMode: 0,
  terms: { heartbeatMillis: 10_000, leaseMillis: 25_000, frameBytesMax: 65_536, window: 16, framesPerSecond: 0 }
}

const attached = { owner: "a-1", epoch: 2, last: 5, desired: 9, sync: 1 }

describe("the zone in a greeting", () => {
  it("is handed on as the board's own word, and is nothing where it says none", () => {
    assert.strictEqual(attachRequest({ ...hello, zone: "hall.line-3" }, 0, side).zoneOfBoard, "hall.line-3")
    assert.notProperty(attachRequest(hello, 0, side), "zoneOfBoard")
  })

  it("is told to the board as it is in force", () => {
    assert.strictEqual(welcomeOf({ ...attached, zone: "hall" }, true, 0, side).zone, "hall")
    assert.notProperty(welcomeOf(attached, true, 0, side), "zone")
  })
})
