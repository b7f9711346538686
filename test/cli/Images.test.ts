import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, layer, it as plain } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import { bar, makeProgress, size } from "../../src/cli/Progress.ts"
import { ImageLine, ImageView } from "../../src/gateways/http/ImageLibrary.ts"
import { signHxe } from "../../src/protocol/hxe/Signature.ts"
import { sha256Of } from "../../src/protocol/image/HxeImageManifest.ts"
import { newKeyPair, readPrivateKey } from "../../src/protocol/image/SigningKey.ts"
import { described, first, full, smallest } from "../protocol/hxe/Golden.ts"
import { complaint, run } from "../support/Cli.ts"
import * as Commands from "../support/NodeCommands.ts"
import { freePorts, RunningNode, tempFolder } from "../support/RunningNode.ts"

const bytesMax = 2_000_000
const fullHash = sha256Of(full)
const linesOf = Schema.decodeUnknownSync(Schema.Array(ImageLine))
const viewOf = Schema.decodeUnknownSync(ImageView)
const idOf = Schema.decodeUnknownSync(Schema.Struct({ id: Schema.String }))

layer(RunningNode.layer({ config: { ...freePorts, images: { bytesMax } } }), {
  timeout: "60 seconds",
  excludeTestServices: true
})("holon image", (it) => {
  const at = (...argv: ReadonlyArray<string>) => Commands.holon("image", ...argv)
  const good = (...argv: ReadonlyArray<string>) => Commands.good("image", ...argv)

  /** A command that must fail with one line. */
  const bad = (...argv: ReadonlyArray<string>) =>
    Effect.map(at(...argv), (ran) => {
      assert.strictEqual(ran.out, "")
      assert.match(complaint(argv, ran), /^holon: .+\n$/)
      return ran.err
    })

  /** An empty library, a folder with files, and a key. */
  const bench = Effect.gen(function* () {
    const { sql } = yield* RunningNode
    yield* sql`truncate image_use, image, image_upload, image_chunk`
    const folder = yield* tempFolder
    const file = (name: string, bytes: Uint8Array | string): string => {
      const path = join(folder, name)
      writeFileSync(path, bytes)
      return path
    }
    const key = join(folder, "ada.pem")
    const { id } = idOf(JSON.parse((yield* run(["image", "key", "new", key, "--json"])).out))
    return { sql, folder, file, key, signer: join(folder, "ada.pub.pem"), id, gold: file("gold.hxe", full) }
  })

  it.effect("makes a key that only its owner reads, and never writes it over another", () =>
    Effect.gen(function* () {
      const { key, signer, id } = yield* bench
      assert.strictEqual(statSync(key).mode & 0o777, 0o600)
      const before = readFileSync(key, "utf8")
      assert.include(yield* bad2("image", "key", "new", key), "there is such a file; a key is not written over another")
      assert.strictEqual(readFileSync(key, "utf8"), before)
      for (const path of [key, signer])
        assert.match((yield* run(["image", "key", "show", path])).out, new RegExp(`^key ${id}\npublic [0-9a-f]{64}\n$`))
    })
  )

  it.effect("pushes an image, lists it and shows it", () =>
    Effect.gen(function* () {
      const { gold } = yield* bench
      assert.strictEqual(yield* good("ls"), "no images yet\n")
      const pushed = yield* good("push", gold, "--version", "1.2.0")
      assert.strictEqual(pushed, `gold full@1.2.0 ${fullHash.slice(0, 12)}: 376 B, hxe, unsigned\nsha256 ${fullHash}\n`)
      assert.match(
        yield* good("ls"),
        /^SHA256 +KIND +NAME +VERSION +BYTES +SIGNER +PUSHED +BY\n9fd7fda255d1 +hxe +gold full +1\.2\.0 +376 +unsigned +\d s ago +user:local\n$/
      )
      const [line] = linesOf(JSON.parse(yield* good("ls", "--json")))
      assert.isTrue(line?.origin.endsWith(gold))
      const shown = viewOf(JSON.parse(yield* good("show", "gold full")))
      assert.deepInclude(shown, { sha256: fullHash, version: "1.2.0", trust: "unsigned", users: [] })
    })
  )

  it.effect("pushes the same image twice, and says that it was there", () =>
    Effect.gen(function* () {
      const { gold, file } = yield* bench
      yield* good("push", gold)
      assert.include(yield* good("push", file("copy.hxe", full)), "its bytes were there before")
      const renamed = yield* good("push", file("copy.hxe", full), "--version", "7.0.0")
      assert.match(
        renamed,
        /@7\.0\.0 \w+: .*; renamed: its bytes were there before as [^@]+@[\d.]+, and go by that name no longer$/m
      )
      const name = renamed.slice(0, renamed.indexOf("@"))
      assert.include(
        yield* bad("show", `${name}@9.0.0`),
        `there is no image ${name}@9.0.0; of that name there is ${name}@7.0.0`
      )
      assert.lengthOf(linesOf(JSON.parse(yield* good("ls", "--json"))), 1)
    })
  )

  it.effect("pushes with a manifest of JSON, which may leave out what the image says itself", () =>
    Effect.gen(function* () {
      const { gold, file } = yield* bench
      const manifest = file("gold.json", JSON.stringify({ version: "2.0.0", about: { author: "ada" }, secver: 4 }))
      yield* good("push", gold, "--manifest", manifest, "--secver", "5")
      const { manifest: stored } = viewOf(JSON.parse(yield* good("show", fullHash.slice(0, 6))))
      assert.deepInclude(stored, { version: "2.0.0", secver: 5, about: { author: "ada" }, requires: { hxeCaps: 0x43 } })
      const wrong: ReadonlyArray<readonly [json: string, sentence: string]> = [
        ['{"verson":"1.0.0"}', "verson: there is no such field"],
        ['{"version":"one"}', "version: Expected a semantic version such as 1.2.3"],
        ["{", "it is no JSON"],
        ['{"name":"other"}', "the manifest says other, the image's own header gold full"],
        [`{"sha256":"${"0".repeat(64)}"}`, "is that of the image 0000"]
      ]
      for (const [json, sentence] of wrong)
        assert.include(yield* bad("push", gold, "--manifest", file("wrong.json", json)), sentence)
    })
  )

  it.effect("pushes what is no HXE image when it is told what it is", () =>
    Effect.gen(function* () {
      const { file } = yield* bench
      const boot = file("boot.bin", new Uint8Array(1_500_000).fill(7))
      assert.include(yield* bad("push", boot), "it begins like no HXE and no WASM image")
      assert.include(yield* bad("push", boot, "--kind", "firmware"), "add --name and --version")
      const out = yield* good("push", boot, "--kind", "firmware", "--name", "boot", "--version", "1.0.0")
      assert.match(out, /^boot@1\.0\.0 [0-9a-f]{12}: 1\.4 MiB, firmware, unsigned\n/)
      const nameless = file("first.hxe", first)
      assert.include(yield* bad("push", nameless), "the image has no name of its own; give it one")
      assert.include(yield* good("push", nameless, "--name", "first"), "first@0.0.0")
    })
  )

  it.effect("pushes nothing that is damaged, too large, or not there", () =>
    Effect.gen(function* () {
      const { file, folder, sql } = yield* bench
      const damaged = new Uint8Array(full)
      damaged[0x62] = 1
      assert.include(yield* bad("push", file("damaged.hxe", damaged)), "its checksum does not fit")
      const large = file("large.bin", new Uint8Array(10 * bytesMax))
      assert.include(
        yield* bad("push", large, "--kind", "firmware", "--name", "large", "--version", "1.0.0"),
        "that the cluster takes; images.bytesMax of cluster.config.ts sets that"
      )
      assert.include(yield* bad("push", join(folder, "none.hxe")), "none.hxe: there is no such file")
      assert.deepStrictEqual(yield* sql`select from image_upload`, [])
    })
  )

  it.effect("signs an image while it is pushed, or later, and verifies it by file and by hash", () =>
    Effect.gen(function* () {
      const { gold, file, key, signer, id } = yield* bench
      assert.include(yield* good("push", gold, "--key", key), `signed by ${id.slice(0, 12)}`)
      for (const image of [gold, fullHash, "gold full"])
        assert.strictEqual(
          yield* good("verify", image, "--signer", signer),
          `gold full@0.0.0 ${fullHash.slice(0, 12)}: the bytes are whole and signed by ${id}\n`
        )
      yield* good("push", file("small.hxe", smallest))
      assert.include(yield* bad("verify", "gold_min", "--signer", signer), "(unsigned, EPERM)")
      assert.include(
        yield* good("sign", "gold_min", "--key", key, "--version", "3.0.0", "--secver", "9"),
        `is signed by ${id.slice(0, 12)}`
      )
      assert.deepInclude(JSON.parse(yield* good("verify", "gold_min@3.0.0", "--signer", signer, "--json")), {
        version: "3.0.0",
        secver: 9,
        signer: id
      })
    })
  )

  it.effect("does not verify what a stranger has signed, or nobody", () =>
    Effect.gen(function* () {
      const { gold, folder, key, id } = yield* bench
      const stranger = join(folder, "eve.pem")
      yield* run(["image", "key", "new", stranger])
      yield* good("push", gold)
      assert.include(yield* bad("verify", gold), "(unsigned, EPERM)")
      yield* good("sign", fullHash, "--key", key)
      assert.include(yield* bad("verify", gold, "--signer", stranger), `the key ${id} is not trusted here (ENOKEY)`)
      assert.include(
        yield* bad("verify", fullHash),
        `the node does not trust the key ${id}; name its file with --signer`
      )
      assert.include(yield* good("verify", fullHash, "--signer", stranger, "--signer", key), `signed by ${id}`)
    })
  )

  it.effect("finds bytes or a manifest that somebody has changed", () =>
    Effect.gen(function* () {
      const { gold, file, key, signer, sql } = yield* bench
      yield* good("push", gold, "--key", key)
      const { signedManifest } = viewOf(JSON.parse(yield* good("show", fullHash)))
      const bytes = Buffer.from(signedManifest, "base64url")
      const manifest = file("gold.cose", bytes)
      assert.include(yield* good("verify", gold, "--manifest", manifest, "--signer", signer), "signed by")
      const other = file("other.hxe", described)
      assert.include(yield* bad("verify", other, "--manifest", manifest, "--signer", signer), "the bytes are")
      assert.include(yield* bad("verify", gold, "--manifest", manifest), "a --manifest wants a --signer")
      bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
      const forged = file("forged.cose", bytes)
      assert.include(yield* bad("verify", gold, "--manifest", forged, "--signer", signer), "(EKEYREJECTED)")
      yield* sql`update image set manifest = ${bytes}::bytea`
      assert.include(yield* bad("verify", fullHash, "--signer", signer), "(EKEYREJECTED)")
      const boot = file("boot.bin", "bytes that no other test reads")
      yield* good("push", boot, "--kind", "firmware", "--name", "boot", "--version", "1.0.0", "--key", key)
      yield* sql`update image_chunk set bytes = decode('00', 'hex')`
      assert.include(yield* bad("verify", "boot", "--signer", signer), "the bytes are 6e340b9cffb37a98")
    })
  )

  it.effect("does not verify a file whose own signature is another's", () =>
    Effect.gen(function* () {
      const { file, key, signer } = yield* bench
      const eve = Result.getOrThrow(readPrivateKey(newKeyPair().privatePem))
      const inside = file("inside.hxe", Result.getOrThrow(signHxe(full, { privateKey: eve, securityVersion: 1 })))
      yield* good("push", inside, "--key", key)
      assert.include(yield* bad("verify", inside, "--signer", signer), "(ENOKEY)")
    })
  )

  it.effect("removes an image, unless somebody uses it", () =>
    Effect.gen(function* () {
      const { gold, sql } = yield* bench
      yield* good("push", gold)
      yield* sql`insert into image_use (sha256, holder) values (${fullHash}, 'program/lamp')`
      assert.include(yield* bad("rm", fullHash), `the image ${fullHash.slice(0, 12)} is in use by program/lamp`)
      yield* sql`truncate image_use`
      assert.include(yield* good("rm", "gold full"), "is removed")
      assert.include(yield* bad("rm", "gold full"), "there is no image gold full")
      assert.include(yield* bad("show", fullHash), `there is no image ${fullHash}`)
    })
  )

  it.effect("says which images a name may mean", () =>
    Effect.gen(function* () {
      const { file } = yield* bench
      for (const version of ["1.0.0", "1.1.0"])
        yield* good("push", file("x.bin", version), "--kind", "firmware", "--name", "boot", "--version", version)
      const said = yield* bad("show", "boot")
      assert.match(
        said,
        /boot is more than one image: .*\(boot@1\.[01]\.0\), .*; name one by more of its SHA-256, or as name@version/
      )
      assert.strictEqual(viewOf(JSON.parse(yield* good("show", "boot@1.1.0"))).version, "1.1.0")
    })
  )

  /** Without a node: these take neither `--url` nor `--data`. */
  const bad2 = (...argv: ReadonlyArray<string>) =>
    Effect.map(run(argv), ({ err, isSuccess }) => {
      assert.isFalse(isSuccess)
      return err
    })

  it.effect("asks no node for what it can say alone", () =>
    Effect.gen(function* () {
      const { gold, file, key, signer, folder } = yield* bench
      yield* good("push", gold, "--key", key)
      const { signedManifest } = viewOf(JSON.parse(yield* good("show", fullHash)))
      const manifest = file("gold.cose", Buffer.from(signedManifest, "base64url"))
      const offline = ["--url", "http://127.0.0.1:1", "--data", folder]
      const alone = yield* run(["image", "verify", gold, "--manifest", manifest, "--signer", signer, ...offline])
      assert.isTrue(alone.isSuccess, alone.err)
      assert.isFalse(existsSync(join(folder, "token")))
      assert.include(yield* bad2("image", "ls", ...offline), "no node has run with this data folder")
    })
  )
})

describe("progress", () => {
  const screen = () => {
    const written: Array<string> = []
    return { written, isTTY: true, write: (text: string) => written.push(text) }
  }

  plain.effect("is drawn on a terminal when it moves, and taken away at the end", () =>
    Effect.gen(function* () {
      const shown = screen()
      const progress = makeProgress(false, shown)
      for (const line of ["a", "a", "b"]) yield* progress.draw(line)
      yield* progress.finish
      yield* progress.finish
      assert.deepStrictEqual(shown.written, ["\r\u001b[2Ka", "\r\u001b[2Kb", "\r\u001b[2K"])
    })
  )

  plain.effect("takes one row, which alone can be cleared", () =>
    Effect.gen(function* () {
      const narrow = { ...screen(), columns: 4 }
      yield* makeProgress(false, narrow).draw("abcdef")
      const unknown = { ...screen(), columns: 0 }
      yield* makeProgress(false, unknown).draw("abcdef")
      assert.deepStrictEqual([narrow.written, unknown.written], [["\r\u001b[2Kabc"], ["\r\u001b[2Kabcdef"]])
    })
  )

  plain.effect("is drawn nowhere else", () =>
    Effect.gen(function* () {
      const quiet = screen()
      yield* makeProgress(true, quiet).draw("a")
      const piped = { ...screen(), isTTY: false }
      yield* makeProgress(false, piped).draw("a")
      assert.deepStrictEqual([quiet.written, piped.written], [[], []])
    })
  )

  plain("says parts and sizes as people do", () => {
    assert.strictEqual(bar(0.5), `${"█".repeat(12)}${"░".repeat(12)}  50 %`)
    assert.strictEqual(bar(2), `${"█".repeat(24)} 100 %`)
    assert.deepStrictEqual([size(376), size(1536), size(16_777_216)], ["376 B", "1.5 KiB", "16.0 MiB"])
  })
})
