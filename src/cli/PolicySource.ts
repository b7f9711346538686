/** Where a policy comes from that somebody names on the command line. */
import { readFileSync } from "node:fs"
import { text as readAll } from "node:stream/consumers"
import { Effect, Schema } from "effect"

/** The file with the policy cannot be read. */
export class PolicyUnreadable extends Schema.TaggedError<PolicyUnreadable>()("PolicyUnreadable", {
  file: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `${this.file} cannot be read (${this.reason}); name a file with a policy, - for standard input, or write the policy itself`
  }
}

const unreadable = (file: string) => (cause: unknown) =>
  new PolicyUnreadable({ file, reason: cause instanceof Error ? cause.message : String(cause) })

/** A policy as somebody wrote it: the argument itself where it is one, else the file it names. */
export const readPolicy = (argument: string): Effect.Effect<string, PolicyUnreadable> => {
  if (/^\s*policy\s/.test(argument)) return Effect.succeed(argument)
  return argument === "-"
    ? Effect.tryPromise({ try: () => readAll(process.stdin), catch: unreadable("standard input") })
    : Effect.try({ try: () => readFileSync(argument, "utf8"), catch: unreadable(argument) })
}
