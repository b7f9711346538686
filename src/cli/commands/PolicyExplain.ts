/** `holon policy explain`: why policies decided something, or what they would decide. */
import { Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { Malformed } from "../../protocol/Errors.ts"
import { Client } from "../Client.ts"
import { examples } from "../Examples.ts"
import { connected, connection } from "../Globals.ts"
import { explainedLines } from "../PolicyReport.ts"
import { print } from "../Print.ts"

const text = (name: string, about: string) => Flag.String(name).pipe(Flag.withDescription(about), Flag.optional)

/** `{"duty":0.7}` as a record. */
const recordOf = (path: string, given: Option.Option<string>) =>
  Option.isNone(given)
    ? Effect.succeed({})
    : Effect.try({
        try: (): unknown => JSON.parse(given.value),
        catch: () => new Malformed({ path, reason: "this is no JSON" })
      }).pipe(
        Effect.flatMap((value) =>
          typeof value === "object" && value !== null && !Array.isArray(value)
            ? Effect.succeed({ ...value })
            : Effect.fail(new Malformed({ path, reason: 'this is no JSON object such as {"duty":0.7}' }))
        )
      )

export const explain = Command.make(
  "explain",
  {
    ...connection,
    decision: Argument.String("decision").pipe(
      Argument.withDescription(
        "Id of a decision, as a refusal and its event say it; without one, what would be decided"
      ),
      Argument.optional
    ),
    capability: text("capability", "What would be done: a right such as device.set, or the name of a board's command"),
    who: text("who", "The operator who would ask (default: you)"),
    device: text("device", "The device that it would be done to: its zone, its VSM and what it reports are known"),
    zone: text("zone", "The zone where it would be done"),
    args: text("args", 'With which arguments, as JSON: {"duty":0.7}'),
    facts: text("facts", 'Facts that are to be taken for granted, as JSON: {"temp":90}'),
    isReading: Flag.Boolean("reading").pipe(Flag.withDescription("It would change nothing"), Flag.withDefault(false))
  },
  Effect.fn(function* (flags) {
    const { decision, capability } = flags
    if (Option.isSome(decision) === Option.isSome(capability))
      return yield* new Malformed({ path: "", reason: "say either the id of a decision, or a --capability" })
    const args = yield* recordOf("args", flags.args)
    const facts = yield* recordOf("facts", flags.facts)
    const found = yield* connected(flags)(
      Effect.flatMap(Client, (client) =>
        Option.isSome(decision)
          ? client.PolicyDecision({ id: decision.value })
          : client.PolicyWould({
              capability: Option.getOrElse(capability, () => ""),
              args,
              facts,
              isReading: flags.isReading,
              ...(Option.isSome(flags.who) && { who: flags.who.value }),
              ...(Option.isSome(flags.device) && { device: flags.device.value }),
              ...(Option.isSome(flags.zone) && { zone: flags.zone.value })
            })
      )
    )
    yield* print(flags, found, () => explainedLines(found).join("\n"))
  })
).pipe(
  Command.withDescription("Why policies decided something, or what they would decide; what would have to be otherwise"),
  examples(
    ["01a0c450-6c00-7101-8101-010101010101", "A denial"],
    [`--capability motor.duty.set --device press-1 --args '{"duty":0.7}'`, "What would be"]
  )
)
