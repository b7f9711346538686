/** Samples summed up per actor and minute, and how far the journal was read for it. */
import type { Migration } from "../Migrations.ts"

export const sampleMinutes: Migration = {
  number: 2,
  name: "sample minutes",
  statements: [
    `create table sample_minute (
      kind text collate "C" not null,
      id text collate "C" not null,
      minute timestamptz not null,
      body bytea not null,
      primary key (kind, id, minute)
    ) partition by range (minute)`,
    `create table journal_reader (
      name text primary key,
      txid xid8 not null,
      position bigint not null
    )`
  ]
}
