import { mkdtempSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { fileStore } from "../../../devices/hal/FileStore.ts"

let folder = ""
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "holon-store-"))
})
afterEach(() => rmSync(folder, { recursive: true }))

const bytes = Uint8Array.of(1, 2, 3)

describe("fileStore", () => {
  it("gives back what was put, also to the next one on that folder", () => {
    fileStore(join(folder, "s")).put("calibration/temp", bytes)
    assert.deepStrictEqual(fileStore(join(folder, "s")).get("calibration/temp"), { value: bytes })
  })

  it("answers none for what is absent", () => {
    assert.deepStrictEqual(fileStore(folder).get("nothing"), { value: undefined })
    assert.deepStrictEqual(fileStore(folder).delete("nothing"), { value: false })
  })

  it("lists keys by prefix", () => {
    const store = fileStore(folder)
    for (const key of ["b/2", "a/1", "b/1"]) store.put(key, bytes)
    store.delete("b/2")
    assert.deepStrictEqual(store.list("b/"), { value: ["b/1"] })
    assert.deepStrictEqual(store.list(""), { value: ["a/1", "b/1"] })
  })

  it("keeps a key that looks like a path inside its folder", () => {
    const store = fileStore(join(folder, "s"))
    assert.deepStrictEqual(store.put("../../escaped", bytes), { value: undefined })
    assert.deepStrictEqual(store.list(""), { value: ["../../escaped"] })
  })

  it("refuses keys and values outside their sizes", () => {
    const store = fileStore(folder)
    assert.deepStrictEqual(store.put("", bytes), { code: 22 })
    assert.deepStrictEqual(store.put("k".repeat(257), bytes), { code: 22 })
    assert.deepStrictEqual(store.put("k", new Uint8Array(65_537)), { code: 90 })
  })

  it("is for its owner alone", () => {
    fileStore(join(folder, "s"))
    assert.strictEqual(statSync(join(folder, "s")).mode & 0o777, 0o700)
  })
})
