/** The `holon` command against the node under test, and what that node's event stream says. */
import { assert } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { EventPageView } from "../../src/gateways/http/EventQueries.ts"
import { PatternStats } from "../../src/gateways/http/PatternStats.ts"
import { complaint, printed, run } from "./Cli.ts"
import { RunningNode, until } from "./RunningNode.ts"

const statsOf = Schema.decodeUnknownSync(PatternStats)
const pageOf = Schema.decodeUnknownSync(EventPageView)

/** Runs `holon` with these arguments against the node. */
export const holon = (...argv: ReadonlyArray<string>) =>
  Effect.flatMap(RunningNode, ({ url, data }) => run([...argv, "--url", url, "--data", data]))

/** What it printed, which must have ended well. */
export const good = (...argv: ReadonlyArray<string>) => Effect.map(holon(...argv), (ran) => printed(argv, ran))

/** What it complained of, which must have failed. */
export const bad = (...argv: ReadonlyArray<string>) => Effect.map(holon(...argv), (ran) => complaint(argv, ran))

/** Adds a pattern, and waits until all of its partitions look for it: what was said before is not theirs. */
export const lookedFor = Effect.fnUntraced(function* (name: string, text: string) {
  const { get } = yield* RunningNode
  yield* good("pattern", "add", text)
  return yield* until(
    Effect.map(get(`/api/patterns/${name}/stats`), ({ json }) => statsOf(json)),
    ({ counting, partitions }) => counting === partitions
  )
})

/** The last events of the node of which a condition holds, oldest first, measurements too. */
export const eventsWhere = (where: string) =>
  Effect.flatMap(RunningNode, ({ get }) =>
    Effect.map(
      get(`/api/events?last=10000&limit=1000&samples=true&where=${encodeURIComponent(where)}`),
      ({ status, json, text }) => {
        assert.strictEqual(status, 200, text)
        return pageOf(json).events.map(({ event }) => event)
      }
    )
  )
