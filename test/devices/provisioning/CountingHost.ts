/** A board's programs as the provisioning service sees them, with counters for everything that can be reserved. */
import { Result } from "effect"
import { refusal } from "../../../devices/provisioning/ErrorCodes.ts"
import type {
  ProgramHost,
  RegisteredProgram,
  Registration,
  Reservation,
  RestoredValues
} from "../../../devices/provisioning/ProgramHost.ts"
import type { Refused } from "../../../devices/Refused.ts"
import type { HxeHeader, HxeImage } from "../../../src/protocol/hxe/Hxe.ts"

/** What is free. */
export interface Room {
  readonly tasks: number
  readonly codeBytes: number
  readonly dataBytes: number
  readonly values: number
  readonly mailboxes: number
}

/** Room of a fresh board. */
export const roomOfBoard: Room = { tasks: 4, codeBytes: 65_536, dataBytes: 45_056, values: 16, mailboxes: 64 }

const nothing: Room = { tasks: 0, codeBytes: 0, dataBytes: 0, values: 0, mailboxes: 0 }

const less = (room: Room, used: Room): Room => ({
  tasks: room.tasks - used.tasks,
  codeBytes: room.codeBytes - used.codeBytes,
  dataBytes: room.dataBytes - used.dataBytes,
  values: room.values - used.values,
  mailboxes: room.mailboxes - used.mailboxes
})

interface Held {
  room: Room
  program: { readonly appName: string; readonly image: HxeImage; readonly registration: Registration } | undefined
}

/** Programs that never run; everything they would hold is counted. */
export class CountingHost implements ProgramHost {
  readonly locked = new Set<number>()
  /** Bits of `requiredCaps` that this board has. */
  capabilities = 0xff
  /** Refusals of the next registrations, in order; `undefined` lets one pass. */
  registerRefusals: Array<Refused | undefined> = []
  /** What the next programs find of their persisted values. */
  restored: RestoredValues | undefined
  /** Whether it must free the room of what is replaced before it can register. */
  endsFirst = false
  /** Told what was killed and registered, in order. */
  readonly log: Array<string> = []
  prepare?: (pid: number, image: HxeImage, ready: (refused: Refused | undefined) => void) => void
  readonly #room: Room
  readonly #held = new Map<number, Held>()
  #lastPid = 0

  constructor(room: Room = roomOfBoard) {
    this.#room = room
  }

  /** What is free now. */
  get free(): Room {
    let free = this.#room
    for (const { room } of this.#held.values()) free = less(free, room)
    return free
  }

  /** Names of the programs on the board, by pid. */
  get running(): ReadonlyArray<readonly [pid: number, appName: string]> {
    return [...this.#held].flatMap(([pid, { program }]) =>
      program === undefined ? [] : [[pid, program.appName] as const]
    )
  }

  registrationOf(pid: number): Registration | undefined {
    return this.#held.get(pid)?.program?.registration
  }

  reserve({ pidHint }: Reservation): Result.Result<number, Refused> {
    if (this.free.tasks < 1) return Result.fail(refusal("ENOSPC", "budget:tasks:1/0"))
    const pid = pidHint !== undefined && pidHint > this.#lastPid ? pidHint : this.#lastPid + 1
    this.#lastPid = pid
    this.#held.set(pid, { room: { ...nothing, tasks: 1 }, program: undefined })
    return Result.succeed(pid)
  }

  admit(pid: number | undefined, header: HxeHeader): Refused | undefined {
    const missing = header.requiredCaps & 0xff & ~this.capabilities
    if (missing !== 0) return refusal("ENOTSUP", `caps:${missing.toString(16)}`)
    const { codeBytes } = this.free
    if (header.codeLength > codeBytes) return refusal("ENOSPC", `budget:code:${header.codeLength}/${codeBytes}`)
    const held = pid === undefined ? undefined : this.#held.get(pid)
    if (held !== undefined) {
      held.room = {
        ...held.room,
        codeBytes: header.codeLength,
        dataBytes: header.rodataLength + header.bssSize
      }
    }
    return undefined
  }

  checkName(header: HxeHeader, replaces: boolean): Refused | undefined {
    if (replaces || header.allowsMultiple || header.appName === undefined) return undefined
    return this.instancesOf(header.appName).length === 0 ? undefined : refusal("EEXIST", `app_exists:${header.appName}`)
  }

  checkImage(pid: number | undefined, image: HxeImage): Refused | undefined {
    const needed = image.metadata.values.length
    const free = this.free.values + (pid === undefined ? 0 : (this.#held.get(pid)?.room.values ?? 0))
    return needed <= free ? undefined : refusal("ENOSPC", `budget:values:${needed}/${free}`)
  }

  register(pid: number, image: HxeImage, registration: Registration): Result.Result<RegisteredProgram, Refused> {
    if (this.endsFirst) for (const old of registration.replaces) this.kill(old)
    const refused = this.registerRefusals.shift()
    if (refused !== undefined) return Result.fail(refused)
    const held = this.#held.get(pid)
    if (held === undefined) return Result.fail(refusal("ESRCH", `pid:${pid}`))
    if (!this.endsFirst) for (const old of registration.replaces) this.kill(old)
    const { commands, mailboxes, values } = image.metadata
    const appName = image.header.appName ?? `task_${pid}`
    held.room = { ...held.room, values: values.length, mailboxes: 4 + mailboxes.length }
    held.program = { appName, image, registration }
    this.log.push(`register ${appName} ${pid}`)
    return Result.succeed({
      appInstance: appName,
      values: values.length,
      commands: commands.length,
      mailboxes: mailboxes.length,
      callMode: "relative",
      warnings: [],
      restored: this.restored
    })
  }

  release(pid: number): void {
    if (this.#held.get(pid)?.program === undefined) this.#held.delete(pid)
  }

  kill(pid: number): void {
    this.log.push(`kill ${pid}`)
    this.#held.delete(pid)
  }

  instancesOf(appName: string): ReadonlyArray<number> {
    return this.running.filter(([, name]) => name === appName).map(([pid]) => pid)
  }

  isLocked(pid: number): boolean {
    return this.locked.has(pid)
  }

  isAlive(pid: number): boolean {
    return this.#held.get(pid)?.program !== undefined
  }
}
