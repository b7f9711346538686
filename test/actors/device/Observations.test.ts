import { assert, describe, it } from "@effect/vitest"
import { codes } from "../../../src/protocol/Codes.ts"
import { Bench } from "./Bench.ts"

const asker = { kind: "rollout", id: "r-1" }
const observed = (bench: Bench): Bench => {
  bench.ask("Observe", { asker, key: "k-1", program: "motor", forMillis: 10_000 })
  return bench
}
const status = (bench: Bench, seq: number, state: number, more: object = {}): void => {
  bench.up({ type: "program-status", seq, programs: [{ name: "motor", state, restarts: 0, ...more }] })
}
const heartbeats = (bench: Bench, seconds: number): void => {
  for (let second = 0; second < seconds; second++) {
    bench.up({ type: "heartbeat", seq: 0, up: 1, epoch: 1 })
    bench.advance(1000)
  }
}
const said = (bench: Bench) =>
  bench.tells.filter(({ message }) => message === "Observed").map(({ payload }) => Object(payload).code)

describe("a watch over a program", () => {
  it("ends well when the program has run for its time", () => {
    const bench = new Bench().ready()
    status(bench, 2, 4)
    observed(bench)
    heartbeats(bench, 9)
    assert.deepStrictEqual(said(bench), [])
    heartbeats(bench, 2)
    assert.deepStrictEqual(said(bench), [0])
  })

  it.each([
    ["traps", 9, { code: codes.Trap }, codes.Trap],
    ["is taken back", 10, {}, codes.ExitCode],
    ["is restarted", 4, { restarts: 1 }, codes.Trap]
  ] as const)("ends at once when the program %s", (_what, state, more, code) => {
    const bench = new Bench().ready()
    status(bench, 2, 4)
    observed(bench)
    status(bench, 3, state, more)
    heartbeats(bench, 20)
    assert.deepStrictEqual(said(bench), [code])
  })

  it("ends when the board falls silent", () => {
    const bench = new Bench().ready()
    status(bench, 2, 4)
    bench.ask("Observe", { asker, key: "k-1", program: "motor", forMillis: 60_000 })
    bench.ask("Lost", { node: "a-1", connection: 1, reason: 4 })
    assert.deepStrictEqual(said(bench), [codes.ETIMEDOUT])
  })

  it("waits for a board that went away in order, and survives its node", () => {
    const bench = observed(new Bench().ready())
    status(bench, 2, 4)
    bench.up({ type: "goodbye", seq: 0, reason: 3, boot: 7, link: 1 })
    bench.failOver()
    bench.advance(15_000)
    assert.deepStrictEqual(said(bench), [])
    bench.attach({ link: 2 })
    heartbeats(bench, 11)
    assert.deepStrictEqual(said(bench), [0])
  })

  it("ends for a board that stays away, and costs nothing until then", () => {
    const bench = new Bench().ready()
    status(bench, 2, 4)
    bench.ask("Observe", { asker, key: "k-1", program: "motor", forMillis: 1000, patienceMillis: 60_000 })
    bench.up({ type: "goodbye", seq: 0, reason: 3, boot: 7, link: 1 })
    const before = bench.state
    bench.advance(59_000)
    assert.deepStrictEqual([said(bench), bench.state === before], [[], true])
    bench.advance(2000)
    assert.deepStrictEqual(said(bench), [codes.NotAttached])
  })

  it("ends badly for a board that was silent before it began, and does not come back", () => {
    const bench = new Bench().ready()
    status(bench, 2, 4)
    bench.ask("Lost", { node: "a-1", connection: 1, reason: 4 })
    bench.ask("Observe", { asker, key: "k-1", program: "motor", forMillis: 1000, patienceMillis: 60_000 })
    bench.advance(61_000)
    assert.deepStrictEqual(said(bench), [codes.ETIMEDOUT])
  })

  it("ends when the board is turned away, and does not begin after that", () => {
    const bench = observed(new Bench().ready())
    bench.ask("Retire")
    bench.ask("Observe", { asker, key: "k-2", program: "motor", forMillis: 10_000 })
    assert.deepStrictEqual(said(bench), [codes.Retired, codes.Retired])
    assert.strictEqual(bench.state.work.observations.size, 0)
  })

  it("ends badly for a program that never came to run", () => {
    const bench = observed(new Bench().ready())
    heartbeats(bench, 11)
    assert.deepStrictEqual(said(bench), [codes.EIO])
  })
})
