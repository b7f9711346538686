/**
 * The program executive of a board: it takes images in, gives their tasks turns, memory and services, and takes everything
 * back at their end. It has no time of its own: it is stepped, and says when it must be stepped again.
 */
import { Result } from "effect"
import { codes } from "../../../src/protocol/Codes.ts"
import { callModeOf } from "../../../src/protocol/hxe/CallMode.ts"
import { type HxeHeader, type HxeImage, rodataAddress } from "../../../src/protocol/hxe/Hxe.ts"
import type { Refused } from "../../Refused.ts"
import { Code } from "../machine/Code.ts"
import { errorWords } from "../machine/ErrorWord.ts"
import { Machine } from "../machine/Machine.ts"
import type { Stop } from "../machine/Stop.ts"
import { Admission } from "./Admission.ts"
import { type BudgetProfile, budgetProfiles } from "./BudgetProfile.ts"
import type { CommandEnd } from "./CommandRunner.ts"
import type { ExecutiveEvent } from "./Events.ts"
import type {
  ExecutiveCounts,
  ExecutiveOptions,
  LoadReply,
  LoadRequest,
  ReserveRequest,
  StepReply
} from "./ExecutiveTypes.ts"
import { faultEnd, faultToken, returnedEnd } from "./Faults.ts"
import { baseName } from "./InstanceName.ts"
import { endRegistrations, makeParts, type Parts, postIfThere, purgeRegistrations } from "./Parts.ts"
import { registerImage } from "./Registration.ts"
import { type TaskRow, taskRow } from "./Rows.ts"
import { Scheduler } from "./Scheduler.ts"
import { defaultRights, type Task, type TaskEnd } from "./Task.ts"
import { TaskServices } from "./TaskServices.ts"
import { hasEnded, type TaskState } from "./TaskState.ts"
import { type StateReason, Tasks } from "./Tasks.ts"
import { Waits } from "./Waits.ts"

/** Rows of ended tasks that are kept; older ones go. */
const endedMax = 16

const unknownPid = (pid: number): Refused => ({ code: codes.ESRCH, detail: `pid:${pid}` })

/** The executive. Nothing here waits or throws but for a bug; a program can harm nobody but itself. */
export class Executive {
  readonly profile: BudgetProfile
  readonly #options: ExecutiveOptions
  readonly #parts: Parts
  readonly #tasks: Tasks
  readonly #waits: Waits
  readonly #admission: Admission
  readonly #services: TaskServices
  readonly #scheduler: Scheduler
  #eventSeq = 0

  constructor(options: ExecutiveOptions) {
    this.#options = options
    this.profile = options.profile ?? budgetProfiles.desktop
    const emit = this.#emit.bind(this)
    this.#tasks = new Tasks(emit)
    this.#waits = new Waits(this.#tasks, () => this.#parts.mailboxes, emit)
    this.#parts = makeParts({
      profile: this.profile,
      now: options.now,
      emit,
      wake: (pid, delivery) => this.#waits.wake(pid, delivery),
      isTask: (pid) => this.#tasks.get(pid) !== undefined,
      ...(options.store && { store: options.store }),
      ...(options.isTokenValid && { isTokenValid: options.isTokenValid })
    })
    this.#admission = new Admission(options, this.profile, this.#parts, this.#tasks)
    this.#services = new TaskServices(options, this.#parts, this.#waits, emit)
    this.#scheduler = new Scheduler({
      tasks: this.#tasks,
      servicesOf: (task) => this.#services.of(task),
      stopped: (task, stop) => this.#stopped(task, stop)
    })
  }

  /** The registries, for the board's own access: see `HostAccess`. */
  get parts(): Parts {
    return this.#parts
  }

  /** The board's clock. */
  now(): number {
    return this.#options.now()
  }

  /** A task by its number. Read it; the executive alone changes it. */
  task(pid: number): Task | undefined {
    return this.#tasks.get(pid)
  }

  /** All tasks, in the order in which they were made. */
  tasks(): ReadonlyArray<Task> {
    return this.#tasks.all()
  }

  /** The live task of this name. */
  taskNamed(name: string): Task | undefined {
    return this.#tasks.named(name)
  }

  /** Live tasks of the program of this name. */
  instancesOf(base: string): ReadonlyArray<number> {
    return this.#tasks
      .live()
      .filter((task) => task.base === base && task.state !== "loading")
      .map((task) => task.pid)
  }

  /** The list of tasks. */
  ps(): { readonly tasks: ReadonlyArray<TaskRow>; readonly currentPid: number | undefined } {
    return { tasks: this.#tasks.all().map(taskRow), currentPid: this.#scheduler.lastPid || undefined }
  }

  counts(): ExecutiveCounts {
    const { values, commands, strings, mailboxes, timers } = this.#parts
    return {
      rows: this.#tasks.all().length,
      places: this.#admission.counts(),
      values: values.count,
      commands: commands.count,
      stringBytes: strings.used,
      ...mailboxes.counts(),
      timers: timers.size,
      watches: values.watches.size
    }
  }

  /** Takes a process id and a place for a program that is still coming. Fails with 28. */
  reserve(request: ReserveRequest = {}, replaces: ReadonlyArray<number> = []): Result.Result<number, Refused> {
    return Result.map(this.#admission.reserve(request, replaces), (task) => task.pid)
  }

  /** Gives a reserved place back. The process id is not given again. */
  release(pid: number): void {
    const task = this.#tasks.get(pid)
    if (task?.state !== "loading") return
    this.#admission.release(task)
    this.#tasks.remove(task)
  }

  /**
   * Judges a program by its header: 95 for what the board lacks, 28 for what does not fit. With the process id of a
   * reservation that much is set aside. Tasks in `replaces` count as gone.
   */
  admit(header: HxeHeader, pid?: number, replaces: ReadonlyArray<number> = []): Refused | undefined {
    return this.#admission.admit(header, this.#reserved(pid), replaces)
  }

  /** Judges a whole image: as `admit`, and that the tables have room for what it declares. */
  checkImage(image: HxeImage, pid?: number, replaces: ReadonlyArray<number> = []): Refused | undefined {
    return this.#admission.check(image, this.#reserved(pid), replaces)
  }

  /** The name an instance would get. Fails with 17. */
  checkName(
    header: HxeHeader,
    request: Pick<LoadRequest, "name" | "label" | "replaces"> = {},
    pid: number = this.#tasks.nextPid
  ): Result.Result<string, Refused> {
    const base = baseName(request.name ?? header.appName, request.label, pid)
    return this.#admission.instanceName(base, header.allowsMultiple, request.replaces ?? [])
  }

  /**
   * Makes a task of an image: name, place, values, commands, mailboxes, memory and machine, or nothing at all. What it
   * replaces goes only when everything else succeeded. After a refusal a reserved process id is still reserved, and
   * another one was not used up.
   */
  load(image: HxeImage, request: LoadRequest = {}): Result.Result<LoadReply, Refused> {
    const { replaces = [] } = request
    const reserved = this.#reserved(request.pid)
    if (request.pid !== undefined && reserved === undefined) return Result.fail(unknownPid(request.pid))
    const refused = this.#admission.check(image, reserved, replaces)
    if (refused !== undefined) return Result.fail(refused)
    const base = this.#baseOf(image, request, reserved)
    const name = this.#admission.instanceName(base, image.header.allowsMultiple, replaces)
    if (Result.isFailure(name)) return Result.fail(name.failure)
    const { nextPid } = this.#tasks
    const made = reserved === undefined ? this.#admission.reserve(request, replaces, image) : Result.succeed(reserved)
    if (Result.isFailure(made)) return Result.fail(made.failure)
    const task = made.success
    task.base = base
    task.name = name.success
    task.rights = { ...defaultRights, ...request.rights }
    task.identity = request.identity ?? {}
    // Two instances would write over each other's kept values, unless a base was given to tell them apart.
    task.persistKeyBase = image.manifest?.persistKeyBase ?? (task.name === base ? 0 : undefined)
    const registered = registerImage(this.#parts, task, image, new Set(replaces))
    if (Result.isFailure(registered)) {
      if (reserved === undefined) {
        this.#admission.release(task)
        this.#tasks.undo(task, nextPid)
      }
      return Result.fail(registered.failure)
    }
    // What the predecessor still had to save is saved by its end, so it must go before anything is restored.
    for (const pid of replaces) this.remove(pid)
    const restored = this.#parts.values.restore(task.pid)
    const callMode = callModeOf(image, request.callMode)
    const machine = new Machine({
      code: new Code(image.code, callMode),
      entry: image.header.entry,
      stackTop: task.place.stackEnd,
      stackLimit: task.place.stackBase,
      registerBase: task.place.registerBase
    })
    machine.memory.set(image.rodata, rodataAddress)
    task.machine = machine
    task.callMode = callMode
    task.isStarted = request.autostart !== false
    this.#tasks.move(task, "ready", "loaded")
    return Result.succeed({ ...registered.success, pid: task.pid, name: task.name, base, callMode, restored })
  }

  /** Lets a program that was loaded without autostart run. */
  start(pid: number): Refused | undefined {
    const task = this.#tasks.get(pid)
    if (task === undefined) return unknownPid(pid)
    if (task.state === "loading" || hasEnded(task.state)) return { code: codes.EBUSY, detail: `state:${task.state}` }
    task.isStarted = true
    return undefined
  }

  /** Stops a task where it is. It can go on. */
  pause(pid: number): Refused | undefined {
    const task = this.#tasks.get(pid)
    if (task === undefined) return unknownPid(pid)
    if (task.state === "loading" || hasEnded(task.state)) return { code: codes.EBUSY, detail: `state:${task.state}` }
    this.#tasks.move(task, "paused", "user_pause")
    return undefined
  }

  /** Lets a paused task go on, or wait on for what it waited for. */
  resume(pid: number): Refused | undefined {
    const task = this.#tasks.get(pid)
    if (task === undefined) return unknownPid(pid)
    if (task.state !== "paused") return { code: codes.EBUSY, detail: `state:${task.state}` }
    this.#tasks.move(task, "ready", "resume")
    if (task.wait !== undefined) this.#waits.park(task, task.wait)
    return undefined
  }

  /** Ends a task and frees all it had. Its row stays until it is removed. One that is loading is released. */
  kill(pid: number): Result.Result<TaskState, Refused> {
    const task = this.#tasks.get(pid)
    if (task === undefined) return Result.fail(unknownPid(pid))
    if (task.state === "loading") {
      this.release(pid)
      return Result.succeed("terminated")
    }
    if (!hasEnded(task.state)) this.#finish(task, "killed", "killed", { status: undefined, code: codes.ok, detail: "" })
    else if (task.state === "returned") this.#tasks.move(task, "killed", "killed")
    purgeRegistrations(this.#parts, pid)
    return Result.succeed(task.state)
  }

  /** Ends a task if it has not ended, and removes its row. */
  remove(pid: number): void {
    const task = this.#tasks.get(pid)
    if (task === undefined) return
    this.kill(pid)
    this.#tasks.remove(task)
  }

  /** Changes how many instructions a task's turn has. */
  setQuantum(pid: number, quantum: number): Refused | undefined {
    const task = this.#tasks.get(pid)
    if (task === undefined) return unknownPid(pid)
    if (!Number.isInteger(quantum) || quantum < 1 || quantum > 0xffff) return { code: codes.EINVAL, detail: "quantum" }
    task.rights = { ...task.rights, quantum }
    return undefined
  }

  /** Changes the priority that a task shows. It has no effect: turns go round. */
  setPriority(pid: number, priority: number): Refused | undefined {
    const task = this.#tasks.get(pid)
    if (task === undefined) return unknownPid(pid)
    if (!Number.isInteger(priority) || priority < 0 || priority > 0xff)
      return { code: codes.EINVAL, detail: "priority" }
    task.rights = { ...task.rights, priority }
    return undefined
  }

  /** Wakes who is due, then gives up to so many turns, all to one task if it is named. */
  step(turns: number, only?: number): StepReply {
    this.#keepTime()
    let executed = 0
    while (executed < turns) {
      const taken = this.#scheduler.turn(turns - executed, only)
      if (taken === 0) break
      executed += taken
      this.#waits.expire(this.now())
    }
    this.#parts.values.run()
    return {
      executed,
      isBusy: this.#scheduler.isBusy,
      currentPid: this.#scheduler.lastPid || undefined,
      nextPid: this.#scheduler.peek()?.pid
    }
  }

  /** When it must be stepped again, on the board's clock; at once while something can run, none while nothing will. */
  nextDue(): number | undefined {
    if (this.#scheduler.isBusy) return this.now()
    const { timers, values } = this.#parts
    const dues = [this.#waits.nextDue(), timers.nextDue(), values.nextDue()].filter((due) => due !== undefined)
    return dues.length === 0 ? undefined : Math.min(...dues)
  }

  /** Runs a command for the host, which calls as the owner. 16 while its program is loading, 5 after its end. */
  runCommand(owner: Task, oid: number, level: number, token?: string): Result.Result<CommandEnd, Refused> {
    return this.#services.runForHost(owner, oid, level, token)
  }

  /** Puts what hardware received into the mailbox for it, such as `hal:can:rx`. False when no program made it or it is full. */
  postHardware(target: string, data: Uint8Array): boolean {
    return postIfThere(this.#parts.mailboxes, target, data)
  }

  /** Saves every value that waits for it: the board is about to lose its power. */
  flush(): void {
    this.#parts.values.flush()
  }

  #emit(type: ExecutiveEvent["type"], pid: number | null, data: ExecutiveEvent["data"]): void {
    this.#eventSeq += 1
    this.#options.observe?.({ seq: this.#eventSeq, at: this.now(), type, pid, data })
  }

  #reserved(pid: number | undefined): Task | undefined {
    const task = pid === undefined ? undefined : this.#tasks.get(pid)
    return task?.state === "loading" ? task : undefined
  }

  #baseOf(image: HxeImage, request: LoadRequest, reserved: Task | undefined): string {
    const label = request.label ?? reserved?.origin.label
    return baseName(request.name ?? image.header.appName, label, reserved?.pid ?? this.#tasks.nextPid)
  }

  #keepTime(): void {
    this.#waits.expire(this.now())
    this.#parts.timers.run()
    this.#parts.values.run()
  }

  #stopped(task: Task, stop: Stop): void {
    switch (stop.kind) {
      case "returned":
      case "exited": {
        const details = { exit_status: stop.status, by: stop.kind === "exited" ? "exit" : "return" }
        this.#finish(task, "returned", "returned", returnedEnd(stop.status), details)
        return
      }
      case "fault": {
        const error = faultToken(stop.reason)
        const details = { error, pc: stop.pc, status: stop.status, code_len: task.machine?.code.length ?? 0 }
        this.#emit("vm_error", task.pid, details)
        const end = faultEnd(stop.reason, stop.status, stop.pc, task.machine?.code)
        this.#finish(task, "terminated", "fault", end, { error, exit_status: stop.status })
        return
      }
      case "break":
        this.#emit("debug_break", task.pid, { code: stop.code, pc: stop.pc, next_pc: task.machine?.pc ?? 0 })
        this.#tasks.move(task, "paused", "debug_break")
        break
      case "budget":
      case "waiting":
        break
    }
    this.#services.runPending(task)
    const { stepsMax } = task.rights
    if (stepsMax === undefined || (task.machine?.steps ?? 0) < stepsMax) return
    const status = errorWords.budgetSpent
    this.#emit("vm_error", task.pid, { error: "out_of_steps", pc: task.machine?.pc ?? 0, status })
    const end: TaskEnd = { status, code: codes.OutOfFuel, detail: "out_of_steps" }
    this.#finish(task, "terminated", "fault", end, { error: "out_of_steps", exit_status: status })
  }

  #finish(task: Task, state: TaskState, reason: StateReason, end: TaskEnd, details = {}): void {
    this.#waits.cancel(task)
    task.pendingCalls = []
    task.isStarted = false
    task.files.clear()
    task.end = end
    endRegistrations(this.#parts, task.pid)
    this.#admission.release(task)
    this.#tasks.move(task, state, reason, details)
    const [oldest, ...others] = this.#tasks.ended()
    if (oldest !== undefined && others.length >= endedMax) this.remove(oldest.pid)
  }
}
