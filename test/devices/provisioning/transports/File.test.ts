import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { fileTransport } from "../../../../devices/provisioning/transports/File.ts"
import { done, refusedAs } from "../LoaderRig.ts"

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
