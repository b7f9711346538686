/** The utterances that come with the grammar, and the fleet they speak of. */
import { readFileSync } from "node:fs"
import { Schema } from "effect"
import { argumentsLine, targetsLine } from "../../../src/protocol/intent/Choose.ts"
import { FleetWords } from "../../../src/protocol/intent/FleetWords.ts"
import type { Intent, Unclear } from "../../../src/protocol/intent/Intent.ts"
import { vocabularyOf } from "../../../src/protocol/intent/Vocabulary.ts"

const folder = new URL("../../../src/protocol/intent/corpus/", import.meta.url)

/** A file of the corpus as it is. */
export const corpusText = (name: string): string => readFileSync(new URL(name, folder), "utf8")

/** Its lines without remarks. */
export const corpusLines = (name: string): ReadonlyArray<string> =>
  corpusText(name)
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))

/** The fleet of the corpus. */
export const fleet = Schema.decodeUnknownSync(Schema.fromJsonString(FleetWords))(corpusText("fleet.json"))
/** Its words. */
export const vocabulary = vocabularyOf(fleet)

/** An utterance and what it should mean: a capability or `?`, and each slot as one text. */
export interface Expected {
  readonly say: string
  readonly capability: string
  readonly slots: ReadonlyArray<string>
}

const argumentsOf = (text: string): ReadonlyArray<string> =>
  [...text.matchAll(/([a-z_.A-Z]+)=(.*?)(?=\s+[a-zA-Z_.]+=|$)/g)].map(
    ([, name = "", value = ""]) => `${name}=${value.trim()}`
  )

/** The utterances of a file. */
export const expectedIn = (name: string): ReadonlyArray<Expected> =>
  corpusLines(name).map((line) => {
    const [say = "", capability = "", targets = "", args = ""] = line.split("|").map((part) => part.trim())
    return {
      say,
      capability,
      slots: [...(targets === "" ? [] : [`targets ${targets}`]), ...argumentsOf(args).toSorted()]
    }
  })

/** What was understood, as the corpus writes it. */
export const understood = (result: Intent | Unclear): Omit<Expected, "say"> => {
  if (result._tag === "Unclear") return { capability: "?", slots: [] }
  const args = Object.entries(result.args).map(([name, value]) => argumentsLine({ [name]: value }))
  const targets = result.targets === undefined ? [] : [`targets ${targetsLine(result.targets)}`]
  return { capability: result.capability, slots: [...targets, ...args.toSorted()] }
}
