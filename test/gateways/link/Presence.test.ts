import { assert, describe, it } from "@effect/vitest"
import { Presence, type Present } from "../../../src/gateways/link/Presence.ts"

const seen = (): { readonly presence: Presence; readonly words: Array<string> } => {
  const presence = new Presence()
  const words: Array<string> = []
  presence.watch((id, { online, reason }: Present) => words.push(`${id} ${online ? "on" : "off"} ${reason}`))
  return { presence, words }
}

describe("presence", () => {
  it("follows a board's link, also while the clock goes back", () => {
    const { presence, words } = seen()
    presence.arrived("press-1", 1, 10_000)
    presence.left("press-1", 1, 2_000, "sleep")
    presence.arrived("press-1", 2, 1_000)
    assert.deepStrictEqual(words, ["press-1 on attach", "press-1 off sleep", "press-1 on attach"])
  })

  it("hears nothing of the end of an older link", () => {
    const { presence, words } = seen()
    presence.arrived("press-1", 1, 1)
    presence.arrived("press-1", 2, 2)
    presence.left("press-1", 1, 3, "link-lost")
    presence.left("press-1", 1, 3)
    assert.deepStrictEqual(words, ["press-1 on attach", "press-1 on attach"])
    assert.isTrue(presence.get("press-1")?.online)
  })

  it("knows nothing of a board that has gone to another node", () => {
    const { presence } = seen()
    presence.arrived("press-1", 1, 1)
    presence.left("press-1", 1, 2)
    assert.isUndefined(presence.get("press-1"))
    assert.isEmpty([...presence.entries()])
  })
})
