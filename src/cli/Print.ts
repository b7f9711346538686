/** What a command answers: JSON for scripts, text for people. */
import { Console } from "effect"

/** Prints the value as JSON where the flag asks for it, else the text. */
export const print = (flags: { readonly json: boolean }, value: unknown, text: () => string) =>
  Console.log(flags.json ? JSON.stringify(value, null, 2) : text())
