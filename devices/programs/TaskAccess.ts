/** What the cluster asks of programs while they are loaded: their values, their mail, their commands. */
import { Result } from "effect"
import { codes } from "../../src/protocol/Codes.ts"
import type {
  MailSend,
  MailTap,
  ValueGet,
  ValueId,
  ValueSet,
  ValueWatch
} from "../../src/protocol/frame/ProgramFrames.ts"
import type { Command, Outcome } from "../agent/Application.ts"
import type { Clock } from "../agent/Clock.ts"
import type { ProgramVoice, Reply } from "../agent/Programs.ts"
import type { Refused } from "../Refused.ts"
import type { Program } from "./Program.ts"
import type { ProgramSet } from "./ProgramSet.ts"
import type { Mailboxes, Task } from "./Runtime.ts"
import { Taps } from "./Taps.ts"
import { ValueWatches } from "./ValueWatches.ts"

/** What the access gets from its board. */
export interface TaskAccessPorts {
  readonly clock: Clock
  readonly voice: ProgramVoice
  readonly programs: ProgramSet
  /** Mailboxes that belong to no program; none on a board that runs none. */
  readonly shared: Mailboxes | undefined
}

/** Whether somebody gave no arguments, in so many words. */
export const isEmptyMap = (value: unknown): boolean =>
  typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length === 0

/** The access of one boot. What is watched and tapped outlives the restarts of its program. */
export class TaskAccess {
  readonly #ports: TaskAccessPorts
  readonly #watches: ValueWatches
  readonly #taps: Taps

  constructor(ports: TaskAccessPorts) {
    const { clock, voice } = ports
    this.#ports = ports
    this.#watches = new ValueWatches({
      clock,
      say: (program, sample) => voice.letter({ type: "value", program, values: [sample] })
    })
    this.#taps = new Taps((mail) => voice.letter({ type: "mail", ...mail, at: Math.floor(clock.board()) }))
  }

  getValues({ program: name, ids }: ValueGet): Reply {
    const task = this.#taskOf(name)
    if ("code" in task) return task
    const wanted = ids ?? task.values().map(({ oid, name: known }): ValueId => known ?? oid)
    return {
      code: codes.ok,
      value: wanted.map((id) => {
        const value = task.valueOf(id)
        if (value === undefined) return [id, null, codes.ENOENT] as const
        const read = task.read(value.oid)
        if (Result.isFailure(read)) return [id, null, read.failure.code] as const
        // A value that is no number cannot cross the link.
        return Number.isFinite(read.success)
          ? ([id, read.success, codes.ok] as const)
          : ([id, null, codes.ERANGE] as const)
      })
    }
  }

  setValue({ program: name, id, value, level }: ValueSet): Reply {
    const task = this.#taskOf(name)
    if ("code" in task) return task
    const known = task.valueOf(id)
    if (known === undefined) return { code: codes.ENOENT, detail: `no value ${id}` }
    if (typeof value !== "number") return { code: codes.EINVAL, detail: "it holds a number" }
    return task.write(known.oid, value, level ?? 0) ?? { code: codes.ok }
  }

  watchValue({ program: name, id, on, epsilon, rate }: ValueWatch): Reply {
    const task = this.#taskOf(name)
    if ("code" in task) return task
    const known = task.valueOf(id)
    if (known === undefined) return { code: codes.ENOENT, detail: `no value ${id}` }
    if (!on) {
      this.#watches.off(name, known.oid)
      return { code: codes.ok }
    }
    const read = task.read(known.oid)
    if (Result.isFailure(read)) return read.failure
    const limits = {
      ...(epsilon === undefined ? {} : { epsilon }),
      ...(rate === undefined ? {} : { rateMillis: rate })
    }
    const isWatched = this.#watches.on(name, id, { oid: known.oid, now: read.success }, limits)
    return { code: isWatched ? codes.ok : codes.ENOSPC }
  }

  sendMail({ program, target, data, channel }: MailSend): Reply {
    const mailboxes = this.#mailboxesOf(program)
    if ("code" in mailboxes) return mailboxes
    const sent = mailboxes.send(target, data, channel ?? 0)
    return Result.isFailure(sent) ? sent.failure : { code: codes.ok, value: sent.success }
  }

  tapMail({ program, target, on, rate }: MailTap): Reply {
    if (!on) {
      this.#taps.off(program, target)
      return { code: codes.ok }
    }
    const mailboxes = this.#mailboxesOf(program)
    if ("code" in mailboxes) return mailboxes
    return this.#taps.on(mailboxes, program, target, rate) ?? { code: codes.ok }
  }

  /** Runs a command of a program to its end. */
  call({ program = "", name, args }: Command): Outcome {
    const task = this.#taskOf(program)
    if ("code" in task) return task
    if (args !== undefined && !isEmptyMap(args)) {
      return { code: codes.EINVAL, detail: "commands of this program take no arguments" }
    }
    return task.command(name)
  }

  /** A value of a program changed, or may have. */
  changed(program: string, oid: number, value: number): void {
    this.#watches.changed(program, oid, value)
  }

  /** A program is on the board anew, and so are its values and mailboxes. */
  loaded({ name, task }: Program): void {
    if (task === undefined) return
    this.#taps.loaded(name, task)
    for (const { oid } of task.values()) {
      const read = task.read(oid)
      if (Result.isSuccess(read)) this.#watches.changed(name, oid, read.success)
    }
  }

  /** A program is no longer on the board. */
  forget(program: string): void {
    this.#watches.forget(program)
    this.#taps.forget(program)
  }

  /** The board stops. */
  stop(): void {
    this.#watches.stop()
  }

  #mailboxesOf(program: string | undefined): Mailboxes | Refused {
    if (program !== undefined) return this.#taskOf(program)
    return this.#ports.shared ?? { code: codes.ENOTSUP, detail: "it runs no programs" }
  }

  #taskOf(name: string): Task | Refused {
    const program = this.#ports.programs.get(name)
    if (program === undefined) return { code: codes.ESRCH, detail: `no program ${name}` }
    return program.task ?? { code: codes.EBUSY, detail: `${name} is not loaded` }
  }
}
