/** `holon image key`: keys that sign images, as files of this machine. */
import { writeFileSync } from "node:fs"
import { Effect } from "effect"
import { Argument, Command } from "effect/cli"
import { keyIdText, newKeyPair, rawPublicKey } from "../../protocol/image/SigningKey.ts"
import { examples } from "../Examples.ts"
import { json } from "../Globals.ts"
import { FileUnusable, readSignerKey } from "../ImageFile.ts"
import { print } from "../Print.ts"

const publicPath = (path: string): string =>
  path.endsWith(".pem") ? `${path.slice(0, -4)}.pub.pem` : `${path}.pub.pem`

/** Never over a file that is there: it may be the only copy of a key. */
const writeNew = (path: string, text: string, mode: number) =>
  Effect.try({
    try: () => writeFileSync(path, text, { mode, flag: "wx" }),
    catch: (cause) => {
      const isThere = cause instanceof Error && "code" in cause && cause.code === "EEXIST"
      const reason = cause instanceof Error ? cause.message : String(cause)
      return new FileUnusable({
        path,
        reason: isThere ? "there is such a file; a key is not written over another" : reason
      })
    }
  })

const keyNew = Command.make(
  "new",
  { json, file: Argument.String("file").pipe(Argument.withDescription("Where the private key goes, as ada.pem")) },
  Effect.fn(function* (flags) {
    const { privatePem, publicPem } = newKeyPair()
    const beside = publicPath(flags.file)
    yield* writeNew(flags.file, privatePem, 0o600)
    yield* writeNew(beside, publicPem, 0o644)
    const id = keyIdText(rawPublicKey(yield* readSignerKey(beside)))
    yield* print(flags, { id, private: flags.file, public: beside }, () =>
      [
        `key ${id}`,
        `private ${flags.file}: keep it to yourself`,
        `public ${beside}: goes into images.signers of the config`
      ].join("\n")
    )
  })
).pipe(
  Command.withDescription("Make a key that signs images"),
  examples(["ada.pem", "ada.pem stays secret; ada.pub.pem goes to boards and clusters"])
)

const keyShow = Command.make(
  "show",
  { json, file: Argument.String("file").pipe(Argument.withDescription("A private or public key, PEM")) },
  Effect.fn(function* (flags) {
    const raw = rawPublicKey(yield* readSignerKey(flags.file))
    const publicKey = Buffer.from(raw).toString("hex")
    yield* print(flags, { id: keyIdText(raw), publicKey }, () => `key ${keyIdText(raw)}\npublic ${publicKey}`)
  })
).pipe(Command.withDescription("Show the id of a key"), examples(["ada.pub.pem"]))

export const imageKey = Command.make("key").pipe(
  Command.withDescription("Keys that sign images"),
  Command.withSubcommands([keyNew, keyShow])
)
