/** The words of the language, and names that cannot stand where a field may. */

/** Words of the language; a field of such a name is written in backticks. */
const keywords = ["and", "or", "not", "in", "exists", "glob", "matches", "contains", "has", "true", "false"] as const
export type Keyword = (typeof keywords)[number]
export const isKeyword = (word: string): word is Keyword => keywords.some((keyword) => keyword === word)

/** Names that other languages give to what is no value here, and what to write instead. A field of such a name is written in backticks. */
export const strangers: ReadonlyMap<string, string> = new Map([
  ["null", "there is no null here: a field that is missing does not exist; write `not exists` and the field"],
  ["undefined", "there is no undefined here: write `not exists` and the field"],
  ["NaN", "a number that is none is missing; write `not exists` and the field"],
  ["Infinity", "a number without end is missing; write `not exists` and the field"]
])

/** Whether the first name of a path must be written in backticks. */
export const isReserved = (word: string): boolean => isKeyword(word) || strangers.has(word)
