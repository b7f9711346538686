/** Programs on the command line: how they are named, and that one is not there. */
import { Effect, Schema } from "effect"
import { Argument } from "effect/cli"
import { NotFound } from "../protocol/Errors.ts"
import { ProgramReport, programId } from "../protocol/Program.ts"
import { type Place, sendTo } from "./Following.ts"

/** A device by its id. */
export const device = Argument.String("device").pipe(Argument.withDescription("Id of the device, as press-1"))
/** A program of that device. */
export const program = Argument.String("program").pipe(Argument.withDescription("Name of the program on its board"))

/** One program of one board. */
export interface ProgramName {
  readonly device: string
  readonly program: string
}

/** The actor of that program. */
export const placeOf = ({ device, program }: ProgramName): Place => ({
  kind: "program",
  id: programId(device, program)
})

/** What a device answers to `GetPrograms`. */
export const ProgramList = Schema.Struct({ programs: Schema.Array(ProgramReport) })

/** A program and the device that has it. */
export interface ListedProgram extends ProgramReport {
  readonly device: string
}

/** The programs of one device. */
export const programsOf = (id: string) =>
  Effect.map(sendTo({ kind: "device", id }, "GetPrograms", {}, ProgramList), ({ programs }) =>
    programs.map((report): ListedProgram => ({ device: id, ...report }))
  )

/** No such program on this board. Permanent until one is brought there. */
export class ProgramMissing extends Schema.TaggedError<ProgramMissing>()("ProgramMissing", {
  device: Schema.String,
  program: Schema.String,
  /** Names of those that are there. */
  others: Schema.Array(Schema.String)
}) {
  override get message() {
    const { device, others, program } = this
    const there = others.length === 0 ? "none; holon provision brings one" : others.join(", ")
    return `there is no program ${programId(device, program)}; ${device} has ${there}`
  }
}

/** Fails with what is there instead. */
export const missing = ({ device, program }: ProgramName) =>
  Effect.gen(function* () {
    const others = (yield* programsOf(device)).map(({ name }) => name)
    return yield* new ProgramMissing({ device, program, others })
  })

/** Tells a program that is none from a device that is none, and says which programs are there. */
export const found =
  (name: ProgramName) =>
  <A, E, R>(effect: Effect.Effect<A, E | NotFound, R>) =>
    Effect.catchIf(
      effect,
      (error): error is NotFound =>
        error instanceof NotFound && error.what === `program ${programId(name.device, name.program)}`,
      () => missing(name)
    )
