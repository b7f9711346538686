/** What is said to somebody who has typed a command that is none: one line on standard error, and nothing on standard output. */
import { Console, type Layer } from "effect"
import { type CliError, CliOutput } from "effect/cli"

const meant = (suggestions: ReadonlyArray<string>): string =>
  suggestions.length === 0 ? "" : `; did you mean ${suggestions.join(" or ")}?`

/** What does not fit, in the words of the flag where it has its own. */
const unfit = (name: string, value: string, expected: string): string =>
  expected.startsWith(value) ? `${name}: ${expected}` : `${name} cannot be ${value}: ${expected}`

const sentenceOf = (error: CliError.NonShowHelpErrors): string => {
  switch (error._tag) {
    case "UnrecognizedOption":
      return `there is no flag ${error.option} here${meant(error.suggestions)}`
    case "UnknownSubcommand":
      return `there is no command ${error.subcommand} here${meant(error.suggestions)}`
    case "MissingOption":
      return `--${error.option} is missing`
    case "MissingArgument":
      return `<${error.argument}> is missing`
    case "UnexpectedArgument":
      return `${error.arguments.join(" ")} is too much; quote what belongs together`
    case "InvalidValue":
      return unfit(error.kind === "argument" ? `<${error.option}>` : `--${error.option}`, error.value, error.expected)
    default:
      return error.message.split("\n", 1)[0] ?? ""
  }
}

/** Help where it was asked for; else the line, with the command whose help says more. */
export const layer: Layer.Layer<never> = CliOutput.layerPresenter({
  present: (event) =>
    event._tag === "InvalidInvocation"
      ? Console.error(
          `holon: ${event.errors.map(sentenceOf).join(", ")} (${[...event.commandPath, "--help"].join(" ")} says more)`
        )
      : CliOutput.defaultPresenter.present(event)
})
