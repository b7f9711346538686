/** `holon simulate`: thousands of virtual fleets under faults, each from one seed. */
import { Console, Effect, Option, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import { toggle, usually } from "../Defaults.ts"
import { examples } from "../Examples.ts"
import { wholeNumber } from "../Numbers.ts"

/** Some promise was broken in some run. */
export class SimulationUnsound extends Schema.TaggedError<SimulationUnsound>()("SimulationUnsound", {
  checks: Schema.Array(Schema.String),
  seed: Schema.Int
}) {
  override get message() {
    return `broken: ${this.checks.join(", ")}; holon simulate --seed ${this.seed} --trace shows how`
  }
}

const progressRuns = 500

// The simulator knows all of the product; other commands need not load it.
const simulator = Effect.promise(() => import("../../simulation/Simulate.ts"))

export const simulate = Command.make(
  "simulate",
  {
    seed: Flag.Int("seed").pipe(usually("The first seed; the others follow it", 1)),
    runs: wholeNumber("runs", 1, 1_000_000_000).pipe(usually("How many seeds, of 60 virtual seconds each", 1000)),
    threads: wholeNumber("threads", 1, 256).pipe(
      Flag.withDescription("Threads; as many as cores when absent"),
      Flag.optional
    ),
    trace: toggle("trace", "Print what happened in the one seed instead"),
    json: toggle("json", "Print the report as JSON")
  },
  Effect.fn(function* ({ seed, runs, threads, trace, json }) {
    const { simulate: run, traceOf } = yield* simulator
    if (trace) return yield* Console.log(traceOf(seed).join("\n"))
    const runFork = Effect.runForkWith(yield* Effect.context())
    const progress = (done: number, findings: number) => {
      if (done % progressRuns === 0 && done < runs)
        runFork(
          Console.error(`${done} of ${runs} runs, ${findings === 0 ? "all checks hold" : `${findings} checks broken`}`)
        )
    }
    const { summary, seconds, report } = yield* run({
      seed,
      runs,
      progress,
      ...(Option.isSome(threads) ? { threads: threads.value } : {})
    })
    yield* Console.log(json ? JSON.stringify({ ...summary, seconds }, null, 2) : report.join("\n"))
    const [first] = summary.findings
    if (first !== undefined)
      return yield* new SimulationUnsound({ checks: summary.findings.map(({ check }) => check), seed: first.seed })
  })
).pipe(
  Command.withDescription("Run virtual fleets under seeded faults, check that every promise is kept"),
  examples(["--runs 1000", "A thousand seeds on all cores"], ["--seed 42 --trace", "What happened in one"])
)
