/**
 * Runs an image on this machine: a board with nothing on it but this program, in virtual time, so that a program that sleeps
 * ends as soon as one that does not. Same image, same mail, same result.
 */
import { Result } from "effect"
import type { ExecutiveEvent } from "../../devices/hxe/executive/Events.ts"
import { Executive } from "../../devices/hxe/executive/Executive.ts"
import { HostAccess } from "../../devices/hxe/executive/HostAccess.ts"
import { memoryFiles } from "../../devices/hxe/executive/ProgramFiles.ts"
import type { Refused } from "../../devices/Refused.ts"
import { codes } from "../protocol/Codes.ts"
import type { CallModeOption } from "../protocol/hxe/CallMode.ts"
import { f16Value } from "../protocol/hxe/F16.ts"
import type { HxeImage } from "../protocol/hxe/Hxe.ts"

/** What a run is given. */
export interface LocalRunOptions {
  /** Most instructions. */
  readonly stepsMax: number
  readonly callMode: CallModeOption
  /** Text by the mailbox it is put into before the program starts. */
  readonly mail: Readonly<Record<string, string>>
}

/** How a run ended: by itself, by a fault, at BRK, waiting for what nobody will send, or at the most instructions. */
export type RunEnd = "returned" | "trap" | "break" | "waiting" | "limit"

/** What a run came to. */
export interface LocalRun {
  readonly end: RunEnd
  /** Exit status, if it ended by itself. */
  readonly exit: number | null
  /** Name of the fault. */
  readonly trap: string | null
  /** The fault with its instruction and where that stands, as boards tell it: `division_by_zero:DIV at 0x10`. */
  readonly detail: string | null
  /** Byte offset of the instruction at which it stands. */
  readonly pc: number
  /** Instructions. */
  readonly retired: number
  /** On the clock of the program. */
  readonly millis: number
  readonly callMode: string
  readonly stdout: string
  readonly stderr: string
  /** By name, or by `group:id`. */
  readonly values: Readonly<Record<string, number>>
  /** What went through the mailboxes that the image declares, but for the mail it was given. */
  readonly messages: ReadonlyArray<{ readonly target: string; readonly text: string }>
}

/** Turns between two looks at what was written. */
const turnsAtOnce = 100
/** More of what a program writes is not kept. */
const textBytesMax = 1_048_576
/** Nor are more messages. */
const messagesMax = 1000
const fileBytesMax = 16_777_216
/** Rounds in which only timers ran, until the program is taken to wait for ever. */
const idleRoundsMax = 1000
/** This machine stands in for any board; hardware that it lacks answers the program with an error. */
const everyCapability = 0xff
/** RET outside of a call ends a program, and counts as no instruction. */
const returnOpcode = 0x25

const decoder = new TextDecoder()

/** What a program did, as its events tell it. */
class Witness {
  stdout = ""
  stderr = ""
  trap: string | null = null
  trapPc = 0
  readonly bits = new Map<number, number>()

  readonly observe = ({ type, data }: ExecutiveEvent): void => {
    const { text, source, error, pc, oid, new_f16: bits } = data
    if (type === "vm_error" && typeof error === "string") this.trap = error
    if (type === "vm_error" && typeof pc === "number") this.trapPc = pc
    if (type === "value_changed" && typeof oid === "number" && typeof bits === "number") this.bits.set(oid, bits)
    if (typeof text !== "string") return
    if (type === "stderr") this.stderr = this.#joined(this.stderr, text)
    if (type === "stdout") this.stdout = this.#joined(this.stdout, source === "can" ? `can ${text}\n` : text)
  }

  #joined(before: string, text: string): string {
    return before.length >= textBytesMax ? before : (before + text).slice(0, textBytesMax)
  }
}

const oidOf = (group: number, id: number): number => (group << 8) | id

/** The values at the end, those of the image first, in their order. */
const valuesOf = ({ metadata }: HxeImage, bits: ReadonlyMap<number, number>): Readonly<Record<string, number>> => {
  const named = new Map<number, string>()
  const last = new Map<number, number>()
  for (const { groupId, valueId, name, groupName, initBits } of metadata.values) {
    const oid = oidOf(groupId, valueId)
    if (name !== undefined) named.set(oid, groupName === undefined ? name : `${groupName}.${name}`)
    last.set(oid, initBits)
  }
  for (const [oid, value] of bits) last.set(oid, value)
  return Object.fromEntries(
    [...last].map(([oid, value]) => [named.get(oid) ?? `${oid >> 8}:${oid & 0xff}`, f16Value(value)])
  )
}

/** Runs an image to its end, or as far as it comes. Fails when a board would not take it, or a mailbox its mail. */
export const runHere = (image: HxeImage, options: LocalRunOptions): Result.Result<LocalRun, Refused> => {
  let millis = 0
  const witness = new Witness()
  const files = memoryFiles(fileBytesMax)
  const executive = new Executive({
    now: () => millis,
    observe: witness.observe,
    files: () => files,
    capabilities: everyCapability
  })
  const host = new HostAccess(executive)
  const loaded = executive.load(image, { callMode: options.callMode, source: "this machine" })
  if (Result.isFailure(loaded)) return Result.fail(loaded.failure)
  const { pid, callMode } = loaded.success

  for (const [target, text] of Object.entries(options.mail)) {
    const sent = host.sendMail(pid, target, new TextEncoder().encode(text))
    if (Result.isFailure(sent)) {
      const { code } = sent.failure
      return Result.fail({
        code,
        detail: code === codes.ENOENT ? `there is no mailbox ${target}` : `${target} is full`
      })
    }
  }
  const messages: Array<{ readonly target: string; readonly text: string }> = []
  for (const { target } of image.metadata.mailboxes) {
    host.tapMail(pid, target, undefined, ({ data }) => {
      if (messages.length < messagesMax) messages.push({ target, text: decoder.decode(data) })
    })
  }

  const task = executive.task(pid)
  const machine = task?.machine
  if (task === undefined || machine === undefined) throw new Error(`the program ${pid} was loaded and is not there`)
  let idleRounds = 0
  let end: RunEnd | undefined
  while (end === undefined) {
    const left = options.stepsMax - machine.steps
    const isAtReturn = machine.callDepth === 0 && image.code[machine.pc] === returnOpcode
    const { executed, isBusy } = executive.step(Math.min(turnsAtOnce, Math.max(left, isAtReturn ? 1 : 0)))
    // The standard streams hold little; a program that finds them full writes into nothing.
    for (const stream of ["svc:stdio.out", "svc:stdio.err"]) {
      for (let taken = host.takeMail(pid, stream); Result.isSuccess(taken) && taken.success !== undefined; ) {
        taken = host.takeMail(pid, stream)
      }
    }
    idleRounds = executed === 0 ? idleRounds + 1 : 0
    if (task.state === "returned") end = "returned"
    else if (task.state === "terminated") end = "trap"
    else if (task.state === "paused") end = "break"
    else if (isBusy) end = left <= 0 ? "limit" : undefined
    else {
      const due = executive.nextDue()
      if (due === undefined || idleRounds > idleRoundsMax) end = "waiting"
      else millis = Math.max(millis, due)
    }
  }
  return Result.succeed({
    end,
    exit: end === "returned" ? (task.end?.status ?? 0) | 0 : null,
    trap: end === "trap" ? witness.trap : null,
    detail: end === "trap" ? (task.end?.detail ?? witness.trap) : null,
    pc: end === "trap" ? witness.trapPc : machine.pc,
    retired: machine.steps,
    millis,
    callMode,
    stdout: witness.stdout,
    stderr: witness.stderr,
    values: valuesOf(image, witness.bits),
    messages
  })
}
