import { assert, describe, it } from "@effect/vitest"
import { urlOf } from "../../../devices/agent/Elsewhere.ts"

describe("the address a board is sent to", () => {
  const cases: ReadonlyArray<readonly [own: string, server: string | undefined, dialled: string]> = [
    ["mqtt://a:1883", undefined, "mqtt://a:1883"],
    ["mqtt://a:1883", "mqtt://b:1884", "mqtt://b:1884"],
    ["mqtt://a:1883", "mqtts://b:8883", "mqtts://b:8883"],
    // As MQTT 5 names servers.
    ["mqtt://a:1883", "b.example:1884 c.example", "mqtt://b.example:1884"],
    ["mqtts://a:8883", "[fd00::1]:8884", "mqtts://[fd00::1]:8884"],
    ["ws://a:7700/attach", "ws://b:7701", "ws://b:7701/attach"],
    ["ws://a:7700/attach", "ws://b:7701/boards", "ws://b:7701/boards"]
  ]
  it("is taken for the same kind of link", () => {
    for (const [own, server, dialled] of cases) assert.strictEqual(urlOf(own, server), dialled)
  })

  it("is left alone when it is none, of another kind, or would show the token in the clear", () => {
    for (const server of ["", "   ", "://", "http://b", "ws://b", "mqtt://", "mqtt://b:99999", "b:99999"])
      assert.strictEqual(urlOf("mqtt://a:1883", server), "mqtt://a:1883", server)
    assert.strictEqual(urlOf("ws://a/attach", "not a url"), "ws://a/attach")
    assert.strictEqual(urlOf("mqtts://a:8883", "mqtt://b:1883"), "mqtts://a:8883")
    assert.strictEqual(urlOf("wss://a/attach", "ws://b/attach"), "wss://a/attach")
  })
})
