/** `holon audit erase`: what a record says is taken away, and that it was stays in the chain. */
import { Effect, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { Auditor } from "../../protocol/audit/Auditor.ts"
import { examples } from "../Examples.ts"
import { sendTo } from "../Following.ts"
import { connected, connection } from "../Globals.ts"
import { print } from "../Print.ts"
import { vsm } from "./AuditProof.ts"

const Erased = Schema.Struct({ seq: Schema.Int })

export const erase = Command.make(
  "erase",
  {
    ...connection,
    vsm,
    reason: Flag.String("reason").pipe(
      Flag.withDescription("Why, for whoever looks at the chain later: it is recorded beside your name")
    ),
    seq: Argument.Int("record").pipe(Argument.withDescription("Number of the record, as audit log shows it"))
  },
  Effect.fn(function* (flags) {
    const { vsm, seq, reason } = flags
    const place = { kind: Auditor.kind, id: vsm }
    const erased = yield* connected(flags)(sendTo(place, "Erase", { seq, reason }, Erased))
    yield* print(flags, erased, () =>
      [
        `what record ${seq} of ${vsm} says is taken away within a second; its hash stays, and the chain is whole`,
        "the journal keeps it for as long as it keeps everything: 30 days"
      ].join("\n")
    )
  })
).pipe(
  Command.withDescription("Take away what a record says, such as what is known of a person; the chain stays whole"),
  examples(["17 --reason 'request of the person, ticket 4711'"])
)
