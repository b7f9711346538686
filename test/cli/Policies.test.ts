import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, layer } from "@effect/vitest"
import { ConfigProvider, Effect, Fiber, Layer, Schema } from "effect"
import type { Asker } from "../../src/protocol/Asker.ts"
import { Device } from "../../src/protocol/Device.ts"
import { PolicyKeeper } from "../../src/protocol/vsm/PolicyKeeper.ts"
import { PolicyView } from "../../src/protocol/vsm/PolicyView.ts"
import { bad, eventsWhere, good, holon } from "../support/NodeCommands.ts"
import { freePorts, RunningNode, tempFolder, until } from "../support/RunningNode.ts"

const viewOf = Schema.decodeUnknownSync(Schema.fromJsonString(PolicyView))
const show = (name: string) => Effect.map(good("policy", "show", name, "--json"), viewOf)

const config = {
  ...freePorts,
  zones: [
    { match: "heater-1", zone: "hall.a" },
    { match: "heater-*", zone: "hall.b" }
  ],
  tokens: {
    operators: {
      ada: { env: "ADA" },
      bob: { env: "BOB" },
      zoe: { token: { env: "ZOE" }, zones: ["hall.a"] },
      low: { token: { env: "LOW" }, may: ["device.*"], clearance: 0 }
    }
  }
}
const env = { ...process.env, ADA: "ada's own", BOB: "bob's own", ZOE: "zoe's own", LOW: "low's own" }
const withTokens = Layer.provide(Layer.succeed(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env })))
const as = (name: string) => ({ authorization: `Bearer ${name}'s own` })
const ada: Asker = { kind: "user", id: "ada", role: "operator" }
const bob: Asker = { kind: "user", id: "bob", role: "operator" }

let count = 0
/** Sets something new of a device; answers the status of HTTP. */
const set = (device: string, name: string) =>
  Effect.flatMap(RunningNode, ({ post }) =>
    Effect.map(post(`/api/device/${device}/SetDesired`, { patch: { shade: ++count } }, as(name)), (answer) => answer)
  )

layer(RunningNode.layer({ boards: 3, config }).pipe(withTokens), { timeout: "90 seconds", excludeTestServices: true })(
  "holon policy",
  (it) => {
    it.effect("shows what a draft would have done, and puts it into force", () =>
      Effect.gen(function* () {
        assert.match(yield* good("policy", "ls"), /^founding +1 +root +access +active/m)
        for (let time = 0; time < 5; time++) assert.strictEqual((yield* set("heater-1", "ada")).status, 200)
        const file = join(yield* tempFolder, "shade.policy")
        writeFileSync(
          file,
          'policy shade { when capability == "device.set" and arg.shade > 0 and zone == "hall.a" { deny "dark" guidance "leave it" } }'
        )
        yield* until(good("policy", "impact", file), (text) => /5 would be denied that were not/.test(text))
        const staged = yield* good("policy", "add", file)
        assert.match(staged, /shade version 1 of root is staged/)
        assert.match(staged, /5 would be denied that were not, and 0 allowed/)
        assert.match(staged, /5 +device.set +hall.a +denied +shade +ada +dark/)
        assert.strictEqual((yield* set("heater-1", "ada")).status, 200)
        assert.match(yield* good("policy", "activate", "shade"), /shade version 1 is active, with epoch \d+/)
        const refused = yield* until(set("heater-1", "ada"), ({ status }) => status === 403)
        const { decision, reason } = Object(refused.json)
        assert.strictEqual(reason, "dark")
        const { out: explained } = yield* until(holon("policy", "explain", decision), ({ isSuccess }) => isSuccess)
        assert.include(explained, "denied: dark")
        assert.match(explained, /yes: arg.shade > 0, arg.shade is \d+/)
        assert.include(explained, "user ada, clearance 4, wants device.set (SetDesired of device/heater-1) in hall.a")
        assert.match(
          yield* good(
            "policy",
            "explain",
            "--capability",
            "device.set",
            "--device",
            "heater-1",
            "--args",
            '{"shade":1}',
            "--who",
            "bob"
          ),
          /user bob.*\n.*denied: dark/
        )
        assert.include(
          yield* good("policy", "explain", "--capability", "device.set", "--device", "heater-2"),
          "allowed"
        )
        assert.strictEqual((yield* set("heater-2", "ada")).status, 200)
        yield* good("policy", "rm", "shade")
        yield* until(set("heater-1", "ada"), ({ status }) => status === 200)
      })
    )

    it.effect("refuses what would lock out stops, audit, signals or policies, and what is no policy", () =>
      Effect.gen(function* () {
        for (const source of [
          'policy p { when capability glob "motor.*" { deny "no" } }',
          'policy p { when capability == "signal.ack" { deny "no" } }',
          'policy p { when capability glob "audit.*" { deny "no" } }',
          'policy p { when true { deny "no" } }'
        ])
          assert.include(yield* bad("policy", "add", source), "no policy may")
        assert.include(yield* bad("policy", "add", "policy p { when true { alow } }"), "did you mean allow?")
        assert.include(yield* bad("policy", "activate", "nobody"), "there is no policy nobody of root")
        assert.include(yield* bad("policy", "check", "nothing.policy"), "nothing.policy cannot be read")
        assert.include(
          yield* bad("policy", "add", "policy wide { when true { allow } }", "--vsm", "line-1"),
          "a policy of line-1 may deny, require, limit and oblige, and not allow"
        )
      })
    )

    it.effect("wants two people for what moves things", () =>
      Effect.gen(function* () {
        const { actors } = yield* RunningNode
        yield* good(
          "policy",
          "add",
          'policy slow class actuating { when capability == "fan.set" { limit 2 per 1h by device } }'
        )
        assert.include(yield* bad("policy", "activate", "slow"), "slow must be approved by 2 people, and nobody has")
        const approve = (asker: Asker) => actors.ask(PolicyKeeper, "root", "Approve", { name: "slow" }, { asker })
        assert.lengthOf((yield* approve(ada)).approvals, 1)
        assert.include((yield* Effect.flip(approve(ada))).message, "user:ada has approved slow already")
        assert.include(yield* bad("policy", "activate", "slow"), "only user:ada has")
        yield* approve(bob)
        assert.include(yield* good("policy", "activate", "slow"), "slow version 1 is active")
        const fan = () =>
          Effect.result(actors.ask(Device, "heater-2", "Invoke", { name: "fan.set", ttlMillis: 1000 }, { asker: ada }))
        const { from = 0 } = yield* show("slow")
        yield* until(Effect.sync(Date.now), (now) => now >= from)
        const results = yield* Effect.forEach([1, 2, 3], fan)
        assert.deepStrictEqual(
          results.map(({ _tag }) => _tag),
          ["Success", "Success", "Failure"]
        )
        const limited = yield* Effect.flip(Effect.fromResult(results[2] ?? (yield* fan())))
        assert.deepInclude(limited, { _tag: "RateLimited", bucket: "slow: limit 2 per 1h by device" })
        yield* good("policy", "rm", "slow")
      })
    )

    it.effect("tries a policy in some zones, keeps a good one, and takes a bad one back by itself", () =>
      Effect.gen(function* () {
        const busy = yield* Effect.forkScoped(
          Effect.forever(
            Effect.forEach(["heater-1", "heater-2", "heater-3"], (device) => Effect.delay(set(device, "ada"), 50))
          )
        )
        yield* good("policy", "add", 'policy tried { when arg.shade < 0 and protected == false { deny "no" } }')
        assert.match(
          yield* good("policy", "activate", "tried", "--canary", "hall.a", "--for", "2s"),
          /tried version 1 is active/
        )
        const kept = yield* show("tried")
        assert.isAbove(kept.trial?.tried.decisions ?? 0, 0)
        assert.strictEqual(kept.trial?.before.decisions, kept.trial?.tried.decisions)
        assert.isAbove(kept.trial?.rest.decisions ?? 0, kept.trial?.tried.decisions ?? 0)
        assert.strictEqual(kept.trial?.tried.denials, 0)
        yield* good("policy", "add", 'policy tried { when arg.shade > 0 and protected == false { deny "no" } }')
        const began = Date.now()
        const taken = yield* bad("policy", "activate", "tried", "--canary", "hall.a", "--for", "60s")
        assert.match(
          taken,
          /tried version 2 was taken back: \d+ of \d+ were denied or failed, where \d+ were to be expected/
        )
        assert.isBelow(Date.now() - began, 60_000)
        // The former version goes on, everywhere.
        yield* until(set("heater-1", "ada"), ({ status }) => status === 200)
        assert.deepInclude(yield* Effect.map(good("policy", "show", "tried", "--version", "1", "--json"), viewOf), {
          state: "active"
        })
        const [event] = yield* eventsWhere('type == "policy.rolled-back"')
        assert.deepInclude(Object(event?.data), { name: "tried", version: 2, by: "canary", toVersion: 1 })
        const denied = yield* until(eventsWhere('type == "policy.denied"'), (found) =>
          found.some(({ data }) => Object(data).decision.policies[0] === "tried")
        )
        const tried = denied.filter(({ data }) => Object(data).decision.policies[0] === "tried")
        assert.deepStrictEqual(new Set(tried.map(({ data }) => Object(data).request.zone)), new Set(["hall.a"]))
        yield* Fiber.interrupt(busy)
        yield* good("policy", "rm", "tried")
      })
    )

    it.effect("keeps operators to their zones, and to what they are trusted with", () =>
      Effect.gen(function* () {
        const { get, post } = yield* RunningNode
        assert.strictEqual((yield* set("heater-1", "zoe")).status, 200)
        const outside = yield* set("heater-2", "zoe")
        assert.strictEqual(outside.status, 403)
        assert.deepInclude(Object(outside.json), { _tag: "ZoneDenied", zone: "hall.b" })
        const seen = Object((yield* get("/api/devices", { headers: as("zoe") })).json)
        assert.deepStrictEqual(
          seen.devices.map(({ id }: { readonly id: string }) => id),
          ["heater-1"]
        )
        assert.strictEqual((yield* get("/api/devices/heater-2", { headers: as("zoe") })).status, 404)
        const would = (device: string) =>
          post("/api/policies/explain", { capability: "device.set", zone: "hall.a", device }, as("zoe"))
        assert.strictEqual((yield* would("heater-1")).status, 200)
        // What a device elsewhere reports is not told by naming another zone.
        assert.strictEqual((yield* would("heater-2")).status, 404)
        const spawned = yield* post("/api/vsm/root/Spawn", { child: "zoes" }, as("zoe"))
        assert.deepInclude(Object(spawned.json), { _tag: "ZoneDenied" })
        yield* good("policy", "add", 'policy trusted { when capability == "device.set" { require clearance >= 1 } }')
        yield* good("policy", "activate", "trusted")
        const refused = yield* until(set("heater-2", "low"), ({ status }) => status === 403)
        assert.include(refused.text, "trusted requires clearance >= 1")
        assert.strictEqual((yield* set("heater-2", "ada")).status, 200)
        yield* good("policy", "rm", "trusted")
      })
    )
  }
)
