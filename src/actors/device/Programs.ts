/** What a board says of its programs: the device knows the list, each program's own actor the rest. */
import { Schema } from "effect"
import { type ActorAddress, ProgramName } from "../../protocol/BoardRequest.ts"
import type { Log } from "../../protocol/frame/CommandFrames.ts"
import type { Mail, ProgramStatus, ValueFrame } from "../../protocol/frame/ProgramFrames.ts"
import { type ProgramReport, programId } from "../../protocol/Program.ts"
import { setWork } from "./Errands.ts"
import { noteProgram } from "./Observations.ts"
import { programReportOf } from "./Reports.ts"
import { isCrowded, mention, type Turn, tell } from "./Turn.ts"

/** Programs of one board. */
const programsMax = 64

const isProgramName = Schema.is(ProgramName)

/** Puts what a program did before its actor: that of a program which the board has told of. It may be lost. */
const show = (turn: Turn, name: string, message: string, payload: unknown): void => {
  if (turn.state.work.programs.has(name)) mention(turn, { to: actorOf(turn, name), message, payload })
}

const actorOf = (turn: Turn, name: string): ActorAddress => ({
  kind: "program",
  id: programId(turn.context.self.id, name)
})

/** Load figures alone are no news. */
const isNews = (known: ProgramReport | undefined, report: ProgramReport): boolean =>
  known === undefined ||
  (Object.keys({ ...known, ...report }) as Array<keyof ProgramReport>).some(
    (key) => key !== "cpu" && key !== "memoryBytes" && known[key] !== report[key]
  )

/** The state of some programs, or of all. */
export const takeProgramStatus = (turn: Turn, { programs, all }: ProgramStatus, at: number): void => {
  const known = turn.state.work.programs
  const told = new Map(all === true ? [] : known)
  const report = (entry: ProgramReport): void => {
    noteProgram(turn, entry)
    tell(turn, { to: actorOf(turn, entry.name), message: "Reported", payload: { report: entry, at } })
  }
  for (const entry of programs) {
    const program = programReportOf(entry)
    // A board that makes up names must not make actors without end.
    if (program === undefined || !isProgramName(program.name)) continue
    const before = known.get(program.name)
    if (before === undefined && (program.state === "absent" || told.size >= programsMax)) continue
    if (!isNews(before, program) || isCrowded(turn)) {
      if (before !== undefined) told.set(program.name, before)
      continue
    }
    if (program.state === "absent") told.delete(program.name)
    else told.set(program.name, program)
    report(program)
  }
  if (all === true) for (const { name } of known.values()) if (!told.has(name)) report({ name, state: "absent" })
  setWork(turn, { programs: told })
}

/** A line that a program printed. */
export const takePrinted = (turn: Turn, program: string, { text }: Log, at: number): void =>
  show(turn, program, "Printed", { text, at })

/** Values that a program's actor watches. */
export const takeValues = (turn: Turn, { program, values }: ValueFrame, timeOf: (at: number) => number): void => {
  const told = values.map(({ id, value, at }) => ({ id, value, at: timeOf(at) }))
  show(turn, program, "ValuesTold", { values: told })
}

/** A message of a mailbox that a program's actor taps. */
export const takeMail = (turn: Turn, { program, target, data, channel }: Mail, at: number): void => {
  if (program === undefined) return
  const text = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64")
  show(turn, program, "MailTold", { target, data: text, ...(channel === undefined ? {} : { channel }), at })
}
