/** Bugs planted on purpose, each a wrapper of one port: the simulator must find every one of them. */
import type { AnyBehaviour, Outcome } from "../../../src/actors/Behaviour.ts"
import { addressKey } from "../../../src/actors/Host.ts"
import type { CommitRow, Store } from "../../../src/actors/Store.ts"
import type { Check } from "../../../src/simulation/Checks.ts"
import { engineTimes } from "../../../src/simulation/Engine.ts"
import type { Ports } from "../../../src/simulation/World.ts"

/** Writes each commit without the parts of these names. */
const withoutParts =
  (prefix: string): Ports["store"] =>
  (store) => {
    const strip = (row: CommitRow): CommitRow => ({ ...row, put: row.put.filter(([part]) => !part.startsWith(prefix)) })
    return { ...callsOf(store), commit: (lane, owner, rows, done) => store.commit(lane, owner, rows.map(strip), done) }
  }

/** The calls of a store that is a class, as a plain object. */
const callsOf = ({ claim, commit, due, quarantine, told }: Store): Store => ({ claim, commit, due, quarantine, told })

/** Loads without stepping the version: nobody is fenced by it. */
const noClaim: Ports["store"] = (store, connection) => ({
  ...callsOf(store),
  claim: (requests, owner, done) => {
    const { database } = connection
    const run = () =>
      requests.flatMap((request) => {
        const key = addressKey(request)
        const row = database.rows.get(key)
        if (row === undefined || database.quarantines.has(key)) return database.claim([request], owner)
        // The checker sees the load; the row does not.
        database.observer.claimed?.(row, owner)
        const { version, format, head, parts } = row
        return [{ _tag: "Row" as const, version, format, head, parts: new Map(parts) }]
      })
    connection.send({ run, timeoutMillis: 3000 }, done)
  }
})

/** Says that a commit is durable as soon as it is sent. */
const replyBeforeCommit: Ports["store"] = (store, _connection, host) => ({
  ...callsOf(store),
  commit: (lane, owner, rows, done) => {
    store.commit(lane, owner, rows, () => {})
    host.schedule(0, () => done({ _tag: "Written", fenced: new Set() }))
  }
})

/** Nobody asks who was flagged when a shard changes hands. */
const noWakeAtTakeover: Ports["store"] = (store) => ({
  ...callsOf(store),
  due: (shards, now, takeover, limit, done) =>
    takeover ? done({ actors: [], untold: [] }) : store.due(shards, now, takeover, limit, done)
})

/** Reads on from the highest position seen, whatever is still open below it. */
const readerByPosition: Ports["journal"] = (database, after, limit) =>
  database.journal
    .filter(({ position }) => position > after.position)
    .sort((left, right) => left.position - right.position)
    .slice(0, limit)

/** Believes the locks for as long as they would last, whoever has ended their session. */
const leaseByLockExpiry: Ports["leaseRule"] = (now, _heartbeatBegan, refreshBegan) =>
  now - refreshBegan < engineTimes.lockExpiry

/** Begins an effect in the transition that orders it. */
const effectBeforeCommit: Ports["behaviours"] = (behaviours, begin) =>
  behaviours.map((behaviour): AnyBehaviour => {
    const early = (outcome: Outcome<unknown, unknown>, self: Parameters<typeof begin>[0]) => {
      for (const order of outcome.effects ?? []) begin(self, order)
      return outcome
    }
    const transitions = Object.fromEntries(
      Object.entries(behaviour.transitions).map(([tag, handle]) => [
        tag,
        (...[state, payload, context]: Parameters<typeof handle>) =>
          early(handle(state, payload, context), context.self)
      ])
    )
    return { ...behaviour, transitions }
  })

/** Ends a session without a word to its device: what the board holds of the image stays there. */
const sessionThatNeverCloses: Ports["behaviours"] = (behaviours) =>
  behaviours.map((behaviour): AnyBehaviour => {
    if (behaviour.contract.kind !== "session") return behaviour
    const silent = (outcome: Outcome<unknown, unknown>) => ({
      ...outcome,
      tells: outcome.tells?.filter(({ message }) => message !== "CloseTransfer") ?? []
    })
    const transitions = Object.fromEntries(
      Object.entries(behaviour.transitions).map(([tag, handle]) => [
        tag,
        (...message: Parameters<typeof handle>) => silent(handle(...message))
      ])
    )
    return { ...behaviour, transitions }
  })

/** Takes every share of failures for good enough. */
const rolloutWithoutRule: Ports["behaviours"] = (behaviours) =>
  behaviours.map((behaviour): AnyBehaviour => {
    const start = behaviour.transitions["Start"]
    if (behaviour.contract.kind !== "rollout" || start === undefined) return behaviour
    const lenient: typeof start = (state, payload, context) => {
      const asked = payload as { readonly rules: object }
      return start(state, { ...asked, rules: { ...asked.rules, errorShare: 1, successShare: 0 } }, context)
    }
    return { ...behaviour, transitions: { ...behaviour.transitions, Start: lenient } }
  })

/** A planted bug, and the promise that must be seen broken. */
export interface Planted {
  readonly name: string
  readonly ports: Partial<Ports>
  readonly breaks: Check
}

/** Every planted bug. */
export const planted: ReadonlyArray<Planted> = [
  { name: "no claim", ports: { store: noClaim }, breaks: "write by the owner" },
  { name: "reply before commit", ports: { store: replyBeforeCommit }, breaks: "reply after durable" },
  { name: "forgotten request ids", ports: { store: withoutParts("~once/") }, breaks: "once takes effect once" },
  { name: "tell without a row", ports: { store: withoutParts("~tell/") }, breaks: "tell arrives" },
  { name: "reader by position", ports: { journal: readerByPosition }, breaks: "event reaches its reader" },
  {
    name: "lease by the locks' expiry",
    ports: { leaseRule: leaseByLockExpiry },
    breaks: "read sees what was acknowledged"
  },
  { name: "no wake at takeover", ports: { store: noWakeAtTakeover }, breaks: "no ghost online" },
  { name: "effect before the commit", ports: { behaviours: effectBeforeCommit }, breaks: "effect after the commit" },
  {
    name: "session that never closes its transfer",
    ports: { behaviours: sessionThatNeverCloses },
    breaks: "no transfer is left over"
  },
  { name: "rollout without a rule", ports: { behaviours: rolloutWithoutRule }, breaks: "rollout ends by its rule" }
]
