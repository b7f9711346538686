/** Images by the hash of their bytes, the pieces they are kept in, and who needs them. */
import type { Migration } from "../Migrations.ts"

export const images: Migration = {
  number: 3,
  name: "images",
  statements: [
    // Pieces are written while an image comes in, before anybody knows its hash. They belong to an upload, which the row of
    // the image takes over as a whole when the last of them is right; one that no image has taken over is rubbish.
    `create table image_upload (
      number bigint generated always as identity primary key,
      begun_at timestamptz not null default now()
    )`,
    `create table image_chunk (
      upload bigint not null references image_upload on delete cascade,
      index integer not null,
      bytes bytea not null,
      primary key (upload, index)
    )`,
    // Compiled code hardly shrinks, and a piece is read whole.
    `alter table image_chunk alter column bytes set storage external`,
    `create table image (
      sha256 text collate "C" primary key,
      kind text not null,
      name text collate "C" not null,
      version text not null,
      size bigint not null,
      secver bigint not null,
      manifest bytea not null,
      signer text,
      upload bigint not null unique references image_upload,
      pushed_by text not null,
      origin text not null,
      pushed_at bigint not null,
      signed_by text,
      signed_at bigint
    )`,
    `create index image_name on image (name, sha256)`,
    // The reference is what makes a removal and a new user of one image wait for each other.
    `create table image_use (
      sha256 text collate "C" not null references image,
      holder text collate "C" not null,
      since timestamptz not null default now(),
      primary key (sha256, holder)
    )`
  ]
}
