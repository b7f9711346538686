/**
 * What must hold after a run, judged from outside: by what boards and clients saw, and by what the store holds. No code of
 * the actor layer takes part.
 */
import type { JournalEntry } from "../events/JournalReader.ts"
import type { ChaosBoard } from "./ChaosBoard.ts"
import type { ChaosClient } from "./Client.ts"

/** One check: how many facts it looked at, and those that broke it. */
export interface Check {
  readonly name: string
  readonly looked: number
  readonly broken: ReadonlyArray<string>
}

/** A device's twin as the cluster answers it in the end. */
export interface FinalTwin {
  readonly reported: Readonly<Record<string, unknown>>
  readonly desired: Readonly<Record<string, unknown>>
  readonly connection: string
}

export interface Evidence {
  readonly boards: ReadonlyArray<ChaosBoard>
  readonly client: ChaosClient
  /** By device, the highest report that was acknowledged before the twins were read: boards go on reporting. */
  readonly acknowledged: ReadonlyMap<string, number>
  readonly twins: ReadonlyMap<string, FinalTwin>
  /** What a reader saw that followed the journal during the whole run. */
  readonly followed: ReadonlyArray<JournalEntry>
  /** The journal read again from its beginning when all was quiet. */
  readonly stored: ReadonlyArray<JournalEntry>
}

const keyOf = ({ kind, id, version }: JournalEntry): string => `${kind}/${id}@${version}`

const acknowledgedReports = ({ boards, acknowledged, twins }: Evidence): Check => ({
  name: "every acknowledged report is in the twin or superseded by a later one",
  looked: boards.reduce((sum, { witness }) => sum + witness.reportsAcknowledged, 0),
  broken: [...acknowledged].flatMap(([id, least]) => {
    const count = twins.get(id)?.reported.count
    return typeof count === "number" && count >= least
      ? []
      : [`${id}: ${least} was acknowledged, the twin has ${String(count)}`]
  })
})

const commandsEnd = ({ client }: Evidence): Check => {
  const accepted = client.commands.filter(({ isAccepted }) => isAccepted)
  return {
    name: "every accepted command ends in exactly one result",
    looked: accepted.length,
    broken: accepted
      .filter(({ codes }) => codes.size !== 1)
      .map(({ device, id, codes }) => `${device} ${id}: ${[...codes].join(" and ") || "no end"}`)
  }
}

const commandsRunOnce = ({ boards, client }: Evidence): Check => {
  const ran = new Map(boards.flatMap(({ witness }) => [...witness.executed]))
  const twice = [...ran].filter(([, times]) => times > 1).map(([id, times]) => `${id} ran ${times} times`)
  const contrary = client.commands.flatMap(({ id, codes }) => {
    if (codes.has(62) && ran.has(id)) return [`${id} ended as expired, but ran`]
    return codes.has(0) && !ran.has(id) ? [`${id} ended as done, but never ran`] : []
  })
  return {
    name: "every command ran at most once, and as its result says",
    looked: ran.size,
    broken: [...twice, ...contrary]
  }
}

const writesOnce = ({ client }: Evidence): Check => ({
  name: "a repeated desired write answers what the first one did",
  looked: client.writes.filter(({ versions }) => versions.size > 0).length,
  broken: client.writes.filter(({ versions }) => versions.size > 1).map(({ device, mode }) => `${device} mode ${mode}`)
})

const oneSpeaker = ({ boards }: Evidence): Check => ({
  name: "no two nodes speak to a board under one epoch",
  looked: boards.reduce((sum, { witness }) => sum + witness.speakers.size, 0),
  broken: boards.flatMap(({ id, witness }) =>
    [...witness.speakers]
      .filter(([, nodes]) => nodes.size > 1)
      .map(([epoch, nodes]) => `${id} epoch ${epoch}: ${[...nodes].join(" and ")}`)
  )
})

/** A write of a node that had lost its shard would number its facts again, or leave a gap. */
const noStaleWrites = ({ stored }: Evidence): Check => {
  const next = new Map<string, number>()
  const broken: Array<string> = []
  const byActor = [...stored].sort((a, b) => a.version - b.version)
  for (const entry of byActor) {
    for (const { seq } of entry.records) {
      const key = `${entry.kind}/${entry.id}`
      const expected = next.get(key) ?? 1
      if (seq !== expected) broken.push(`${keyOf(entry)}: fact ${seq} where ${expected} was due`)
      next.set(key, seq + 1)
    }
  }
  return {
    name: "no write of a node that had lost its shard survives: facts are numbered without gap or repeat",
    looked: stored.length,
    broken
  }
}

const noEventLost = ({ followed, stored }: Evidence): Check => {
  const seen = new Map<string, number>()
  for (const entry of followed) seen.set(keyOf(entry), (seen.get(keyOf(entry)) ?? 0) + 1)
  const lost = stored.filter((entry) => !seen.has(keyOf(entry))).map((entry) => `${keyOf(entry)} was not seen`)
  const twice = [...seen]
    .filter(([, times]) => times > 1)
    .map(([key]) => {
      const places = followed
        .filter((entry) => keyOf(entry) === key)
        .map(({ at }) => `${at.transaction}.${at.position}`)
      return `${key} was seen at ${places.join(" and ")}`
    })
  const last = new Map<string, number>()
  const order = followed.flatMap((entry) => {
    const key = `${entry.kind}/${entry.id}`
    const before = last.get(key) ?? 0
    last.set(key, Math.max(before, entry.version))
    return entry.version < before ? [`${keyOf(entry)} after ${before}`] : []
  })
  return {
    name: "no event is lost to a reader, none comes twice, each actor's in order",
    looked: stored.length,
    broken: [...lost, ...twice, ...order]
  }
}

const converged = ({ boards, twins }: Evidence): Check => ({
  name: "the two sides converge: every board is online, reported is what it has, desired is what it does",
  looked: boards.length,
  broken: boards.flatMap((board) => {
    const twin = twins.get(board.id)
    if (twin === undefined) return [`${board.id} has no twin`]
    const wanted = twin.desired.mode
    const faults = [
      ...(twin.connection === "online" && board.isLinked ? [] : [`${twin.connection}, linked ${board.isLinked}`]),
      ...(wanted === undefined || (twin.reported.mode === wanted && board.state.mode === wanted)
        ? []
        : [
            `mode ${String(wanted)} is desired, ${String(twin.reported.mode)} reported, ${String(board.state.mode)} true`
          ])
    ]
    return faults.map((fault) => `${board.id}: ${fault}`)
  })
})

/** All checks on the evidence of a run. */
export const checkAll = (evidence: Evidence): ReadonlyArray<Check> =>
  [
    acknowledgedReports,
    commandsEnd,
    commandsRunOnce,
    writesOnce,
    oneSpeaker,
    noStaleWrites,
    noEventLost,
    converged
  ].map((check) => check(evidence))
