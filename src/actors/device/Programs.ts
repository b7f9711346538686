/** What a board says of its programs: the device knows the list, each program's own actor the rest. */
import type { ActorAddress } from "../../protocol/BoardRequest.ts"
import type { Log, Mail, ProgramStatus, ValueFrame } from "../../protocol/Frame.ts"
import { type ProgramReport, programId } from "../../protocol/Program.ts"
import { setWork } from "./Errands.ts"
import { noteProgram } from "./Observations.ts"
import { programReportOf } from "./Reports.ts"
import { type Turn, tell } from "./Turn.ts"

/** Programs of one board. */
const programsMax = 64

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
    if (program === undefined) continue
    const before = known.get(program.name)
    if (!isNews(before, program)) {
      if (before !== undefined) told.set(program.name, before)
      continue
    }
    if (program.state === "absent") told.delete(program.name)
    else if (told.size < programsMax) told.set(program.name, program)
    report(program)
  }
  if (all === true) for (const { name } of known.values()) if (!told.has(name)) report({ name, state: "absent" })
  setWork(turn, { programs: told })
}

/** A line that a program printed. */
export const takePrinted = (turn: Turn, program: string, { text }: Log, at: number): void =>
  tell(turn, { to: actorOf(turn, program), message: "Printed", payload: { text, at } })

/** Values that a program's actor watches. */
export const takeValues = (turn: Turn, { program, values }: ValueFrame, timeOf: (at: number) => number): void => {
  const told = values.map(({ id, value, at }) => ({ id, value, at: timeOf(at) }))
  tell(turn, { to: actorOf(turn, program), message: "ValuesTold", payload: { values: told } })
}

/** A message of a mailbox that a program's actor taps. */
export const takeMail = (turn: Turn, { program, target, data, channel }: Mail, at: number): void => {
  if (program === undefined) return
  const text = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64")
  tell(turn, {
    to: actorOf(turn, program),
    message: "MailTold",
    payload: { target, data: text, ...(channel === undefined ? {} : { channel }), at }
  })
}
