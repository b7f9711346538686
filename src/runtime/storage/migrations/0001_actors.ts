/** Actors at rest: head rows, keyed parts, the journal, dead letters, quarantine. */
import type { Migration } from "../Migrations.ts"

export const actors: Migration = {
  number: 1,
  name: "actors",
  statements: [
    // Addresses sort by byte: one order on every database, whatever its locale.
    //
    // Head rows change at every commit. The free two fifths of a page let the new version stay beside the old one without
    // touching an index, as long as shard, wake_at and takeover stand still.
    `create table actor (
      kind text collate "C" not null,
      id text collate "C" not null,
      shard integer not null,
      version bigint not null,
      owner text not null,
      format integer not null,
      wake_at bigint,
      takeover boolean not null,
      head bytea,
      primary key (kind, id)
    ) with (fillfactor = 60)`,
    `create index actor_due on actor (shard, wake_at) where wake_at is not null`,
    `create index actor_takeover on actor (shard) where takeover`,
    `create table actor_part (
      kind text collate "C" not null,
      id text collate "C" not null,
      key text collate "C" not null,
      value bytea not null,
      primary key (kind, id, key)
    ) with (fillfactor = 60)`,
    `create sequence journal_position as bigint cache 1`,
    // `time` is the database's, so that every node agrees which partition is the current one; `at` is the actor's, in ms.
    // Rows that hold nothing but samples are many and soon forgotten: they lie apart, and dropping them is dropping tables.
    `create table journal (
      lasting boolean not null,
      time timestamptz not null default now(),
      txid xid8 not null default pg_current_xact_id(),
      position bigint not null default nextval('journal_position'),
      kind text collate "C" not null,
      id text collate "C" not null,
      version bigint not null,
      at bigint not null,
      body bytea not null
    ) partition by list (lasting)`,
    `create table journal_events partition of journal for values in (true) partition by range (time)`,
    `create table journal_samples partition of journal for values in (false) partition by range (time)`,
    `create index journal_order on journal (txid, position)`,
    `create table dead_letter (
      number bigint generated always as identity primary key,
      kind text collate "C" not null,
      id text collate "C" not null,
      at bigint not null,
      letter text not null,
      message text not null,
      payload bytea not null,
      cause text not null,
      trace_id text not null,
      retried_at timestamptz
    )`,
    `create table quarantine (
      kind text collate "C" not null,
      id text collate "C" not null,
      shard integer not null,
      since bigint not null,
      cause text not null,
      attempts integer not null,
      told boolean not null default false,
      released_at timestamptz,
      primary key (kind, id)
    )`
  ]
}
