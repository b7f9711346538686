import { assert, describe, it } from "@effect/vitest"
import { codes } from "../../../../src/protocol/Codes.ts"
import type { HolonEvent } from "../../../../src/protocol/Event.ts"
import { signOf } from "../../../../src/systems/policy/immune/Observed.ts"

const id = "01a2010f-b793-7000-8fee-ab45b658e6fc"

const event = (
  actor: string,
  type: string,
  data: HolonEvent["data"] = {},
  more: Partial<HolonEvent> = {}
): HolonEvent => ({
  id,
  type,
  source: { actor, id: "eve" },
  seq: 1,
  ts: { ms: 1, ctr: 0, node: "0102030405060708" },
  at: 1,
  vsm: "root",
  severity: "warn",
  data,
  causes: [],
  ...more
})

const refused = { capability: "x.y", message: "Do", target: "a/b", count: 7, first: 1, last: 2 }
const denied = (kind: string, policies: ReadonlyArray<string>, effect = "deny") => ({
  id,
  at: 1,
  node: "n",
  message: "Do",
  target: "a/b",
  path: ["root"],
  request: {
    principal: { kind, id: "eve", zones: [], clearance: 0, scopes: [] },
    capability: "x.y",
    isActuating: true,
    args: {},
    facts: {}
  },
  decision: { effect, policies, reason: "", guidance: "", obligations: [], epoch: 1 },
  count: 3
})

describe("an event", () => {
  it.each([
    ["link.malformed-burst", "malformed-burst"],
    ["link.flood", "flood"],
    ["link.duplicate", "duplicate-id"],
    ["link.denied", "denied-topic"]
  ] as const)("%s of a device is %s, where it was then", (type, kind) => {
    const sign = signOf(event("device", type, {}, { zone: "hall" }))
    assert.deepStrictEqual(sign, { kind, subject: "device/eve", count: 1, ids: [id], zone: "hall" })
  })

  it("of a refused frame is bad input where it could not be read, and nothing else", () => {
    const signs = [codes.Malformed, codes.UnknownType, codes.EMSGSIZE, codes.TooDeep].map(
      (code) => signOf(event("device", "link.refused", { code, frame: "8" }))?.kind
    )
    assert.deepStrictEqual(signs, ["bad-input", "bad-input", "bad-input", undefined])
  })

  it("of refused acts counts them", () => {
    assert.deepInclude(signOf(event("operator", "operator.refused", refused)), {
      kind: "refused-act",
      subject: "user/eve",
      count: 7
    })
    assert.deepInclude(signOf(event("policy", "policy.denied", denied("user", ["line3"]))), {
      kind: "refused-act",
      subject: "user/eve",
      count: 3
    })
  })

  it("that follows from a mitigation, is of nobody, or is of another actor, is none", () => {
    for (const each of [
      event("policy", "policy.denied", denied("user", ["immune-root-17"])),
      event("policy", "policy.denied", denied("vsm", ["line3"])),
      event("policy", "policy.denied", { nonsense: true }),
      event("operator", "operator.refused", { ...refused, count: 0 }),
      event("operator", "link.flood"),
      event("device", "link.stuck"),
      event("device", "constructor"),
      event("device", "link.refused", null),
      event("device", "link.flood", {}, { source: { actor: "device", id: "" } })
    ])
      assert.isUndefined(signOf(each), `${each.source.actor} ${each.type}`)
  })
})
