import { createHash } from "node:crypto"
import { readFileSync, writeFileSync } from "node:fs"
import { assert, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { AuditIssuer, AuditPage, WhyView } from "../../src/protocol/audit/AuditView.ts"
import { Verdict } from "../../src/protocol/audit/Verdict.ts"
import { run } from "../support/Cli.ts"
import { holon } from "../support/NodeCommands.ts"
import { RunningNode, until } from "../support/RunningNode.ts"

const pageOf = Schema.decodeUnknownSync(AuditPage)
const verdictOf = Schema.decodeUnknownSync(Verdict)
const issuersOf = Schema.decodeUnknownSync(Schema.Struct({ issuers: Schema.Array(AuditIssuer) }))
const whyOf = Schema.decodeUnknownSync(WhyView)

layer(RunningNode.layer({ boards: 1 }), { timeout: "90 seconds", excludeTestServices: true })("the auditor", (it) => {
  const get = (path: string) => Effect.flatMap(RunningNode, (node) => node.get(path))
  const log = (query: string) => Effect.map(get(`/api/audit?${query}`), ({ json }) => pageOf(json).records)
  const verified = (vsm = "root") => Effect.map(get(`/api/audit/verify?vsm=${vsm}`), ({ json }) => verdictOf(json))
  it.effect("chains within a second what somebody has a board do, and says who and why", () =>
    Effect.gen(function* () {
      const { post } = yield* RunningNode
      const began = Date.now()
      yield* post("/api/device/heater-1/SetDesired", { patch: { target: 21 } })
      const where = encodeURIComponent("data.patch.target == 21")
      const [act] = yield* until(
        log(`actor=device/heater-1&category=command&where=${where}`),
        ({ length }) => length > 0
      )
      assert.isBelow((act?.wall ?? 0) - began, 1000)
      assert.deepInclude(act, { type: "twin.desired-changed", subject: "device/heater-1" })
      const why = whyOf((yield* get(`/api/audit/why/${act?.id}`)).json)
      assert.deepStrictEqual(why.steps[0]?.record, { vsm: "root", seq: act?.seq ?? 0 })
      assert.strictEqual(why.steps[0]?.began?.by, "person")
      assert.strictEqual((yield* get("/api/audit/why/01990000-0000-7000-8000-000000000000")).status, 404)
    })
  )

  it.effect("goes on behind a command with a name that no table can keep", () =>
    Effect.gen(function* () {
      const { post } = yield* RunningNode
      yield* post("/api/device/heater-1/Invoke", { name: "a\u0000b" })
      yield* post("/api/device/heater-1/SetDesired", { patch: { target: 22 } })
      yield* until(log(`where=${encodeURIComponent("data.patch.target == 22")}`), ({ length }) => length === 1)
      const accepted = yield* log(`where=${encodeURIComponent('type == "command.accepted"')}`)
      assert.lengthOf(accepted, 1)
      assert.isTrue((yield* verified()).isWhole)
    })
  )

  it.effect("finds again by time, actor, kind and condition, a page at a time", () =>
    Effect.gen(function* () {
      const { post } = yield* RunningNode
      for (let target = 30; target < 35; target++) yield* post("/api/device/heater-1/SetDesired", { patch: { target } })
      const where = encodeURIComponent("data.patch.target >= 31 and data.patch.target < 34")
      const found = yield* until(log(`where=${where}`), ({ length }) => length === 3)
      assert.isAbove(found[0]?.seq ?? 0, found[1]?.seq ?? 0)
      const page = pageOf((yield* get(`/api/audit?where=${where}&limit=2`)).json)
      assert.strictEqual(page.records.length, 2)
      assert.deepStrictEqual(yield* log(`where=${where}&before=${page.next}`), found.slice(2))
      assert.deepStrictEqual(yield* log(`since=1h&actor=nobody/x`), [])
      assert.deepStrictEqual(yield* log("until=1h"), [])
      assert.strictEqual((yield* get("/api/audit?since=yesterday")).status, 400)
      assert.strictEqual((yield* get("/api/audit?limit=201")).status, 400)
      assert.strictEqual((yield* get("/api/audit?where=%3D")).status, 400)
    })
  )

  it.effect(
    "proves with a file and a public key what was done, and what it says can be taken away after that",
    () =>
      Effect.gen(function* () {
        const { post, data, get: of } = yield* RunningNode
        yield* post("/api/device/heater-1/SetDesired", { patch: { target: 27 } })
        const where = encodeURIComponent("data.patch.target == 27")
        const [act] = yield* until(log(`where=${where}`), ({ length }) => length === 1)
        if (act === undefined) return assert.fail("no act")
        yield* until(of(`/api/audit/proof/${act.id}`), ({ status }) => status === 200)
        const file = `${data}/proof.json`
        assert.match((yield* holon("audit", "prove", act.id, "-o", file)).out, new RegExp(`record ${act.seq} of root`))
        assert.match((yield* holon("audit", "keys")).out, /[0-9a-f]{64}/)
        const [key] = issuersOf((yield* get("/api/audit/keys")).json).issuers
        if (key === undefined) return assert.fail("no key")
        // Nobody is asked: there is no node at that address.
        const offline = (given: string) =>
          run(["audit", "verify", "--proof", file, "--key", given, "--url", "http://127.0.0.1:9"])
        const proven = yield* offline(key.publicKey)
        assert.match(proven.out, /twin\.desired-changed of device\/heater-1, asked for by user:/)
        assert.include(proven.out, '"target":27')
        const other = yield* offline("00".repeat(32))
        assert.match(other.err, /proves nothing: the head of segment \d+ is signed by a key that does not follow/)
        writeFileSync(file, readFileSync(file, "utf8").replace('"target":27', '"target":72'))
        assert.match((yield* offline(key.publicKey)).err, /the payload is not that of record/)
        assert.match((yield* run(["audit", "verify", "--proof", file])).err, /--proof needs --key/)
        assert.strictEqual((yield* get("/api/audit/proof/999999")).status, 404)
        assert.strictEqual((yield* get("/api/audit/proof/nobody")).status, 404)

        yield* holon("audit", "erase", String(act.seq), "--reason", "request 4711")
        yield* until(log(`before=${act.seq + 1}&limit=1`), ([row]) => row?.data === null)
        const whole = yield* verified()
        assert.deepInclude(whole, { isWhole: true, erased: 1 })
        const [record] = yield* log("category=policy&limit=1")
        assert.deepInclude(record, { type: "audit.erased", data: { seq: act.seq, reason: "request 4711" } })
      }),
    60_000
  )

  it.effect("chains who has patterns looked for, switched and removed, before it is done", () =>
    Effect.gen(function* () {
      const { get, post } = yield* RunningNode
      const source = 'pattern "hot" { by source.id where temp > 90 }'
      assert.strictEqual((yield* post("/api/patterns", { text: source })).status, 200)
      const remove = { method: "DELETE" }
      assert.isBelow((yield* get("/api/patterns/hot", remove)).status, 300)
      const orders = yield* until(log("category=change&actor=operator/local"), ({ length }) => length === 2)
      assert.deepStrictEqual(
        orders.map(({ data }) => [Object(data).operation, Object(data).target]),
        [
          ["PatternRemove", "hot"],
          ["PatternPut", "hot"]
        ]
      )
      assert.deepStrictEqual(Object(orders[1]?.data).said, {
        patterns: [{ name: "hot", sha256: createHash("sha256").update(source).digest("hex") }]
      })
      // What is no pattern was never about to be one.
      assert.strictEqual((yield* post("/api/patterns", { text: "pattern" })).status, 400)
      assert.lengthOf(yield* log("category=change&actor=operator/local"), 2)
    })
  )

  it.effect("of another VSM chains what its units do, and the root's does not", () =>
    Effect.gen(function* () {
      const { post } = yield* RunningNode
      yield* post("/api/vsm/root/Spawn", { child: "line-1" })
      yield* until(post("/api/auditor/line-1/GetProgress", {}), ({ status }) => status === 200)
      yield* post("/api/vsm/line-1/Adopt", { unit: "heater-1" })
      yield* until(log("vsm=line-1&actor=vsm/line-1"), (records) =>
        records.some(({ type }) => type === "vsm.unit-adopted")
      )
      yield* post("/api/device/heater-1/SetDesired", { patch: { target: 55 } })
      const where = encodeURIComponent("data.patch.target == 55")
      yield* until(log(`vsm=line-1&where=${where}`), ({ length }) => length === 1)
      assert.deepStrictEqual(yield* log(`where=${where}`), [])
      assert.isTrue((yield* verified("line-1")).isWhole)
      assert.strictEqual((yield* get("/api/audit/verify?vsm=line-9")).status, 404)
    })
  )

  it.effect("seals, remembers what it sealed, and says on the command line which record was tampered with", () =>
    Effect.gen(function* () {
      const { post, sql } = yield* RunningNode
      yield* post("/api/device/heater-1/SetDesired", { patch: { target: 40 } })
      const sealed = yield* until(verified(), ({ isWitnessed, isHeld }) => isWitnessed && isHeld)
      assert.deepInclude(sealed, { isWhole: true, signedFrom: 1 })
      const whole = yield* holon("audit", "verify")
      assert.match(whole.out, /the chain of root is whole: \d+ records/)
      assert.match((yield* holon("audit", "log", "--last", "5")).out, /^#\d+ /m)
      const [act] = yield* log("category=command&limit=1")
      assert.match((yield* holon("audit", "why", act?.id ?? "")).out, /begun by /)
      yield* sql.withTransaction(
        Effect.andThen(
          sql`set local session_replication_role = replica`,
          sql`update audit_events set payload = '{"version":1,"patch":{"target":99}}' where vsm_id = 'root' and seq = ${act?.seq ?? 0}`
        )
      )
      const broken = yield* holon("audit", "verify")
      assert.isFalse(broken.isSuccess)
      assert.include(broken.err, `the audit chain of root is broken at record ${act?.seq}: its payload is another one`)
    })
  )
})
