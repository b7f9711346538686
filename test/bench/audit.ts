/**
 * What auditing costs: acts a second that are chained durably, records a second that are verified, and what boards notice of it.
 * fsync is on.
 */
import { PgClient } from "@effect/sql-pg"
import { Effect, Layer, Redacted } from "effect"
import { EventStream } from "../../src/events/EventStream.ts"
import { JournalHint } from "../../src/events/JournalHint.ts"
import { encodeEmission, journalBody } from "../../src/protocol/JournalBody.ts"
import * as AuditKeys from "../../src/runtime/AuditKeys.ts"
import { registry } from "../../src/runtime/Registry.ts"
import { makeAuditPartitions } from "../../src/runtime/storage/AuditPartitions.ts"
import { makePartitions } from "../../src/runtime/storage/JournalPartitions.ts"
import { migrate } from "../../src/runtime/storage/Migrations.ts"
import { layerPgAuditLog } from "../../src/runtime/storage/PgAuditLog.ts"
import { layerPgJournal } from "../../src/runtime/storage/PgJournal.ts"
import { AuditWatch } from "../../src/systems/audit/AuditWatch.ts"
import { catalogueOf } from "../../src/systems/audit/Catalogue.ts"
import * as Chaining from "../../src/systems/audit/Chaining.ts"
import { verify } from "../../src/systems/audit/Verify.ts"
import { type PostgresServer, startPostgres } from "../support/Postgres.ts"
import type { AuditedNodeAnswer, AuditedNodeRequest } from "./audited-node.ts"
import type { BoardsRequest, RunAnswer } from "./boards.ts"
import { stop, temporaryFolder, worker } from "./Processes.ts"
import { type BenchOptions, compare, figure, percentile } from "./Rounds.ts"

const goals = { chainedPerSecond: 5000, verifiedPerSecond: 1_000_000 / 60, telemetry: 0.9, lagMillis: 1000 }
const boardCount = 200
const framesEach = { isQuick: 20_000, whole: 60_000 }
const framesInFlight = 5
/** Acts a second that people and programs begin while boards report: far more than a fleet sees. */
const actsPerSecond = 100

const requestOf = (number: number): string => `01990000-0000-7000-8000-${number.toString(16).padStart(12, "0")}`

/** Commits with one act each, as a fleet writes them when somebody changes what many boards are to do. */
const journalled = Effect.fnUntraced(function* (from: number, count: number) {
  const sql = yield* PgClient.PgClient
  const at = Date.now()
  const bodies = Array.from({ length: count }, (_, index) => {
    const target = from + index
    const emission = {
      at,
      asker: { kind: "user", id: "anna", role: "operator" } as const,
      requestId: requestOf(target),
      zone: "hall.a",
      vsm: undefined,
      events: [{ type: "twin.desired-changed", data: { version: target, patch: { target } }, unit: "press-1" }],
      samples: []
    }
    return Buffer.from(journalBody(target, [encodeEmission(emission)])).toString("hex")
  })
  yield* sql`insert into journal (lasting, kind, id, version, at, body)
    select true, 'device', 'press-1', ${from} + place, ${at}, decode(body, 'hex')
    from unnest(${bodies}::text[]) with ordinality as given (body, place)`
})

const chains = (url: string) =>
  Chaining.layer(registry).pipe(
    Layer.provideMerge(AuditKeys.layer(temporaryFolder())),
    Layer.provideMerge(EventStream.layer),
    Layer.provideMerge(Layer.mergeAll(layerPgJournal, layerPgAuditLog)),
    Layer.provideMerge(JournalHint.layer),
    Layer.provideMerge(Layer.effectDiscard(Effect.all([migrate(), makePartitions, makeAuditPartitions]))),
    Layer.provideMerge(PgClient.layer({ url: Redacted.make(url), maxConnections: 4 }))
  )

const insertedAtOnce = 2000

/** Chains acts that stand in the journal as fast as it can, then walks the chain. */
const chaining = (server: PostgresServer, { isQuick }: BenchOptions) =>
  Effect.gen(function* () {
    const rounds = isQuick ? 2 : 5
    const each = isQuick ? 10_000 : 20_000
    const watch = yield* AuditWatch
    const chained = Effect.fnUntraced(function* (wanted: number) {
      for (let records = 0; records < wanted; ) {
        const looked = yield* watch.look({ vsm: "root", since: 0, begun: undefined })
        if (looked._tag === "Chained") records += looked.records
      }
    })
    const rates: Array<number> = []
    for (let round = 0; round < rounds; round++) {
      for (let at = 0; at < each; at += insertedAtOnce) yield* journalled(round * each + at, insertedAtOnce)
      const begun = performance.now()
      yield* chained(each)
      rates.push((each * 1000) / (performance.now() - begun))
    }
    console.log(`\nthe auditor chains ${rounds} × ${each} acts that stand in the journal, one in a commit`)
    figure("acts chained, durable", "/s", rates, { atLeast: goals.chainedPerSecond })
    const begun = performance.now()
    const used = process.cpuUsage()
    const verdict = yield* verify("root", undefined, catalogueOf(registry))
    if (verdict?.isWhole !== true) throw new Error(JSON.stringify(verdict?.broken))
    const seconds = (performance.now() - begun) / 1000
    console.log(`the chain is walked beside the journal: ${verdict.records} records, ${verdict.segments} segments`)
    const { user, system } = process.cpuUsage(used)
    figure("records verified", "/s", [verdict.records / seconds], { atLeast: Math.round(goals.verifiedPerSecond) })
    // The clock on the wall also counts what others do on this machine.
    figure("the same, of the node's own processor time", "/s", [(verdict.records * 1e6) / (user + system)])
  }).pipe(
    Effect.scoped,
    Effect.provide(Effect.promise(() => server.createDatabase()).pipe(Effect.map(chains), Layer.unwrap)),
    Effect.runPromise
  )

/** A node with boards, which one more process plays. */
const manned = async (server: PostgresServer, isAudited: boolean) => {
  const node = worker<AuditedNodeRequest, AuditedNodeAnswer>("./audited-node.ts")
  const { mqttPort } = await node.ask({ do: "start", url: await server.createDatabase(), isAudited })
  const boards = worker<BoardsRequest, RunAnswer | undefined>("./boards.ts")
  await boards.ask({ do: "connect", ports: [mqttPort], count: boardCount, attaches: true })
  return { node, boards }
}

/** What boards notice: frames a second of a node without an auditor, with one, and with one that has acts to chain. */
const telemetry = async (server: PostgresServer, { isQuick }: BenchOptions): Promise<void> => {
  const messages = isQuick ? framesEach.isQuick : framesEach.whole
  const without = await manned(server, false)
  const audited = await manned(server, true)
  const lags: Array<number> = []
  const run = async ({ node, boards }: typeof audited, acts: number): Promise<number> => {
    await node.ask({ do: "act", perSecond: acts })
    const answer = await boards.ask({ do: "run", messages, window: framesInFlight })
    const { lagMillis } = await node.ask({ do: "rest" })
    lags.push(...lagMillis)
    if (answer === undefined) throw new Error("no answer of a run")
    return answer.perSecond
  }
  for (const each of [without, audited]) await run(each, 0)
  await compare(
    `${boardCount} boards, ${framesInFlight} frames in flight each, acknowledged a second`,
    [
      { name: "no auditor", unit: "/s", run: () => run(without, 0) },
      { name: "an auditor", unit: "/s", run: () => run(audited, 0), goal: { atLeast: goals.telemetry } }
    ],
    isQuick ? 3 : 7
  )
  lags.length = 0
  await compare(
    `the same, while ${actsPerSecond} acts a second are begun`,
    [
      { name: "no auditor", unit: "/s", run: () => run(without, actsPerSecond) },
      {
        name: "an auditor that chains them",
        unit: "/s",
        run: () => run(audited, actsPerSecond),
        goal: { atLeast: goals.telemetry }
      }
    ],
    isQuick ? 3 : 7
  )
  figure("from an act until it is chained", "ms", lags)
  figure("95th percentile of these", "ms", [percentile(lags, 0.95)], { atMost: goals.lagMillis })
  for (const { node, boards } of [without, audited]) for (const { child } of [boards, node]) await stop(child)
}

export const audit = async (options: BenchOptions): Promise<void> => {
  const server = await startPostgres()
  await chaining(server, options)
  await telemetry(server, options)
  await server.stop()
}
