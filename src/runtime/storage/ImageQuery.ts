/** How images are read of the database: their row, and what an outage is called. */
import { Effect } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { ImageStoreUnavailable } from "../../actors/ImageSource.ts"
import type { StoredImage } from "../../gateways/http/ImageLibrary.ts"
import type { ImageKind } from "../../protocol/image/ImageKind.ts"
import { sqlReason } from "./SqlReason.ts"

/** What {@link columns} select. */
export interface ImageRow {
  readonly sha256: string
  readonly kind: ImageKind
  readonly name: string
  readonly version: string
  readonly size: number
  readonly secver: number
  readonly manifest: Uint8Array
  readonly signer: string | null
  readonly pushedBy: string
  readonly origin: string
  readonly pushedAt: number
  readonly signedBy: string | null
  readonly signedAt: number | null
}

/** Of the table `image`. */
export const columns = `sha256, kind, name, version, size::float8, secver::float8, manifest, signer, pushed_by as "pushedBy", origin,
  pushed_at::float8 as "pushedAt", signed_by as "signedBy", signed_at::float8 as "signedAt"`

/** The image of a row. */
export const imageOf = ({ signer, signedBy, signedAt, ...row }: ImageRow): StoredImage => ({
  ...row,
  isSigned: signer !== null,
  ...(signer !== null && { signer }),
  ...(signedBy !== null && { signedBy }),
  ...(signedAt !== null && { signedAt })
})

/** The same query, whose failure is said in the words of the store. */
export const answer = <A, E, R>(effect: Effect.Effect<A, E | SqlError, R>) =>
  Effect.catchTag(
    effect,
    "SqlError",
    (error): Effect.Effect<never, ImageStoreUnavailable> =>
      Effect.fail(new ImageStoreUnavailable({ reason: sqlReason(error) }))
  )

/** The whole of an address. */
export const fullHash = /^[0-9a-f]{64}$/
