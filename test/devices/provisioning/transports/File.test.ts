import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { source } from "../../../../devices/provisioning/Source.ts"
import { fileTransport } from "../../../../devices/provisioning/transports/File.ts"
import { loadWhole } from "../../../../devices/provisioning/transports/PullLoad.ts"
import type { Refused } from "../../../../devices/Refused.ts"
import { roomOfBoard } from "../CountingHost.ts"
import { goldenImage } from "../GoldenImage.ts"
import { done, LoaderRig, refusedAs, user } from "../LoaderRig.ts"

let folder = ""
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "holon-files-"))
  mkdirSync(join(folder, "root", "apps"), { recursive: true })
  writeFileSync(join(folder, "secret"), "secret")
  writeFileSync(join(folder, "root", "apps", "a.hxe"), "0123456789")
})
afterEach(() => rmSync(folder, { recursive: true }))

const open = (uri: string) => fileTransport(join(folder, "root")).open(uri)

describe("fileTransport", () => {
  it("reads a file in pieces and then nothing", () => {
    for (const uri of ["apps/a.hxe", "/apps/a.hxe"]) {
      const handle = done(open(uri))
      assert.strictEqual(handle.totalBytes, 10)
      const pieces = [handle.read(4), handle.read(4), handle.read(4), handle.read(4)].map(done)
      handle.close()
      assert.deepStrictEqual(
        pieces.map((piece) => Buffer.from(piece).toString()),
        ["0123", "4567", "89", ""]
      )
    }
  })

  it("finds nothing outside its root, not by dots and not behind a link", () => {
    symlinkSync(join(folder, "secret"), join(folder, "root", "link"))
    symlinkSync(folder, join(folder, "root", "up"))
    for (const uri of ["../secret", "apps/../../secret", "link", "up/secret", "a\0b"]) {
      assert.deepStrictEqual(refusedAs(open(uri)), [1, "path"], uri)
    }
  })

  it("follows a link that stays inside", () => {
    symlinkSync(join(folder, "root", "apps", "a.hxe"), join(folder, "root", "b.hxe"))
    assert.isTrue(Result.isSuccess(open("b.hxe")))
  })

  it("says what is missing, and that a folder is no file", () => {
    assert.deepStrictEqual(refusedAs(open("apps/b.hxe")), [2, "file"])
    assert.deepStrictEqual(refusedAs(open("apps/a.hxe/c")), [2, "file"])
    assert.deepStrictEqual(refusedAs(open("apps")), [2, "no_file"])
  })
})

describe("loadWhole", () => {
  const load = (contents: Uint8Array): { readonly rig: LoaderRig; readonly reply: Result.Result<unknown, Refused> } => {
    writeFileSync(join(folder, "root", "apps", "a.hxe"), contents)
    const rig = new LoaderRig({ imageBytesMax: 10_000 })
    const replies: Array<Result.Result<unknown, Refused>> = []
    loadWhole(
      { loader: rig.loader, transport: fileTransport(join(folder, "root")), clock: rig.time.clock() },
      "apps/a.hxe",
      { source: source.file("/apps/a.hxe") },
      user,
      (reply) => replies.push(reply)
    )
    rig.time.advance(100)
    const [reply] = replies
    if (reply === undefined) throw new Error("no reply")
    return { rig, reply }
  }

  it("loads a file in one step", () => {
    const { reply, rig } = load(goldenImage())
    assert.isTrue(Result.isSuccess(reply))
    assert.deepStrictEqual(rig.types, ["started", "progress", "complete"])
    assert.strictEqual(rig.last("provisioning.progress").data.percent, 100)
  })

  it("leaves no trace of a file that is no image, or too large", () => {
    const { reply, rig } = load(new Uint8Array(100))
    assert.deepStrictEqual(refusedAs(reply), [74, "unsupported_version:0"])
    assert.deepStrictEqual(rig.host.free, roomOfBoard)
    assert.strictEqual(refusedAs(load(new Uint8Array(10_001)).reply)[0], 28)
  })
})
