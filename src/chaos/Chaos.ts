/**
 * A chaos run: three real nodes on a real PostgreSQL, boards that report and execute, people who ask; processes are killed
 * and frozen and links cut by a seeded schedule; then it is checked from outside that nothing acknowledged was lost and
 * nothing was done twice.
 */
import { mkdirSync } from "node:fs"
import { PgClient } from "@effect/sql-pg"
import { Effect, Layer, Schedule, Stream } from "effect"
import { Reactivity } from "effect/reactivity"
import { realClock } from "../../devices/agent/RealTime.ts"
import { JournalHint } from "../events/JournalHint.ts"
import { beginning, type JournalEntry, JournalReader } from "../events/JournalReader.ts"
import * as EmbeddedPostgres from "../runtime/storage/EmbeddedPostgres.ts"
import { layerPgJournal } from "../runtime/storage/PgJournal.ts"
import { PostgresUrl } from "../runtime/storage/PostgresUrl.ts"
import { type Random, randomOf } from "../simulation/Random.ts"
import { ChaosBoard } from "./ChaosBoard.ts"
import { ChaosCluster, nodesCount } from "./ChaosCluster.ts"
import { type Check, checkAll, type FinalTwin } from "./Checks.ts"
import { ChaosClient } from "./Client.ts"
import { describeFault, type Fault, planOf } from "./Plan.ts"

export interface ChaosOptions {
  /** Folder of the run: data, configs. Should be empty. */
  readonly folder: string
  readonly seed: number
  /** How long faults go on, ms. */
  readonly faultMillis: number
  readonly boards: number
  /** A line about what happens. */
  readonly say: (line: string) => void
}

/** What a run was and what it showed. */
export interface ChaosReport {
  readonly seed: number
  readonly faults: Readonly<Record<string, number>>
  readonly reportsAcknowledged: number
  readonly commands: number
  readonly asks: number
  readonly unansweredAsks: number
  readonly longestAskMillis: number
  readonly checks: ReadonlyArray<Check>
  readonly isSound: boolean
}

const commandEveryMillis = 150
const settleMillisMax = 60_000
const settlePollMillis = 500
const journalPage = 5000

const inject = (cluster: ChaosCluster, boards: ReadonlyArray<ChaosBoard>, fault: Fault): Effect.Effect<void> => {
  const during = (millis: number, begin: () => void, end: () => void) =>
    Effect.sync(begin).pipe(Effect.andThen(Effect.sleep(millis)), Effect.ensuring(Effect.sync(end)))
  switch (fault._tag) {
    case "Kill":
      return Effect.promise(() => cluster.signal(fault.node, "SIGKILL")).pipe(
        Effect.andThen(Effect.sleep(fault.backAfter)),
        Effect.andThen(Effect.promise(() => cluster.start(fault.node)))
      )
    case "Stop":
      return Effect.promise(() => cluster.signal(fault.node, "SIGTERM")).pipe(
        Effect.andThen(Effect.sleep(fault.backAfter)),
        Effect.andThen(Effect.promise(() => cluster.start(fault.node)))
      )
    case "Freeze":
      return during(
        fault.millis,
        () => void cluster.signal(fault.node, "SIGSTOP"),
        () => void cluster.signal(fault.node, "SIGCONT")
      )
    case "Join":
      return Effect.promise(() => cluster.join()).pipe(
        Effect.andThen(Effect.sleep(fault.stays)),
        Effect.andThen(Effect.promise(() => cluster.leave()))
      )
    case "CutNodes":
      return during(
        fault.millis,
        () => cluster.cutNodes(fault.from, fault.to, true),
        () => cluster.cutNodes(fault.from, fault.to, false)
      )
    case "CutDatabase":
      return during(
        fault.millis,
        () => cluster.cutDatabase(fault.node, true),
        () => cluster.cutDatabase(fault.node, false)
      )
    case "CutBoards":
      return during(
        fault.millis,
        () => cluster.cutBoards(fault.node, fault.passage),
        () => cluster.cutBoards(fault.node, "pass")
      )
    case "FreezeDatabase":
      return during(
        fault.millis,
        () => cluster.signalDatabase("SIGSTOP"),
        () => cluster.signalDatabase("SIGCONT")
      )
    case "RestartDatabase":
      return Effect.sync(() => cluster.killDatabase())
    case "RestartBoard":
      return Effect.sync(() => boards[fault.board]?.cutPower()).pipe(
        Effect.andThen(Effect.sleep(500)),
        Effect.andThen(Effect.sync(() => boards[fault.board]?.start()))
      )
  }
}

const twinsOf = Effect.fnUntraced(function* (client: ChaosClient, boards: ReadonlyArray<ChaosBoard>) {
  const twins = new Map<string, FinalTwin>()
  yield* Effect.forEach(
    boards,
    ({ id }) =>
      Effect.promise(async () => {
        const found = await client.ask(id, "GetTwin", {}, client.newId())
        const twin = found === undefined ? undefined : finalOf(found.body)
        if (twin !== undefined) twins.set(id, twin)
      }),
    { concurrency: 4 }
  )
  return twins
})

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const finalOf = (body: Readonly<Record<string, unknown>>): FinalTwin | undefined => {
  const { reported, desired, connection } = body
  if (!isMap(reported) || !isMap(desired) || !isMap(connection)) return undefined
  return { reported, desired, connection: String(connection.state) }
}

/** The whole journal from its beginning. */
const readAll = Effect.gen(function* () {
  const reader = yield* JournalReader
  const entries: Array<JournalEntry> = []
  let at = beginning
  for (;;) {
    const page = yield* reader.read(at, journalPage)
    entries.push(...page)
    const last = page.at(-1)
    if (last === undefined || page.length < journalPage) return entries
    at = last.at
  }
}).pipe(Effect.retry({ times: 20, schedule: Schedule.spaced("500 millis") }), Effect.orDie)

const boardsOf = Effect.fnUntraced(function* (options: ChaosOptions, urls: ReadonlyArray<string>, random: Random) {
  const clock = yield* realClock
  const boards = Array.from(
    { length: options.boards },
    (_, index) =>
      new ChaosBoard({
        id: `board-${index + 1}`,
        urls,
        hasJournal: index % 2 === 0,
        clock: () => {
          const startedAt = clock.board()
          return { ...clock, board: () => clock.board() - startedAt }
        },
        random,
        report: (what, cause) => options.say(`${what}: ${String(cause)}`)
      })
  )
  yield* Effect.acquireRelease(
    Effect.sync(() => {
      for (const board of boards) board.start()
    }),
    () => Effect.promise(() => Promise.all(boards.map((board) => board.stop())))
  )
  return boards
})

const journal = Layer.unwrap(
  Effect.map(PostgresUrl, (url) => layerPgJournal.pipe(Layer.provide([PgClient.layer({ url }), JournalHint.layer])))
).pipe(Layer.provide(Reactivity.layer))

const run = (options: ChaosOptions) =>
  Effect.gen(function* () {
    const { seed, faultMillis, say } = options
    const random = randomOf(seed, "load")
    say(`seed ${seed}: ${nodesCount} nodes, ${options.boards} boards, faults for ${Math.round(faultMillis / 1000)} s`)
    const cluster = yield* ChaosCluster.make(options.folder, say)
    const reader = yield* JournalReader
    const followed: Array<JournalEntry> = []
    yield* reader.follow(beginning).pipe(
      Stream.runForEach((entry) => Effect.sync(() => followed.push(entry))),
      Effect.forkScoped
    )
    const boards = yield* boardsOf(options, cluster.boardUrls, random)
    yield* until(() => boards.every(({ isLinked }) => isLinked))
    say("all boards are attached; people begin to ask")
    const client = new ChaosClient(cluster.httpUrls, random)
    const load = yield* Effect.forkScoped(
      Effect.promise(() =>
        client.load(
          boards.map(({ id }) => id),
          commandEveryMillis
        )
      )
    )

    const plan = planOf(seed, faultMillis, nodesCount, boards.length)
    const began = performance.now()
    const faults: Record<string, number> = {}
    const injected = yield* Effect.forEach(plan, ({ at, fault }) =>
      Effect.gen(function* () {
        yield* Effect.sleep(Math.max(0, at - (performance.now() - began)))
        say(`${Math.round((performance.now() - began) / 100) / 10} s  ${describeFault(fault)}`)
        faults[fault._tag] = (faults[fault._tag] ?? 0) + 1
        return yield* Effect.forkScoped(inject(cluster, boards, fault))
      })
    )
    for (const fiber of injected) yield* fiberDone(fiber)
    for (let node = 0; node < nodesCount; node++) yield* Effect.promise(() => cluster.start(node))
    say("faults are over; waiting for quiet")
    client.stop()
    yield* fiberDone(load)
    yield* settle(client, boards)
    const acknowledged = new Map(boards.map(({ id, witness }) => [id, witness.acknowledged]))
    const twins = yield* twinsOf(client, boards)
    const stored = yield* readAll
    const end = stored.at(-1)?.at
    const isPast = ({ at }: JournalEntry): boolean =>
      end === undefined ||
      at.transaction > end.transaction ||
      (at.transaction === end.transaction && at.position >= end.position)
    yield* until(() => followed.some(isPast))
    const checks = checkAll({ boards, client, acknowledged, twins, followed, stored })
    const isSound = checks.every(({ broken, looked }) => broken.length === 0 && looked > 0)
    if (!isSound) {
      for (const line of cluster.lines.slice(-40)) say(line)
      for (const { name, broken } of checks) for (const line of broken.slice(0, 5)) say(`BROKEN ${name}: ${line}`)
    }
    const report: ChaosReport = {
      seed,
      faults,
      reportsAcknowledged: boards.reduce((sum, { witness }) => sum + witness.reportsAcknowledged, 0),
      commands: client.commands.length,
      asks: client.asks,
      unansweredAsks: client.unanswered,
      longestAskMillis: Math.round(client.longestMillis),
      checks,
      isSound
    }
    return report
  }).pipe(Effect.scoped, Effect.provide(journal))

const fiberDone = <A>(fiber: { readonly addObserver: (observer: (exit: A) => void) => () => void }) =>
  Effect.callback<void>((resume) => {
    fiber.addObserver(() => resume(Effect.void))
  })

/** Waits for a condition, at most a minute: the checks then say what is missing. */
const until = (isSo: () => boolean) =>
  Effect.sync(isSo).pipe(
    Effect.repeat({ until: (so) => so, schedule: Schedule.spaced(settlePollMillis) }),
    Effect.timeoutOption(settleMillisMax)
  )

/** Quiet: every board is linked, every accepted command has its end. */
const settle = (client: ChaosClient, boards: ReadonlyArray<ChaosBoard>) =>
  Effect.promise(() => client.look()).pipe(
    Effect.map(
      () =>
        boards.every(({ isLinked }) => isLinked) &&
        client.commands.every(({ isAccepted, codes }) => !isAccepted || codes.size > 0)
    ),
    Effect.repeat({ until: (isQuiet) => isQuiet, schedule: Schedule.spaced(settlePollMillis) }),
    Effect.timeoutOption(settleMillisMax),
    // Desired values and the last reports need one more round trip.
    Effect.andThen(Effect.sleep(3000))
  )

/** Runs it whole, with a PostgreSQL of its own in the folder. */
export const chaos = (options: ChaosOptions) =>
  Effect.suspend(() => {
    const data = `${options.folder}/data`
    mkdirSync(data, { recursive: true })
    return run(options).pipe(Effect.provide(EmbeddedPostgres.layer(data)))
  })
