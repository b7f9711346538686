/** `holon audit`: what was done, by whom, because of what; and the proof that nobody has changed it since. */
import { Console, Effect, Option, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { AuditCategory } from "../../protocol/audit/Category.ts"
import { auditLineOf, brokenOf, verdictLines } from "../AuditReport.ts"
import { Client } from "../Client.ts"
import { usually } from "../Defaults.ts"
import { examples } from "../Examples.ts"
import { connected, connection } from "../Globals.ts"
import { wholeNumber } from "../Numbers.ts"
import { print } from "../Print.ts"
import { whyTreeOf } from "../WhyTree.ts"
import { erase } from "./AuditErase.ts"
import { checkFile, keys, prove, vsm } from "./AuditProof.ts"

/** The chain is not as it was written. */
export class ChainBroken extends Schema.TaggedError<ChainBroken>()("ChainBroken", {
  vsm: Schema.String,
  where: Schema.String
}) {
  override get message() {
    return `the audit chain of ${this.vsm} is broken at ${this.where}`
  }
}

/** A proof is held against a key. */
export class KeyMissing extends Schema.TaggedError<KeyMissing>()("KeyMissing", {
  has: Schema.Literals(["proof", "key"])
}) {
  override get message() {
    return `--${this.has} needs --${this.has === "proof" ? "key" : "proof"} beside it`
  }
}

const text = (name: string, about: string) => Flag.String(name).pipe(Flag.withDescription(about), Flag.optional)

const given = <Name extends string, A>(name: Name, value: Option.Option<A>): { readonly [N in Name]?: A } =>
  Option.isNone(value) ? {} : ({ [name]: value.value } as { readonly [N in Name]: A })

const log = Command.make(
  "log",
  {
    ...connection,
    vsm,
    last: wholeNumber("last", 1, 200).pipe(usually("Records of one page", 50)),
    before: wholeNumber("before", 1, Number.MAX_SAFE_INTEGER).pipe(
      Flag.withDescription("Only records in front of this number: the page before"),
      Flag.optional
    ),
    since: text("since", "Only what was chained from this time on: 2026-11-21T08:00:00Z, or how long ago: 10min, 2h"),
    until: text("until", "Only what was chained before this time"),
    actor: text("actor", "Only what this one did or asked for, such as device/press-1 or user:anna"),
    category: Flag.String("category").pipe(
      Flag.withSchema(Schema.String.pipe(Schema.decodeTo(AuditCategory))),
      Flag.withDescription(`Only acts of this kind: ${AuditCategory.literals.join(", ")}`),
      Flag.optional
    ),
    where: text("where", "Only acts that fulfil this condition over events, such as 'type glob \"command.*\"'")
  },
  Effect.fn(function* (flags) {
    const page = yield* connected(flags)(
      Effect.flatMap(Client, (client) =>
        client.AuditLog({
          vsm: flags.vsm,
          limit: flags.last,
          ...given("before", flags.before),
          ...given("since", flags.since),
          ...given("until", flags.until),
          ...given("actor", flags.actor),
          ...given("category", flags.category),
          ...given("where", flags.where)
        })
      )
    )
    const lines = page.records.map(auditLineOf).reverse()
    yield* print(flags, page, () => (lines.length === 0 ? "no such records" : lines.join("\n")))
    if (page.next !== undefined && !flags.json) yield* Console.error(`what is before: --before ${page.next}`)
  })
).pipe(
  Command.withDescription("Acts, refusals and decisions that were chained, the newest last"),
  examples(
    ["--last 20", "The latest"],
    ["--since 1h --actor user:anna", "What somebody had done within the hour"],
    ["--category security", "Who was refused what"]
  )
)

const verify = Command.make(
  "verify",
  {
    ...connection,
    vsm,
    proof: text("proof", "File of a proof: it is checked by itself, and nobody is asked"),
    key: text("key", "Public key that the proof is held against: 64 hexadecimal digits, or a file with them")
  },
  Effect.fn(function* (flags) {
    const { proof, key } = flags
    if (Option.isSome(proof) !== Option.isSome(key))
      return yield* new KeyMissing({ has: Option.isSome(proof) ? "proof" : "key" })
    if (Option.isSome(proof) && Option.isSome(key)) return yield* checkFile(flags, proof.value, key.value)
    const verdict = yield* connected(flags)(Effect.flatMap(Client, (client) => client.AuditVerify({ vsm: flags.vsm })))
    if (verdict.isWhole) return yield* print(flags, verdict, () => verdictLines(verdict).join("\n"))
    if (flags.json) yield* print(flags, verdict, () => "")
    return yield* new ChainBroken({ vsm: flags.vsm, where: brokenOf(verdict) })
  })
).pipe(
  Command.withDescription(
    "Walk a chain beside the journal: whether every record is as it was written, and what is not sealed yet. Fails when one is not. With --proof: check a file that holon audit prove wrote."
  ),
  examples(
    ["", "The chain of the root"],
    ["--vsm line-1 --json", "Another one, for a script"],
    ["--proof stop.json --key audit.pub", "A proof, on a machine that knows nothing but a public key"]
  )
)

const why = Command.make(
  "why",
  {
    ...connection,
    id: Argument.String("id").pipe(Argument.withDescription("Id of an act or event, as audit log --json shows it"))
  },
  Effect.fn(function* (flags) {
    const found = yield* connected(flags)(Effect.flatMap(Client, (client) => client.AuditWhy({ id: flags.id })))
    yield* print(flags, found, () => whyTreeOf(found))
  })
).pipe(
  Command.withDescription("From an act back to the frame, the person or the rule that began it"),
  examples(["01a0c450-6c00-7101-8101-010101010101"])
)

export const audit = Command.make("audit").pipe(
  Command.withDescription("What was done, by whom and why, and whether the record of it is whole"),
  Command.withSubcommands([log, verify, why, prove, keys, erase])
)
