/** How long each step of the pipeline takes: in the record of the op, and as metrics of the node. */
import { Clock, Effect, Metric } from "effect"
import type { PipelineStep, Timings } from "../../../protocol/vsm/Op.ts"

/** Time that only goes forward, ms. */
export type Stopwatch = () => number

const stepSeconds = Metric.histogram("holon_op_step_seconds", {
  description: "How long steps of ops take",
  boundaries: [0.000_01, 0.000_1, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60]
})

/** What was measured so far, while an effect runs. */
export type Measured = { [step in PipelineStep]?: number }

/** The same times and some more. */
export const plus = (one: Timings, other: Timings): Timings => {
  const sum: Measured = { ...one }
  for (const step of Object.keys(other) as ReadonlyArray<PipelineStep>)
    sum[step] = (one[step] ?? 0) + (other[step] ?? 0)
  return sum
}

/** Adds to what was measured, and to the metrics. */
export const note = (measured: Measured, step: PipelineStep, millis: number): Effect.Effect<void> =>
  Effect.suspend(() => {
    measured[step] = (measured[step] ?? 0) + millis
    return Metric.update(Metric.withAttributes(stepSeconds, { step }), millis / 1000)
  })

const nanosPerMilli = 1e6

/** Measures an effect, however it ends. */
export const timed = <A, E, R>(measured: Measured, step: PipelineStep, effect: Effect.Effect<A, E, R>) =>
  Effect.flatMap(Clock.currentTimeNanos, (begun) =>
    Effect.ensuring(
      effect,
      Effect.flatMap(Clock.currentTimeNanos, (ended) => note(measured, step, Number(ended - begun) / nanosPerMilli))
    )
  )
