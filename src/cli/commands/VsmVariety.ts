/** `holon vsm variety`: whether a VSM can answer as differently as it is disturbed. */
import { Effect, Stream } from "effect"
import { Argument, Command } from "effect/cli"
import type { HolonEvent } from "../../protocol/Event.ts"
import { VsmView } from "../../protocol/vsm/VsmState.ts"
import { type Variety, varietyOf } from "../../systems/control/variety/Variety.ts"
import { Client } from "../Client.ts"
import { usually } from "../Defaults.ts"
import { examples } from "../Examples.ts"
import { sendTo } from "../Following.ts"
import { connected, connection } from "../Globals.ts"
import { wholeNumber } from "../Numbers.ts"
import { print } from "../Print.ts"
import { table } from "../Table.ts"

const bits = (value: number): string => `${value.toFixed(2)} bit`
const share = (value: number): string => `${Math.round(value * 100)} %`

const meaning: Readonly<Record<Variety["shortage"], string>> = {
  none: "it can answer what disturbs it",
  medium: "it answers less differently than it is disturbed",
  high: "much of what disturbs it gets the same answer",
  critical: "it hardly answers what disturbs it"
}

/** The measures, a line each. */
const report = (vsm: string, found: Variety): string =>
  [
    `VSM ${vsm}, the last ${Math.round(found.seconds / 60)} min: ${meaning[found.shortage]}`,
    table(
      ["measure", "value", "of"],
      [
        ["disturbances", bits(found.disturbanceBits), `${found.disturbances} events`],
        ["answers", bits(found.responseBits), `${found.responses} events`],
        [
          "outcomes",
          bits(found.outcomeBits),
          Object.entries(found.outcomes)
            .map((each) => each.join(" "))
            .join(", ")
        ],
        ["ratio", found.ratio.toFixed(2), `a gap of ${bits(found.gap)}`],
        ["regulation used", bits(found.usedBits), "what an answer says about what it answers"],
        ["absorbed", share(found.absorbed), "disturbances that were answered here"],
        ...Object.entries(found.blocked).map(([kind, part]) => ["blocked", share(part), `acts of kind ${kind}`])
      ]
    )
  ].join("\n")

export const variety = Command.make(
  "variety",
  {
    ...connection,
    id: Argument.String("vsm").pipe(Argument.withDescription("Id of the VSM")),
    minutes: wholeNumber("minutes", 1, 1440).pipe(usually("How far back is looked", 5))
  },
  Effect.fn(function* (flags) {
    const found = yield* connected(flags)(
      Effect.gen(function* () {
        yield* sendTo({ kind: "vsm", id: flags.id }, "Describe", {}, VsmView)
        const client = yield* Client
        const asked = { follow: false, samples: false, since: `${flags.minutes}min` }
        const events = yield* Stream.runFold(
          client.Events(asked),
          (): Array<HolonEvent> => [],
          (kept, { event }) => {
            if (event.vsm === flags.id) kept.push(event)
            return kept
          }
        )
        return varietyOf(events, { seconds: flags.minutes * 60 })
      })
    )
    yield* print(flags, { ...found }, () => report(flags.id, found))
  })
).pipe(
  Command.withDescription("Measure, from what happened, whether a VSM can answer what disturbs it"),
  examples(["line-1"], ["root --minutes 60", "Of an hour"])
)
