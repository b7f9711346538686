/** What the executive tells the outside: facts about tasks, mailboxes, values and commands, in the order they happened. */

/** A value of JSON. */
export type EventValue =
  | null
  | boolean
  | number
  | string
  | ReadonlyArray<EventValue>
  | { readonly [key: string]: EventValue }

/** Names of the facts. Clients filter by them, so they are for ever. */
export const eventTypes = [
  "task_state",
  "sleep_request",
  "sleep_complete",
  "vm_error",
  "debug_break",
  "stdout",
  "stderr",
  "warning",
  "mailbox_send",
  "mailbox_recv",
  "mailbox_wait",
  "mailbox_wake",
  "mailbox_timeout",
  "mailbox_error",
  "mailbox_exhausted",
  "mailbox_backpressure",
  "mailbox_overrun",
  "value_changed",
  "cmd_invoked",
  "cmd_completed"
] as const

/** Name of a fact. */
export type EventType = (typeof eventTypes)[number]

/** Details of a fact; the keys are those clients read. */
export type EventData = Readonly<Record<string, EventValue>>

/** One fact. */
export interface ExecutiveEvent {
  /** Counts from 1 without a gap. */
  readonly seq: number
  /** Milliseconds on the board's clock. */
  readonly at: number
  readonly type: EventType
  /** The task concerned; null for none, 0 for the host. */
  readonly pid: number | null
  readonly data: EventData
}

/** Reports one fact. Must not call back into the executive. */
export type Emit = (type: EventType, pid: number | null, data: EventData) => void
