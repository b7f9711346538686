/** How a failure is said to people: one sentence that says what is wrong. */
import { RpcClientError } from "effect/rpc"
import { SqlError } from "effect/sql"
import { ImageRejected } from "../protocol/image/ImageErrors.ts"
import { sqlReason } from "../runtime/storage/SqlReason.ts"
import { explained } from "./Details.ts"

const isConnection = (error: unknown): error is RpcClientError.RpcClientError =>
  error instanceof RpcClientError.RpcClientError

/** The sentence of an error. */
export const sentenceOf = (error: unknown): string => {
  if (SqlError.isSqlError(error)) return `PostgreSQL: ${sqlReason(error)}`
  if (isConnection(error)) return "the connection to the node broke; whether it has done what it was asked is not known"
  if (error instanceof ImageRejected) return `the image is refused: ${explained(error.detail, error.codeName)}`
  return error instanceof Error ? error.message : String(error)
}
