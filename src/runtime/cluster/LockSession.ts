/**
 * The lock session: one connection of its own that holds the shard locks of this node and carries its heartbeat, so
 * that one cannot live without the other.
 */

import { PgClient, PgConnection } from "@effect/sql-pg"
import { Cause, Context, Deferred, Effect, Exit, Fiber, Latch, Layer, Option, Queue, Schema, Scope } from "effect"
import type { SqlError } from "effect/sql"
import { decodeStored, endForerunnersSql, heartbeatSql, readmitAnewSql } from "./Heartbeat.ts"
import { heartbeatMillis, leaseMillis, lockExpirationMillis } from "./MembershipTiming.ts"
import { encodeVocabulary } from "./MemberVocabularies.ts"
import { Monotonic } from "./Monotonic.ts"
import { NodeIdentity } from "./NodeIdentity.ts"

/** Another living process stores heartbeats for this address. Permanent: give one of the two another address. */
export class AddressTaken extends Schema.TaggedError<AddressTaken>()("AddressTaken", { address: Schema.String }) {
  override get message() {
    return `another node is already running as ${this.address}; give one of the two its own host and port`
  }
}

/** One open connection. Its locks are gone when it is. */
export interface Session {
  readonly connection: PgConnection.PgConnection
  /** Its `application_name`: tells it from a later session that got the same process id. */
  readonly name: string
  readonly gone: Deferred.Deferred<void>
}

/** What the node tells about itself with each heartbeat. */
interface Announcement {
  runner: string | null
  ready: boolean
  /** Asked with each heartbeat; JSON. */
  vitals: () => string | null
}

/** Nobody notifies on it: listening makes the connection tell at once when it dies. */
const channel = "holon_lock_session"

const settings = {
  idle_session_timeout: `${lockExpirationMillis / 1000}s`,
  // A heartbeat says that PostgreSQL answers, and a crash of it ends this session anyway.
  synchronous_commit: "off",
  // The server's side of a machine that vanished without a word.
  tcp_keepalives_idle: "2",
  tcp_keepalives_interval: "1",
  tcp_keepalives_count: "4",
  tcp_user_timeout: "6s"
}

/** See the file. Statements are never interrupted: an interrupted one could cost the session. */
export class LockSession extends Context.Service<
  LockSession,
  {
    /** The last heartbeat that succeeded on the session now open began less than a lease ago, and the node {@link serves}. */
    readonly isFresh: () => boolean
    /** Neither its peers nor a person have taken this node out of service, as of the last heartbeat. */
    readonly serves: () => boolean
    /** The session now open, if any. */
    readonly current: () => Session | undefined
    /** Milliseconds since a heartbeat that succeeded began, on whatever session. */
    readonly silence: () => number
    /** Runs on the open session, waits for one, and runs again on the next when it dies meanwhile. */
    readonly run: <A>(
      work: (session: Session) => Effect.Effect<A, SqlError.SqlError>
    ) => Effect.Effect<A, SqlError.SqlError>
    /** Runs on each new session after its first heartbeat and before anybody else uses it. */
    readonly onOpen: (work: (session: Session) => Effect.Effect<void, SqlError.SqlError>) => void
    /** Called at once, in order of registration, when a session has died. */
    readonly onLost: (handler: () => void) => void
    /** Changes what the heartbeat tells and stores it; answers the machine id of the node's row. */
    readonly announce: (change: Partial<Announcement>) => Effect.Effect<number, SqlError.SqlError>
    /** Takes effect with the next heartbeat. */
    readonly setReady: (ready: boolean) => void
    /** What each heartbeat says of the node's work, as JSON. */
    readonly setVitals: (vitals: () => string) => void
    /** Completes when another process has taken over the address: this one may serve nothing any more. */
    readonly superseded: Effect.Effect<AddressTaken>
  }
>()("holon/runtime/LockSession") {
  /** Opens the first session while it is built; fails when the address belongs to a living process. */
  static readonly layer: Layer.Layer<LockSession, SqlError.SqlError | AddressTaken, NodeIdentity | PgClient.PgClient> =
    Layer.effect(
      LockSession,
      Effect.suspend(() => make)
    )
}

const make = Effect.gen(function* () {
  const identity = yield* NodeIdentity
  const { config } = yield* PgClient.PgClient
  const monotonic = yield* Monotonic
  // Statements and the supervisor outlive their callers, and the layer's scope until its last statement.
  const workScope = yield* Scope.make()
  const vocabulary = encodeVocabulary(identity.vocabulary)
  const announcement: Announcement = { runner: null, ready: false, vitals: () => null }
  const opened = Latch.makeUnsafe(false)
  const superseded = Deferred.makeUnsafe<AddressTaken>()
  const openHooks: Array<(session: Session) => Effect.Effect<void, SqlError.SqlError>> = []
  const lostHandlers: Array<() => void> = []
  let current: Session | undefined
  let leaseBegan = Number.NEGATIVE_INFINITY
  let lastBeat = Number.NEGATIVE_INFINITY
  let serves = true
  let sessions = 0
  let loggedReason = ""
  let isClosing = false

  const detached = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    Effect.flatMap(
      Effect.forkIn(Effect.interruptible(effect), workScope, { startImmediately: true }),
      // Also a finalizer may give up waiting.
      (fiber) => Effect.interruptible(Fiber.join(fiber))
    )

  /** Stores a heartbeat; answers the machine id, or nothing when the row belongs to another process. */
  const beat = (session: Session) =>
    Effect.suspend(() => {
      const began = monotonic()
      return Effect.map(
        session.connection.query(heartbeatSql, [
          identity.address,
          identity.node,
          identity.incarnation,
          announcement.runner,
          announcement.ready,
          session.name,
          identity.host,
          identity.relayPort,
          vocabulary,
          announcement.vitals()
        ]),
        (result) => {
          const row = decodeStored(result.rows)[0]
          if (row === undefined) return undefined
          serves = row.serves
          lastBeat = Math.max(lastBeat, began)
          if (session === current) leaseBegan = Math.max(leaseBegan, began)
          return { began, machineId: row.machine_id }
        }
      )
    })

  const lose = (session: Session) => {
    Deferred.doneUnsafe(session.gone, Effect.void)
    if (current !== session) return
    current = undefined
    leaseBegan = Number.NEGATIVE_INFINITY
    opened.closeUnsafe()
    for (const handler of lostHandlers) handler()
  }

  const beats = (session: Session) =>
    Effect.gen(function* () {
      while (true) {
        yield* Effect.sleep(Math.max(0, lastBeat + heartbeatMillis - monotonic()))
        if (isClosing) return yield* Effect.never
        const stored = yield* Effect.timeoutOption(detached(beat(session)), lockExpirationMillis)
        // No answer for so long: the connection may be dead without a word. Open another.
        if (Option.isNone(stored)) return
        if (stored.value !== undefined) continue
        const taken = new AddressTaken({ address: identity.address })
        Deferred.doneUnsafe(superseded, Effect.succeed(taken))
        return yield* taken
      }
    })

  /** One session, from its first heartbeat to its death. */
  const live = Effect.gen(function* () {
    // The connection is closed before what stands on it, so that closing waits for no answer.
    const connectionScope = yield* Scope.make()
    const useScope = yield* Scope.make()
    yield* Effect.gen(function* () {
      const name = `holon lock ${identity.incarnation} ${++sessions}`
      const connection = yield* PgConnection.make({
        url: config.url,
        host: config.host,
        port: config.port,
        path: config.path,
        ssl: config.ssl,
        database: config.database,
        username: config.username,
        password: config.password,
        connectTimeout: "2 seconds",
        keepAlive: "2 seconds",
        applicationName: name,
        startupParameters: settings
      }).pipe(Scope.provide(connectionScope))
      const pinned = yield* Scope.provide(connection.pin, useScope)
      const death = yield* Scope.provide(pinned.listen(channel), useScope)
      const session: Session = { connection: pinned, name, gone: Deferred.makeUnsafe() }
      yield* pinned.query(endForerunnersSql, [identity.address, identity.incarnation])
      yield* pinned.query(readmitAnewSql, [identity.address, identity.incarnation, identity.node])
      const first = yield* beat(session)
      if (first === undefined) return yield* new AddressTaken({ address: identity.address })
      for (const work of openHooks) yield* work(session)
      current = session
      leaseBegan = first.began
      opened.openUnsafe()
      Deferred.doneUnsafe(started, Effect.void)
      loggedReason = ""
      yield* Effect.raceFirst(Effect.forever(Queue.take(death)), beats(session)).pipe(
        Effect.ensuring(Effect.sync(() => lose(session)))
      )
    }).pipe(Effect.onExit((exit) => Effect.andThen(Scope.close(connectionScope, exit), Scope.close(useScope, exit))))
  })

  const started = Deferred.makeUnsafe<void, SqlError.SqlError | AddressTaken>()
  // A forerunner that was killed holds the address for a lease; one that still beats after two keeps it.
  const waitUntil = monotonic() + 2 * leaseMillis
  const supervise = Effect.gen(function* () {
    while (!Deferred.isDoneUnsafe(superseded)) {
      const exit = yield* Effect.exit(live)
      const failure = Exit.isFailure(exit) ? Cause.squash(exit.cause) : "it did not answer"
      if (Deferred.isDoneUnsafe(started)) {
        const reason = failure instanceof Error ? failure.message : String(failure)
        // Once for each cause, not for every attempt.
        if (reason !== loggedReason) yield* Effect.logWarning(`No lock session: ${reason}`)
        loggedReason = reason
      } else if (Exit.isFailure(exit) && (!(failure instanceof AddressTaken) || monotonic() > waitUntil)) {
        Deferred.doneUnsafe(started, exit)
        return
      }
      yield* Effect.sleep(200)
    }
  })

  const run = <A>(
    work: (session: Session) => Effect.Effect<A, SqlError.SqlError>
  ): Effect.Effect<A, SqlError.SqlError> =>
    Effect.gen(function* () {
      yield* opened.await
      const session = current
      if (session === undefined) return yield* run(work)
      return yield* Effect.catch(work(session), (error) =>
        // A session that is ended fails its statement a moment before it is known to be dead.
        Effect.timeoutOption(Deferred.await(session.gone), 200).pipe(
          Effect.flatMap((gone) => (Option.isSome(gone) ? run(work) : Effect.fail(error)))
        )
      )
    })

  yield* Effect.addFinalizer(() =>
    Effect.gen(function* () {
      const session = current
      // No heartbeat may bring the row back.
      isClosing = true
      if (session !== undefined) {
        yield* session.connection
          .query("delete from cluster_node where address = $1 and incarnation = $2", [
            identity.address,
            identity.incarnation
          ])
          .pipe(detached, Effect.timeout(1000), Effect.ignore)
      }
      yield* Fiber.interrupt(supervisor)
      yield* Scope.close(workScope, Exit.void)
    })
  )
  const supervisor = yield* Effect.forkIn(supervise, workScope)
  yield* Deferred.await(started)

  return LockSession.of({
    isFresh: () => serves && monotonic() - leaseBegan < leaseMillis,
    serves: () => serves,
    current: () => current,
    silence: () => monotonic() - lastBeat,
    run: (work) => detached(run(work)),
    onOpen: (work) => {
      openHooks.push(work)
    },
    onLost: (handler) => {
      lostHandlers.push(handler)
    },
    announce: (change) =>
      Effect.suspend(() => {
        Object.assign(announcement, change)
        return Effect.map(detached(run(beat)), (stored) => stored?.machineId ?? 0)
      }),
    setReady: (ready) => {
      announcement.ready = ready
    },
    setVitals: (vitals) => {
      announcement.vitals = vitals
    },
    superseded: Deferred.await(superseded)
  })
})
