/** Lists that people write for boards, as JSON or as TOML. */
import { Result } from "effect"
import { parse as parseToml, TomlError } from "smol-toml"

/** How such a list is written. */
export type ListSyntax = "json" | "toml"

/** Where a text is no such list, and why. */
export interface ListFault {
  /** From 1. */
  readonly line: number
  readonly reason: string
}

const lineAt = (text: string, at: number): number => text.slice(0, at).split("\n").length

/** Where V8 saw the fault: it says so in words, and not at all where the text ends too early. */
const jsonFault = (text: string, cause: unknown): ListFault => {
  const message = cause instanceof Error ? cause.message : ""
  const position = /at position (\d+)/.exec(message)?.[1]
  return {
    line: lineAt(text, position === undefined ? text.trimEnd().length : Number(position)),
    reason: message.replace(/ in JSON at position.*$/s, "").replace(/, ".*$/s, "")
  }
}

const tomlFault = (cause: TomlError): ListFault => ({
  line: cause.line,
  reason: (cause.message.split("\n", 1)[0] ?? "").replace(/^Invalid TOML document: /, "")
})

/** The value that a text says. What it means is the reader's to judge. */
export const readListText = (text: string, syntax: ListSyntax): Result.Result<unknown, ListFault> => {
  try {
    const value: unknown = syntax === "json" ? JSON.parse(text) : parseToml(text)
    return Result.succeed(value)
  } catch (cause) {
    return Result.fail(cause instanceof TomlError ? tomlFault(cause) : jsonFault(text, cause))
  }
}
