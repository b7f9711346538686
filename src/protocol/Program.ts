/**
 * A program: one image that runs on one board. The actor's id is `device:name`, the name being the program's on its board.
 * Times are ms since 1970.
 */
import { Schema } from "effect"
import { BoardAnswered, Level, MailBytes, MailTarget, ProgramAct, ProgramValue, ValueId } from "./BoardRequest.ts"
import * as Contract from "./Contract.ts"
import { HolonError } from "./Errors.ts"

const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const instant = Schema.Finite

/** States of a program, by the number that boards use. */
export const programStates = [
  "absent",
  "loading",
  "ready",
  "starting",
  "running",
  "waiting",
  "paused",
  "stopped",
  "completed",
  "failed",
  "rolled-back"
] as const
export const ProgramState = Schema.Literals(programStates)
export type ProgramState = typeof ProgramState.Type

/** A program as its board last told of it. */
export const ProgramReport = Schema.Struct({
  name: Schema.String,
  state: ProgramState,
  kind: Schema.optionalKey(count),
  /** SHA-256 of its image, or the beginning of it, in hexadecimal. */
  sha256: Schema.optionalKey(Schema.String),
  version: Schema.optionalKey(Schema.String),
  restarts: Schema.optionalKey(count),
  /** What it returned. */
  exit: Schema.optionalKey(Schema.Finite),
  /** Why it failed: a number of `codes`. */
  code: Schema.optionalKey(count),
  detail: Schema.optionalKey(Schema.String),
  pid: Schema.optionalKey(count),
  /** Share of a processor, 0…1, and bytes, when it was last told. */
  cpu: Schema.optionalKey(Schema.Finite),
  memoryBytes: Schema.optionalKey(count)
})
export type ProgramReport = typeof ProgramReport.Type

/** A failure of a program, from its first word to the one that ends it. */
export const Episode = Schema.Struct({
  since: instant,
  /** Its supervisor is told then, unless it is over. */
  dueAt: instant,
  isTold: Schema.Boolean
})
export type Episode = typeof Episode.Type

/** What a supervisor hears of a program that failed and is not started again by its board. */
export const FailingProgram = Schema.Struct({
  program: Schema.String,
  /** When it failed: tells a later failure from this one. */
  since: instant,
  /** `failed` or `rolled-back`. */
  state: ProgramState,
  /** Why: a number of `codes`. */
  code: Schema.optionalKey(count),
  detail: Schema.optionalKey(Schema.String),
  /** How often its board had started it again. */
  restarts: Schema.optionalKey(count),
  /** SHA-256 of its image, or the beginning of it, in hexadecimal. */
  sha256: Schema.optionalKey(Schema.String),
  version: Schema.optionalKey(Schema.String)
})
export type FailingProgram = typeof FailingProgram.Type

const offered = {
  /** Group × 256 + id. */
  number: count,
  name: Schema.optionalKey(Schema.String),
  group: Schema.optionalKey(Schema.String),
  /** From which level on others may touch it: 0 public to 3 factory. */
  level: count,
  /** Bits, as the image declares them. */
  flags: count
}

/** What a program offers to others, as its board tells it. */
export const ProgramOffers = Schema.Struct({
  values: Schema.Array(Schema.Struct({ ...offered, unit: Schema.optionalKey(Schema.String) })),
  commands: Schema.Array(Schema.Struct({ ...offered, help: Schema.optionalKey(Schema.String) })),
  mailboxes: Schema.Array(
    Schema.Struct({
      name: Schema.String,
      /** Bytes it holds. */
      capacity: count,
      /** Bits, as the image declares them. */
      mode: count
    })
  )
})
export type ProgramOffers = typeof ProgramOffers.Type

/** One value as the board last told it. */
export const ValueView = Schema.Struct({ id: ValueId, value: ProgramValue, at: instant })
export type ValueView = typeof ValueView.Type

/** One message of a tapped mailbox. */
export const MailView = Schema.Struct({
  target: Schema.String,
  data: Schema.String,
  channel: Schema.optionalKey(count),
  at: instant
})
export type MailView = typeof MailView.Type

/** An order to the program and what became of it. */
export const OrderView = Schema.Struct({
  id: Schema.String,
  what: Schema.String,
  state: Schema.Literals(["sent", "done"]),
  orderedAt: instant,
  /** Present when done; 0 is success, else a number of `codes`. */
  code: Schema.optionalKey(count),
  value: Schema.optionalKey(Schema.Json),
  detail: Schema.optionalKey(Schema.String)
})
export type OrderView = typeof OrderView.Type

/** What is known of a program: its board's word, the last lines it printed, watched values, tapped mail, recent orders. */
export const ProgramView = Schema.Struct({
  device: Schema.String,
  report: ProgramReport,
  /** When that state began, as far as the actor heard. */
  since: instant,
  lines: Schema.Array(Schema.Struct({ text: Schema.String, at: instant })),
  values: Schema.Array(ValueView),
  mail: Schema.Array(MailView),
  orders: Schema.Array(OrderView),
  /** Image that is kept in the store for it. */
  holds: Schema.optionalKey(Schema.String),
  /** When the store of images was last asked. */
  askedAt: Schema.optionalKey(instant),
  /** It fails. */
  episode: Schema.optionalKey(Episode),
  /** What others may ask of it. */
  offers: Schema.optionalKey(ProgramOffers),
  /** Image of which the board was asked that. */
  offersOf: Schema.optionalKey(Schema.String)
})
export type ProgramView = typeof ProgramView.Type

const order = { success: OrderView, error: HolonError, audience: "operator", creates: false } as const

/** The program: kind of the actor that mirrors one program of one board. */
export const Program = Contract.make("program", {
  about: "mirrors one program of one board: its state, its output, its values and mailboxes",
  state: ProgramView,
  messages: {
    GetProgram: Contract.query({
      success: ProgramView,
      audience: "operator",
      capability: "program.read",
      about: "what is known of the program"
    }),
    Watch: Contract.watch({
      success: ProgramView,
      audience: "operator",
      capability: "program.read",
      about: "what is known of the program, again whenever that changes"
    }),
    GetOrder: Contract.query({
      payload: { id: Schema.String },
      success: OrderView,
      error: HolonError,
      audience: "operator",
      capability: "program.read",
      about: "one order to the program"
    }),
    WatchOrder: Contract.watch({
      payload: { id: Schema.String },
      success: OrderView,
      error: HolonError,
      audience: "operator",
      capability: "program.read",
      about: "one order to the program, again whenever it changes; it ends with state done"
    }),
    Control: Contract.once({
      ...order,
      payload: { act: ProgramAct, graceMillis: Schema.optionalKey(count) },
      capability: "program.control",
      about: "starts, stops, pauses, resumes, kills, restarts or removes the program"
    }),
    ReadValues: Contract.once({
      ...order,
      payload: { ids: Schema.optionalKey(Schema.Array(ValueId).check(Schema.isMaxLength(64))) },
      capability: "program.read",
      about: "asks the board for values of the program, all when none is named"
    }),
    SetValue: Contract.once({
      ...order,
      payload: { id: ValueId, value: ProgramValue, level: Schema.optionalKey(Level) },
      capability: "program.set",
      about: "sets a value of the program"
    }),
    WatchValue: Contract.once({
      ...order,
      payload: {
        id: ValueId,
        on: Schema.Boolean,
        epsilon: Schema.optionalKey(Schema.Finite),
        rateMillis: Schema.optionalKey(count)
      },
      capability: "program.read",
      about: "has the board tell a value whenever it changes, or no longer"
    }),
    SendMail: Contract.once({
      ...order,
      payload: { target: MailTarget, data: MailBytes, channel: Schema.optionalKey(count) },
      capability: "program.mail",
      about: "puts a message into a mailbox of the program"
    }),
    TapMail: Contract.once({
      ...order,
      payload: { target: MailTarget, on: Schema.Boolean, ratePerSecond: Schema.optionalKey(count) },
      capability: "program.mail",
      about: "has the board send copies of a mailbox's messages, or no longer"
    }),
    Reported: Contract.idempotent({
      payload: { report: ProgramReport, at: instant },
      creates: true,
      about: "the board tells the state of the program"
    }),
    Printed: Contract.idempotent({
      payload: { text: Schema.String, at: instant },
      creates: true,
      about: "the program printed a line"
    }),
    ValuesTold: Contract.idempotent({
      payload: { values: Schema.Array(ValueView) },
      creates: true,
      about: "watched values have changed"
    }),
    MailTold: Contract.idempotent({
      payload: MailView.fields,
      creates: true,
      about: "a tapped mailbox got a message"
    }),
    BoardAnswered
  },
  events: {
    "program.changed": Schema.Struct({
      device: Schema.String,
      program: Schema.String,
      from: Schema.String,
      to: Schema.String,
      code: Schema.optionalKey(count),
      exit: Schema.optionalKey(Schema.Finite),
      restarts: Schema.optionalKey(count)
    }),
    "program.value": Schema.Struct({ device: Schema.String, program: Schema.String, id: ValueId, value: ProgramValue })
  }
})
export type Program = typeof Program

/** Id of the actor of a program. */
export const programId = (device: string, name: string): string => `${device}:${name}`

/** Device and name of a program's actor. */
export const programOf = (id: string): { readonly device: string; readonly name: string } => {
  const at = id.indexOf(":")
  return { device: id.slice(0, at), name: id.slice(at + 1) }
}
