/** Runs an agent in a scope, on the time and the log of the process. */
import { Effect, Schema, type Scope } from "effect"
import type { Agent, LinkStep } from "./Agent.ts"
import { type Access, transportFor } from "./Connect.ts"
import type { Transport } from "./Transport.ts"

/** The URL a board is to attach to has a scheme that carries no link, or is none. Permanent. */
export class NoTransport extends Schema.TaggedError<NoTransport>()("NoTransport", { url: Schema.String }) {
  override get message(): string {
    return `${this.url} is no address of a link: it begins with mqtt://, mqtts://, ws:// or wss://`
  }
}

/** The transport for a URL; fails with `NoTransport`. */
export const transportOf = (access: Access, profile: string): Effect.Effect<Transport, NoTransport> => {
  const transport = transportFor(access, profile)
  return transport === undefined ? Effect.fail(new NoTransport({ url: access.url })) : Effect.succeed(transport)
}

/** What a board tells its process, as callbacks of a plain state machine. */
export interface Telling {
  readonly report: (what: string, cause: unknown) => void
  readonly observe: (step: LinkStep) => void
}

/** Logs the steps of a board's link: what needs a person as a warning, its ordinary course for those who look closer. */
export const telling = (id: string, observe?: (step: LinkStep) => void): Effect.Effect<Telling> =>
  Effect.gen(function* () {
    const log = Effect.runForkWith(yield* Effect.context<never>())
    const tell = ({ state, why, retryMillis, isRefused }: LinkStep): Effect.Effect<void> => {
      if (state !== "down") return Effect.logDebug(`board ${id}: link ${state}`)
      const seconds = Math.round((retryMillis ?? 0) / 100) / 10
      const fell = `board ${id} is not linked: ${why ?? "closed"}; next try in ${seconds} s`
      return isRefused ? Effect.logWarning(fell) : Effect.logDebug(fell)
    }
    return {
      report: (what, cause) => {
        log(Effect.logError(`board ${id}: ${what}`, cause))
      },
      observe: (step) => {
        observe?.(step)
        log(tell(step))
      }
    }
  })

/** Something that ends in its own time. */
export interface Stoppable {
  readonly stop: (done: () => void) => void
}

/** Stops it in order: that takes a goodbye, at most a second. */
export const stopped = (board: Stoppable): Effect.Effect<void> =>
  Effect.callback<void>((resume) => board.stop(() => resume(Effect.void)))

/** Starts an agent, and stops it in order when the scope closes. */
export const running = (agent: Agent): Effect.Effect<Agent, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      agent.start()
      return agent
    }),
    () => stopped({ stop: (done) => agent.stop(0, done) })
  )
