/** What a request over the board's own line is answered with: fields, or a refusal that programs and people can read. */
import { Result } from "effect"
import { codeEntry, codes } from "../../../src/protocol/Codes.ts"
import type { EventData } from "../executive/Events.ts"

/** The version of requests and replies. */
export const protocolVersion = 1

/** Fields of a reply. */
export type Fields = EventData

/** Why it was not done. Nothing has changed, unless a field says so. */
export interface Refusal {
  /** A number of the one code table. */
  readonly code: number
  /** A token for programs, such as `unknown_cmd:pign`. */
  readonly detail: string
  /** More about this refusal, such as the field that is wrong. */
  readonly more?: Fields
}

/** An answer at once. */
export type Outcome = Result.Result<Fields, Refusal>

/** An answer, or what gives it later: `answered` is then called once. */
export type Answer = Outcome | ((answered: (outcome: Outcome) => void) => void)

/** A refusal by the name of its code. */
export const refuse = (name: keyof typeof codes, detail: string, more?: Fields): Refusal => ({
  code: codes[name],
  detail,
  ...(more === undefined ? {} : { more })
})

/** A refusal as an outcome. */
export const refused = (name: keyof typeof codes, detail: string, more?: Fields): Outcome =>
  Result.fail(refuse(name, detail, more))

/** A request's field that is wrong: its name, and what is expected there. */
export const wrongField = (field: string, reason: string): Refusal =>
  refuse("EINVAL", `invalid_field:${field}`, { field, reason })

/** The line of an answer, with its end. */
export const lineOf = (outcome: Outcome): string => {
  if (Result.isSuccess(outcome)) {
    return `${JSON.stringify({ version: protocolVersion, status: "ok", ...outcome.success })}\n`
  }
  const { code, detail, more } = outcome.failure
  const said = { error: detail, code: codeEntry(code).name, errno: code, detail }
  return `${JSON.stringify({ version: protocolVersion, status: "error", ...said, ...more })}\n`
}
