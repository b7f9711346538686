import { assert, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { Mitigation, ThreatsView } from "../../src/protocol/vsm/Threat.ts"
import { bad, good, holon } from "../support/NodeCommands.ts"
import { RawBoard } from "../support/RawBoard.ts"
import { RunningNode, until } from "../support/RunningNode.ts"

const viewsOf = Schema.decodeUnknownSync(Schema.Array(ThreatsView))
const doneOf = Schema.decodeUnknownSync(Mitigation)
const stranger = "address/10.9.8.7"

layer(RunningNode.layer(), { timeout: "90 seconds", excludeTestServices: true })("holon threats", (it) => {
  const views = Effect.map(good("threats", "ls", "--json"), (text) => viewsOf(JSON.parse(text)))
  const isThere = until(holon("threats", "ls", "root"), ({ isSuccess }) => isSuccess)

  it.effect(
    "has something done against somebody, shows it, and ends it",
    () =>
      Effect.gen(function* () {
        yield* isThere
        const act = ["threats", "act", stranger, "--with", "bar", "--reason", "known to us"]
        const { id } = doneOf(JSON.parse(yield* good(...act, "--minutes", "5", "--json")))
        assert.match(
          yield* good("threats", "ls"),
          new RegExp(`^${id} +${stranger} +its connections are cut +active`, "m")
        )
        const shown = yield* good("threats", "show", id)
        assert.include(shown, "known to us")
        assert.include(shown, "user/local")
        assert.include(yield* bad(...act), `${id} is done against it already`)
        assert.include(yield* good("threats", "lift", id, "--false-alarm"), `${id} is lifted`)
        assert.include(yield* bad("threats", "lift", id), `${id} is lifted`)
        assert.notInclude(yield* good("threats", "ls"), stranger)
        assert.include(yield* good("threats", "ls", "root", "--all"), stranger)
      }),
    60_000
  )

  it.effect("asks for a second person where it is to last longer than an hour, and takes a proposal away", () =>
    Effect.gen(function* () {
      yield* isThere
      const said = yield* good("threats", "act", stranger, "--with", "bar", "--minutes", "61", "--reason", "again")
      assert.include(said, "it lasts longer than an hour; 1 more must approve it")
      const [proposal] = (yield* views)[0]?.mitigations ?? []
      assert.include(yield* good("threats", "approve", proposal?.id ?? ""), "1 more must approve it")
      assert.include(yield* good("threats", "reject", proposal?.id ?? ""), "is rejected")
    })
  )

  it.effect("puts into force what denies an account, and refuses what somebody wants done against himself", () =>
    Effect.gen(function* () {
      yield* isThere
      const locked = yield* bad("threats", "act", "user/local", "--with", "revoke", "--reason", "x")
      assert.include(locked, "nobody decides on what is done against himself")
      const throttled = yield* good("threats", "act", "user/eve", "--with", "throttle", "--reason", "noisy")
      assert.include(throttled, "may do little at a time")
      const [done] = (yield* views)[0]?.mitigations ?? []
      const policies = Effect.map(holon("send", "policy", "root", "GetPolicies", "{}"), ({ out }) => out)
      yield* until(policies, (out) => out.includes("immune-root-"))
      assert.include(yield* good("threats", "show", done?.id ?? ""), 'principal.id == "eve"')
      yield* good("threats", "lift", done?.id ?? "")
      yield* until(policies, (out) => out.includes('"withdrawn"'))
    })
  )

  it.effect("takes the word of a pattern", () =>
    Effect.gen(function* () {
      const { url } = yield* RunningNode
      yield* isThere
      const told = 'tell(immune, "root", Report, { subject: "device/spoof", reason: "cannot be", weight: 0.5 })'
      yield* good("pattern", "add", `pattern "spoofed" { from device.online where epoch >= 1 do ${told} }`)
      const board = yield* Effect.promise(() => RawBoard.attached("spoof", url))
      yield* until(views, (found) =>
        found.some(({ threats }) => threats.some(({ subject }) => subject === "device/spoof"))
      )
      board.close()
      yield* good("pattern", "rm", "spoofed")
    })
  )

  it.effect("lets people say that nothing is done without them, and names what there is not", () =>
    Effect.gen(function* () {
      yield* isThere
      assert.include(yield* good("threats", "terms", "root", "--automatic", "off"), "nothing without a person")
      assert.include(yield* good("threats", "ls"), "root does nothing without a person")
      assert.include(yield* good("threats", "terms", "root", "--automatic", "on", "--mitigate", "5"), "it lasts 5 min")
      assert.include(yield* bad("threats", "show", "root.999"), "root.999")
      assert.include(yield* bad("threats", "approve", "nonsense"), "named as root.17")
      assert.include(yield* bad("threats", "act", "nobody", "--with", "bar", "--reason", "x"), "subject")
    })
  )
})
