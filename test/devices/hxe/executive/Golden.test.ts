import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { HostAccess } from "../../../../devices/hxe/executive/HostAccess.ts"
import { memoryFiles } from "../../../../devices/hxe/executive/ProgramFiles.ts"
import type { HxeImage } from "../../../../src/protocol/hxe/Hxe.ts"
import { readHxe } from "../../../../src/protocol/hxe/HxeReader.ts"
import { stripHxe } from "../../../../src/protocol/hxe/HxeWriter.ts"
import { described, first, full, smallest } from "../../../protocol/hxe/Golden.ts"
import { Bench } from "./Programs.ts"

const read = (bytes: Uint8Array): HxeImage => {
  const image = readHxe(bytes)
  return Result.isSuccess(image) ? image.success : assert.fail(image.failure.detail)
}

/** Offers files, which the full image asks for. */
const board = (): Bench => new Bench({ files: () => memoryFiles(1000) })

describe("images as compilers wrote them", () => {
  it("run to the same end with and without what describes them", () => {
    for (const bytes of [full, described, stripHxe(read(full))]) {
      const bench = board()
      const { pid } = bench.load(read(bytes))
      bench.run()
      const task = bench.executive.task(pid)
      assert.deepStrictEqual([task?.state, task?.end?.status, task?.machine?.steps], ["returned", 6, 5])
      assert.deepStrictEqual(bench.registers(pid, [1, 2, 15]), { 1: 0x4000, 2: 3, 15: 0xfffc })
    }
  })

  it("publish what they describe", () => {
    const bench = board()
    const { pid, name, mailboxes, warnings } = bench.load(read(described), { autostart: false })
    const host = new HostAccess(bench.executive)
    assert.strictEqual(name, "gold full")
    assert.deepStrictEqual(host.values(pid), [
      { oid: 0x109, name: "lamp", group: undefined, unit: undefined, flags: 0x11, authLevel: 0, value: 1 },
      { oid: 0x201, name: "rpm", group: "motor", unit: "rpm", flags: 2, authLevel: 1, value: 12.5 }
    ])
    assert.deepStrictEqual(host.commands(pid), [
      { oid: 0x207, name: "reset", group: "motor", help: "restart it", flags: 1, authLevel: 2 }
    ])
    assert.deepStrictEqual(mailboxes, [
      { target: "app:log", descriptor: 5, capacity: 96, mode: 0x1b, owner: undefined }
    ])
    assert.deepStrictEqual(warnings, [])
    // The manifest asks for a stack of 1024 bytes.
    assert.deepStrictEqual(
      bench.executive.ps().tasks.map(({ stackBytes, callMode }) => [stackBytes, callMode]),
      [[1024, "relative"]]
    )
    assert.strictEqual(host.setValue(pid, "lamp", 0, 3)?.code, 1)
    assert.strictEqual(host.setValue(pid, "rpm", 12.55, 1), undefined)
    assert.strictEqual(host.valueOf(pid, "rpm")?.value, 12.5)
    assert.strictEqual(host.setValue(pid, "motor.rpm", 13, 1), undefined)
    assert.strictEqual(host.valueOf(pid, "2:1")?.value, 13)
  })

  it("are refused by a board that lacks what they ask for", () => {
    const refused = new Bench().executive.load(read(full))
    assert.deepStrictEqual(Result.isFailure(refused) && refused.failure, { code: 95, detail: "caps:40" })
  })

  it("may be of the first version, without a name", () => {
    const bench = new Bench()
    const old = bench.load(read(first), { label: "/apps/seven.hxe" })
    const small = bench.load(read(smallest))
    bench.run()
    assert.deepStrictEqual([old.name, bench.executive.task(old.pid)?.end?.status], ["seven", 7])
    assert.deepStrictEqual([small.name, bench.executive.task(small.pid)?.end?.status], ["gold_min", 42])
  })

  it("may run once alone if they say so", () => {
    const bench = new Bench()
    const image = read(smallest)
    bench.load(image, { autostart: false })
    const again = bench.executive.load(image)
    assert.deepStrictEqual(Result.isFailure(again) && again.failure, { code: 17, detail: "app_exists:gold_min" })
  })
})
