/** An image from a file of this machine to a board without a link: signed where asked, with a proof where asked. */
import { Effect, Option, Result } from "effect"
import { Argument, Flag } from "effect/cli"
import { proofOf } from "../../devices/provisioning/Access.ts"
import { type RoleName, readRoleKey, roleLevels, roleNames } from "../../devices/provisioning/FieldTrust.ts"
import type { LoadClient, Pushed } from "../../devices/provisioning/LoadClient.ts"
import { type LoadReplyFields, type LoadRequestPdu, operations } from "../../devices/provisioning/LoadPdu.ts"
import type { Refused } from "../../devices/Refused.ts"
import { codes } from "../protocol/Codes.ts"
import { BoardRefused } from "./Following.ts"
import { json } from "./Globals.ts"
import { wholeNumber } from "./Numbers.ts"
import { bar, makeProgress, size } from "./Progress.ts"
import { ImageUnreadable, readBytes, signedInside } from "./SignedInside.ts"

/** Who signs. */
export const signFlags = {
  key: Flag.String("key").pipe(
    Flag.withDescription("File of the Ed25519 private key, PEM, that signs inside the image before it goes out"),
    Flag.optional
  ),
  secver: wholeNumber("secver", 0, 0xffff_ffff).pipe(
    Flag.withDescription("Security version that is signed: no board goes back below the highest it has taken"),
    Flag.withDefault(0)
  )
}

/** What every way to such a board takes. */
export const pushFlags = {
  json,
  file: Argument.String("file").pipe(Argument.withDescription("Image, as lamp.hxe")),
  volatile: Flag.Boolean("volatile").pipe(
    Flag.withDescription("Do not keep it over a restart of the board"),
    Flag.withDefault(false)
  ),
  ...signFlags
}

/** What a way to one board takes besides: it can be asked for a proof. */
export const proofFlags = {
  role: Flag.Literals("role", roleNames).pipe(
    Flag.withDescription("Role to prove with --role-key"),
    Flag.withDefault("admin")
  ),
  roleKey: Flag.String("role-key").pipe(
    Flag.withDescription("File of the key of that role, as the board has it in its folder trust"),
    Flag.optional
  )
}

/** The bytes that go out. */
export const imageToPush = (flags: {
  readonly file: string
  readonly key: Option.Option<string>
  readonly secver: number
}) => (Option.isSome(flags.key) ? signedInside(flags.file, flags.key.value, flags.secver) : readBytes(flags.file))

/** Numbers of transfers differ from start to start: late replies to an earlier one match nothing. */
export const firstXfer = (): number => 1 + Math.floor(Math.random() * 255)

/** What a board says with a number alone, and what helps. */
const advice: ReadonlyMap<number, string> = new Map([
  [
    codes.EPERM,
    "the board does not allow it: it is not signed as the board asks, its security version is below one that the board took before, or the board asks for a role; --key signs, --role-key proves a role"
  ],
  [codes.ENOKEY, "the board has no such key; it reads its folder trust when it is switched on"],
  [codes.EBUSY, "the board takes in another image, or is still starting; try again in a moment"]
])

/** What a board said no to. Which message it was is no reason; the code has a sentence for people. */
export const refused = (what: string, { code, detail }: Refused) => {
  if (detail === "" || Object.hasOwn(operations, detail)) {
    const helps = advice.get(code)
    return new BoardRefused({ what, code, ...(helps !== undefined && { detail: helps }) })
  }
  return new BoardRefused({ what, code, detail: detail === "no_reply" ? "nobody answers there" : detail })
}

type Asked = Exclude<LoadRequestPdu, { readonly op: "write" }>

/** Asks a board for one thing; what it refuses is an error. */
const ask = (client: LoadClient, what: string, request: Asked) =>
  Effect.callback<LoadReplyFields, BoardRefused>((resume) => {
    client.ask(request, (reply) => {
      if (reply === undefined) return resume(Effect.fail(refused(what, { code: codes.ETIMEDOUT, detail: "" })))
      const { fields, status } = reply
      if (status !== codes.ok || fields === undefined)
        return resume(Effect.fail(refused(what, { code: status === codes.ok ? codes.EPROTO : status, detail: "" })))
      resume(Effect.succeed(fields))
    })
  })

/** Proves a role to a board, if a key is given. */
const prove = Effect.fnUntraced(function* (
  client: LoadClient,
  flags: { readonly role: RoleName; readonly roleKey: Option.Option<string> }
) {
  if (Option.isNone(flags.roleKey)) return
  const file = flags.roleKey.value
  const key = readRoleKey(Buffer.from(yield* readBytes(file)).toString("utf8"))
  if (Result.isFailure(key)) return yield* new ImageUnreadable({ file, reason: key.failure })
  const role = roleLevels[flags.role]
  const what = `the role ${flags.role}`
  const xfer = client.nextXfer()
  const hello = yield* ask(client, what, { op: "hello", xfer, version: 1 })
  const challenge = yield* ask(client, what, { op: "auth", xfer, role })
  if (hello.op !== "hello" || challenge.op !== "auth") return
  const mac = proofOf(key.success, hello.node, role, challenge.nonce)
  yield* ask(client, what, { op: "proof", xfer, mac })
})

/** Proves a role where a key is given, then carries an image over and shows how far it is. `board` is how people call it. */
export const pushThrough = Effect.fnUntraced(function* (
  client: LoadClient,
  image: Uint8Array,
  flags: {
    readonly json: boolean
    readonly file: string
    readonly volatile: boolean
    readonly role: RoleName
    readonly roleKey: Option.Option<string>
  },
  board: string
) {
  const { file } = flags
  yield* prove(client, flags)
  const progress = makeProgress(flags.json)
  const runFork = Effect.runForkWith(yield* Effect.context<never>())
  const show = (bytes: number): void =>
    void runFork(progress.draw(`${file} ${bar(bytes / image.length)} ${size(bytes)} of ${size(image.length)}`))
  return yield* Effect.callback<Pushed, BoardRefused>((resume) => {
    client.push(image, { label: file, persist: !flags.volatile, replace: true, acknowledged: show }, (result) =>
      resume(
        Result.isSuccess(result)
          ? Effect.succeed(result.success)
          : Effect.fail(refused(`${file} on ${board}`, result.failure))
      )
    )
    return Effect.sync(() => client.cancel())
  }).pipe(Effect.ensuring(progress.finish))
})

/** How it went, for people. */
export const pushedLine = (board: string, { chunks, pid, resent }: Pushed): string =>
  `${board} runs it as pid ${pid}: ${chunks} ${chunks === 1 ? "chunk" : "chunks"}, ${resent} sent again`
