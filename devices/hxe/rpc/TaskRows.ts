/** Programs as clients see them: the names of the fields are those that tools know. */
import { SourceKind } from "../../provisioning/Source.ts"
import type { EventValue } from "../executive/Events.ts"
import type { Executive } from "../executive/Executive.ts"
import { type TaskRow, taskRow } from "../executive/Rows.ts"
import type { Task } from "../executive/Task.ts"
import type { Fields } from "./Answer.ts"

/** Where a program came from, out of its text form; only the text where that is of no known form. */
const sourceFields = (text: string | undefined): { readonly source: EventValue; readonly filepath: EventValue } => {
  if (text === undefined) return { source: null, filepath: null }
  const at = text.indexOf(":")
  const kind = SourceKind.literals.find((known) => known === text.slice(0, at).toLowerCase())
  return { source: kind === undefined ? null : { kind, uri: text.slice(at + 1) }, filepath: text }
}

const waits = (row: TaskRow): Fields => ({
  ...(row.waitMailbox === undefined ? {} : { wait_mailbox: row.waitMailbox }),
  ...(row.waitHandle === undefined ? {} : { wait_handle: row.waitHandle }),
  ...(row.waitTimeout === undefined ? {} : { wait_timeout: row.waitTimeout }),
  ...(row.waitDeadline === undefined ? {} : { wait_deadline: row.waitDeadline })
})

/** One program. */
export const taskFields = (executive: Executive, task: Task): Fields => {
  const row = taskRow(task)
  const { commands, mailboxes, values } = executive.parts
  return {
    pid: row.pid,
    program: row.program,
    state: row.state,
    app_name: row.appName,
    app_name_base: row.appNameBase,
    ...sourceFields(row.source),
    pc: row.pc,
    priority: row.priority,
    quantum: row.quantum,
    accounted_steps: row.steps,
    accounted_cycles: row.steps,
    sleep_pending: row.sleepMillis !== undefined,
    sleep_pending_ms: row.sleepMillis ?? null,
    sleep_deadline: row.sleepDeadline ?? null,
    ...waits(row),
    exit_status: row.exitStatus ?? null,
    detail: task.end?.detail ?? null,
    metadata: {
      values: values.ofOwner(task.pid).length,
      commands: commands.ofOwner(task.pid).length,
      mailboxes: mailboxes.list().filter(({ owner }) => owner === task.pid).length
    },
    reg_base: row.registerBase,
    stack_base: row.stackBase,
    stack_limit: row.stackLimit,
    stack_size: row.stackBytes,
    image_crc32: row.imageCrc32 ?? null,
    generation: row.generation ?? null,
    call_mode: row.callMode ?? null
  }
}

/** All programs, in the order in which they came. */
export const taskList = (executive: Executive): Fields => ({
  tasks: executive.tasks().map((task) => taskFields(executive, task)),
  current_pid: executive.ps().currentPid ?? null
})
