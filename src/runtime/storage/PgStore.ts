/** The store of the actor layer on PostgreSQL: one statement a call, on connections that do not wait for each other. */
import { Effect, type Redacted, type Scope } from "effect"
import type { Address, Host } from "../../actors/Host.ts"
import type {
  Claimed,
  ClaimRequest,
  CommitRow,
  Committed,
  Due,
  Outage,
  QuarantineEntry,
  Store
} from "../../actors/Store.ts"
import { supervisorPart } from "../../actors/Supervisor.ts"
import { commitStatement, committedOf } from "./CommitStatement.ts"
import { integer, integers, long, text } from "./Parameters.ts"
import { PgClaim } from "./PgClaim.ts"
import { outageOf, PgSession } from "./PgSession.ts"

export interface PgStoreOptions {
  readonly url: Redacted.Redacted
  readonly host: Host
  /** A call is an outage after this long; 5 s when absent. Longer than a stall that should be survived. */
  readonly answerMillis?: number
  /** Told after each commit that has written to the journal. */
  readonly journalled?: () => void
}

const answerMillis = 5000

const isDue = (condition: string): string => `
  select false, kind, id, null::float8, null, null::bytea from (
    select kind, id from actor a where shard = any($1) and ${condition}
      and not exists (select from quarantine q where q.kind = a.kind and q.id = a.id and q.released_at is null)
    order by wake_at, kind, id limit $3) due`

const untoldText = `
  select true, kind, id, since, cause, (
    select value from actor_part p where p.kind = untold.kind and p.id = untold.id and p.key = '${supervisorPart}') from (
    select kind, id, since::float8, cause from quarantine where shard = any($1) and not told and released_at is null
    order by since, kind, id limit $3) untold`

const dueText = `${isDue("wake_at <= $2::bigint")} union all ${untoldText}`
const takeoverText = `${isDue("wake_at <= $2::bigint")} union all
  ${isDue("takeover and coalesce(wake_at > $2::bigint, true)")} union all ${untoldText}`

const quarantineText = `with stepped as (
    update actor set version = version + 1 where kind = $1 and id = $2 and version = $3::bigint returning kind, id)
  insert into quarantine as q (kind, id, shard, since, cause, attempts)
  select kind, id, $4, $5::bigint, $6, $7 from stepped
  on conflict (kind, id) do update set shard = excluded.shard, since = excluded.since, cause = excluded.cause,
    attempts = excluded.attempts, told = false, released_at = null
  returning true`

const toldText = `update quarantine set told = true where kind = $1 and id = $2 and since = $3::bigint`

/** Text that PostgreSQL holds and an index takes. The edge refuses others; here they would fail a whole batch. */
const isStorable = (value: string): boolean => value.length <= 512 && value.isWellFormed() && !value.includes("\u0000")

/** Two connections for the lanes, two for claims, one for scans and the rest: five a node. */
export class PgStore implements Store {
  readonly #host: Host
  readonly #journalled: () => void
  readonly #lanes: ReadonlyArray<PgSession>
  readonly #claims: ReadonlyArray<PgSession>
  readonly #scans: PgSession
  #claimed = 0

  constructor(options: PgStoreOptions) {
    this.#host = options.host
    this.#journalled = options.journalled ?? (() => {})
    const session = (name: string): PgSession =>
      new PgSession({
        url: options.url,
        host: options.host,
        name: `holon ${name}`,
        answerMillis: options.answerMillis ?? answerMillis
      })
    this.#lanes = [session("lane 0"), session("lane 1")]
    this.#claims = [session("claims 0"), session("claims 1")]
    this.#scans = session("scans")
  }

  /** A store that is closed with the scope. It connects when first used. */
  static readonly make = (options: PgStoreOptions): Effect.Effect<PgStore, never, Scope.Scope> =>
    Effect.acquireRelease(
      Effect.sync(() => new PgStore(options)),
      (store) => Effect.sync(() => store.close())
    )

  /** Ends all connections; calls under way are answered as an outage. */
  close(): void {
    for (const session of [...this.#lanes, ...this.#claims, this.#scans]) session.close()
  }

  readonly commit = (
    lane: number,
    owner: string,
    rows: ReadonlyArray<CommitRow>,
    done: (outcome: Committed) => void
  ): void => {
    const { text, parameters, hasJournal } = commitStatement(owner, rows)
    const session = this.#lanes[lane] ?? this.#scans
    session.run(text, parameters, (answer) => {
      done(answer._tag === "Rows" ? committedOf(answer.rows, rows.length) : answer)
      if (answer._tag === "Rows" && hasJournal) this.#journalled()
    })
  }

  readonly claim = (
    requests: ReadonlyArray<ClaimRequest>,
    owner: string,
    done: (outcome: ReadonlyArray<Claimed> | Outage) => void
  ): void => {
    const session = this.#claims[this.#claimed++ % 2] ?? this.#scans
    const places = sortedPlaces(requests)
    const claim = new PgClaim(session, requests, owner, done)
    if (places.length === 0) this.#host.defer(() => claim.claim(places))
    else claim.claim(places)
  }

  readonly due = (
    shards: ReadonlyArray<number>,
    now: number,
    takeover: boolean,
    limit: number,
    done: (outcome: Due | Outage) => void
  ): void => {
    const statement = takeover ? takeoverText : dueText
    this.#scans.run(statement, [integers(shards), long(now), integer(limit)], (answer) => {
      if (answer._tag !== "Rows") return done(outageOf(answer))
      const actors: Array<Address> = []
      const untold: Array<Due["untold"][number]> = []
      for (const [isUntold, kind, id, since, cause, part] of answer.rows) {
        const address = { kind: String(kind), id: String(id) }
        const supervisor = part instanceof Uint8Array ? { supervisor: part } : {}
        if (isUntold === true) untold.push({ ...address, since: Number(since), cause: String(cause), ...supervisor })
        else if (actors.length < limit) actors.push(address)
      }
      done({ actors, untold })
    })
  }

  readonly quarantine = (entry: QuarantineEntry, done: (outcome: boolean | Outage) => void): void => {
    const { kind, id, expected, shard, since, cause, attempts } = entry
    const parameters = [
      text(kind),
      text(id),
      long(expected),
      integer(shard),
      long(since),
      text(storable(cause)),
      integer(attempts)
    ]
    this.#scans.run(quarantineText, parameters, (answer) =>
      done(answer._tag === "Rows" ? answer.rows.length === 1 : outageOf(answer))
    )
  }

  /** Whether every connection answers a trivial statement: what one does not do, no message that needs it gets done. */
  readonly check = (done: (isWell: boolean) => void): void => {
    const sessions = [...this.#lanes, ...this.#claims, this.#scans]
    let left = sessions.length
    let isWell = true
    for (const session of sessions)
      session.run("select 1", [], (answer) => {
        isWell = isWell && answer._tag === "Rows"
        if (--left === 0) done(isWell)
      })
  }

  readonly told = (address: Address, since: number, done: (outcome: undefined | Outage) => void): void => {
    this.#scans.run(toldText, [text(address.kind), text(address.id), long(since)], (answer) =>
      done(answer._tag === "Rows" ? undefined : outageOf(answer))
    )
  }
}

/** Places of the requests that the store can hold. All nodes lock rows in one order, else two claims could wait for each other. */
const sortedPlaces = (requests: ReadonlyArray<ClaimRequest>): ReadonlyArray<number> => {
  const keyed: Array<readonly [key: string, index: number]> = []
  for (const [index, { kind, id }] of requests.entries())
    if (isStorable(kind) && isStorable(id)) keyed.push([`${kind}/${id}`, index])
  keyed.sort(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0))
  return keyed.map(([, index]) => index)
}

/** A cause is a defect's own words, and those may hold anything. */
const storable = (cause: string): string => cause.replaceAll("\u0000", "\u2400")
