/** `holon chaos`: kill real nodes and see that nothing is lost. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Clock, Console, Effect, Option, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import { type ChaosReport, chaos as runChaos } from "../../chaos/Chaos.ts"
import { toggle, usually } from "../Defaults.ts"
import { examples } from "../Examples.ts"
import { finiteNumber, wholeNumber } from "../Numbers.ts"
import { table } from "../Table.ts"

/** A check of the run failed. */
export class ChaosUnsound extends Schema.TaggedError<ChaosUnsound>()("ChaosUnsound", { seed: Schema.Int }) {
  override get message() {
    return `checks failed; run it again with --seed ${this.seed}`
  }
}

const brokenShown = 5

const text = (report: ChaosReport): string => {
  const faults = Object.entries(report.faults).map(([name, count]) => `${count} ${name}`)
  const rows = report.checks.map(({ name, looked, broken }) => [
    looked === 0 ? "EMPTY" : broken.length === 0 ? "holds" : "BROKEN",
    looked,
    name
  ])
  const broken = report.checks.flatMap(({ name, broken: found }) =>
    found.length === 0 ? [] : [`${name}:`, ...found.slice(0, brokenShown).map((line) => `  ${line}`)]
  )
  return [
    `seed ${report.seed}: ${faults.join(", ")}`,
    `${report.reportsAcknowledged} reports acknowledged, ${report.commands} commands, ${report.asks} asks, ${report.unansweredAsks} without an answer, the longest took ${report.longestAskMillis} ms`,
    table(["", "looked at", "check"], rows),
    ...broken
  ].join("\n")
}

export const chaos = Command.make(
  "chaos",
  {
    minutes: finiteNumber("minutes", 0.1, 1440).pipe(usually("How long faults go on, in minutes", 2)),
    seed: Flag.Int("seed").pipe(Flag.withDescription("Same seed, same schedule of faults"), Flag.optional),
    boards: wholeNumber("boards", 1, 1000).pipe(usually("How many boards", 20)),
    json: toggle("json", "Print the report as JSON")
  },
  Effect.fn(function* (flags) {
    const now = yield* Clock.currentTimeMillis
    const seed = Option.getOrElse(flags.seed, () => now % 1_000_000)
    const runFork = Effect.runForkWith(yield* Effect.context())
    const say = (line: string) => {
      runFork(flags.json ? Console.error(line) : Console.log(line))
    }
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "holon-chaos-"))),
      (made) => Effect.sync(() => rmSync(made, { recursive: true, force: true }))
    )
    const report = yield* runChaos({ folder, seed, faultMillis: flags.minutes * 60_000, boards: flags.boards, say })
    yield* Console.log(flags.json ? JSON.stringify(report, null, 2) : text(report))
    if (!report.isSound) return yield* new ChaosUnsound({ seed })
  }, Effect.scoped)
).pipe(
  Command.withDescription("Run three nodes, break them by a seeded schedule, check that nothing is lost"),
  examples(["--minutes 1 --seed 7"])
)
