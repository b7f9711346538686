import { assert, describe, it } from "@effect/vitest"
import { Bench, journal, refusal } from "./Bench.ts"

const invokes = (bench: Bench) => bench.sent("invoke").map((frame) => (frame.type === "invoke" ? frame : undefined))
const sentIds = (bench: Bench) => invokes(bench).map((frame) => frame?.id)
const progress = (bench: Bench, seq: number, id: string) => bench.up({ type: "progress", seq, id, done: 0 })
const result = (bench: Bench, seq: number, id: string, code = 0) =>
  bench.up({ type: "result", seq, id, code, value: 42 })
const heartbeats = (bench: Bench, seconds: number) => {
  for (let second = 0; second < seconds; second++) {
    bench.up({ type: "heartbeat", seq: 0, up: 1, epoch: 1 })
    bench.advance(1000)
  }
}
const lose = (bench: Bench) => bench.ask("Lost", { node: "a-1", connection: 1, reason: 4 })

describe("a command", () => {
  it("goes to an attached board at once and ends with its result", () => {
    const bench = new Bench().ready()
    const { id, state } = bench.invoke({ args: { times: 3 }, ttlMillis: 9000 })
    assert.strictEqual(state, "sent")
    assert.deepStrictEqual(invokes(bench), [{ type: "invoke", id, name: "blink", args: { times: 3 }, ttl: 9000 }])
    progress(bench, 2, id)
    assert.strictEqual(bench.command(id).state, "accepted")
    result(bench, 3, id)
    const end = bench.command(id)
    assert.deepStrictEqual([end.state, end.code, end.value], ["done", 0, 42])
    assert.deepStrictEqual(bench.types(), ["command.accepted", "command.ended"])
  })

  it("is joined by a repeat of its id, which answers its stored end", () => {
    const bench = new Bench().ready()
    const { id } = bench.invoke()
    bench.clear()
    assert.strictEqual(bench.invoke({}, id).state, "sent")
    assert.deepStrictEqual(bench.frames, [])
    result(bench, 2, id)
    bench.failOver()
    assert.deepStrictEqual(bench.invoke({}, id), bench.command(id))
    assert.strictEqual(bench.invoke({ id }).code, 0)
  })

  it("is refused when its id is too old to be remembered, or none", () => {
    const bench = new Bench().ready()
    const id = bench.id()
    bench.advance(30_000 + 600_001)
    assert.strictEqual(
      refusal(() => bench.invoke({ ttlMillis: 30_000 }, id)),
      "Expired"
    )
    assert.strictEqual(
      refusal(() => bench.invoke({}, "press-1")),
      "Malformed"
    )
  })

  it("is remembered for its life, ten minutes and one more, then forgotten", () => {
    const bench = new Bench().ready()
    const { id } = bench.invoke({ ttlMillis: 30_000 })
    result(bench, 2, id)
    bench.advance(30_000 + 660_000)
    bench.attach({ link: 2 })
    bench.invoke()
    assert.strictEqual(bench.command(id).state, "done")
    bench.advance(1)
    bench.invoke()
    assert.strictEqual(
      refusal(() => bench.command(id)),
      "NotFound"
    )
  })

  it("waits for an absent board, with its life going on", () => {
    const bench = new Bench().ready()
    lose(bench)
    const { id } = bench.invoke({ ttlMillis: 30_000 })
    bench.advance(10_000)
    bench.attach({ link: 2 })
    bench.advance(50)
    assert.deepStrictEqual(invokes(bench), [{ type: "invoke", id, name: "blink", ttl: 30_000 - 10_002 }])
  })

  it("that was never put on a link ends as expired", () => {
    const bench = new Bench().ready()
    lose(bench)
    const { id } = bench.invoke({ ttlMillis: 5000 })
    bench.advance(5000)
    assert.strictEqual(bench.command(id).code, 62)
  })

  it("that was sent ends as unknown when life, lease and 4 s are over and the board is silent", () => {
    const bench = new Bench().ready()
    const { id } = bench.invoke({ ttlMillis: 5000 })
    lose(bench)
    bench.advance(5000 + 25_000 + 3999)
    assert.strictEqual(bench.command(id).state, "sent")
    bench.advance(1)
    assert.strictEqual(bench.command(id).code, 130)
  })

  it("that the board runs is not given up while the board is there", () => {
    const bench = new Bench().ready()
    const { id } = bench.invoke({ ttlMillis: 5000 })
    progress(bench, 2, id)
    heartbeats(bench, 60)
    assert.strictEqual(bench.command(id).state, "accepted")
    bench.advance(25_000)
    assert.strictEqual(bench.status().connection.state, "silent")
    assert.strictEqual(bench.command(id).code, 130)
  })

  it("is repeated on one link after 5, 10, 20, 40 and then every 60 seconds, with the life that is left", () => {
    const bench = new Bench().ready()
    bench.invoke({ ttlMillis: 200_000 })
    bench.clear()
    const seen: Array<readonly [number, number]> = []
    for (let second = 1; second <= 140; second++) {
      heartbeats(bench, 1)
      for (const frame of invokes(bench)) seen.push([second, frame?.ttl ?? 0])
    }
    assert.deepStrictEqual(seen, [
      [5, 195_000],
      [15, 185_000],
      [35, 165_000],
      [75, 125_000],
      [135, 65_000]
    ])
  })

  it("is repeated sooner on a line that loses frames", () => {
    const bench = new Bench().ready({ isLossy: true })
    bench.invoke()
    bench.clear()
    bench.advance(500)
    assert.strictEqual(sentIds(bench).length, 1)
    bench.advance(1000)
    assert.strictEqual(sentIds(bench).length, 1)
  })

  it("is repeated at once on a new link", () => {
    const bench = new Bench().ready()
    const { id } = bench.invoke()
    bench.clear()
    bench.attach({ link: 2 })
    bench.advance(2)
    assert.deepStrictEqual(sentIds(bench), [id])
  })

  it("waits after an attach until the welcome can be there", () => {
    const bench = new Bench().ready()
    lose(bench)
    bench.invoke()
    bench.attach({ link: 2, node: "b-1" })
    assert.deepStrictEqual(sentIds(bench), [])
    bench.advance(39)
    assert.deepStrictEqual(sentIds(bench), [])
    bench.advance(1)
    assert.strictEqual(sentIds(bench).length, 1)
  })

  it("that fits no frame of the board ends with 90 and is not sent", () => {
    const bench = new Bench().ready({ rx: 512 })
    const { id } = bench.invoke({ args: "x".repeat(600) })
    assert.deepStrictEqual(sentIds(bench), [])
    assert.strictEqual(bench.command(id).code, 90)
  })

  it("ends with the code of an error frame that names it", () => {
    const bench = new Bench().ready()
    const { id } = bench.invoke()
    bench.up({ type: "error", seq: 0, code: 95, req: id, detail: "no LED" })
    assert.deepStrictEqual([bench.command(id).code, bench.command(id).detail], [95, "no LED"])
  })

  it("is put off while the board is low on memory", () => {
    const bench = new Bench().ready()
    const { id } = bench.invoke()
    bench.clear()
    bench.up({ type: "error", seq: 0, code: 11, req: id, retry: 7000 })
    const other = bench.invoke()
    bench.advance(6999)
    assert.deepStrictEqual(sentIds(bench), [])
    bench.advance(1)
    assert.deepStrictEqual(sentIds(bench), [id, other.id])
  })
})

describe("the queue", () => {
  it("holds 256 commands and refuses more", () => {
    const bench = new Bench().ready()
    lose(bench)
    for (let index = 0; index < 256; index++) bench.invoke()
    assert.strictEqual(
      refusal(() => bench.invoke()),
      "Backpressure"
    )
  })

  it("never forgets an id for a new one", () => {
    const bench = new Bench().ready()
    bench.storesEachState = false
    const ids = Array.from({ length: 2048 }, () => {
      const { id } = bench.invoke()
      bench.up({ type: "result", seq: 0, id, code: 0 })
      return id
    })
    assert.strictEqual(
      refusal(() => bench.invoke()),
      "Backpressure"
    )
    assert.strictEqual(bench.command(ids[0] ?? "").state, "done")
    bench.advance(700_000)
    bench.attach({ link: 2 })
    assert.strictEqual(bench.invoke().state, "queued")
  })

  it("puts at most as many commands on the link as the board takes, in order of acceptance", () => {
    const bench = new Bench().ready({ requests: 2 })
    const ids = [bench.invoke(), bench.invoke(), bench.invoke(), bench.invoke()].map(({ id }) => id)
    assert.deepStrictEqual(sentIds(bench), ids.slice(0, 2))
    result(bench, 2, ids[1] ?? "")
    assert.deepStrictEqual(sentIds(bench), [ids[2]])
    result(bench, 3, ids[0] ?? "")
    assert.deepStrictEqual(sentIds(bench), [ids[3]])
    assert.deepStrictEqual(bench.status().commands, 2)
  })
})

describe("a new boot of a board without a journal", () => {
  it("ends what the last boot had accepted as unknown, and sends again what it had not", () => {
    const bench = new Bench().ready()
    const accepted = bench.invoke()
    const sent = bench.invoke()
    progress(bench, 2, accepted.id)
    bench.clear()
    bench.attach({ boot: 8 })
    assert.strictEqual(bench.command(accepted.id).code, 130)
    assert.strictEqual(bench.command(sent.id).state, "queued")
    bench.advance(50)
    assert.deepStrictEqual(sentIds(bench), [sent.id])
  })

  it("gets an idempotent command again, which then never ends as expired", () => {
    const bench = new Bench().ready()
    const { id } = bench.invoke({ idempotent: true, ttlMillis: 5000 })
    progress(bench, 2, id)
    bench.attach({ boot: 8, link: 1, requests: 1 })
    assert.strictEqual(bench.command(id).state, "queued")
    lose(bench)
    bench.advance(5000)
    assert.strictEqual(bench.command(id).code, 130)
  })

  it("leaves commands to a board with a journal", () => {
    const bench = new Bench().ready({ caps: journal })
    const { id } = bench.invoke()
    progress(bench, 2, id)
    bench.clear()
    bench.attach({ boot: 8, caps: journal })
    assert.strictEqual(bench.command(id).state, "accepted")
    bench.advance(50)
    assert.deepStrictEqual(sentIds(bench), [id])
    bench.up({ type: "result", seq: 1, id, code: 4, again: true })
    assert.strictEqual(bench.command(id).code, 4)
  })
})

describe("a boot with a journal and one without", () => {
  it("leave unknown what the one with the journal was sent", () => {
    const bench = new Bench().ready({ caps: journal })
    const { id } = bench.invoke()
    bench.attach({ boot: 8, caps: 0 })
    assert.strictEqual(bench.command(id).code, 130)
  })

  it("leave unknown what the one without had accepted", () => {
    const bench = new Bench().ready()
    const { id } = bench.invoke()
    progress(bench, 2, id)
    bench.attach({ boot: 8, caps: journal })
    assert.strictEqual(bench.command(id).code, 130)
  })
})

describe("the word to go", () => {
  it("is withheld with every copy of the progress of a command that has ended", () => {
    const bench = new Bench().ready()
    const expired = bench.invoke({ ttlMillis: 1000 })
    heartbeats(bench, 31)
    assert.strictEqual(bench.command(expired.id).code, 130)
    bench.clear()
    for (let copy = 0; copy < 2; copy++) {
      assert.strictEqual(progress(bench, 2, expired.id), "consumed")
      assert.deepStrictEqual(bench.sent("error"), [
        { type: "error", code: 62, frameType: 12, refusedSeq: 2, req: expired.id }
      ])
    }
    assert.strictEqual(bench.command(expired.id).code, 130)
  })

  it("is withheld for an id that nobody knows", () => {
    const bench = new Bench().ready()
    const id = bench.id()
    progress(bench, 2, id)
    assert.deepStrictEqual(bench.frames, [{ type: "error", code: 62, frameType: 12, refusedSeq: 2, req: id }])
  })

  it("names the cancellation of a command that was cancelled", () => {
    const bench = new Bench().ready()
    const { id } = bench.invoke()
    bench.ask("CancelCommand", { id })
    result(bench, 2, id, 125)
    bench.clear()
    progress(bench, 3, id)
    assert.deepStrictEqual(bench.frames, [{ type: "error", code: 125, frameType: 12, refusedSeq: 3, req: id }])
  })

  it("is given for a live command, and a repeat of it takes nothing back", () => {
    const bench = new Bench().ready()
    const { id } = bench.invoke()
    bench.clear()
    progress(bench, 2, id)
    progress(bench, 2, id)
    assert.deepStrictEqual(bench.frames, [])
  })
})

describe("late results", () => {
  it("are events and change nothing", () => {
    const bench = new Bench().ready()
    const { id } = bench.invoke({ ttlMillis: 1000 })
    heartbeats(bench, 31)
    const end = bench.command(id)
    bench.clear()
    result(bench, 2, id)
    assert.deepStrictEqual(bench.command(id), end)
    // In the chain of the command, whose id is that of its request.
    const because = { causes: [id], root: id }
    assert.deepStrictEqual(bench.events, [
      { type: "command.late", severity: "warn", because, data: { id, code: 0, value: 42 } }
    ])
  })

  it("that only repeat the end are no news", () => {
    const bench = new Bench().ready()
    const { id } = bench.invoke()
    result(bench, 2, id)
    bench.clear()
    result(bench, 3, id)
    assert.deepStrictEqual(bench.events, [])
  })
})

describe("cancelling", () => {
  it("ends a command that was never sent at once", () => {
    const bench = new Bench().ready()
    lose(bench)
    const { id } = bench.invoke()
    bench.ask("CancelCommand", { id })
    assert.strictEqual(bench.command(id).code, 125)
  })

  it("asks the board to end one that was sent, again until it answers", () => {
    const bench = new Bench().ready()
    const { id } = bench.invoke()
    bench.clear()
    bench.ask("CancelCommand", { id })
    assert.isTrue(bench.command(id).isCancelling)
    assert.deepStrictEqual(bench.sent("cancel"), [{ type: "cancel", id }])
    bench.advance(5000)
    assert.deepStrictEqual(bench.frames, [{ type: "cancel", id }])
    result(bench, 2, id, 125)
    assert.strictEqual(bench.command(id).code, 125)
  })

  it("takes a board that never had the command at its word", () => {
    const bench = new Bench().ready()
    const { id } = bench.invoke()
    bench.ask("CancelCommand", { id })
    bench.up({ type: "result", seq: 2, id, code: 3 })
    assert.strictEqual(bench.command(id).code, 125)
  })

  it("of one that has not come yet, by its name, keeps it from ever beginning", () => {
    const bench = new Bench().ready()
    const id = bench.id()
    bench.clear()
    assert.deepInclude(bench.ask("CancelCommand", { id, name: "home" }), { state: "done", code: 125, name: "home" })
    assert.deepInclude(bench.ask("Invoke", { id, name: "home" }), { state: "done", code: 125 })
    assert.deepStrictEqual(bench.sent("invoke"), [])
    assert.strictEqual(
      refusal(() => bench.ask("CancelCommand", { id: "0190-not-an-id", name: "home" })),
      "Malformed"
    )
  })

  it("of an unknown id is NotFound", () => {
    const bench = new Bench().ready()
    assert.strictEqual(
      refusal(() => bench.ask("CancelCommand", { id: bench.id() })),
      "NotFound"
    )
  })
})
