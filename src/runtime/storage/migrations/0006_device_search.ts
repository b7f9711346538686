/** Devices as they are searched: a projection of the actors' rows, and how far it is. */
import type { Migration } from "../Migrations.ts"

export const deviceSearch: Migration = {
  number: 6,
  name: "device search",
  statements: [
    // Unlogged: all of it follows from other tables, so that writing it costs no write-ahead log. A crash of the database
    // server empties both tables, and what is empty is built anew.
    //
    // What changes most are documents whose entries in the index stay as they are; the free third of a page lets such a row
    // change without touching any index.
    `create unlogged table device_search (
      id text collate "C" primary key,
      zone text collate "C",
      profile text collate "C" not null,
      state text collate "C" not null,
      format integer not null,
      version bigint not null,
      status jsonb not null,
      desired jsonb not null,
      reported jsonb not null
    ) with (fillfactor = 70)`,
    `create index device_search_reported on device_search using gin (reported jsonb_path_ops)`,
    `create index device_search_desired on device_search using gin (desired jsonb_path_ops)`,
    `create index device_search_profile on device_search (profile, id)`,
    `create index device_search_state on device_search (state, id)`,
    // One row at most. `walked` is the last id that was read while it is built, and null once it is whole; `as_of` is null
    // until there is something that can be searched.
    `create unlogged table device_search_progress (
      is_only boolean primary key default true check (is_only),
      format integer not null,
      epoch integer not null,
      txid xid8 not null,
      position bigint not null,
      read_to timestamptz not null,
      walked text collate "C",
      as_of timestamptz,
      keeper text not null,
      kept_until timestamptz not null
    )`
  ]
}
