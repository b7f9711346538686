import { assert, describe, it } from "@effect/vitest"
import { type Channel, channelOf, legal, purposes, systemsOf } from "../../../src/protocol/vsm/Channels.ts"
import { registry } from "../../../src/runtime/Registry.ts"

const kinds = [...registry.keys()]
const messagesOf = (kind: string): ReadonlyArray<string> =>
  Object.keys(registry.get(kind)?.behaviour.contract.messages ?? {})
const isForPeople = (kind: string, tag: string): boolean =>
  registry.get(kind)?.behaviour.contract.messages[tag]?.audience === "operator"
const between = (from: string, to: string, tag: string) =>
  channelOf(from, to, { tag, isForPeople: isForPeople(to, tag) })
const listed: Readonly<Record<string, Readonly<Record<string, { channel: Channel; from?: ReadonlyArray<string> }>>>> =
  legal

describe("the table of channels", () => {
  it("lists messages that there are, each along a channel that leads between systems of the two kinds", () => {
    for (const [to, messages] of Object.entries(listed))
      for (const [tag, { channel, from = kinds }] of Object.entries(messages)) {
        assert.include(messagesOf(to), tag, `${to} has ${tag}`)
        for (const kind of from) {
          const senders = systemsOf.get(kind) ?? ["environment"]
          const receivers = systemsOf.get(to) ?? []
          assert.isTrue(
            purposes
              .get(channel)
              ?.directions.some(([one, other]) => senders.includes(one) && receivers.includes(other)),
            `${channel} leads with ${tag} from ${kind} to ${to}`
          )
        }
      }
  })

  it("knows every kind that has a VSM's id, so that none is left out of it", () => {
    for (const kind of systemsOf.keys()) assert.include(kinds, kind)
  })

  it("lets every listed message through from who may tell it, and from nobody else", () => {
    for (const [to, messages] of Object.entries(listed))
      for (const [tag, { channel, from }] of Object.entries(messages))
        for (const sender of kinds) {
          const isOwn = from === undefined || from.includes(sender)
          const isActed = !systemsOf.has(sender) && isForPeople(to, tag)
          const expected = isOwn ? channel : isActed ? "operations" : undefined
          assert.strictEqual(between(sender, to, tag), expected, `${tag} from ${sender} to ${to}`)
        }
  })

  it("leaves unlisted messages the ways that the systems of their kinds have", () => {
    const ways = (from: string) =>
      [...systemsOf.keys()].filter((to) => channelOf(from, to, { tag: "Unlisted", isForPeople: false }) !== undefined)
    assert.deepStrictEqual(ways("dispatcher"), ["device", "dispatcher", "vsm", "coordinator", "auditor"])
    assert.deepStrictEqual(ways("coordinator"), ["device", "dispatcher", "vsm", "coordinator"])
    assert.deepStrictEqual(ways("auditor"), ["device", "dispatcher", "vsm"])
    assert.deepStrictEqual(ways("immune"), [...systemsOf.keys()])
    assert.deepStrictEqual(ways("session"), ["device", "dispatcher", "vsm"])
  })

  it("bars what would go round the system that answers for it", () => {
    for (const [from, to, tag] of [
      ["device", "vsm", "Activate"],
      ["device", "recursion", "Commit"],
      ["device", "policy", "Deploy"],
      ["coordinator", "device", "AssignUnit"],
      ["auditor", "vsm", "Retire"],
      ["algedonic", "vsm", "Permitted"],
      ["patternPartition", "vsm", "RegisterUnit"],
      ["session", "recursion", "Released"]
    ] as const)
      assert.isUndefined(channelOf(from, to, { tag, isForPeople: false }), `${tag} from ${from} to ${to}`)
  })

  it("lets pain in from wherever it comes, and what people may do from patterns that do it for them", () => {
    for (const from of [...kinds, "thermostat"]) assert.strictEqual(between(from, "algedonic", "Feel"), "algedonic")
    assert.strictEqual(between("pattern", "vsm", "Quarantine"), "operations")
    assert.strictEqual(between("pattern", "device", "SetDesired"), "operations")
    assert.isUndefined(between("device", "vsm", "Quarantine"))
  })
})
