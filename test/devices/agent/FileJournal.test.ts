import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { fileJournal } from "../../../devices/agent/FileJournal.ts"
import type { JournalEntry } from "../../../devices/agent/Journal.ts"

const begun: JournalEntry = { id: "a", name: "blink", idempotent: false, acknowledged: false }
const ended: JournalEntry = { ...begun, result: { code: 0, value: { times: 3 }, took: 12 } }

let folder = ""
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "holon-journal-"))
})
afterEach(() => rmSync(folder, { recursive: true }))

const path = () => join(folder, "commands.jsonl")

const put = (journal: ReturnType<typeof fileJournal>, entry: JournalEntry) =>
  new Promise<boolean>((resolve) => journal.put(entry, resolve))

const closed = (journal: ReturnType<typeof fileJournal>) => new Promise<void>((resolve) => journal.close(resolve))

describe("fileJournal", () => {
  it("has the entry in the file by the time it says so", async () => {
    const journal = fileJournal(path())
    assert.isTrue(await put(journal, begun))
    assert.include(readFileSync(path(), "utf8"), '"id":"a"')
    await closed(journal)
  })

  it("remembers the last entry of an id over a restart", async () => {
    const journal = fileJournal(path())
    journal.put(begun, () => {})
    journal.put(ended, () => {})
    await put(journal, { ...begun, id: "b" })
    await closed(journal)
    const again = fileJournal(path())
    assert.deepStrictEqual(again.load(), [ended, { ...begun, id: "b" }])
    await closed(again)
  })

  it("forgets what was removed", async () => {
    const journal = fileJournal(path())
    await put(journal, ended)
    journal.remove("a")
    await closed(journal)
    const again = fileJournal(path())
    assert.deepStrictEqual(again.load(), [])
    assert.strictEqual(statSync(path()).size, 0)
    await closed(again)
  })

  it("leaves out a line that the power cut short", async () => {
    const journal = fileJournal(path())
    await put(journal, begun)
    await closed(journal)
    appendFileSync(path(), '{"id":"torn","na')
    const again = fileJournal(path())
    assert.deepStrictEqual(again.load(), [begun])
    await closed(again)
  })

  it("keeps what comes after a line that was cut short, as by a full disk", async () => {
    const journal = fileJournal(path())
    await put(journal, begun)
    appendFileSync(path(), '\n{"id":"torn","na')
    await put(journal, { ...begun, id: "b" })
    await closed(journal)
    const again = fileJournal(path())
    assert.deepStrictEqual(again.load(), [begun, { ...begun, id: "b" }])
    await closed(again)
  })

  it("writes the file anew when most of it is out of date, and loses nothing by it", async () => {
    const journal = fileJournal(path())
    await put(journal, { ...begun, id: "first" })
    let largest = 0
    for (let round = 0; round < 100; round++) {
      for (let index = 0; index < 50; index++) journal.put({ ...begun, id: `${index}` }, () => {})
      await put(journal, { ...ended, id: "last", name: `round-${round}` })
      largest = Math.max(largest, statSync(path()).size)
    }
    await closed(journal)
    assert.isBelow(largest, 1500 * JSON.stringify(ended).length)
    const again = fileJournal(path())
    const ids = again.load().map(({ id }) => id)
    assert.sameMembers(ids, ["first", "last", ...Array.from({ length: 50 }, (_, index) => `${index}`)])
    assert.strictEqual(again.load().find(({ id }) => id === "last")?.name, "round-99")
    await closed(again)
  })

  it("takes nothing that has not the shape of an entry", async () => {
    writeFileSync(
      path(),
      '{"id":1}\n[]\nnull\n{"id":"x","name":"n","idempotent":false,"acknowledged":false,"result":{"code":"0"}}\n'
    )
    const journal = fileJournal(path())
    assert.deepStrictEqual(journal.load(), [])
    await closed(journal)
  })

  it("is for its owner alone", async () => {
    const journal = fileJournal(path())
    assert.strictEqual(statSync(path()).mode & 0o777, 0o600)
    await closed(journal)
  })
})
