/** A question to whoever sits at the terminal. */
import { createInterface } from "node:readline"
import { Effect, Option } from "effect"
import { Keyboard } from "./repl/Keyboard.ts"

/** One line of what is typed; nothing when the input ends instead. */
export const prompted = (question: string): Effect.Effect<Option.Option<string>> =>
  Effect.flatMap(Keyboard, ({ input, output, isTerminal }) =>
    Effect.callback<Option.Option<string>>((resume) => {
      const reader = createInterface({ input, output, terminal: isTerminal })
      let typed = Option.none<string>()
      reader.on("close", () => resume(Effect.succeed(typed)))
      // Ctrl-C is no answer.
      reader.on("SIGINT", () => reader.close())
      reader.question(question, (line) => {
        typed = Option.some(line.trim())
        reader.close()
      })
      return Effect.sync(() => reader.close())
    })
  )
