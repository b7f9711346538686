/** Reads one request: a JSON object with a version, the name of a command, and maybe the session it belongs to. */
import { Result } from "effect"
import { nearest } from "../../../src/protocol/Nearest.ts"
import { protocolVersion, type Refusal, refuse, wrongField } from "./Answer.ts"

/** A request before its own fields are looked at. */
export interface Request {
  readonly cmd: string
  readonly session: string | undefined
  /** All of its fields; those that are null count as not there. */
  readonly fields: Readonly<Record<string, unknown>>
}

/** Longest name that is repeated in an answer. */
const nameCharactersMax = 40

const parse = (text: string): Result.Result<unknown, Refusal> => {
  try {
    return Result.succeed(JSON.parse(text))
  } catch {
    return Result.fail(refuse("EINVAL", "invalid_json"))
  }
}

/** Reads a line. EINVAL `invalid_json` or the field that is wrong, ENOTSUP for another version. */
export const readRequest = (text: string): Result.Result<Request, Refusal> => {
  const parsed = parse(text)
  if (Result.isFailure(parsed)) return Result.fail(parsed.failure)
  const given = parsed.success
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    return Result.fail(refuse("EINVAL", "invalid_json", { reason: "a request is one JSON object" }))
  }
  const fields = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null))
  const { cmd, session, version = protocolVersion } = fields
  if (version !== protocolVersion) {
    const asked = typeof version === "object" ? "object" : String(version).slice(0, nameCharactersMax)
    return Result.fail(refuse("ENOTSUP", `unsupported_version:${asked}`))
  }
  if (typeof cmd !== "string") return Result.fail(wrongField("cmd", "the name of a command is expected"))
  if (session !== undefined && typeof session !== "string") {
    return Result.fail(wrongField("session", "the id of a session is expected"))
  }
  return Result.succeed({ cmd: cmd.trim().toLowerCase(), session, fields })
}

/** Refuses a command that is not there, with the names it may have meant. */
export const unknownCommand = (name: string, names: ReadonlyArray<string>): Refusal => {
  const near = nearest(name.slice(0, nameCharactersMax), names)
  const more = near.length === 0 ? undefined : { suggestions: near }
  return refuse("ENOTSUP", `unknown_cmd:${name.slice(0, nameCharactersMax)}`, more)
}
