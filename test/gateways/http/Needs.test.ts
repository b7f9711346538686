import { assert, describe, it } from "@effect/vitest"
import { Context } from "effect"
import { apiOf } from "../../../src/gateways/http/Api.ts"
import { Control } from "../../../src/gateways/http/Control.ts"
import { Needs } from "../../../src/gateways/http/Needs.ts"
import { registry } from "../../../src/runtime/Registry.ts"
import { rightsOf } from "../../../src/runtime/Rights.ts"

/** Operations of `/rpc` that only carry a message, whose own right is asked for, or only describe the release. */
const carried = new Map([
  ["Describe", "nothing"],
  ["Send", "message"],
  ["Watch", "message"],
  ["Look", "message"]
])

describe("what somebody may ask of a node", () => {
  it("is named by every operation of /rpc", () => {
    const needs = [...Control.requests].map(
      ([name, { annotations }]) => [name, Context.getOrUndefined(annotations, Needs)] as const
    )
    assert.isAbove(needs.length, 10)
    for (const [name, need] of needs) {
      if (carried.has(name)) assert.strictEqual(need, carried.get(name), name)
      else assert.include(rightsOf(registry), need, name)
    }
  })

  it("is named by every route of the HTTP API but those of health, which everybody may read", () => {
    const groups = Object.values(apiOf(registry).whole.groups)
    const endpoints = groups
      .filter(({ identifier }) => identifier !== "health")
      .flatMap((group) => Object.values(group.endpoints).map((endpoint) => ({ group: group.identifier, endpoint })))
    assert.isAbove(endpoints.length, 30)
    for (const { group, endpoint } of endpoints) {
      const need = Context.getOrUndefined(endpoint.annotations, Needs)
      if (registry.has(group)) assert.strictEqual(need, "message", endpoint.identifier)
      else assert.include(rightsOf(registry), need, endpoint.identifier)
    }
  })

  it("is named by every message of every kind that people may send", () => {
    const messages = [...registry.values()].flatMap(({ behaviour: { contract } }) =>
      Object.entries(contract.messages).map(([name, message]) => ({ name: `${contract.kind} ${name}`, ...message }))
    )
    const forPeople = messages.filter(({ audience }) => audience === "operator" || audience === "public")
    assert.isAbove(forPeople.length, 20)
    for (const { name, capability } of forPeople) assert.match(capability, /^[a-z]+\.[a-z]+$/, name)
  })
})
