import { assert, describe, it } from "@effect/vitest"
import { codes } from "../../../src/protocol/Codes.ts"
import { ImageFailedBefore } from "../../../src/protocol/FailedImage.ts"
import { Bench, start } from "./Bench.ts"

const sha256 = "ab".repeat(32)
const open = (bench: Bench, session: string, more: object = {}): void => {
  bench.ask("OpenTransfer", { session, sha256, size: 10, kind: "hxe", flags: 0, ...more })
}
const close = (bench: Bench, session: string, failed?: object): void => {
  bench.ask("CloseTransfer", { session, ...(failed === undefined ? {} : { failed: { sha256, ...failed } }) })
}
const refusals = (bench: Bench) =>
  bench.tells.flatMap(({ message, payload }) => (message === "TransferEnded" ? [Object(payload)] : []))
const sending = (bench: Bench): string | undefined => bench.state.work.transfer?.session
const failedOnce = (): Bench => {
  const bench = new Bench().ready()
  open(bench, "s-1")
  close(bench, "s-1", { code: codes.Trap, detail: "trapped" })
  return bench
}

describe("an image that the board failed", () => {
  it("is not sent there again, and the next session hears what failed when", () => {
    const bench = failedOnce()
    bench.failOver()
    open(bench, "s-2")
    assert.strictEqual(sending(bench), undefined)
    const [refusal] = refusals(bench)
    assert.strictEqual(refusal.code, codes.EPERM)
    assert.deepStrictEqual(refusal.failedBefore, { sha256, at: bench.now, code: codes.Trap, detail: "trapped" })
    assert.deepStrictEqual(bench.status().failedImages, [refusal.failedBefore])
    open(bench, "s-3", { sha256: "cd".repeat(32) })
    assert.strictEqual(sending(bench), "s-3", "another image may come")
  })

  it("is remembered as soon as the board says that it took it back", () => {
    const bench = new Bench().ready()
    open(bench, "s-1")
    const report = { type: "image-status", xfer: 1, code: codes.Trap } as const
    bench.up({ ...report, seq: 2, state: 8 })
    bench.up({ ...report, seq: 3, state: 10, code: codes.ok })
    assert.strictEqual(bench.state.work.failedImages.size, 0)
    bench.up({ ...report, seq: 4, state: 10 })
    assert.deepStrictEqual([...bench.state.work.failedImages.keys()], [sha256])
  })

  it("is sent when somebody says so, and its failure is forgotten", () => {
    const bench = failedOnce()
    open(bench, "s-2", { again: true })
    assert.strictEqual(sending(bench), "s-2")
    assert.isUndefined(bench.status().failedImages)
    close(bench, "s-2")
    open(bench, "s-3")
    assert.deepStrictEqual(refusals(bench), [])
  })

  it("is not forgotten by a session that finds the board busy", () => {
    const bench = failedOnce()
    open(bench, "s-2", { sha256: "cd".repeat(32) })
    open(bench, "s-3", { again: true })
    assert.strictEqual(sending(bench), "s-2")
    close(bench, "s-2")
    open(bench, "s-4")
    assert.strictEqual(sending(bench), undefined)
  })

  it("is remembered though its transfer was given up before", () => {
    const bench = new Bench().ready()
    close(bench, "s-1", { code: codes.ETIMEDOUT })
    open(bench, "s-2")
    assert.strictEqual(refusals(bench).length, 1)
  })

  it.each([
    [
      "its program fails",
      (bench: Bench) =>
        bench.up({ type: "program-status", seq: 2, programs: [{ name: "motor", state: 9, code: codes.Trap }] }),
      true
    ],
    ["its board falls silent", (bench: Bench) => bench.ask("Lost", { node: "a-1", connection: 1, reason: 4 }), true],
    [
      "its board goes away in order",
      (bench: Bench) => bench.up({ type: "goodbye", seq: 0, reason: 3, boot: 7, link: 1 }),
      false
    ],
    ["the device is retired", (bench: Bench) => bench.ask("Retire"), false]
  ] as const)("is one of which %s while it is watched", (_what, happens, isRemembered) => {
    const bench = new Bench().ready()
    const asker = { kind: "rollout", id: "r-1" }
    bench.ask("Observe", { asker, key: "k-1", program: "motor", sha256, forMillis: 10_000, patienceMillis: 10_000 })
    happens(bench)
    bench.advance(30_000)
    assert.strictEqual(bench.state.work.observations.size, 0)
    assert.strictEqual(bench.state.work.failedImages.has(sha256), isRemembered)
  })

  it("keeps its first failure, and takes a bounded place with the others", () => {
    const bench = new Bench().ready()
    const failed = (at: number, code: number) =>
      close(bench, "s", { sha256: `${at}`.padStart(64, "0"), code, detail: "x".repeat(5000) })
    for (let at = 0; at < 50; at++) {
      bench.advance(1)
      failed(at, codes.Trap)
    }
    failed(49, codes.EIO)
    const known = [...bench.state.work.failedImages.values()]
    assert.deepStrictEqual([known.length, known[0]?.sha256.slice(-2), known.at(-1)?.code], [32, "18", codes.Trap])
    assert.isTrue(known.every(({ detail }) => (detail?.length ?? 0) <= 256))
  })

  it("is refused with a sentence that says what, when, why, and how to send it nevertheless", () => {
    const refusal = new ImageFailedBefore({ device: "press-1", sha256, at: start, code: codes.Trap })
    assert.strictEqual(
      refusal.message,
      "press-1 failed the image abababababab on 2027-01-15 08:00 UTC: The program ran into an illegal instruction or access (220 Trap); --again sends it nevertheless"
    )
  })
})
