/** Typed parameters for `unnest`: inferred ones would change type, and with it the prepared statement, from batch to batch. */
import { PgTypes } from "@effect/sql-pg"
import { Result } from "effect"

const arrayOf =
  <Element>(oid: number) =>
  (values: ReadonlyArray<Element | null>): PgTypes.Parameter =>
    Result.getOrThrow(PgTypes.array(values, oid))

export const texts = arrayOf<string>(PgTypes.OID.text)
export const integers = arrayOf<number>(PgTypes.OID.int4)
/** Whole numbers up to 2^53: doubles hold them exactly, and no BigInt is made per row. Cast them to `bigint`. */
export const longs = arrayOf<number>(PgTypes.OID.float8)
export const booleans = arrayOf<boolean>(PgTypes.OID.bool)
export const byteStrings = arrayOf<Uint8Array>(PgTypes.OID.bytea)
export const long = (value: number): PgTypes.Parameter => PgTypes.float8(value)
export const { text, int4: integer } = PgTypes
