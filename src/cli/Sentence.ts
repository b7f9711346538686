/** How a failure is said to people: one sentence that says what is wrong. */
import { RpcClientError } from "effect/rpc"
import { SqlError } from "effect/sql"
import { sqlReason } from "../runtime/storage/SqlReason.ts"

const isConnection = (error: unknown): error is RpcClientError.RpcClientError =>
  error instanceof RpcClientError.RpcClientError

/** The sentence of an error. */
export const sentenceOf = (error: unknown): string => {
  if (SqlError.isSqlError(error)) return `PostgreSQL: ${sqlReason(error)}`
  if (isConnection(error)) return "the connection to the node broke; whether it has done what it was asked is not known"
  return error instanceof Error ? error.message : String(error)
}
