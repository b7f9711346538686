/** Keys that sign the audit, and payloads that may be taken away when a record says so. */
import type { Migration } from "../Migrations.ts"

export const auditSeals: Migration = {
  number: 11,
  name: "audit seals",
  statements: [
    `create table audit_keys (
      issuer bytea not null,
      epoch integer not null,
      public_key bytea not null unique,
      from_ms bigint not null,
      until_ms bigint not null,
      previous bytea not null,
      signature bytea not null,
      primary key (issuer, epoch)
    )`,
    `create trigger audit_keys_final before update or delete on audit_keys
      for each row execute function audit_is_final()`,
    `create trigger audit_keys_whole before truncate on audit_keys
      for each statement execute function audit_is_final()`,
    `create index audit_events_erased on audit_events (vsm_id, seq) where event_type = 'audit.erased'`,
    // The chain has the hash of a payload, not the payload: it stays whole without. Nothing else of a record ever changes.
    `create function audit_payload_only() returns trigger language plpgsql as $$
      begin
        if tg_op = 'UPDATE' and new.payload is null and old.payload is not null
          and to_jsonb(new) - 'payload' = to_jsonb(old) - 'payload'
          and exists (select 1 from audit_events e where e.vsm_id = old.vsm_id and e.event_type = 'audit.erased'
            and e.subject = 'auditor/' || old.vsm_id and e.seq > old.seq and e.payload->>'seq' = old.seq::text)
        then
          return new;
        end if;
        raise exception 'what was audited is not changed: % of %', tg_op, tg_table_name using errcode = '42501';
      end
    $$`,
    `drop trigger audit_events_final on audit_events`,
    `create trigger audit_events_final before update or delete on audit_events
      for each row execute function audit_payload_only()`,
    // What says which records there are, and which payloads are gone, is never taken away itself.
    `create function audit_erase(chain text, erased bigint[]) returns void language sql as $$
      update audit_events set payload = null
        where vsm_id = chain and seq = any(erased) and payload is not null
          and event_type not in ('audit.catalogue', 'audit.erased')
    $$`
  ]
}
