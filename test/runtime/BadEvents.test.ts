/** Events that come late, twice or from the future, and what they are told to that cannot hear it: on a running node. */
import { assert, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { PatternStats } from "../../src/gateways/http/PatternStats.ts"
import { eventsWhere, good, lookedFor } from "../support/NodeCommands.ts"
import { RawBoard } from "../support/RawBoard.ts"
import { freePorts, RunningNode, until } from "../support/RunningNode.ts"

const statsOf = Schema.decodeUnknownSync(PatternStats)
const matchOf = Schema.decodeUnknownSync(
  Schema.Struct({ version: Schema.Int, isWarm: Schema.Boolean, values: Schema.Struct({ value: Schema.Finite }) })
)
const lentOf = Schema.decodeUnknownSync(
  Schema.fromJsonString(Schema.Struct({ cursor: Schema.String, attempt: Schema.Int }))
)

/** Matches when a board has said `n` so often within a minute. */
const often = (name: string, board: string, count: number, where = "n >= 0") => `pattern "${name}" {
  from board.telemetry
  by source.id
  when count >= ${count} over sliding 1min where source.id == "${board}" and ${where}
}
`

layer(RunningNode.layer({ config: freePorts }), { timeout: "60 seconds", excludeTestServices: true })(
  "on a running node",
  (it) => {
    const matchesOf = (pattern: string) => eventsWhere(`type == "pattern.matched" and pattern == "${pattern}"`)
    const telemetryOf = (board: string) =>
      eventsWhere(`type == "board.telemetry" and source.id == "${board}" and exists n`)
    const counted = (pattern: string) =>
      Effect.flatMap(RunningNode, ({ get }) =>
        Effect.map(get(`/api/patterns/${pattern}/stats`), ({ json }) => statsOf(json))
      )
    const attached = (id: string) =>
      Effect.flatMap(RunningNode, ({ url }) =>
        Effect.acquireRelease(
          Effect.promise(() => RawBoard.attached(id, url)),
          (board) => Effect.sync(() => board.close())
        )
      )
    const consumed = (board: RawBoard, seq: number) => Effect.promise(() => board.consumed(seq))

    it.effect("a report that comes again counts once, and one that comes late counts for nothing and is counted", () =>
      Effect.gen(function* () {
        yield* lookedFor("thrice", often("thrice", "raw-1", 3))
        const board = yield* attached("raw-1")
        const at = board.up
        for (const seq of [1, 1, 2, 1, 2]) board.report(seq, { n: seq }, at + seq)
        yield* consumed(board, 2)
        board.say({ type: "report", seq: 3, at: board.up, samples: [{ dt: -300_000, values: { n: 3 } }] })
        yield* consumed(board, 3)
        yield* until(counted("thrice"), ({ late }) => late === 1)
        assert.deepStrictEqual(
          (yield* telemetryOf("raw-1")).map(({ data }) => data),
          [{ n: 1 }, { n: 2 }, { n: 3 }]
        )
        assert.isEmpty(yield* matchesOf("thrice"))
        board.report(4, { n: 4 })
        const [matched, ...others] = yield* until(matchesOf("thrice"), ({ length }) => length > 0)
        assert.isEmpty(others)
        assert.strictEqual(matchOf(matched?.data).values.value, 3)
        assert.match(yield* good("pattern", "show", "thrice"), /1 late/)
      })
    )

    it.effect("a report from the future has happened now, and moves no window on", () =>
      Effect.gen(function* () {
        yield* lookedFor("pair", often("pair", "raw-2", 2))
        const board = yield* attached("raw-2")
        const before = Date.now()
        board.report(1, { n: 1 }, board.up + 7_200_000)
        board.report(2, { n: 2 })
        yield* consumed(board, 2)
        const [matched] = yield* until(matchesOf("pair"), ({ length }) => length > 0)
        assert.strictEqual(matchOf(matched?.data).values.value, 2)
        for (const { at } of yield* telemetryOf("raw-2"))
          assert.isTrue(at >= before - 1000 && at <= Date.now(), `${at}`)
        assert.strictEqual((yield* counted("pair")).late, 0)
      })
    )

    it.effect("a pattern that is replaced in the middle of its window goes on where it may, and else begins anew", () =>
      Effect.gen(function* () {
        yield* lookedFor("swapped", often("swapped", "raw-3", 9))
        const board = yield* attached("raw-3")
        for (const seq of [1, 2]) board.report(seq, { n: seq })
        yield* until(counted("swapped"), ({ evaluated }) => evaluated >= 2)
        assert.match(yield* good("pattern", "add", often("swapped", "raw-3", 3)), /version 2/)
        const watched = Effect.map(counted("swapped"), ({ keys, evaluated }) => [keys, evaluated])
        yield* until(watched, ([keys, evaluated]) => keys === 1 && evaluated === 0)
        board.report(3, { n: 3 })
        const [kept] = yield* until(matchesOf("swapped"), ({ length }) => length > 0)
        const first = matchOf(kept?.data)
        assert.deepStrictEqual([first.version, first.values.value], [2, 3])
        assert.match(yield* good("pattern", "add", often("swapped", "raw-3", 2, "n >= 1")), /version 3/)
        yield* until(watched, ([keys]) => keys === 0)
        for (const seq of [4, 5]) board.report(seq, { n: seq })
        const all = yield* until(matchesOf("swapped"), ({ length }) => length > 1)
        const second = matchOf(all[1]?.data)
        assert.deepStrictEqual([second.version, second.values.value, second.isWarm], [3, 2, false])
      })
    )

    it.effect(
      "an action waits for a target in quarantine, and only that action does",
      () =>
        Effect.gen(function* () {
          const { engine, sql } = yield* RunningNode
          const [shard = 1] = engine.shards()
          yield* sql`insert into actor (kind, id, shard, version, owner, format, takeover)
            select 'device', id, ${shard}, 1, 'nobody', 0, false from unnest(array['stuck', 'well']) as id`
          yield* sql`insert into quarantine (kind, id, shard, since, cause, attempts, told)
            values ('device', 'stuck', ${shard}, 1000, 'it crashed', 5, true)`
          const told = (id: string) =>
            `pattern "tell-${id}" { from board.telemetry where source.id == "raw-4" and n >= 0 do tell(device, "${id}", SetDesired, { patch: { by: "${id}" } }) }`
          for (const id of ["stuck", "well"]) yield* lookedFor(`tell-${id}`, told(id))
          const board = yield* attached("raw-4")
          board.report(1, { n: 1 })
          const changed = (id: string) => eventsWhere(`type == "twin.desired-changed" and source.id == "${id}"`)
          yield* until(changed("well"), ({ length }) => length === 1)
          board.report(2, { n: 2 })
          yield* until(matchesOf("tell-stuck"), ({ length }) => length === 2)
          assert.isEmpty(yield* changed("stuck"))
          assert.match(yield* good("quarantine", "ls"), /device +stuck/)
          yield* good("quarantine", "release", "device", "stuck")
          const [first] = yield* until(changed("stuck"), ({ length }) => length > 0)
          const [match] = yield* matchesOf("tell-stuck")
          assert.deepStrictEqual(first?.causes, [match?.id ?? ""])
          assert.lengthOf(yield* matchesOf("tell-well"), 2)
        }),
      60_000
    )

    it.effect(
      "who never acknowledges is lent the same again and again, and keeps nobody else from it",
      () =>
        Effect.gen(function* () {
          const where = 'type == "device.online" and source.id glob "raw-5*"'
          for (const group of ["deaf", "good"])
            yield* good("subscription", "create", group, "--where", where, "--ack-within", "1")
          const boards = yield* Effect.forEach(["raw-5a", "raw-5b"], attached)
          const pulled = (group: string) =>
            Effect.map(good("subscription", "pull", group, "--consumer", "me", "--json"), (out) =>
              out.split("\n").flatMap((line) => (line === "" ? [] : [lentOf(line)]))
            )
          const lent = yield* until(pulled("deaf"), ({ length }) => length > 0)
          const taken = yield* until(pulled("good"), ({ length }) => length === boards.length)
          const last = taken.at(-1)?.cursor ?? ""
          assert.match(
            yield* good("subscription", "ack", "good", "--consumer", "me", "--up-to", last),
            /^2 acknowledged$/m
          )
          for (const attempt of [2, 3]) {
            const again = yield* until(pulled("deaf"), ({ length }) => length > 0)
            assert.isTrue(again.some((event) => event.cursor === lent[0]?.cursor && event.attempt === attempt))
          }
          assert.isEmpty(yield* pulled("good"))
        }),
      60_000
    )
  }
)
