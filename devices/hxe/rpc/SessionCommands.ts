/** Commands about clients: their sessions, their rights, and the events they hear. */
import { Result, Schema } from "effect"
import type { AccessLevel } from "../../provisioning/Access.ts"
import type { Loader } from "../../provisioning/Loader.ts"
import { type Fields, type Outcome, refuse, refused, wrongField } from "./Answer.ts"
import { type Asker, type Commands, command } from "./Command.ts"
import { eventFilter } from "./EventFilter.ts"
import { type EventLog, type Hearing, historyMax } from "./EventLog.ts"
import { count, hexBytes, hexOf, maybe, pid, text } from "./Fields.ts"
import type { Session, Sessions } from "./Sessions.ts"

/** Programs one session may reserve, and names in one filter. */
const listMax = 64
/** Progress events that may go unacknowledged at most. */
const ackWindowMax = 1024

const roles: Readonly<Record<string, AccessLevel>> = { public: 0, user: 1, admin: 2, factory: 3 }

const Role = Schema.Union([Schema.Literals([0, 1, 2, 3]), Schema.Literals(["public", "user", "admin", "factory"])])

const levelOf = (role: typeof Role.Type): AccessLevel => (typeof role === "number" ? role : (roles[role] ?? 0))

const oneOrMore = <A extends Schema.Codec<unknown, unknown>>(item: A) =>
  Schema.Union([item, Schema.Array(item).check(Schema.isMaxLength(listMax))])

const listOf = <A>(given: A | ReadonlyArray<A> | undefined): ReadonlyArray<A> | undefined => {
  if (given === undefined) return undefined
  return isList(given) ? given : [given]
}

const isList = <A>(given: A | ReadonlyArray<A>): given is ReadonlyArray<A> => Array.isArray(given)

const sessionFields = (session: Session, id: string): Fields => ({
  id,
  client: session.client,
  heartbeat_s: session.heartbeatSeconds,
  features: session.features,
  max_events: session.maxEvents,
  pid_lock: session.locks.size === 0 ? null : [...session.locks],
  level: session.level,
  created_at: session.createdAt,
  last_seen: session.lastSeenAt,
  ...(session.warnings.length === 0 ? {} : { warnings: session.warnings })
})

const hearingFields = ({ subscription }: Hearing): Fields => {
  const { drops, highWater, lastAck, pending } = subscription.status
  return { pending, high_water: highWater, drops, last_ack: lastAck }
}

/** What these commands are about. */
export interface SessionCommandsParts {
  readonly sessions: Sessions
  readonly events: EventLog
  readonly loader: Loader
  readonly level: AccessLevel
  readonly randomBytes: (count: number) => Uint8Array
  /** What each session hears; one subscription each. */
  readonly hearings: Map<string, Hearing>
}

/** Commands for clients. */
export const sessionCommands = (parts: SessionCommandsParts): Commands => {
  const { events, hearings, level, loader, randomBytes, sessions } = parts

  const required = (session: Session | undefined, act: (session: Session) => Outcome): Outcome =>
    session === undefined ? refused("EPERM", "session_required") : act(session)

  /** The level of a new session: the one that was proved, or that of everybody. */
  const provedLevel = (
    auth: { readonly role: typeof Role.Type; readonly token: string } | undefined,
    { line }: Asker
  ) => {
    if (auth === undefined) return Result.succeed(level)
    const mac = hexBytes("auth.token", auth.token)
    return Result.isFailure(mac) ? Result.fail(mac.failure) : line.prove(levelOf(auth.role), mac.success)
  }

  const isLoading = (session: Session) => (): boolean => {
    for (const xfer of [...session.transfers]) {
      const status = loader.status({ xfer })
      if (Result.isFailure(status)) session.transfers.delete(xfer)
      else if (status.success.state === "LOADING") return true
    }
    return false
  }

  const withHearing = (session: Session | undefined, act: (hearing: Hearing) => Outcome): Outcome =>
    required(session, ({ id }) => {
      const hearing = hearings.get(id)
      return hearing === undefined ? refused("ENOENT", "no_subscription") : act(hearing)
    })

  return {
    "session.challenge": command({
      needs: "status",
      fields: Schema.Struct({ role: Role }),
      run: ({ role }, { line }) => Result.map(line.challenge(levelOf(role)), (nonce) => ({ nonce: hexOf(nonce) }))
    }),

    "session.open": command({
      needs: "status",
      fields: Schema.Struct({
        client: maybe(text),
        capabilities: maybe(
          Schema.Struct({
            features: maybe(Schema.Array(text).check(Schema.isMaxLength(listMax))),
            max_events: maybe(Schema.Int)
          })
        ),
        pid_lock: maybe(oneOrMore(pid)),
        heartbeat_s: maybe(Schema.Finite),
        auth: maybe(Schema.Struct({ role: Role, token: text }))
      }),
      run: ({ auth, capabilities = {}, client, heartbeat_s: heartbeat, pid_lock: lock }, asker) => {
        const proved = provedLevel(auth, asker)
        if (Result.isFailure(proved)) return Result.fail(proved.failure)
        const locks = listOf(lock) ?? []
        if (locks.length > 0 && proved.success < 1) return refused("EPERM", `level:pid_lock:${proved.success}/1`)
        const opened = sessions.open({
          client: client ?? asker.client,
          features: capabilities.features ?? [],
          maxEvents: capabilities.max_events,
          heartbeatSeconds: heartbeat,
          locks,
          level: proved.success
        })
        return Result.map(opened, (session) => ({ session: sessionFields(session, session.id) }))
      }
    }),

    "session.keepalive": command({
      needs: "status",
      wantsSession: true,
      fields: Schema.Struct({}),
      run: (_, { session }) =>
        required(session, (own) => Result.succeed({ session: { id: own.id, last_seen: own.lastSeenAt } }))
    }),

    "session.current": command({
      needs: "status",
      wantsSession: true,
      fields: Schema.Struct({}),
      run: (_, { session }) => required(session, (own) => Result.succeed({ session: sessionFields(own, own.id) }))
    }),

    "session.close": command({
      needs: "status",
      wantsSession: true,
      fields: Schema.Struct({}),
      run: (_, { session }) =>
        required(session, (own) => {
          sessions.end(own, "closed")
          return Result.succeed({ closed: own.id })
        })
    }),

    "session.list": command({
      needs: "status",
      fields: Schema.Struct({}),
      // An id is a key: others see its beginning, by which a session can be ended but not used.
      run: (_, { session }) =>
        Result.succeed({
          sessions: sessions.all.map((each) => sessionFields(each, each === session ? each.id : each.tag))
        })
    }),

    "session.terminate": command({
      needs: "control",
      fields: Schema.Struct({ target: text }),
      run: ({ target }) => {
        const session = sessions.named(target)
        if (session === undefined) return refused("ENOENT", "session")
        sessions.end(session, "terminated")
        return Result.succeed({ terminated: session.tag })
      }
    }),

    "events.subscribe": command({
      needs: "status",
      wantsSession: true,
      fields: Schema.Struct({
        filters: maybe(
          Schema.Struct({
            pid: maybe(oneOrMore(pid)),
            categories: maybe(oneOrMore(text)),
            since_seq: maybe(count)
          })
        ),
        ack_window: maybe(count.check(Schema.isLessThanOrEqualTo(ackWindowMax)))
      }),
      run: ({ ack_window: ackWindow = 0, filters = {} }, { line, session }) =>
        required(session, (own) => {
          const filter = eventFilter(listOf(filters.pid), listOf(filters.categories))
          if (Result.isFailure(filter)) return Result.fail(filter.failure)
          const before = hearings.get(own.id)
          const heard = line.hear(own, {
            token: `${own.tag}:${hexOf(randomBytes(8))}`,
            maxEvents: own.maxEvents,
            filter: filter.success,
            since: filters.since_seq,
            ackWindow,
            isLoading: isLoading(own)
          })
          if (Result.isFailure(heard)) return Result.fail(heard.failure)
          // The new one takes the place of the old one only when there is a new one.
          before?.close()
          hearings.set(own.id, heard.success)
          return Result.succeed({
            events: {
              token: heard.success.subscription.token,
              max: own.maxEvents,
              cursor: events.cursor,
              history: historyMax,
              ...hearingFields(heard.success),
              ...(filters.since_seq === undefined ? {} : { since_seq: filters.since_seq })
            }
          })
        })
    }),

    "events.ack": command({
      needs: "status",
      wantsSession: true,
      fields: Schema.Struct({ seq: Schema.Int }),
      run: ({ seq }, { session }) =>
        withHearing(session, (hearing) => {
          if (seq < 0) return Result.fail(wrongField("seq", "a number that is not negative is expected"))
          hearing.acknowledge(seq)
          return Result.succeed({ events: hearingFields(hearing) })
        })
    }),

    "events.unsubscribe": command({
      needs: "status",
      wantsSession: true,
      fields: Schema.Struct({}),
      run: (_, { session }) =>
        required(session, ({ id }) => {
          const hearing = hearings.get(id)
          if (hearing === undefined) return Result.fail(refuse("ENOENT", "no_subscription"))
          hearings.delete(id)
          hearing.close()
          return Result.succeed({ unsubscribed: hearing.subscription.token })
        })
    })
  }
}
