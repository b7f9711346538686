/** `holon program show`: all that is known of one program. */
import { Clock, Effect } from "effect"
import { Command } from "effect/cli"
import { ProgramView } from "../../protocol/Program.ts"
import { type Declared, declaredBy, toldBy } from "../Declared.ts"
import { explained } from "../Details.ts"
import { examples } from "../Examples.ts"
import { sendTo } from "../Following.ts"
import { connected, connection } from "../Globals.ts"
import { print } from "../Print.ts"
import { device, found, placeOf, program } from "../Programs.ts"
import { ago, type Cell, table } from "../Table.ts"

const linesShown = 20

/** Values as they were last told, when somebody watches them. */
const toldOf = ({ values }: ProgramView, name: string, number: number): Cell =>
  String(values.find(({ id }) => id === name || id === number)?.value ?? "")

const part = (header: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<Cell>>): ReadonlyArray<string> =>
  rows.length === 0 ? [] : [table(header, rows)]

/** What others may ask of it, each kind as a table. */
const offers = (view: ProgramView, declared: Declared | undefined): ReadonlyArray<string> => {
  if (declared === undefined)
    return part(
      ["value", "told"],
      view.values.map(({ id, value }) => [String(id), String(value)])
    )
  return [
    ...part(
      ["value", "number", "unit", "access", "told"],
      declared.values.map(({ name, number, unit, access }) => [
        name,
        number,
        unit,
        access.join(" "),
        toldOf(view, name, number)
      ])
    ),
    ...part(
      ["command", "id", "access", "does"],
      declared.commands.map(({ name, id, access, help }) => [name, id, access.join(" "), help])
    ),
    ...part(
      ["mailbox", "bytes", "mode"],
      declared.mailboxes.map(({ name, capacity, mode }) => [name, capacity, mode.join(" ")])
    )
  ]
}

const textOf = (view: ProgramView, declared: Declared | undefined, now: number): string => {
  const { report, since, lines } = view
  return [
    `${report.name} on ${view.device}: ${report.state} for ${ago(now - since)}`,
    ...(report.version === undefined ? [] : [`version ${report.version}, image ${report.sha256 ?? "unknown"}`]),
    ...(report.detail === undefined ? [] : [explained(report.detail)]),
    ...offers(view, declared),
    ...lines.slice(-linesShown).map(({ text }) => `| ${text}`)
  ].join("\n")
}

export const show = Command.make(
  "show",
  { ...connection, device, program },
  Effect.fn(function* (flags) {
    const view = yield* connected(flags)(found(flags)(sendTo(placeOf(flags), "GetProgram", {}, ProgramView)))
    const { offers: told, report } = view
    const { sha256 } = report
    const image = told === undefined && sha256 !== undefined ? yield* declaredBy(flags, sha256) : undefined
    const declared = told === undefined ? image : toldBy(told)
    const now = yield* Clock.currentTimeMillis
    yield* print(flags, { ...view, ...(declared !== undefined && { declared }) }, () => textOf(view, declared, now))
  })
).pipe(
  Command.withDescription("Show a program: state, what it offers to others, watched values, its last lines"),
  examples(["press-1 blink"])
)
