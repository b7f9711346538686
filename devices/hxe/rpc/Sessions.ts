/** The sessions of clients: who is there, with which rights, and which programs are reserved for whom. */
import { Result } from "effect"
import type { AccessLevel } from "../../provisioning/Access.ts"
import type { ServiceClock } from "../../provisioning/EventHub.ts"
import { type Refusal, refuse } from "./Answer.ts"

/** Seconds of silence a session outlives: asked for, and allowed. */
const heartbeatSeconds = { default: 30, minimum: 5, maximum: 300 } as const
/** Events that may wait for a subscriber. */
const eventsWaiting = { default: 256, minimum: 2, maximum: 2048 } as const
/** Parts of the calls that clients ask for by name, and this board has. */
const supportedFeatures: ReadonlyArray<string> = ["events", "memory"]

/** Sessions at once. */
const sessionsMax = 64
/** Silent sessions are looked for this often. */
const sweepMillis = 5000
/** Characters of its id that others are shown. */
const tagCharacters = 8

/** How a session is asked for. */
export interface OpenSession {
  readonly client: string
  readonly features: ReadonlyArray<string>
  readonly maxEvents: number | undefined
  readonly heartbeatSeconds: number | undefined
  readonly locks: ReadonlyArray<number>
  readonly level: AccessLevel
}

/** A client that is there. Its id is its key: whoever knows it speaks for it. */
export interface Session {
  readonly id: string
  /** The beginning of the id, which is no secret. */
  readonly tag: string
  readonly client: string
  readonly heartbeatSeconds: number
  readonly features: ReadonlyArray<string>
  readonly maxEvents: number
  /** Programs nobody else may change meanwhile. */
  readonly locks: ReadonlySet<number>
  readonly level: AccessLevel
  /** What was asked for and is not given. */
  readonly warnings: ReadonlyArray<string>
  /** Seconds since 1970; none on a board without wall clock. */
  readonly createdAt: number | null
  lastSeenAt: number | null
  /** On the board's clock. */
  lastSeenMillis: number
  /** Transfers it has begun. */
  readonly transfers: Set<number>
}

/** Why a session ended. */
export type SessionEnd = "closed" | "terminated" | "silent"

/** What the table needs. */
export interface SessionsOptions {
  readonly clock: ServiceClock
  /** An id nobody can guess, in hexadecimal. */
  readonly newId: () => string
  /** A session is no longer there. */
  readonly ended: (session: Session, why: SessionEnd) => void
}

const clamped = (
  asked: number | undefined,
  limits: { readonly default: number; readonly minimum: number; readonly maximum: number },
  warning: string
): { readonly value: number; readonly warnings: ReadonlyArray<string> } => {
  if (asked === undefined) return { value: limits.default, warnings: [] }
  const value = Math.min(limits.maximum, Math.max(limits.minimum, asked))
  return { value, warnings: value === asked ? [] : [`${warning}:${value}`] }
}

/** All sessions of one board. */
export class Sessions {
  readonly #options: SessionsOptions
  readonly #sessions = new Map<string, Session>()
  #cancelSweep: (() => void) | undefined

  constructor(options: SessionsOptions) {
    this.#options = options
  }

  get all(): ReadonlyArray<Session> {
    return [...this.#sessions.values()]
  }

  /** EBUSY `pid_locked:N` when somebody else has reserved one of the programs, ENOSPC when there are too many sessions. */
  open(request: OpenSession): Result.Result<Session, Refusal> {
    this.#sweep()
    const taken = request.locks.find((pid) => this.isLocked(pid))
    if (taken !== undefined) return Result.fail(refuse("EBUSY", `pid_locked:${taken}`, { pid: taken }))
    if (this.#sessions.size >= sessionsMax) return Result.fail(refuse("ENOSPC", `sessions:${sessionsMax}`))
    const { clock, newId } = this.#options
    const heartbeat = clamped(request.heartbeatSeconds, heartbeatSeconds, "heartbeat_clamped")
    const maxEvents = clamped(request.maxEvents, eventsWaiting, "max_events_clamped")
    const features = [...new Set(request.features)]
    const unsupported = features.filter((feature) => !supportedFeatures.includes(feature))
    const id = newId()
    const at = this.#wallSeconds()
    const session: Session = {
      id,
      tag: id.slice(0, tagCharacters),
      client: request.client,
      heartbeatSeconds: heartbeat.value,
      features: features.filter((feature) => supportedFeatures.includes(feature)),
      maxEvents: maxEvents.value,
      locks: new Set(request.locks),
      level: request.level,
      warnings: [
        ...unsupported.map((feature) => `unsupported_feature:${feature}`),
        ...maxEvents.warnings,
        ...heartbeat.warnings
      ],
      createdAt: at,
      lastSeenAt: at,
      lastSeenMillis: clock.board(),
      transfers: new Set()
    }
    this.#sessions.set(id, session)
    this.#sweepLater()
    return Result.succeed(session)
  }

  /** The session of this id, which has now been heard of; none when there is none or it was silent too long. */
  find(id: string): Session | undefined {
    const session = this.#sessions.get(id)
    if (session === undefined) return undefined
    if (this.#isSilent(session)) {
      this.end(session, "silent")
      return undefined
    }
    session.lastSeenMillis = this.#options.clock.board()
    session.lastSeenAt = this.#wallSeconds()
    return session
  }

  /** The session others know by this tag, or by its whole id. */
  named(name: string): Session | undefined {
    return this.#sessions.get(name) ?? this.all.find(({ tag }) => tag === name)
  }

  end(session: Session, why: SessionEnd): void {
    if (!this.#sessions.delete(session.id)) return
    if (this.#sessions.size === 0) this.#stopSweeping()
    this.#options.ended(session, why)
  }

  /** Whether anybody has reserved this program. */
  isLocked(pid: number): boolean {
    return this.all.some((session) => !this.#isSilent(session) && session.locks.has(pid))
  }

  /** EBUSY `pid_locked:N` when somebody else has reserved this program. */
  lockRefusal(pid: number, session: Session | undefined): Refusal | undefined {
    if (session?.locks.has(pid) === true || !this.isLocked(pid)) return undefined
    return refuse("EBUSY", `pid_locked:${pid}`, { pid })
  }

  /** Forgets everybody and lets go of the clock. */
  close(): void {
    for (const session of this.all) this.end(session, "closed")
    this.#stopSweeping()
  }

  #isSilent({ heartbeatSeconds: seconds, lastSeenMillis }: Session): boolean {
    return this.#options.clock.board() - lastSeenMillis > 1000 * seconds
  }

  #sweep(): void {
    for (const session of this.all) if (this.#isSilent(session)) this.end(session, "silent")
  }

  #sweepLater(): void {
    this.#cancelSweep ??= this.#options.clock.schedule(sweepMillis, () => {
      this.#cancelSweep = undefined
      this.#sweep()
      if (this.#sessions.size > 0) this.#sweepLater()
    })
  }

  #stopSweeping(): void {
    this.#cancelSweep?.()
    this.#cancelSweep = undefined
  }

  #wallSeconds(): number | null {
    const wall = this.#options.clock.wall?.()
    return wall === undefined ? null : wall / 1000
  }
}
