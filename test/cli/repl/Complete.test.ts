import { assert, describe, it } from "@effect/vitest"
import { complete, type Known } from "../../../src/cli/repl/Complete.ts"
import { fieldsOf, payloadOf } from "../../../src/cli/repl/Payload.ts"
import type { MessageView } from "../../../src/gateways/http/Control.ts"
import { describeRegistry } from "../../../src/gateways/http/Describe.ts"
import { registry } from "../../../src/runtime/Registry.ts"

const kinds = describeRegistry(registry)

const known: Known = {
  kinds,
  ids: (kind, start) =>
    kind === "device" ? ["host", "heater-1", "heater-2"].filter((id) => id.startsWith(start)) : [],
  twinFields: (id) => (id === "host" ? ["led", "level", "interval"] : [])
}

const messageOf = (name: string, of = "device"): MessageView => {
  const found = kinds.find(({ kind }) => kind === of)?.messages.find((message) => message.name === name)
  if (found === undefined) throw new Error(`the ${of} has no message ${name}`)
  return found
}

describe("completion", () => {
  it("offers words and kinds at the start", () => {
    const [candidates, replaced] = complete("", known)
    assert.includeMembers([...candidates], ["help", "actors", "exit", "watch ", 'device("'])
    assert.strictEqual(replaced, "")
    assert.deepStrictEqual(complete("dev", known), [['device("'], "dev"])
    assert.deepStrictEqual(complete("watch dev", known), [['device("'], "dev"])
  })

  it("offers ids of the fleet", () => {
    assert.deepStrictEqual(complete('device("hea', known), [['heater-1").', 'heater-2").'], "hea"])
    assert.deepStrictEqual(complete('watch device("ho', known), [['host").'], "ho"])
  })

  it("offers messages that people may send", () => {
    assert.deepStrictEqual(complete('device("host").SetD', known), [["SetDesired("], "SetD"])
    assert.deepStrictEqual(complete('device("host").Att', known), [[], "Att"])
  })

  it("offers fields: those of the twin where a patch is written, else those of the message", () => {
    assert.deepStrictEqual(complete('device("host").SetDesired({ le', known), [["led: ", "level: "], "le"])
    assert.deepStrictEqual(complete('device("host").SetDesired({ led: "on", in', known), [["interval: "], "in"])
    assert.deepStrictEqual(complete('device("host").GetCommand({ ', known), [["id: "], ""])
  })

  it("offers nothing in the middle of what it does not know", () => {
    assert.deepStrictEqual(complete("what is this", known), [[], "what is this"])
    assert.deepStrictEqual(complete('nobody("x").Foo({ a', known), [[], "a"])
  })
})

describe("arguments in order", () => {
  it("become the fields of the message", () => {
    assert.deepStrictEqual(fieldsOf(messageOf("SetDesired")), ["patch", "expected", "claim"])
    const payload = payloadOf(messageOf("SetDesired"), [{ led: "on" }, 3])
    assert.deepInclude(payload, { success: { patch: { led: "on" }, expected: 3 } })
    assert.deepInclude(payloadOf(messageOf("GetTwin"), []), { success: {} })
  })

  it("are one map of named fields, but where the first field is a map itself", () => {
    const set = { id: "blinks", value: 7 }
    assert.deepInclude(payloadOf(messageOf("SetValue", "program"), [set]), { success: set })
    assert.deepInclude(payloadOf(messageOf("SetValue", "program"), ["blinks", 7]), { success: set })
    assert.deepInclude(payloadOf(messageOf("Control", "program"), [{ act: "stop" }]), { success: { act: "stop" } })
    assert.deepInclude(payloadOf(messageOf("SetDesired"), [{ expected: 1 }]), { success: { patch: { expected: 1 } } })
    assert.deepNestedInclude(payloadOf(messageOf("GetTwin"), [{}]), { "failure.path": "GetTwin" })
  })

  it("are refused when there are too many", () => {
    assert.deepNestedInclude(payloadOf(messageOf("GetTwin"), [1]), { "failure.path": "GetTwin" })
    assert.deepNestedInclude(payloadOf(messageOf("SetDesired"), [{}, 1, {}, 2]), {
      "failure.reason": "takes at most patch, expected, claim, 4 were given"
    })
  })
})
