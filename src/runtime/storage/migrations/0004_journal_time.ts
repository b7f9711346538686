/** Finds where a time stands in the journal. Rows lie in the order of their time, so that a range of pages names them. */
import type { Migration } from "../Migrations.ts"

export const journalTime: Migration = {
  number: 4,
  name: "journal time",
  statements: [`create index journal_time on journal using brin (time)`]
}
