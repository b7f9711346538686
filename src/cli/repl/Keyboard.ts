/** Where the REPL reads lines from and writes to: the terminal of the process, or what a test plugs in. */
import { Context } from "effect"

export interface Keys {
  readonly input: NodeJS.ReadableStream
  readonly output: NodeJS.WritableStream
  /** Somebody types: prompt, completion, history, colours. Otherwise lines come from a file or a pipe. */
  readonly isTerminal: boolean
}

/** Standard input and output when nothing else is provided. */
export const Keyboard: Context.Reference<Keys> = Context.Reference<Keys>("holon/cli/Keyboard", {
  defaultValue: () => ({ input: process.stdin, output: process.stdout, isTerminal: process.stdin.isTTY === true })
})
