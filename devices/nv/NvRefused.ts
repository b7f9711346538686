/** Why a store does not do what it was asked. Nothing was changed. */
import { Result } from "effect"

/** A refusal: a number of `src/protocol/Codes.ts` and a token or short text for people. */
export interface NvRefused {
  readonly code: number
  readonly detail: string
}

/** Ends a branch. */
export const refuse = (code: number, detail: string): Result.Result<never, NvRefused> => Result.fail({ code, detail })
