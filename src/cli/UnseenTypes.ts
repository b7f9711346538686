/** Types of events that a draft asks for and that nobody has said: one that is spelled wrong matches nothing, silently. */
import { Effect, Option, Result, Stream } from "effect"
import type { Pattern } from "../protocol/pattern/Pattern.ts"
import { readPattern } from "../protocol/pattern/PatternText.ts"
import { Client } from "./Client.ts"

const isTexts = (value: unknown): value is ReadonlyArray<string> =>
  Array.isArray(value) && value.every((each) => typeof each === "string")

/** What stands under `from`, at any depth: each form has its steps elsewhere. */
const typesBelow = (value: unknown): ReadonlyArray<string> => {
  if (typeof value !== "object" || value === null) return []
  return Object.entries(value).flatMap(([name, below]) =>
    name === "from" && isTexts(below) ? below : typesBelow(below)
  )
}

/** The types that a pattern names, each once. */
const typesAsked = ({ from, body }: Pick<Pattern, "from" | "body">): ReadonlyArray<string> => [
  ...new Set(typesBelow({ from, body }))
]

/** What to say of a draft that matched nothing; nothing where there are events of all its types. */
export const unseenTypes = (draft: string) =>
  Effect.gen(function* () {
    const read = readPattern(draft)
    if (Result.isFailure(read)) return undefined
    const client = yield* Client
    const unseen = yield* Effect.filter(typesAsked(read.success), (type) => {
      const where = `type glob ${JSON.stringify(type)}`
      const found = Stream.runHead(client.Events({ follow: false, samples: true, where, last: 1 }))
      return Effect.map(found, Option.isNone)
    })
    return unseen.length === 0 ? undefined : `no event of the last 10000 commits is a ${unseen.join(" or a ")}`
  })
