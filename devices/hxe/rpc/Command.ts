/** One command of the board's own line: what it needs, which fields it has, and what it does. */
import { Result, Schema } from "effect"
import { misfitOf } from "../../../src/protocol/Misfit.ts"
import type { AccessLevel, Operation } from "../../provisioning/Access.ts"
import type { Caller } from "../../provisioning/LoaderCalls.ts"
import type { Refused } from "../../Refused.ts"
import { type Answer, type Refusal, wrongField } from "./Answer.ts"
import type { Hearing, SubscribeRequest } from "./EventLog.ts"
import type { Session } from "./Sessions.ts"

/** The line a request came over. */
export interface AskerLine {
  /** A nonce for a role. */
  readonly challenge: (role: number) => Result.Result<Uint8Array, Refused>
  /** The level that was proved. */
  readonly prove: (role: number, mac: Uint8Array) => Result.Result<AccessLevel, Refused>
  /** From the reply on the line carries events. */
  readonly hear: (session: Session, request: Omit<SubscribeRequest, "sink">) => Result.Result<Hearing, Refusal>
}

/** Who asks. */
export interface Asker {
  readonly caller: Caller
  /** As people are shown where something came from. */
  readonly client: string
  readonly session: Session | undefined
  readonly line: AskerLine
  /** EBUSY when somebody else has reserved this program. */
  readonly lockRefusal: (pid: number) => Refusal | undefined
}

/** A command. */
export interface Command {
  readonly needs: Operation
  readonly wantsSession: boolean
  readonly run: (fields: unknown, asker: Asker) => Answer
}

/** Commands by their names. */
export type Commands = Readonly<Record<string, Command>>

/** How a command is written. */
export interface CommandParts<A> {
  /** What its level is judged by. */
  readonly needs: Operation
  readonly wantsSession?: true
  readonly fields: Schema.Codec<A, unknown>
  /** The program it changes, which nobody else may have reserved. */
  readonly changes?: (fields: A) => number | undefined
  readonly run: (fields: A, asker: Asker) => Answer
}

/** A command whose fields are read before it is run; EINVAL names the field that is wrong. */
export const command = <A>({ changes, fields, needs, run, wantsSession }: CommandParts<A>): Command => {
  const decode = Schema.decodeUnknownResult(fields)
  return {
    needs,
    wantsSession: wantsSession === true,
    run: (given, asker) => {
      const decoded = decode(given)
      if (Result.isFailure(decoded)) {
        const { path, reason } = misfitOf(decoded.failure)
        return Result.fail(wrongField(path.join("."), reason))
      }
      const pid = changes?.(decoded.success)
      const locked = pid === undefined ? undefined : asker.lockRefusal(pid)
      return locked === undefined ? run(decoded.success, asker) : Result.fail(locked)
    }
  }
}
