/** What people say before and behind an order, and what a question mark makes of it. */
import type { Reading } from "./Reading.ts"

const before: ReadonlyArray<ReadonlyArray<string>> = [
  ...[
    "please",
    "kindly",
    "holon",
    "hey holon",
    "hi holon",
    "hello holon",
    "ok holon",
    "okay holon",
    "hey",
    "hello",
    "hi"
  ],
  ...["ok", "okay", "now", ",", "can you", "could you", "would you", "will you", "you can", "let us", "go ahead and"],
  ...[
    "i want you to",
    "i want to",
    "i need you to",
    "i need to",
    "i would like you to",
    "i would like to",
    "i want to know"
  ],
  ...["i would like to know", "i need to know", "do me a favour and", "do me a favor and", "so"]
].map((words) => words.split(" "))

const behind: ReadonlyArray<ReadonlyArray<string>> = [
  ...[
    "please",
    "now",
    "right now",
    "immediately",
    "at once",
    "thanks",
    "thank you",
    "for me",
    "at the moment",
    "again"
  ],
  ...["for now", "will you", "would you", "could you", "can you", "holon", "ok", "okay", "asap", ".", "!", "?", ","]
].map((words) => words.split(" "))

const standsAt = (reading: Reading, at: number, words: ReadonlyArray<string>): boolean =>
  words.every((word, index) => reading.isWord(at + index, word))

/** Places that an order is looked for at: nobody is polite more often. */
const placesMax = 8

/** Places where the order may begin: the first word, and behind each phrase before it. */
export const firstPlaces = (reading: Reading): ReadonlySet<number> => {
  const places = new Set([0])
  // A set is gone through in the order of what is added to it.
  for (const place of places)
    for (const words of before)
      if (places.size < placesMax && standsAt(reading, place, words)) places.add(place + words.length)
  return places
}

/** Places where it may end: the last word, and before each phrase behind it. */
export const lastPlaces = (reading: Reading): ReadonlySet<number> => {
  const places = new Set([reading.tokens.length])
  for (const place of places)
    for (const words of behind)
      if (place >= words.length && standsAt(reading, place - words.length, words)) places.add(place - words.length)
  return places
}

const askers: ReadonlyArray<ReadonlyArray<string>> = ["can you", "could you", "would you", "will you"].map((words) =>
  words.split(" ")
)

/** Whether a question mark stands at the end, and none of the words that make an order of a question. */
export const isQuestion = (reading: Reading): boolean => {
  const last = reading.tokens.length - 1
  if (!reading.isWord(last, "?")) return false
  const isAsked = reading.tokens.some((_, at) => askers.some((words) => standsAt(reading, at, words)))
  return !isAsked
}
