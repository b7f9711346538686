/** Policies as their keepers have made them known: each version for people, and for nodes what is in force since which epoch. */
import type { Migration } from "../Migrations.ts"

export const policies: Migration = {
  number: 10,
  name: "policies",
  statements: [
    // `wasm`, `wasm_sha256` and `signature` have their place; nothing compiles or signs yet.
    `create table policies (
      id uuid primary key default gen_random_uuid(),
      vsm text collate "C" not null,
      name text collate "C" not null,
      version integer not null,
      type text collate "C" not null,
      zone text collate "C",
      source text not null,
      definition jsonb not null,
      wasm bytea,
      wasm_sha256 bytea,
      state text collate "C" not null check (state in
        ('draft', 'staged', 'canary', 'active', 'superseded', 'rolled_back', 'expired', 'withdrawn')),
      active boolean not null generated always as (state in ('canary', 'active')) stored,
      epoch bigint,
      activate_at timestamptz,
      canary jsonb,
      expires_at timestamptz,
      author text collate "C" not null,
      approvals jsonb not null,
      reason text,
      signature bytea,
      created_at timestamptz not null,
      updated_at timestamptz not null,
      unique (vsm, name, version)
    )`,
    `create unique index policies_in_force on policies (vsm, name) where state = 'active'`,
    `create index policies_zone on policies (zone) where active`,
    `create table policy_epochs (
      epoch bigint primary key,
      at_ms float8 not null,
      vsm text collate "C" not null,
      created_at timestamptz not null default now()
    )`,
    // Which versions are in force: from an epoch on, until another one.
    `create table policy_force (
      vsm text collate "C" not null,
      name text collate "C" not null,
      version integer not null,
      zones text[] not null,
      except_zones text[] not null,
      from_epoch bigint not null,
      until_epoch bigint
    )`,
    `create index policy_force_now on policy_force (vsm) where until_epoch is null`,
    `create index policy_force_epochs on policy_force (from_epoch, until_epoch)`,
    // What each keeper has made known last, so that a repeat changes nothing.
    `create table policy_keepers (
      vsm text collate "C" primary key,
      revision bigint not null,
      epoch bigint,
      at_ms float8
    )`
  ]
}
