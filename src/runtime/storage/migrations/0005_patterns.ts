/** Patterns and their history. What one says stands whole in `conditions`; the columns beside it are for looking up. */
import type { Migration } from "../Migrations.ts"

export const patterns: Migration = {
  number: 5,
  name: "patterns",
  statements: [
    `create table goldrush_patterns (
      id uuid primary key,
      name varchar(100) collate "C" not null unique,
      version integer not null check (version > 0),
      source text not null,
      conditions jsonb not null,
      merged_queries text[] not null,
      actions jsonb not null,
      priority varchar(20) not null check (priority in ('low', 'normal', 'high', 'critical')),
      key_fields text[] not null,
      active boolean not null,
      created_by text not null,
      created_at bigint not null,
      updated_by text not null,
      updated_at bigint not null
    )`,
    `create index goldrush_patterns_merged on goldrush_patterns using gin (merged_queries)`,
    // Every change of every pattern: the last number says whether a node knows the newest ones.
    `create table goldrush_pattern_history (
      change bigint generated always as identity primary key,
      name varchar(100) collate "C" not null,
      version integer not null,
      what text not null check (what in ('put', 'on', 'off', 'removed')),
      source text not null,
      by text not null,
      at bigint not null
    )`,
    `create index goldrush_pattern_history_name on goldrush_pattern_history (name, change)`
  ]
}
