/** Finds the commits of a chain of causes: those that go on with what another commit, or a request, began. */
import type { Migration } from "../Migrations.ts"

export const journalChains: Migration = {
  number: 8,
  name: "journal chains",
  statements: [
    // Beside the journal, not a column of it: what boards measure is in nobody's chain and writes nothing here. `time` is that
    // of the commit's row, by which its partition is found.
    `create table journal_chain (
      root text collate "C" not null,
      time timestamptz not null,
      txid xid8 not null,
      position bigint not null
    ) partition by range (time)`,
    `create index journal_chain_root on journal_chain (root)`
  ]
}
