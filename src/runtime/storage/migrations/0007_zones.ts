/** Zones: devices are found by them, and patterns look at events of some of them only. */
import type { Migration } from "../Migrations.ts"

export const zones: Migration = {
  number: 7,
  name: "zones",
  statements: [
    // By code points, so that a glob with a fixed beginning finds its rows here, too.
    `create index device_search_zone on device_search (zone, id) where zone is not null`,
    // None: everywhere.
    `alter table goldrush_patterns add column zones text[] not null default '{}'`,
    `alter table goldrush_pattern_history add column zones text[] not null default '{}'`
  ]
}
