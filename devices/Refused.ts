/** Why a board does not do what it was asked, in all of its parts. */
import { Result } from "effect"

/** A refusal: a value, never thrown. */
export interface Refused {
  /** A number of the code table. */
  readonly code: number
  /** A token or a short text, for machines and people: `budget:code:4096/1024`. */
  readonly detail: string
}

/** Ends a branch. */
export const refuse = (code: number, detail: string): Result.Result<never, Refused> => Result.fail({ code, detail })
