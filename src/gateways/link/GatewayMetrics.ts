/** Publishes the counts of a gateway's links as metrics, once a second: nothing is updated per frame. */
import { Effect, Metric, Schedule } from "effect"
import type { LinkTotals } from "./LinkCounters.ts"

/** Links that are open, and those whose board has its welcome. */
const connections = Metric.gauge("holon_link_connections", { description: "Connections that carry a link" })
const attached = Metric.gauge("holon_link_attached", { description: "Boards with a welcome" })

const counter = (name: string, description: string) =>
  Metric.counter(`holon_link_${name}`, { description, incremental: true })

const counters = {
  opened: counter("opened_total", "Links begun"),
  framesIn: counter("frames_in_total", "Frames from boards"),
  framesOut: counter("frames_out_total", "Frames to boards"),
  bytesIn: counter("bytes_in_total", "Bytes of frames from boards"),
  bytesOut: counter("bytes_out_total", "Bytes of frames to boards"),
  refused: counter("refused_total", "Frames, topics and connections refused"),
  acknowledged: counter("acknowledged_total", "Frames of boards consumed"),
  dropped: counter("dropped_total", "Frames dropped that may be lost"),
  moved: counter("reattached_total", "Links attached again because their cell moved"),
  paused: counter("paused_total", "Times a board was not read from because it was ahead of its window")
} as const

type Counted = keyof typeof counters
const counted: ReadonlyArray<Counted> = [
  "opened",
  "framesIn",
  "framesOut",
  "bytesIn",
  "bytesOut",
  "refused",
  "acknowledged",
  "dropped",
  "moved",
  "paused"
]

/** Publishes until it is interrupted; `gateway` tells transports apart. */
export const publish = (gateway: string, totals: Readonly<LinkTotals>): Effect.Effect<never> => {
  const attributes = { gateway }
  const seen: Record<Counted, number> = {
    opened: 0,
    framesIn: 0,
    framesOut: 0,
    bytesIn: 0,
    bytesOut: 0,
    refused: 0,
    acknowledged: 0,
    dropped: 0,
    moved: 0,
    paused: 0
  }
  const round = Effect.gen(function* () {
    yield* Metric.update(Metric.withAttributes(connections, attributes), totals.connections)
    yield* Metric.update(Metric.withAttributes(attached, attributes), totals.attached)
    for (const name of counted) {
      const delta = totals[name] - seen[name]
      seen[name] = totals[name]
      if (delta > 0) yield* Metric.update(Metric.withAttributes(counters[name], attributes), delta)
    }
  })
  return round.pipe(Effect.repeat(Schedule.spaced("1 second")), Effect.andThen(Effect.never))
}
