import { PgClient } from "@effect/sql-pg"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Effect, ManagedRuntime, Redacted } from "effect"
import { type PostgresServer, startPostgres } from "../../support/Postgres.ts"
import { Command, type Entry, NodeProcess, type Report, until } from "./NodeProcess.ts"

/** Three processes, real sockets, one PostgreSQL. Each test leaves three members that share all shards. */
const shardsPerGroup = 64

describe("members of a cluster", { timeout: 30_000 }, () => {
  let server: PostgresServer
  let watcher: ManagedRuntime.ManagedRuntime<PgClient.PgClient, unknown>
  let entries: ReadonlyArray<Entry> = []
  let nodes: ReadonlyArray<NodeProcess> = []

  const reports = (of = nodes) => Promise.all(of.map((node) => node.report()))
  const isShared = (all: ReadonlyArray<Report>) =>
    all.every(({ shards, isReady }) => isReady && shards.length > 0) &&
    new Set(all.flatMap(({ shards }) => shards)).size === shardsPerGroup &&
    all.reduce((sum, { shards }) => sum + shards.length, 0) === shardsPerGroup
  const shared = () => until(reports, isShared)
  const addresses = (healthy: boolean): Promise<ReadonlyArray<string>> =>
    watcher.runPromise(
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const rows = yield* sql<{ readonly address: string }>`
          select address from cluster_node where healthy = ${healthy}`
        return rows.map(({ address }) => address)
      })
    )
  const unhealthy = () => addresses(false)
  const sleep = (millis: number) => new Promise((resolve) => setTimeout(resolve, millis))
  const member = (index: number): NodeProcess => {
    const node = nodes[index]
    if (node === undefined) throw new Error(`no member ${index}`)
    return node
  }
  const lost = async (of: ReadonlyArray<number>) => (await reports(of.map(member))).map((report) => report.lost)
  const replace = async (index: number) => {
    const entry = entries[index]
    if (entry === undefined) throw new Error(`no entry ${index}`)
    const started = await NodeProcess.start(entry)
    nodes = nodes.with(index, started)
  }
  /** While `during` runs, node 0 asks every probe again and again. Answers its longest wait. */
  const underLoad = async (during: () => Promise<void>): Promise<number> => {
    const asker = member(0)
    await asker.tell(Command.Load({ isOn: true }))
    await until(
      () => asker.report(),
      ({ owners }) => owners.length === 60
    )
    await during()
    await sleep(500)
    return (await asker.tell(Command.Load({ isOn: false }))).longestSilence
  }

  beforeAll(async () => {
    server = await startPostgres()
    watcher = ManagedRuntime.make(PgClient.layer({ url: Redacted.make(server.url), maxConnections: 1 }))
    entries = await NodeProcess.entries(server.url, 3, shardsPerGroup)
    nodes = await Promise.all(entries.map((entry) => NodeProcess.start(entry)))
    await shared()
  }, 30_000)

  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.end()))
    await watcher.dispose()
    await server.stop()
  })

  it("keep their shards and their health when PostgreSQL stalls for three seconds", async () => {
    const before = await shared()
    const stalls = 3000
    server.freeze()
    await sleep(stalls)
    const during = await reports()
    assert.deepStrictEqual(
      during.map(({ isFresh }) => isFresh),
      [false, false, false],
      "nobody may act on a lease that nobody could confirm"
    )
    server.thaw()
    const flips: Array<string> = []
    for (let look = 0; look < 20; look++) {
      flips.push(...(await unhealthy()))
      await sleep(100)
    }
    const after = await reports()
    assert.deepStrictEqual(flips, [])
    assert.deepStrictEqual(
      after.map(({ shards, isFresh, lost }) => ({ shards, isFresh, lost })),
      before.map(({ shards }) => ({ shards, isFresh: true, lost: 0 }))
    )
  })

  it("judge nobody by one link that is cut, but say that they are not ready", async () => {
    const before = await shared()
    const cut = async (isCut: boolean) => {
      for (const [self, other] of [
        [0, 1],
        [1, 0]
      ] as const) {
        const { port = 0, relayPort = 0 } = entries[other] ?? {}
        await member(self).tell(Command.Cut({ ports: [port, relayPort], isCut }))
      }
    }
    const brokeWith = (of: Report | undefined, peer: Report | undefined) =>
      of?.broken.some(({ node }) => node === peer?.node) === true
    try {
      await underLoad(async () => {
        const began = performance.now()
        await cut(true)
        await until(reports, ([a, b]) => brokeWith(a, before[1]) && brokeWith(b, before[0]))
        assert.isBelow(performance.now() - began, 3000, "the relay tells a break within 1.2 s of the cut")
        const flips: Array<string> = []
        for (let look = 0; look < 30; look++) {
          flips.push(...(await unhealthy()))
          await sleep(100)
        }
        assert.deepStrictEqual(flips, [])
        const [a, b, c] = await reports()
        assert.deepStrictEqual([a?.isReady, b?.isReady, c?.isReady], [false, false, true])
        await cut(false)
        await until(reports, (all) => all.every(({ isReady }) => isReady))
      })
    } finally {
      await cut(false)
    }
    const after = await shared()
    assert.deepStrictEqual(
      after.map(({ shards }) => shards),
      before.map(({ shards }) => shards)
    )
  })

  it("send batches over the relay in order", async () => {
    const [a, , c] = await shared()
    const texts = Array.from({ length: 200 }, (_, index) => `batch ${index}`)
    await member(0).tell(Command.Send({ node: c?.node ?? "", texts }))
    const { received } = await until(
      () => member(2).report(),
      (report) => report.received.length >= texts.length
    )
    assert.deepStrictEqual(
      received,
      texts.map((text) => `${a?.node} ${text}`)
    )
  })

  it("take over from a killed one within three seconds", async () => {
    const victim = member(2)
    const silence = await underLoad(async () => {
      await victim.end()
      await until(
        () => reports(nodes.slice(0, 2)),
        (all) => all.reduce((sum, { shards }) => sum + shards.length, 0) === shardsPerGroup
      )
    })
    console.log(`SIGKILL: longest silence ${silence.toFixed(0)} ms`)
    assert.isBelow(silence, 3000)
    assert.deepStrictEqual(await lost([0, 1]), [0, 0], "only the session of the dead may be ended")
    await replace(2)
    await shared()
  })

  it("take over from a frozen one, which serves nothing when it comes back", async () => {
    const victim = member(1)
    const frozenMillis = 6000
    const silence = await underLoad(async () => {
      victim.signal("SIGSTOP")
      const began = performance.now()
      await until(
        () => reports([member(0), member(2)]),
        (all) => all.reduce((sum, { shards }) => sum + shards.length, 0) === shardsPerGroup
      )
      await sleep(frozenMillis - (performance.now() - began))
      victim.signal("SIGCONT")
    })
    console.log(`SIGSTOP: longest silence ${silence.toFixed(0)} ms`)
    assert.isBelow(silence, 6000)
    assert.deepStrictEqual(await lost([0, 2]), [0, 0], "only the session of the frozen may be ended")
    const back = await until(
      () => victim.report(),
      ({ lost }) => lost > 0
    )
    assert.isAbove(back.longestGap, 5000)
    assert.isFalse(back.freshAfterGap, "the lease may only be fresh after a heartbeat of a new session")
    await shared()
  })

  it("give their shards away when they stop, without a failed ask", async () => {
    const silence = await underLoad(async () => {
      await member(2).end("SIGTERM")
      await until(
        () => reports(nodes.slice(0, 2)),
        (all) => all.reduce((sum, { shards }) => sum + shards.length, 0) === shardsPerGroup
      )
    })
    console.log(`SIGTERM: longest silence ${silence.toFixed(0)} ms`)
    assert.isBelow(silence, 2500)
    assert.strictEqual((await addresses(true)).length, 2)
  })

  it("stop within ten seconds also when PostgreSQL is silent", async () => {
    server.freeze()
    const began = performance.now()
    await member(1).end("SIGTERM")
    const took = performance.now() - began
    server.thaw()
    assert.isBelow(took, 10_000)
  })
})
