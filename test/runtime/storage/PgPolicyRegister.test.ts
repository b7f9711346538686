import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import type { PolicyView } from "../../../src/protocol/vsm/PolicyView.ts"
import { migrate } from "../../../src/runtime/storage/Migrations.ts"
import * as PgPolicyRegister from "../../../src/runtime/storage/PgPolicyRegister.ts"
import * as PostgresClient from "../../../src/runtime/storage/PostgresClient.ts"
import { PostgresUrl } from "../../../src/runtime/storage/PostgresUrl.ts"
import { PolicyEpochs } from "../../../src/systems/policy/rule/PolicyEpochs.ts"
import { PolicyRegister, type Published } from "../../../src/systems/policy/rule/PolicyRegister.ts"
import { Postgres } from "../../support/Postgres.ts"

const database = Layer.unwrap(
  Effect.gen(function* () {
    const postgres = yield* Postgres
    const url = yield* Effect.promise(() => postgres.createDatabase())
    const client = PostgresClient.layer(undefined).pipe(Layer.provide(PostgresUrl.layer(Redacted.make(url))))
    const migrated = Layer.effectDiscard(migrate()).pipe(Layer.provideMerge(client))
    return PgPolicyRegister.layer.pipe(Layer.provideMerge(migrated))
  })
).pipe(Layer.provideMerge(Postgres.layer()), Layer.orDie)

const row = (version: number, state: PolicyView["state"], publishing?: number): PolicyView => ({
  name: "strict",
  version,
  class: "access",
  source: 'policy "strict" ttl 1h {\n  when arg.duty > 0.6 and protected == false { deny "no" }\n}',
  state,
  since: 0,
  author: "user:ada",
  stagedAt: 0,
  needs: 0,
  approvals: [],
  ...(publishing !== undefined && { publishing })
})

const publish = (published: Published) => Effect.flatMap(PolicyRegister, (register) => register.publish(published))

layer(database, { timeout: "60 seconds", excludeTestServices: true })("the register of policies", (it) => {
  it.effect(
    "makes an epoch for each change of what is in force, later than the one before, and once for a revision",
    () =>
      Effect.gen(function* () {
        const epochs = yield* PolicyEpochs
        const at = Date.now() + 10_000
        const staged = yield* publish({ vsm: "root", revision: 1, at: 0, rows: [row(1, "staged")], force: [] })
        assert.deepStrictEqual(staged, { _tag: "Known", revision: 1 })
        const force = [{ name: "strict", version: 1 }]
        const first = { vsm: "root", revision: 2, at, rows: [row(1, "active", 2)], force }
        const known = yield* publish(first)
        assert.deepStrictEqual(known, { _tag: "Known", revision: 2, epoch: 1, at })
        assert.deepStrictEqual(yield* publish(first), known)
        // What somebody else wants earlier comes after it all the same.
        const other = yield* publish({ ...first, vsm: "line-1", revision: 1, at: 0 })
        assert.deepStrictEqual(other, { _tag: "Known", revision: 1, epoch: 2, at: at + 1 })
        assert.deepStrictEqual(yield* epochs.behind(0), [
          { epoch: 1, at },
          { epoch: 2, at: at + 1 }
        ])
      })
  )

  it.effect("knows what was in force in every epoch, also while a newer version was tried", () =>
    Effect.gen(function* () {
      const epochs = yield* PolicyEpochs
      const rows = [row(1, "active"), row(2, "canary", 3)]
      const tried = [
        { name: "strict", version: 1, except: ["hall.a"] },
        { name: "strict", version: 2, zones: ["hall.a"] }
      ]
      yield* publish({ vsm: "root", revision: 3, at: 0, rows, force: tried })
      yield* publish({
        vsm: "root",
        revision: 4,
        at: 0,
        rows: [row(1, "superseded"), row(2, "active", 4)],
        force: [{ name: "strict", version: 2 }]
      })
      const ofRoot = (epoch: number) =>
        Effect.map(epochs.policiesOf(epoch), (all) =>
          all.flatMap(({ vsm, source: _, ...each }) => (vsm === "root" ? [each] : []))
        )
      assert.deepStrictEqual(yield* ofRoot(2), [{ name: "strict", version: 1 }])
      assert.deepStrictEqual(yield* ofRoot(3), tried)
      assert.deepStrictEqual(yield* ofRoot(4), [{ name: "strict", version: 2 }])
      assert.deepStrictEqual(yield* ofRoot(0), [])
    })
  )

  it.effect(
    "takes the end of a policy that this release cannot read, and no instant of a clock that is far ahead",
    () =>
      Effect.gen(function* () {
        const source = 'policy "old" { whenever }'
        const old = { ...row(1, "active", 1), name: "old", source }
        const force = [{ name: "old", version: 1 }]
        const begun = yield* publish({ vsm: "hall", revision: 1, at: Date.now() + 86_400_000, rows: [old], force })
        assert.isBelow(begun._tag === "Known" ? (begun.at ?? 0) : 0, Date.now() + 61_000)
        const ended = { ...row(1, "withdrawn"), name: "old", source }
        const known = yield* publish({ vsm: "hall", revision: 2, at: 0, rows: [ended], force: [] })
        assert.deepInclude(known, { _tag: "Known", revision: 2 })
      })
  )
})
