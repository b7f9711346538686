/** Tasks that wait: for a time or for a message. Each one is woken once, by what comes first. */
import type { Emit } from "./Events.ts"
import type { Delivery, Mailboxes } from "./Mailboxes.ts"
import { messageData } from "./Mailboxes.ts"
import { type Message, mailboxStatus } from "./MailboxTypes.ts"
import { deliver } from "./services/MailboxServices.ts"
import type { Task, Wait } from "./Task.ts"
import type { StateReason, Tasks } from "./Tasks.ts"

/** What is told of a wait that ended without message. */
const noMessage: Message = { data: new Uint8Array(), flags: 0, channel: 0, sourcePid: 0 }

/** Parks tasks and wakes them. */
export class Waits {
  readonly #tasks: Tasks
  readonly #mailboxes: () => Mailboxes
  readonly #emit: Emit
  /** A task whose handler runs, and what woke it meanwhile: the registers belong to the handler until it is done. */
  #busy: { readonly pid: number; readonly deliveries: Array<Delivery> } | undefined

  constructor(tasks: Tasks, mailboxes: () => Mailboxes, emit: Emit) {
    this.#tasks = tasks
    this.#mailboxes = mailboxes
    this.#emit = emit
  }

  /** Takes the processor from a task until what it waits for happens. */
  park(task: Task, wait: Wait): void {
    task.wait = wait
    if (wait.kind === "sleep") this.#tasks.move(task, "sleeping", "sleep", { ms: wait.millis })
    else this.#tasks.move(task, "waiting_mbx", "mailbox_wait", { descriptor: wait.mailbox, handle: wait.handle })
  }

  /** A mailbox has something for a task that waits for it. */
  wake(pid: number, delivery: Delivery): void {
    if (this.#busy?.pid === pid) {
      this.#busy.deliveries.push(delivery)
      return
    }
    const task = this.#tasks.get(pid)
    if (task?.wait?.kind !== "mailbox" || task.wait.handle !== delivery.handle) return
    this.#finishReceive(task, delivery.status, delivery.message)
  }

  /** Runs a handler of a task; what wakes the task meanwhile is applied after it. */
  during<A>(pid: number, run: () => A): A {
    const deliveries: Array<Delivery> = []
    this.#busy = { pid, deliveries }
    try {
      return run()
    } finally {
      this.#busy = undefined
      for (const delivery of deliveries) this.wake(pid, delivery)
    }
  }

  /** Ends the wait of a task that will not go on. */
  cancel(task: Task): void {
    if (task.wait?.kind === "mailbox") this.#mailboxes().unwait(task.pid, task.wait.handle)
    task.wait = undefined
  }

  /** The earliest deadline. */
  nextDue(): number | undefined {
    let next: number | undefined
    for (const { wait } of this.#tasks.all()) {
      if (wait?.deadline !== undefined) next = Math.min(next ?? wait.deadline, wait.deadline)
    }
    return next
  }

  /** Wakes whose time has come, the earliest first. Paused tasks stay paused. */
  expire(now: number): void {
    const due = (task: Task): number => task.wait?.deadline ?? Number.POSITIVE_INFINITY
    const tasks = this.#tasks.all().filter((task) => due(task) <= now)
    for (const task of tasks.sort((left, right) => due(left) - due(right))) {
      if (task.wait?.kind === "sleep") {
        const { millis } = task.wait
        task.wait = undefined
        this.#emit("sleep_complete", task.pid, { ms: millis })
        this.#ready(task, "sleep_wake")
      } else if (task.wait?.kind === "mailbox") {
        this.#mailboxes().unwait(task.pid, task.wait.handle)
        this.#finishReceive(task, mailboxStatus.timeout, undefined)
      }
    }
  }

  #finishReceive(task: Task, status: number, message: Message | undefined): void {
    const { wait, machine } = task
    if (wait?.kind !== "mailbox" || machine === undefined) return
    task.wait = undefined
    deliver(machine, wait.target, status, message)
    const type = status === mailboxStatus.timeout ? "mailbox_timeout" : "mailbox_wake"
    this.#emit(type, task.pid, { status, ...messageData(wait.mailbox, wait.handle, message ?? noMessage) })
    this.#ready(task, status === mailboxStatus.timeout ? "timeout" : "mailbox_wake")
  }

  #ready(task: Task, reason: StateReason): void {
    if (task.state === "sleeping" || task.state === "waiting_mbx") this.#tasks.move(task, "ready", reason)
  }
}
