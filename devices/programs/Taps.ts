/** Mailboxes the cluster listens to. A tap outlives the restarts of its program. */
import { Result } from "effect"
import { codes } from "../../src/protocol/Codes.ts"
import type { Mail } from "../../src/protocol/frame/ProgramFrames.ts"
import type { Refused } from "../Refused.ts"
import type { Mailboxes } from "./Runtime.ts"

/** Mailboxes that may be tapped at a time. */
const tapsMax = 64

interface Tap {
  readonly program: string | undefined
  readonly target: string
  readonly rate: number | undefined
  end: () => void
}

/** All taps of one boot. */
export class Taps {
  readonly #say: (mail: Omit<Mail, "type" | "seq" | "at">) => void
  readonly #taps = new Map<string, Tap>()

  constructor(say: (mail: Omit<Mail, "type" | "seq" | "at">) => void) {
    this.#say = say
  }

  /** Taps a mailbox, in the place of an earlier tap of it. */
  on(mailboxes: Mailboxes, program: string | undefined, target: string, rate: number | undefined): Refused | undefined {
    this.off(program, target)
    if (this.#taps.size >= tapsMax) return { code: codes.ENOSPC, detail: "taps" }
    const tap: Tap = { program, target, rate, end: () => {} }
    const refused = this.#open(tap, mailboxes)
    if (refused === undefined) this.#taps.set(keyOf(program, target), tap)
    return refused
  }

  /** Taps it no more. */
  off(program: string | undefined, target: string): void {
    const key = keyOf(program, target)
    this.#taps.get(key)?.end()
    this.#taps.delete(key)
  }

  /** The program is on the board anew, and so are its mailboxes. One that is not there any more is tapped no more. */
  loaded(program: string, mailboxes: Mailboxes): void {
    for (const [key, tap] of this.#taps) {
      if (tap.program === program && this.#open(tap, mailboxes) !== undefined) this.#taps.delete(key)
    }
  }

  /** The program is no longer on the board. */
  forget(program: string): void {
    for (const tap of [...this.#taps.values()]) if (tap.program === program) this.off(program, tap.target)
  }

  #open(tap: Tap, mailboxes: Mailboxes): Refused | undefined {
    const { program, target, rate } = tap
    const opened = mailboxes.tap(target, rate, ({ data, flags, channel, sourcePid }) =>
      this.#say({
        ...(program === undefined ? {} : { program }),
        target,
        data,
        flags,
        channel,
        source: sourcePid
      })
    )
    if (Result.isFailure(opened)) return opened.failure
    tap.end = opened.success
    return undefined
  }
}

const keyOf = (program: string | undefined, target: string): string => `${program ?? ""}\0${target}`
