import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { PatternStats } from "../../src/gateways/http/PatternStats.ts"
import { Growth, labelledMax, makeLabels } from "../../src/runtime/PatternMetrics.ts"
import { holon } from "../support/NodeCommands.ts"
import { freePorts, RunningNode, until } from "../support/RunningNode.ts"

describe("the metrics of patterns", () => {
  it("have a label for the first patterns only, however many there are", () => {
    const labelOf = makeLabels()
    const labels = new Set(Array.from({ length: 10_000 }, (_, index) => labelOf(`p-${index}`)))
    assert.strictEqual(labels.size, labelledMax + 1)
    assert.deepStrictEqual([labelOf("p-0"), labelOf("p-9999")], ["p-0", "other"])
  })

  it("go on when what counts begins anew", () => {
    const growth = new Growth()
    const rounds = [5, 7, 7, 2, 3].map((total) => {
      const by = growth.by("a", total)
      growth.endRound()
      return by
    })
    assert.deepStrictEqual(rounds, [5, 2, 0, 2, 1])
  })

  it("forget what is not spoken of any more", () => {
    const growth = new Growth()
    growth.by("a", 5)
    growth.endRound()
    growth.endRound()
    assert.strictEqual(growth.by("a", 6), 6)
  })
})

const statsOf = Schema.decodeUnknownSync(PatternStats)

layer(RunningNode.layer({ boards: 2, config: freePorts }), { timeout: "60 seconds", excludeTestServices: true })(
  "a node that looks for patterns",
  (it) => {
    it.effect("says what each of them has counted", () =>
      Effect.gen(function* () {
        const { get } = yield* RunningNode
        const added = yield* holon(
          "pattern",
          "add",
          "pattern warm { from board.telemetry by source.id where temp > -100 }"
        )
        assert.isTrue(added.isSuccess, added.err)
        const stats = yield* until(
          Effect.map(get("/api/patterns/warm/stats"), ({ json }) => statsOf(json)),
          ({ counting, matched }) => matched >= 2 && counting === 4
        )
        assert.deepInclude(stats, { name: "warm", counting: 4, partitions: 4, late: 0, dropped: 0, evicted: 0 })
        assert.isAtLeast(stats.evaluated, stats.matched)
        assert.isAbove(stats.micros, 0)

        const shown = yield* holon("pattern", "show", "warm")
        assert.match(
          shown.out,
          /since its nodes began to look: \d+ looked at, \d+ matched, took about [\d.e+]+ ms, keeps \d+ keys? in about \d+ b/
        )
        const off = yield* holon("pattern", "off", "warm")
        assert.isTrue(off.isSuccess, off.err)
        yield* until(holon("pattern", "show", "warm"), ({ out }) => out.includes("nobody looks for it now"))
        assert.strictEqual((yield* get("/api/patterns/nobody/stats")).status, 404)
      })
    )

    it.effect("has that, and what the matcher did, on /metrics", () =>
      Effect.gen(function* () {
        const { get } = yield* RunningNode
        // Looked for until it was published: one that was off again by then has counted for nobody.
        const on = yield* holon("pattern", "on", "warm")
        assert.isTrue(on.isSuccess, on.err)
        const { text } = yield* until(get("/metrics"), (answer) =>
          /holon_pattern_counted_total\{[^}]*what="matched"/.test(answer.text)
        )
        for (const line of [
          /^holon_matcher_events_total [1-9]\d*$/m,
          /^holon_matcher_candidates_total [1-9]\d*$/m,
          /^holon_matcher_hits_total [1-9]\d*$/m,
          /^holon_pattern_look_seconds_total 0?\.\d+/m,
          /^holon_pattern_seconds_total\{[^}]*pattern="warm"[^}]*\} \d+(\.\d+)?(e-\d+)?$/m,
          /^holon_pattern_counted_total\{(?=[^}]*pattern="warm")(?=[^}]*what="evaluated")[^}]*\} [1-9]\d*$/m
        ])
          assert.match(text, line)
      })
    )
  }
)
