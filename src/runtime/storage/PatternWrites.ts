/** Adding and replacing patterns: a question and a statement, however many there are. */
import { randomBytes } from "node:crypto"
import type { PgClient } from "@effect/sql-pg"
import { Effect, Schema } from "effect"
import { patternsMax, type WrittenPattern } from "../../events/Patterns.ts"
import { Conflict, TooLarge } from "../../protocol/Errors.ts"
import { uuidV7 } from "../../protocol/Ids.ts"
import { Pattern } from "../../protocol/pattern/Pattern.ts"

/** What is there of a name. */
interface Known {
  readonly name: string
  readonly version: number | null
  readonly updatedBy: string | null
  /** The highest that the name ever had: removal leaves the history, and a name that comes again goes on counting. */
  readonly last: number | null
  /** Whether it has this tree by this author, and this text. */
  readonly isSame: boolean | null
  readonly isSameText: boolean | null
  readonly count: number
}

/** Of a row of `goldrush_patterns`, who wrote its version. */
export const authorOf = `coalesce((select written.by from goldrush_pattern_history written
    where written.name = goldrush_patterns.name and written.version = goldrush_patterns.version and written.what = 'put'
    order by written.change desc limit 1), updated_by)`

const encode = Schema.encodeSync(Pattern)

const treeOf = ({ source, pattern }: WrittenPattern) => ({ name: pattern.name, source, conditions: encode(pattern) })

const rowOf = (
  { pattern: { priority, body, by } }: WrittenPattern,
  { name, source, conditions }: ReturnType<typeof treeOf>,
  version: number,
  now: number
) => ({
  id: uuidV7(now, randomBytes),
  name,
  version,
  source,
  conditions,
  merged: body._tag === "Combined" ? body.patterns : [],
  actions: conditions.actions,
  priority,
  keys: by.map((path) => path.join("."))
})

/**
 * Writes these patterns and a line of history for each. One that its author has written just so stays as it is; in other words,
 * it keeps its version. `columns` of each row are answered, in any order. To be run in a transaction while nobody else changes
 * patterns: what the question finds must still be so for the statement.
 */
export const writePatterns = <Row extends object>(sql: PgClient.PgClient, columns: string) =>
  Effect.fnUntraced(function* (given: ReadonlyArray<WrittenPattern>, by: string, now: number) {
    const trees = given.map(treeOf)
    // Another author has other rights, and so have the actions: that is another version.
    const known = yield* sql<Known>`
      select wanted.name, version, updated_by as "updatedBy",
        (select max(version) from goldrush_pattern_history history where history.name = wanted.name) as last,
        wanted.conditions = goldrush_patterns.conditions and ${by} = ${sql.literal(authorOf)} as "isSame",
        wanted.source = goldrush_patterns.source as "isSameText",
        (select count(*) from goldrush_patterns)::float8 as count
      from jsonb_to_recordset(${JSON.stringify(trees)}::jsonb) as wanted(name text, source text, conditions jsonb)
        left join goldrush_patterns on goldrush_patterns.name = wanted.name`
    const byName = new Map(known.map((each) => [each.name, each]))
    for (const { pattern, expected } of given) {
      const { version = null, updatedBy = null } = byName.get(pattern.name) ?? {}
      if (expected !== undefined && expected !== (version ?? 0))
        return yield* new Conflict({ holder: version === null ? "" : `version ${version} by ${updatedBy}` })
    }
    const fresh = known.filter(({ version }) => version === null).length
    const count = (known[0]?.count ?? 0) + fresh
    if (fresh > 0 && count > patternsMax) return yield* new TooLarge({ limit: patternsMax, actual: count })
    const kept: Array<string> = []
    const rows = given.flatMap((each, index) => {
      const tree = trees[index] ?? treeOf(each)
      const { version = null, last = null, isSame, isSameText } = byName.get(tree.name) ?? {}
      if (isSame !== true) return [rowOf(each, tree, (version ?? last ?? 0) + 1, now)]
      if (isSameText !== true) return [rowOf(each, tree, version ?? 1, now)]
      kept.push(tree.name)
      return []
    })
    return yield* sql<Row>`
      with given as (
        select * from rows from (jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as (id uuid, name text, version integer,
          source text, conditions jsonb, merged jsonb, actions jsonb, priority text, keys jsonb)) with ordinality
      ), goldrush_patterns_written as (
        insert into goldrush_patterns (id, name, version, source, conditions, merged_queries, actions, priority, key_fields,
          active, created_by, created_at, updated_by, updated_at)
        select id, name, version, source, conditions, array(select jsonb_array_elements_text(merged)), actions, priority,
          array(select jsonb_array_elements_text(keys)), true, ${by}, ${now}, ${by}, ${now}
        from given order by ordinality
        on conflict (name) do update set version = excluded.version, source = excluded.source,
          conditions = excluded.conditions, merged_queries = excluded.merged_queries, actions = excluded.actions,
          priority = excluded.priority, key_fields = excluded.key_fields,
          -- What stands on other patterns is in no zones.
          zones = case when cardinality(excluded.merged_queries) > 0 then '{}' else goldrush_patterns.zones end,
          updated_by = excluded.updated_by, updated_at = excluded.updated_at
        returning ${sql.literal(columns)}
      ), noted as (
        insert into goldrush_pattern_history (name, version, what, source, zones, by, at)
        select name, version, 'put', source, zones, ${by}, ${now} from goldrush_patterns_written
      )
      select * from goldrush_patterns_written
      union all select ${sql.literal(columns)} from goldrush_patterns where name = any(${kept}::text[])`
  })
