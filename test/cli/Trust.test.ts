import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { complaint, printed, run } from "../support/Cli.ts"
import { start } from "../support/HolonProcess.ts"
import { freePort } from "../support/Ports.ts"
import { tempFolder } from "../support/RunningNode.ts"

/** Each test starts several processes, on machines that may be busy. */
const processMillis = 60_000

const examples = join(import.meta.dirname, "../../examples")

const good = (...argv: ReadonlyArray<string>) => Effect.map(run(argv), (ran) => printed(argv, ran))

/** A command that must fail with one line. */
const bad = (...argv: ReadonlyArray<string>) =>
  Effect.map(run(argv), (ran) => {
    const said = complaint(argv, ran)
    assert.match(said, /^holon: .+\n$/)
    return said
  })

/** A bus, an image, a key that signs, and the folder of what board 5 trusts. */
const bench = Effect.gen(function* () {
  const folder = yield* tempFolder
  const bus = String(yield* Effect.promise(freePort))
  yield* Effect.andThen(start(folder, "can", "hub", "--port", bus), (hub) => hub.says("CAN bus"))
  const image = join(folder, "blink.hxe")
  const key = join(folder, "ada.pem")
  const trust = join(folder, "can-5", "trust")
  mkdirSync(trust, { recursive: true })
  yield* good("image", "build", join(examples, "blink.mvasm"), "--out", image)
  yield* good("image", "key", "new", key)
  const board = Effect.tap(
    Effect.suspend(() =>
      start(folder, "can", "board", "--bus", bus, "--node", "5", "--memories", join(folder, "can-5"))
    ),
    (holon) => holon.says("is on the bus")
  )
  return {
    folder,
    bus,
    image,
    key,
    signer: join(folder, "ada.pub.pem"),
    trust,
    board,
    to5: ["--bus", bus, "--node", "5"]
  }
})

describe("a board of the bus that was given keys", () => {
  it.live(
    "refuses an image that nobody signed, and takes it signed inside, on the way or before",
    () =>
      Effect.gen(function* () {
        const { board, folder, image, key, signer, to5, trust } = yield* bench
        writeFileSync(join(trust, "ada.pem"), readFileSync(signer))
        yield* board
        assert.match(
          yield* bad("can", "push", image, ...to5),
          /blink\.hxe on board 5: the board does not allow it: .*--key signs.* \(EPERM, 1\)\n$/
        )
        const signed = join(folder, "signed.hxe")
        assert.match(
          yield* good("image", "sign", image, "--inside", "--key", key, "--secver", "3", "--out", signed),
          /signed\.hxe: signed inside by [0-9a-f]{16}, security version 3; \d+ bytes\nsha256 [0-9a-f]{64}: /
        )
        assert.include(yield* good("can", "push", signed, ...to5), "board 5 runs it as pid")
        assert.include(
          yield* good("can", "push", image, ...to5, "--key", key, "--secver", "3"),
          "board 5 runs it as pid"
        )
        const stranger = join(folder, "eve.pem")
        yield* good("image", "key", "new", stranger)
        assert.match(yield* bad("can", "push", image, ...to5, "--key", stranger), /\(ENOKEY, 126\)\n$/)
      }).pipe(Effect.scoped),
    processMillis
  )

  it.live(
    "takes an image only from a master that proves its role, where it knows keys of roles",
    () =>
      Effect.gen(function* () {
        const { board, bus, folder, image, to5, trust } = yield* bench
        const admin = join(trust, "admin.key")
        const wrong = join(folder, "wrong.key")
        writeFileSync(admin, "00112233445566778899aabbccddeeff\n")
        writeFileSync(wrong, "ff".repeat(16))
        yield* board
        assert.match(yield* bad("can", "push", image, ...to5), /\(EPERM, 1\)\n$/)
        assert.match(yield* bad("can", "push", image, "--bus", bus, "--expect", "5"), /on board 5: .+\(EPERM, 1\)\n$/)
        assert.match(yield* bad("can", "push", image, "--bus", bus, "--role-key", admin), /name it with --node/)
        assert.match(yield* bad("can", "push", image, ...to5, "--role-key", wrong), /the role admin: .+\(EPERM, 1\)\n$/)
        assert.match(
          yield* bad("can", "push", image, ...to5, "--role", "factory", "--role-key", admin),
          /the role factory: .+\(ENOKEY, 126\)\n$/
        )
        assert.include(yield* good("can", "push", image, ...to5, "--role-key", admin), "board 5 runs it as pid")
        assert.match(yield* bad("can", "push", image, ...to5, "--role-key", image), /cannot be read \(it holds no hex/)
      }).pipe(Effect.scoped),
    processMillis
  )

  it.live(
    "is not put on the bus with a folder of keys that it cannot read",
    () =>
      Effect.gen(function* () {
        const { bus, folder, trust } = yield* bench
        writeFileSync(join(trust, "ada.pem"), "no key")
        assert.match(
          yield* bad("can", "board", "--bus", bus, "--node", "5", "--memories", join(folder, "can-5")),
          /^holon: whom the board trusts cannot be told: .+ada\.pem is no public key; mend that file, or take it away\n$/
        )
      }).pipe(Effect.scoped),
    processMillis
  )
})

describe("holon image sign --inside", () => {
  it.live(
    "signs a file in its place, replaces a signature that it had, and refuses what it cannot sign",
    () =>
      Effect.gen(function* () {
        const folder = yield* tempFolder
        const image = join(folder, "blink.hxe")
        const key = join(folder, "ada.pem")
        yield* good("image", "build", join(examples, "blink.mvasm"), "--out", image)
        yield* good("image", "key", "new", key)
        const unsigned = readFileSync(image)
        const sign = (...more: ReadonlyArray<string>) =>
          Effect.map(good("image", "sign", image, "--inside", "--key", key, "--json", ...more), (out) =>
            JSON.parse(out)
          )
        const { bytes, sha256 } = yield* sign()
        assert.strictEqual(readFileSync(image).length, bytes)
        assert.isAbove(bytes, unsigned.length)
        const again = yield* sign("--secver", "2")
        assert.deepStrictEqual([again.bytes, again.secver], [bytes, 2])
        assert.notStrictEqual(again.sha256, sha256)
        assert.match(
          yield* bad("image", "sign", image, "--inside", "--key", key, "--version", "1.0.0"),
          /a signature inside says no version/
        )
        writeFileSync(image, "HSXE")
        assert.match(
          yield* bad("image", "sign", image, "--inside", "--key", key),
          /cannot be signed inside: it is too short/
        )
        assert.strictEqual(readFileSync(image, "utf8"), "HSXE")
      }).pipe(Effect.scoped),
    processMillis
  )
})
