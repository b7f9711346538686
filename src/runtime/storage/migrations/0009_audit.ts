/** The chains of the auditors: records by month, the heads of sealed segments for ever, and where each chain goes on. */
import type { Migration } from "../Migrations.ts"

export const audit: Migration = {
  number: 9,
  name: "audit",
  statements: [
    // `signature` and `kid` have their place; nothing signs yet.
    `create table audit_events (
      id uuid not null,
      vsm_id text collate "C" not null,
      seq bigint not null,
      hlc_ms bigint not null,
      hlc_ctr integer not null,
      hlc_node bytea not null,
      wall timestamptz not null,
      event_type text collate "C" not null,
      category text collate "C" not null,
      severity text collate "C" not null,
      subject text collate "C" not null,
      subject_seq bigint not null,
      user_id text collate "C" not null,
      root text collate "C",
      capability_name text collate "C",
      zone text collate "C",
      unit text collate "C",
      at_ms float8 not null,
      cursor text collate "C" not null,
      payload jsonb,
      payload_hash bytea not null,
      payload_bytes integer,
      causes uuid[] not null,
      prev_hash bytea not null,
      hash bytea not null,
      segment bigint not null,
      signature bytea,
      kid bytea,
      primary key (vsm_id, seq, wall)
    ) partition by range (wall)`,
    `create index audit_events_id on audit_events (id)`,
    `create index audit_events_zone on audit_events (zone, wall desc)`,
    `create index audit_events_user on audit_events (user_id, wall)`,
    `create index audit_events_subject on audit_events (subject, wall)`,
    `create index audit_events_capability on audit_events (capability_name, wall)`,
    `create index audit_events_causes on audit_events using gin (causes)`,
    `create index audit_events_wall on audit_events using brin (wall)`,
    `create table audit_segments (
      vsm_id text collate "C" not null,
      segment bigint not null,
      first_seq bigint not null,
      last_seq bigint not null,
      root bytea not null,
      last_hash bytea not null,
      prev_head bytea not null,
      hlc_ms bigint not null,
      signature bytea,
      kid bytea,
      witnesses jsonb,
      primary key (vsm_id, segment)
    )`,
    // One row a chain, stepped by its one writer in the transaction that adds records: a writer that froze and woke up adds none.
    `create table audit_heads (
      vsm_id text collate "C" primary key,
      version bigint not null,
      seq bigint not null,
      hash bytea not null,
      cursor text collate "C" not null,
      wall bigint not null,
      segments bigint not null,
      sealed_seq bigint not null,
      prev_head bytea not null,
      opened_at bigint,
      catalogue bytea not null
    )`,
    `create function audit_is_final() returns trigger language plpgsql as $$
      begin
        raise exception 'what was audited is not changed: % of %', tg_op, tg_table_name using errcode = '42501';
      end
    $$`,
    `create trigger audit_events_final before update or delete on audit_events
      for each row execute function audit_is_final()`,
    `create trigger audit_events_whole before truncate on audit_events for each statement execute function audit_is_final()`,
    `create trigger audit_segments_final before update or delete on audit_segments
      for each row execute function audit_is_final()`,
    `create trigger audit_segments_whole before truncate on audit_segments
      for each statement execute function audit_is_final()`
  ]
}
