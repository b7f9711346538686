/** The statement of a group commit: heads, parts, journal and dead letters of many actors, written or fenced row by row. */
import type { CommitRow, Committed } from "../../actors/Store.ts"
import { holdsOnlySamples } from "../../protocol/JournalBody.ts"
import { booleans, byteStrings, integers, longs, text, texts } from "./Parameters.ts"
import type { Values } from "./PgSession.ts"

/** What a batch contains beside heads. The plain report has heads and journal only and pays for nothing else. */
interface Shape {
  readonly journal: boolean
  /** A part of the journal goes on with chains that others began. */
  readonly chains: boolean
  readonly put: boolean
  readonly remove: boolean
  readonly dead: boolean
}

/** All that is not a head joins `written`, the rows really stepped: a fenced row leaves nothing behind. */
const textOf = (shape: Shape): string => {
  let parameters = 9
  const next = (type: string): string => `$${++parameters}::${type}[]`
  const journal = shape.journal ? next("bytea") : undefined
  const lasting = shape.journal ? next("bool") : undefined
  const at = shape.journal || shape.dead ? next("float8") : undefined
  const columns = ["kind", "id", "expected", "shard", "format", "wake_at", "takeover", "head"]
  const arrays = [
    "$1::text[]",
    "$2::text[]",
    "$3::float8[]",
    "$4::int4[]",
    "$5::int4[]",
    "$6::float8[]",
    "$7::bool[]",
    "$8::bytea[]"
  ]
  if (journal !== undefined && lasting !== undefined) {
    arrays.push(journal, lasting)
    columns.push("journal", "lasting")
  }
  if (at !== undefined) {
    arrays.push(at)
    columns.push("at")
  }
  const returning = ["b.row"]
  if (journal !== undefined) returning.push("b.journal", "b.lasting")
  if (at !== undefined) returning.push("b.at::bigint as at", "a.version")
  if (at !== undefined || shape.put || shape.remove) returning.push("b.kind", "b.id")
  let statement = `with written as (
    update actor a set version = a.version + 1, owner = $9, shard = b.shard, format = b.format,
      wake_at = b.wake_at::bigint, takeover = b.takeover, head = b.head
    from unnest(${arrays.join(", ")})
      with ordinality as b(${columns.join(", ")}, row)
    where a.kind = b.kind and a.id = b.id and a.version = b.expected::bigint
    returning ${returning.join(", ")})`
  if (journal !== undefined)
    statement += `, journalled as (
    insert into journal (lasting, kind, id, version, at, body)
    select lasting, kind, id, version, at, journal from written where journal is not null${shape.chains ? "\n    returning kind, id, time, txid, position" : ""})`
  if (shape.journal && shape.chains)
    statement += `, chained as (
    insert into journal_chain (root, time, txid, position)
    select c.root, j.time, j.txid, j.position
    from unnest(${next("int4")}, ${next("text")}) as c(row, root)
      join written w on w.row = c.row join journalled j on j.kind = w.kind and j.id = w.id)`
  if (shape.put)
    statement += `, put as (
    insert into actor_part (kind, id, key, value)
    select w.kind, w.id, p.key, p.value
    from unnest(${next("int4")}, ${next("text")}, ${next("bytea")}) as p(row, key, value) join written w on w.row = p.row
    on conflict (kind, id, key) do update set value = excluded.value)`
  if (shape.remove)
    statement += `, removed as (
    delete from actor_part t
    using unnest(${next("int4")}, ${next("text")}) as p(row, key) join written w on w.row = p.row
    where t.kind = w.kind and t.id = w.id and t.key = p.key)`
  if (shape.dead)
    statement += `, dead as (
    insert into dead_letter (kind, id, at, letter, message, payload, cause, trace_id)
    select w.kind, w.id, w.at, d.letter, d.message, d.payload, d.cause, d.trace_id
    from unnest(${next("int4")}, ${["text", "text", "bytea", "text", "text"].map(next).join(", ")})
      as d(row, letter, message, payload, cause, trace_id) join written w on w.row = d.row)`
  // One row of answer: which rows were written only matters when not all were.
  return `${statement}
    select case when count(*) < cardinality($1) then coalesce(array_agg(row::int4), '{}') end from written`
}

const shapeOf = (bits: number): Shape => ({
  journal: (bits & 1) !== 0,
  put: (bits & 2) !== 0,
  remove: (bits & 4) !== 0,
  dead: (bits & 8) !== 0,
  chains: (bits & 16) !== 0
})

const statements = Array.from({ length: 32 }, (_, bits) => textOf(shapeOf(bits)))

const statementOf = (shape: Shape): string =>
  statements[
    (shape.journal ? 1 : 0) +
      (shape.put ? 2 : 0) +
      (shape.remove ? 4 : 0) +
      (shape.dead ? 8 : 0) +
      (shape.chains ? 16 : 0)
  ] ?? textOf(shape)

/** Text and parameters for a batch. */
export const commitStatement = (
  owner: string,
  rows: ReadonlyArray<CommitRow>
): { readonly text: string; readonly parameters: ReadonlyArray<unknown>; readonly hasJournal: boolean } => {
  const kind: Array<string> = []
  const id: Array<string> = []
  const expected: Array<number> = []
  const shard: Array<number> = []
  const format: Array<number> = []
  const wakeAt: Array<number | null> = []
  const takeover: Array<boolean> = []
  const head: Array<Uint8Array> = []
  const journal: Array<Uint8Array | null> = []
  const lasting: Array<boolean> = []
  const at: Array<number> = []
  const chain = { row: [] as number[], root: [] as string[] }
  const put = { row: [] as number[], key: [] as string[], value: [] as Uint8Array[] }
  const remove = { row: [] as number[], key: [] as string[] }
  const dead = {
    row: [] as number[],
    letter: [] as string[],
    message: [] as string[],
    payload: [] as Uint8Array[],
    cause: [] as string[],
    traceId: [] as string[]
  }
  let journals = 0
  for (const row of rows) {
    kind.push(row.kind)
    id.push(row.id)
    expected.push(row.expected)
    shard.push(row.shard)
    format.push(row.format)
    wakeAt.push(row.wakeAt)
    takeover.push(row.atTakeover)
    head.push(row.head)
    journal.push(row.journal)
    lasting.push(row.journal === null || !holdsOnlySamples(row.journal))
    at.push(row.at)
    if (row.journal !== null) journals++
    // `with ordinality` counts from 1.
    const ordinal = kind.length
    if (row.journal !== null && row.roots !== undefined)
      for (const root of row.roots) {
        chain.row.push(ordinal)
        chain.root.push(root)
      }
    for (const [key, value] of row.put) {
      put.row.push(ordinal)
      put.key.push(key)
      put.value.push(value)
    }
    for (const key of row.remove) {
      remove.row.push(ordinal)
      remove.key.push(key)
    }
    for (const letter of row.dead) {
      dead.row.push(ordinal)
      dead.letter.push(letter.letter)
      dead.message.push(letter.message)
      dead.payload.push(letter.payload)
      dead.cause.push(letter.cause)
      dead.traceId.push(letter.traceId)
    }
  }
  const shape: Shape = {
    journal: journals > 0,
    chains: chain.row.length > 0,
    put: put.row.length > 0,
    remove: remove.row.length > 0,
    dead: dead.row.length > 0
  }
  const parameters: Array<unknown> = [
    texts(kind),
    texts(id),
    longs(expected),
    integers(shard),
    integers(format),
    longs(wakeAt),
    booleans(takeover),
    byteStrings(head),
    text(owner)
  ]
  if (shape.journal) parameters.push(byteStrings(journal), booleans(lasting))
  if (shape.journal || shape.dead) parameters.push(longs(at))
  if (shape.chains) parameters.push(integers(chain.row), texts(chain.root))
  if (shape.put) parameters.push(integers(put.row), texts(put.key), byteStrings(put.value))
  if (shape.remove) parameters.push(integers(remove.row), texts(remove.key))
  if (shape.dead)
    parameters.push(
      integers(dead.row),
      texts(dead.letter),
      texts(dead.message),
      byteStrings(dead.payload),
      texts(dead.cause),
      texts(dead.traceId)
    )
  return { text: statementOf(shape), parameters, hasJournal: shape.journal }
}

const nobody: ReadonlySet<number> = new Set()

/** Reads the statement's only row: null when every row was written, else the ordinals of those that were. */
export const committedOf = (rows: ReadonlyArray<Values>, size: number): Committed => {
  const written = rows[0]?.[0]
  if (written === null) return { _tag: "Written", fenced: nobody }
  if (!Array.isArray(written)) return { _tag: "Outage", cause: "the commit statement answered no row" }
  const fenced = new Set<number>()
  for (let index = 0; index < size; index++) fenced.add(index)
  for (const ordinal of written) fenced.delete(ordinal - 1)
  return { _tag: "Written", fenced }
}
