/** Runs programs that say what they do in their own text: for tests of everything around a machine. */
import { Result } from "effect"
import type { Outcome } from "../../../devices/agent/Application.ts"
import {
  programStates,
  type Runtime,
  type RuntimeEvents,
  type Standing,
  type TappedMail,
  type Task,
  type Wanted
} from "../../../devices/programs/Runtime.ts"
import type { Refused } from "../../../devices/Refused.ts"
import type { VirtualTime } from "../VirtualTime.ts"

/** What a program does. */
export interface Script {
  /** `run` for ever, `trap` or `return` after a while, or do not even load. */
  readonly does: "run" | "trap" | "return" | "refuse"
  /** Ms after its start; 0 when absent. */
  readonly after?: number
  readonly exit?: number
  /** Makes one program's image differ from another's. */
  readonly mark?: string
}

/** The bytes of a script. */
export const imageOf = (script: Script): Uint8Array => new TextEncoder().encode(JSON.stringify(script).padEnd(64))

class ScriptedTask implements Task {
  readonly pid: number
  readonly memoryBytes = 1000
  readonly script: Script
  readonly held = new Map<number, number>([[257, 10]])
  readonly sent: Array<string> = []
  readonly taps = new Map<string, (mail: TappedMail) => void>()
  readonly #runtime: ScriptedRuntime
  state: number = programStates.ready
  startedAt: number | undefined

  constructor(pid: number, script: Script, runtime: ScriptedRuntime) {
    this.pid = pid
    this.script = script
    this.#runtime = runtime
  }

  standing(): Standing {
    const { exit } = this.script
    if (this.state === programStates.failed) return { state: this.state, code: 220, detail: "illegal opcode" }
    if (this.state === programStates.completed && exit !== undefined) return { state: this.state, exit }
    return { state: this.state }
  }

  start(): void {
    this.state = programStates.running
    this.startedAt = this.#runtime.time.now
  }

  pause(): undefined {
    this.state = programStates.paused
    this.#runtime.events.stands(this.pid)
  }

  resume(): undefined {
    this.state = programStates.running
    this.#runtime.events.stands(this.pid)
  }

  remove(): void {
    this.#runtime.tasks.delete(this.pid)
  }

  values() {
    return [{ oid: 257, name: "rpm" }]
  }

  valueOf(id: number | string) {
    return id === 257 || id === "rpm" || id === "1:1" ? { oid: 257, name: "rpm" } : undefined
  }

  read(oid: number): Result.Result<number, Refused> {
    return Result.succeed(this.held.get(oid) ?? Number.NaN)
  }

  write(oid: number, value: number, level: number): Refused | undefined {
    if (level < 1) return { code: 1, detail: "level" }
    this.held.set(oid, value)
    this.#runtime.events.valueChanged(this.pid, oid, value)
    return undefined
  }

  command(name: string): Outcome {
    return name === "home" || name === "1:2" ? { code: 0, value: 42 } : { code: 2, detail: `no command ${name}` }
  }

  send(target: string, data: Uint8Array): Result.Result<number, Refused> {
    if (target === "svc:full") return Result.fail({ code: 11, detail: "full" })
    this.sent.push(`${target} ${new TextDecoder().decode(data)}`)
    this.taps.get(target)?.({ data, flags: 0, channel: 3, sourcePid: this.pid })
    return Result.succeed(data.length)
  }

  tap(target: string, _rate: number | undefined, take: (mail: TappedMail) => void): Result.Result<() => void, Refused> {
    this.taps.set(target, take)
    return Result.succeed(() => this.taps.delete(target))
  }
}

/** The runtime. */
export class ScriptedRuntime implements Runtime {
  readonly kind = "hxe"
  readonly time: VirtualTime
  readonly events: RuntimeEvents
  readonly tasks = new Map<number, ScriptedTask>()
  readonly names: Array<string> = []
  flushed = 0
  #pid = 0

  constructor(time: VirtualTime, events: RuntimeEvents) {
    this.time = time
    this.events = events
  }

  /** The one program that is loaded. */
  get only(): ScriptedTask {
    const [task] = this.tasks.values()
    if (task === undefined || this.tasks.size !== 1) throw new Error(`${this.tasks.size} tasks`)
    return task
  }

  admit() {
    return {
      push: (bytes: Uint8Array) => (bytes.includes(0) ? { code: 74, detail: "a zero byte" } : undefined)
    }
  }

  check(bytes: Uint8Array): Refused | undefined {
    const text = new TextDecoder().decode(bytes)
    return text.startsWith("{") ? undefined : { code: 74, detail: "bad_magic" }
  }

  load(bytes: Uint8Array, { name, replaces }: Wanted): Result.Result<Task, Refused> {
    const script = JSON.parse(new TextDecoder().decode(bytes)) as Script
    if (script.does === "refuse") return Result.fail({ code: 28, detail: "budget" })
    if (replaces !== undefined) this.tasks.delete(replaces.pid)
    const task = new ScriptedTask(++this.#pid, script, this)
    this.names.push(name)
    this.tasks.set(task.pid, task)
    return Result.succeed(task)
  }

  step(): void {
    for (const task of [...this.tasks.values()]) {
      const due = dueOf(task)
      if (due === undefined || due > this.time.now) continue
      task.state = task.script.does === "trap" ? programStates.failed : programStates.completed
      this.events.stands(task.pid)
    }
  }

  nextDue(): number | undefined {
    let due: number | undefined
    for (const task of this.tasks.values()) {
      const next = dueOf(task)
      if (next !== undefined && (due === undefined || next < due)) due = next
    }
    return due
  }

  flush(): void {
    this.flushed++
  }

  send(): Result.Result<number, Refused> {
    return Result.fail({ code: 2, detail: "no mailbox" })
  }

  tap(): Result.Result<() => void, Refused> {
    return Result.fail({ code: 2, detail: "no mailbox" })
  }
}

const dueOf = ({ script, state, startedAt }: ScriptedTask): number | undefined =>
  state !== programStates.running || script.does === "run" ? undefined : (startedAt ?? 0) + (script.after ?? 0)
