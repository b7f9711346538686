import { assert, describe, it } from "@effect/vitest"
import { readBootConfig } from "../../../devices/nv/BootConfig.ts"
import { got, refusalOf } from "./Stores.ts"

describe("readBootConfig", () => {
  it("reads all that the file may say", () => {
    const text = `{ "version": 1, "sources": ["host", "sd", "can", "nv"], "merge": true, "can_listen_ms": 500,
      "confirm_timeout_s": 60, "max_boot_failures": 5, "comment": "nobody reads this",
      "entries": [ { "name": "motor", "source": "file", "path": "motor.hxe", "priority": 100, "autostart": false,
                     "required": true, "retries": 2, "fallback": "motor-old.hxe", "persist": true, "pid": 3 } ] }`
    assert.deepStrictEqual(got(readBootConfig(text)), {
      places: ["host", "sd", "can", "nv"],
      merge: true,
      listenMillis: 500,
      confirmSeconds: 60,
      bootFailuresMax: 5,
      entries: [
        {
          name: "motor",
          place: "host",
          carrier: "file",
          path: "motor.hxe",
          priority: 100,
          autostart: false,
          required: true,
          retries: 2,
          fallback: "motor-old.hxe",
          persist: true,
          pidHint: 3
        }
      ]
    })
  })

  it("leaves to the store what it does not say", () => {
    assert.deepStrictEqual(got(readBootConfig(`{"version":1}`)), {
      places: undefined,
      merge: false,
      listenMillis: 2000,
      confirmSeconds: undefined,
      bootFailuresMax: undefined,
      entries: []
    })
  })

  it("refuses as a whole what is wrong anywhere, and says where", () => {
    for (const [text, where] of [
      ["{", "JSON"],
      [`{"version":2}`, "version"],
      [`{"version":1,"sources":["floppy"]}`, "sources"],
      [`{"version":1,"max_boot_failures":0}`, "max_boot_failures"],
      [`{"version":1,"entries":[{"path":"a.hxe"}]}`, "name"],
      [`{"version":1,"entries":[{"name":"a","priority":256}]}`, "priority"],
      [`{"version":1,"entries":[{"name":"a"},{"name":"a"}]}`, "twice"]
    ] as const) {
      const refusal = refusalOf(readBootConfig(text))
      assert.match(refusal, /^74 boot_config: /, text)
      assert.include(refusal, where)
    }
  })
})
