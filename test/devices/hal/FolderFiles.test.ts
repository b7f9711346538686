import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { programFilesBytesMax, simulatedFiles } from "../../../devices/hal/BoardFiles.ts"
import { folderFiles } from "../../../devices/hal/FolderFiles.ts"

let folder = ""
let faults: Array<string> = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "holon-files-"))
  faults = []
})
afterEach(() => rmSync(folder, { recursive: true }))

const root = () => join(folder, "files")
const files = () => folderFiles(root(), (what) => faults.push(what))
const filesOf = (program: string) => files().of(program)
const bytes = Uint8Array.of(1, 2, 3)

describe("files of programs on a disk", () => {
  it("are there for the next process, each program's in a folder of its own", () => {
    assert.isTrue(filesOf("blink").write("logs/a.txt", bytes))
    assert.deepStrictEqual(filesOf("blink").read("logs/a.txt"), bytes)
    assert.isUndefined(filesOf("other").read("logs/a.txt"))
    assert.deepStrictEqual(new Uint8Array(readFileSync(join(root(), "blink", "logs", "a.txt"))), bytes)
    assert.deepStrictEqual(readdirSync(root()), ["blink"])
  })

  it("stay below their folder, whatever the program is named", () => {
    for (const name of ["..", ".", "../up", "a/b", ".new"]) assert.isTrue(filesOf(name).write("x", bytes), name)
    assert.deepStrictEqual(readdirSync(folder), ["files"])
    assert.lengthOf(readdirSync(root()), 5)
    for (const name of ["..", ".new"]) assert.deepStrictEqual(filesOf(name).read("x"), bytes)
  })

  it("are renamed, listed and removed on the disk too", () => {
    const files = filesOf("blink")
    files.write("old", bytes)
    assert.isTrue(files.rename("old", "box/new"))
    assert.isTrue(files.makeFolder("empty"))
    assert.deepStrictEqual(filesOf("blink").list(""), ["box", "empty"])
    assert.isFalse(files.rename("old", "again"))
    assert.isTrue(files.remove("box/new"))
    assert.isFalse(files.remove("box/new"))
    assert.isUndefined(filesOf("blink").read("box/new"))
  })

  it("have one spelling", () => {
    const files = filesOf("blink")
    files.write("a/./b", bytes)
    files.write("a\\b", Uint8Array.of(9))
    assert.deepStrictEqual(files.read("a/b"), Uint8Array.of(9))
    assert.deepStrictEqual(filesOf("blink").list("a"), ["b"])
    assert.isFalse(files.write(".", bytes))
  })

  it("do not grow beyond their room, and what the disk refuses is not there", () => {
    const files = filesOf("blink")
    assert.isFalse(files.write("big", new Uint8Array(programFilesBytesMax)))
    files.write("file", bytes)
    assert.isFalse(files.write("file/inner", bytes))
    assert.isUndefined(files.read("file/inner"))
    assert.isFalse(files.write("n".repeat(255 + 1), bytes))
    assert.deepStrictEqual(files.list(""), ["file"])
  })

  it("go with their programs when somebody clears away, and with no other", () => {
    for (const board of [files(), simulatedFiles()]) {
      for (const name of ["blink", "a/b", "gone", "../gone"]) board.of(name).write("x", bytes)
      writeFileSync(join(folder, "beside"), bytes)
      assert.strictEqual(board.keepOnly(new Set(["blink", "a/b", "other"])), 2)
      assert.deepStrictEqual([board.of("gone").list(""), board.of("a/b").list("")], [[], ["x"]])
      assert.strictEqual(board.keepOnly(new Set(["blink", "a/b"])), 0)
    }
    assert.deepStrictEqual(readdirSync(root()).sort(), ["a%2Fb", "blink"])
    assert.deepStrictEqual([readdirSync(folder).sort(), faults], [["beside", "files"], []])
    assert.strictEqual(folderFiles(join(folder, "none"), (what) => faults.push(what)).keepOnly(new Set()), 0)
  })

  it("leave alone what leads elsewhere or is too large, and tell of the latter", () => {
    mkdirSync(join(root(), "blink"), { recursive: true })
    writeFileSync(join(folder, "secret"), "secret")
    symlinkSync(join(folder, "secret"), join(root(), "blink", "link"))
    writeFileSync(join(root(), "blink", "large"), new Uint8Array(programFilesBytesMax + 1))
    writeFileSync(join(root(), "blink", "good"), bytes)
    assert.deepStrictEqual(filesOf("blink").list(""), ["good"])
    assert.lengthOf(faults, 1)
    assert.include(faults[0], "large")
  })
})
