/** `holon audit prove` and `holon audit keys`, and the check of a proof on a machine that knows nothing but a public key. */
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { Effect, Result, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { hexOf } from "../../protocol/audit/Hash.ts"
import { checkProof, Proof, type Proven } from "../../protocol/audit/Proof.ts"
import { rootId, VsmId } from "../../protocol/vsm/VsmId.ts"
import { reasonOf } from "../../runtime/storage/DataFolder.ts"
import { Client } from "../Client.ts"
import { examples } from "../Examples.ts"
import { connected, connection } from "../Globals.ts"
import { print } from "../Print.ts"
import { table } from "../Table.ts"

/** A proof or a key cannot be read or written. */
export class ProofFileUnusable extends Schema.TaggedError<ProofFileUnusable>()("ProofFileUnusable", {
  path: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `cannot use ${this.path}: ${this.reason}`
  }
}

/** A proof proves nothing. */
export class ProofWrong extends Schema.TaggedError<ProofWrong>()("ProofWrong", {
  path: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `${this.path} proves nothing: ${this.reason}`
  }
}

const attempt = <A>(path: string, run: () => A) =>
  Effect.try({ try: run, catch: (cause) => new ProofFileUnusable({ path, reason: reasonOf(cause) }) })

const fileText = Schema.fromJsonString(Proof)
const encode = Schema.encodeSync(fileText)
const decode = Schema.decodeUnknownEffect(fileText)

/** The chain of a VSM. */
export const vsm = Flag.String("vsm").pipe(
  Flag.withSchema(VsmId),
  Flag.withDescription(`VSM whose chain it is (default: ${rootId})`),
  Flag.withDefault(rootId)
)

export const prove = Command.make(
  "prove",
  {
    ...connection,
    vsm,
    out: Flag.String("out").pipe(
      Flag.withAlias("o"),
      Flag.withDescription("File that the proof goes to (default: proof-ID.json)"),
      Flag.withDefault("")
    ),
    id: Argument.String("id").pipe(
      Argument.withDescription("Id of an act, as audit log --json shows it, or its number in the chain")
    )
  },
  Effect.fn(function* (flags) {
    const { id, out } = flags
    const proof = yield* connected(flags)(Effect.flatMap(Client, (client) => client.AuditProve({ id, vsm: flags.vsm })))
    const path = out === "" ? `proof-${id}.json` : out
    yield* attempt(path, () => writeFileSync(path, `${encode(proof)}\n`))
    const { record, head } = proof
    yield* print(flags, { path, seq: record.seq, segment: head.segment }, () =>
      [
        `${path}: record ${record.seq} of ${record.vsm}, sealed in segment ${head.segment}`,
        `check it anywhere: holon audit verify --proof ${path} --key KEY  (keys: holon audit keys)`
      ].join("\n")
    )
  })
).pipe(
  Command.withDescription("Write a file that proves, with a public key and nothing else, that an act was recorded"),
  examples(["--vsm line-1 17", "Record 17 of a chain"], ["01a0c450-6c00-7101-8101-010101010101 -o stop.json"])
)

const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 16).replace("T", " ")

export const keys = Command.make(
  "keys",
  connection,
  Effect.fn(function* (flags) {
    const found = yield* connected(flags)(Effect.flatMap(Client, (client) => client.AuditKeys()))
    yield* print(flags, found, () =>
      table(
        ["public key", "from", "until", "keys"],
        found.issuers.map(({ publicKey, from, until, keys }) => [publicKey, dayOf(from), dayOf(until), `${keys}`])
      )
    )
  })
).pipe(
  Command.withDescription(
    "The first public key of everybody who signs the audit. Keep them where nobody can change them: proofs are checked by them."
  ),
  examples([""])
)

const keyHex = /^[0-9a-f]{64}$/

/** A public key: 64 digits, or a file with them. */
const keyOf = Effect.fnUntraced(function* (given: string) {
  const digits =
    keyHex.test(given) || !existsSync(given) ? given : yield* attempt(given, () => readFileSync(given, "utf8").trim())
  if (keyHex.test(digits)) return new Uint8Array(Buffer.from(digits, "hex"))
  return yield* new ProofFileUnusable({
    path: given,
    reason: "a public key is 64 hexadecimal digits, as holon audit keys shows it, or a file with them"
  })
})

const linesOf = ({ record, payload, head, key }: Proven, path: string): ReadonlyArray<string> => [
  `${path} proves: record ${record.seq} of ${record.vsm} was sealed on ${new Date(head.sealedAt).toISOString()}, in segment ${head.segment}`,
  `${record.type} of ${record.subject}, asked for by ${record.principal}, on ${new Date(record.at).toISOString()}`,
  payload === undefined ? "what it says is not kept any more; its hash is" : JSON.stringify(payload),
  `signed by key ${key.epoch} of ${hexOf(key.issuer)}`
]

/** Checks a proof without asking anybody. */
export const checkFile = Effect.fnUntraced(function* (flags: { readonly json: boolean }, path: string, given: string) {
  const publicKey = yield* keyOf(given)
  const text = yield* attempt(path, () => readFileSync(path, "utf8"))
  const proof = yield* Effect.mapError(decode(text), () => new ProofFileUnusable({ path, reason: "it holds no proof" }))
  const checked = checkProof(proof, publicKey)
  if (Result.isFailure(checked)) return yield* new ProofWrong({ path, reason: checked.failure })
  const { record, head } = checked.success
  yield* print(flags, { isProven: true, vsm: record.vsm, seq: record.seq, segment: head.segment }, () =>
    linesOf(checked.success, path).join("\n")
  )
})
