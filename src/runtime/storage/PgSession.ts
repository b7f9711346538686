/** One connection of the store: statements one after another, each answered by a callback and within a bound. */
import { PgConnection, PgProtocol, PgTypes } from "@effect/sql-pg"
import { Cause, Context, Effect, Exit, type Redacted, Scope } from "effect"
import { isSqlError } from "effect/sql/SqlError"
import type { Cancel, Host } from "../../actors/Host.ts"
import type { Outage } from "../../actors/Store.ts"

/** A row by position of its columns. */
export type Values = ReadonlyArray<unknown>

/** What became of a statement. `Refused` and `RolledBack` have written nothing; after an `Outage` nobody knows. */
export type Answer =
  | { readonly _tag: "Rows"; readonly rows: ReadonlyArray<Values> }
  | { readonly _tag: "Refused"; readonly cause: unknown }
  | { readonly _tag: "RolledBack" }
  | Outage

export interface PgSessionOptions {
  readonly url: Redacted.Redacted
  readonly host: Host
  readonly name: string
  /** A statement is an outage after this long, connecting included. */
  readonly answerMillis: number
}

/** The server gives a statement up earlier than the node does: its outcome is then known, and no lock outlives it for long. */
const statementShare = 0.8

const startupParameters = (answerMillis: number): Readonly<Record<string, string>> => ({
  statement_timeout: String(Math.round(answerMillis * statementShare)),
  idle_in_transaction_session_timeout: "2000",
  // All statements go by key. One plan for good, independent of statistics: a table that was empty when the plan was made
  // would else be scanned when it is full.
  plan_cache_mode: "force_generic_plan",
  enable_seqscan: "off",
  enable_mergejoin: "off",
  jit: "off"
})

interface Opened {
  readonly scope: Scope.Closeable
  connection: PgConnection.PgConnection | undefined
  waiting: Array<(connection: PgConnection.PgConnection | Outage) => void>
}

/** Connects when first used, and again after an outage. */
export class PgSession {
  readonly #config: PgConnection.Config
  readonly #host: Host
  readonly #answerMillis: number
  #opened: Opened | undefined
  #isClosed = false

  constructor(options: PgSessionOptions) {
    this.#host = options.host
    this.#answerMillis = options.answerMillis
    this.#config = {
      url: options.url,
      applicationName: options.name,
      connectTimeout: options.answerMillis,
      startupParameters: startupParameters(options.answerMillis)
    }
  }

  /** Runs one prepared statement. `done` is called once, never before this returns. */
  run(statement: string, parameters: ReadonlyArray<unknown>, done: (answer: Answer) => void): void {
    let isSettled = false
    let isReturned = false
    let cancel: Cancel = () => {}
    const tell = (answer: Answer): void => {
      // A throw would end in the connection's parser and be taken for its fault.
      try {
        done(answer)
      } catch (cause) {
        this.#host.report("a callback of the store", cause)
      }
    }
    const settle = (answer: Answer): void => {
      if (isSettled) return
      isSettled = true
      cancel()
      if (isReturned) tell(answer)
      else this.#host.defer(() => tell(answer))
    }
    if (this.#isClosed) settle(outage("the store is closed"))
    else {
      const opened = this.#open()
      cancel = this.#host.schedule(this.#answerMillis, () => {
        // The connection goes with the statement: what the server does with it later is fenced by the row version.
        this.#reset(opened)
        settle(outage(`no answer within ${this.#answerMillis} ms`))
      })
      const send = (connection: PgConnection.PgConnection | Outage) => {
        if ("_tag" in connection) return settle(connection)
        runCallback(connection.queryValues(statement, parameters), {
          onExit: (exit) => {
            const answer: Answer = Exit.isSuccess(exit) ? { _tag: "Rows", rows: exit.value } : classify(exit.cause)
            if (answer._tag === "Outage") this.#reset(opened)
            settle(answer)
          }
        })
      }
      if (opened.connection === undefined) opened.waiting.push(send)
      else send(opened.connection)
    }
    isReturned = true
  }

  /** Ends the connection; statements under way are answered as an outage. */
  close(): void {
    this.#isClosed = true
    if (this.#opened !== undefined) this.#reset(this.#opened)
  }

  #open(): Opened {
    if (this.#opened !== undefined) return this.#opened
    const opened: Opened = { scope: Scope.makeUnsafe(), connection: undefined, waiting: [] }
    this.#opened = opened
    runCallback(Scope.provide(PgConnection.make(this.#config), opened.scope), {
      onExit: (exit) => {
        const { waiting } = opened
        opened.waiting = []
        if (Exit.isSuccess(exit)) opened.connection = exit.value
        else this.#reset(opened)
        for (const send of waiting) send(Exit.isSuccess(exit) ? exit.value : outage(Cause.squash(exit.cause)))
      }
    })
    return opened
  }

  #reset(opened: Opened): void {
    if (this.#opened === opened) this.#opened = undefined
    const { waiting } = opened
    opened.waiting = []
    Effect.runFork(Scope.close(opened.scope, Exit.void))
    for (const send of waiting) send(outage("the connection was given up"))
  }
}

/** For calls that know no other failure. */
export const outageOf = (answer: Exclude<Answer, { readonly _tag: "Rows" }>): Outage => {
  switch (answer._tag) {
    case "Outage":
      return answer
    case "Refused":
      return outage(answer.cause)
    case "RolledBack":
      return outage("rolled back")
  }
}

const runCallback = Effect.runCallbackWith(Context.empty())

const outage = (cause: unknown): Outage => ({ _tag: "Outage", cause })

/** Classes of SQLSTATE by which the server refuses data: too many rows of one key, bad values, constraints, limits. */
const refusals: ReadonlySet<string> = new Set(["21", "22", "23", "54"])

const classify = (failure: Cause.Cause<unknown>): Answer => {
  const error = Cause.squash(failure)
  const cause = isSqlError(error) ? error.reason.cause : undefined
  if (cause instanceof PgTypes.CodecError || cause instanceof PgProtocol.EncodeError) return { _tag: "Refused", cause }
  const code = sqlStateOf(cause)
  if (code === "40001" || code === "40P01") return { _tag: "RolledBack" }
  if (code !== undefined && refusals.has(code.slice(0, 2))) return { _tag: "Refused", cause }
  return outage(cause ?? error)
}

const sqlStateOf = (cause: unknown): string | undefined =>
  typeof cause === "object" &&
  cause !== null &&
  "code" in cause &&
  typeof cause.code === "string" &&
  cause.code.length === 5
    ? cause.code
    : undefined
