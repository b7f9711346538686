/** The program actor: mirrors one program of one board. What it wants of the board goes through the device and comes back. */
import type { BoardAnswer } from "../../protocol/BoardRequest.ts"
import { codes } from "../../protocol/Codes.ts"
import { Program, type ProgramReport, type ProgramView, programOf } from "../../protocol/Program.ts"
import * as Behaviour from "../Behaviour.ts"
import { releaseImage, useImage } from "../ImageUse.ts"
import { episodeAfter, escalated, escalationDue, recovered, supervisorOf } from "./Failing.ts"
import { holding, holdingDue, neededBy } from "./Holding.ts"
import { answered, asking, isOfOffers } from "./Offers.ts"
import { done, endOverdue, isAsked, lookUp, order, ordersDue } from "./Orders.ts"

/** The newest lines, messages and values that are kept. */
const linesMax = 100
const mailMax = 50
const valuesMax = 512

const initial = (id: string): ProgramView => {
  const { device, name } = programOf(id)
  return { device, report: { name, state: "absent" }, since: 0, lines: [], values: [], mail: [], orders: [] }
}

/** Characters of all lines, and of all messages: they are written with every change of the program. */
const linesCharacters = 8192
const mailCharacters = 32_768

const newest = <A>(list: ReadonlyArray<A>, max: number): ReadonlyArray<A> =>
  list.length > max ? list.slice(list.length - max) : list

/** The newest of which all fit; always the last. */
const fitting = <A>(list: ReadonlyArray<A>, max: number, sizeOf: (one: A) => number): ReadonlyArray<A> => {
  let size = 0
  let first = list.length
  for (const one of [...list].reverse()) {
    size += sizeOf(one)
    if (size > max && first < list.length) break
    first--
  }
  return list.slice(first)
}

const changed = ({ device }: ProgramView, before: ProgramReport, report: ProgramReport): Behaviour.Emitted => {
  const { name, state, code, exit, restarts } = report
  return {
    type: "program.changed",
    unit: device,
    severity: state === "failed" || state === "rolled-back" ? "error" : "info",
    data: {
      device,
      program: name,
      from: before.state,
      to: state,
      ...(code === undefined ? {} : { code }),
      ...(exit === undefined ? {} : { exit }),
      ...(restarts === undefined ? {} : { restarts })
    }
  }
}

/** The board has answered a request, or will not. */
const ended = (state: ProgramView, answer: Omit<BoardAnswer, "image">) =>
  isOfOffers(answer) ? answered(state, answer) : done(state, answer)

/** The behaviour of programs. */
export const program: Behaviour.AnyBehaviour = Behaviour.make<Program>(Program, {
  initial,
  effects: { use: useImage, release: releaseImage },
  supervisor: supervisorOf,
  dueAt: (state) => {
    const due = Math.min(ordersDue(state), holdingDue(state), escalationDue(state))
    return due === Infinity ? undefined : due
  },
  timeout: (state, context) => {
    const { state: told, tells } = escalated(endOverdue(state, context), context)
    const effects = holding(told, context)
    return effects.length === 0 ? { state: told, tells } : { state: { ...told, askedAt: context.now }, tells, effects }
  },
  completed: (state, { name, id, outcome }, context) => {
    const { holds, ...rest } = state
    if (name === "release") {
      if (outcome !== "released") return {}
      return holds === id ? { state: rest } : {}
    }
    // An image that is not in the store came by another way: there is nothing to keep.
    if (outcome === "unavailable" || neededBy(state) !== id) return {}
    const effects =
      holds === undefined || holds === id
        ? []
        : [{ name: "release", id: holds, input: { sha256: holds, user: `program/${context.self.id}` } }]
    return { state: { ...state, holds: id }, effects }
  },

  undelivered: (state, { payload, cause }) =>
    isAsked(payload) ? ended(state, { key: payload.key, code: codes.ESRCH, detail: cause }) : {},

  GetProgram: (state) => ({ reply: state }),
  Watch: (state) => ({ reply: state }),
  GetOrder: (state, { id }, context) => lookUp(state, id, context),
  WatchOrder: (state, { id }, context) => lookUp(state, id, context),

  Control: (state, { act, graceMillis }, context) =>
    order(
      state,
      act,
      {
        _tag: "ProgramControl",
        program: state.report.name,
        act,
        ...(graceMillis === undefined ? {} : { graceMillis })
      },
      context
    ),
  ReadValues: (state, { ids }, context) =>
    order(
      state,
      "read values",
      { _tag: "ValueGet", program: state.report.name, ...(ids === undefined ? {} : { ids }) },
      context
    ),
  SetValue: (state, value, context) =>
    order(state, `set ${value.id}`, { _tag: "ValueSet", program: state.report.name, ...value }, context),
  WatchValue: (state, watch, context) =>
    order(
      state,
      `${watch.on ? "watch" : "no longer watch"} ${watch.id}`,
      { _tag: "ValueWatch", program: state.report.name, ...watch },
      context
    ),
  SendMail: (state, mail, context) =>
    order(state, `mail to ${mail.target}`, { _tag: "MailSend", program: state.report.name, ...mail }, context),
  TapMail: (state, tap, context) =>
    order(
      state,
      `${tap.on ? "tap" : "no longer tap"} ${tap.target}`,
      { _tag: "MailTap", program: state.report.name, ...tap },
      context
    ),

  BoardAnswered: (state, answer) => ended(state, answer),

  Reported: (state, { report, at }, context) => {
    const { report: before, episode: _, ...rest } = state
    const isMove = before.state !== report.state
    const episode = episodeAfter(state, report, at, context.now)
    const next: ProgramView = {
      ...rest,
      report,
      since: isMove ? at : state.since,
      ...(episode === undefined ? {} : { episode })
    }
    const effects = holding(next, context)
    const asked = asking(next, context)
    const told = { state: asked.state, effects, tells: [...recovered(state, episode, context), ...asked.tells] }
    return isMove || before.code !== report.code || before.restarts !== report.restarts
      ? { ...told, events: [changed(state, before, report)] }
      : told
  },

  Printed: (state, { text, at }) => {
    const lines = newest([...state.lines, { text, at }], linesMax)
    return { state: { ...state, lines: fitting(lines, linesCharacters, (line) => line.text.length) } }
  },

  ValuesTold: (state, { values }) => {
    const told = new Map(state.values.map((known) => [known.id, known]))
    for (const value of values) told.set(value.id, value)
    const { device, report } = state
    return {
      state: { ...state, values: newest([...told.values()], valuesMax) },
      samples: values.map(({ id, value, at }) => ({
        type: "program.value",
        data: { device, program: report.name, id, value },
        at,
        unit: device
      }))
    }
  },

  MailTold: (state, told) => {
    const mail = newest([...state.mail, told], mailMax)
    return { state: { ...state, mail: fitting(mail, mailCharacters, ({ data }) => data.length) } }
  }
})
