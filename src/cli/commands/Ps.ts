/** `holon ps`: the programs of all boards. */
import { Effect, Option } from "effect"
import { Argument, Command } from "effect/cli"
import { explained } from "../Details.ts"
import { examples } from "../Examples.ts"
import { connected, connection } from "../Globals.ts"
import { lookThrough } from "../Pages.ts"
import { print } from "../Print.ts"
import { device, type ListedProgram, ProgramList, programsOf } from "../Programs.ts"
import { table } from "../Table.ts"

const programsOfAll = Effect.map(lookThrough("device", "GetPrograms", ProgramList), (lists) =>
  lists.flatMap(({ id, value: { programs } }) => programs.map((report): ListedProgram => ({ device: id, ...report })))
)

const row = ({ device: id, name, state, version, sha256, restarts, exit, detail, code }: ListedProgram) => [
  id,
  name,
  state,
  version ?? "",
  sha256?.slice(0, 12) ?? "",
  restarts ?? 0,
  exit ?? "",
  detail === undefined ? (code === undefined || code === 0 ? "" : `code ${code}`) : explained(detail)
]

export const ps = Command.make(
  "ps",
  { ...connection, device: device.pipe(Argument.optional) },
  Effect.fn(function* (flags) {
    const programs = yield* connected(flags)(
      Option.isSome(flags.device) ? programsOf(flags.device.value) : programsOfAll
    )
    yield* print(flags, programs, () =>
      programs.length === 0
        ? `no programs on ${Option.getOrElse(flags.device, () => "any board")} yet`
        : table(["device", "program", "state", "version", "image", "restarts", "exit", "detail"], programs.map(row))
    )
  })
).pipe(
  Command.withDescription("List the programs of all boards, or of one"),
  examples([""], ["press-1", "Those of one board"])
)
