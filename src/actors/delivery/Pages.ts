/**
 * The letters of a delivery, in pages of a few: a commit writes the pages that changed, and a backlog of a hundred thousand
 * is some thousand parts. Pages are never changed; these functions make new ones.
 */
import type { Letter, LetterPage } from "../../protocol/Delivery.ts"

/** Letters of one page: what one commit at least writes. */
export const pageSize = 16
/** Newest pages whose ids are remembered after their letters have gone, by which a repeat is known. */
const rememberedPages = 256

const numberOf = (seq: number): number => Math.floor(seq / pageSize)

/** Where a page stands or would stand: they are in order of their numbers. */
const placeOf = (pages: ReadonlyArray<LetterPage>, number: number): number => {
  let from = 0
  let to = pages.length
  while (from < to) {
    const middle = (from + to) >> 1
    if ((pages[middle]?.number ?? 0) < number) from = middle + 1
    else to = middle
  }
  return from
}

/** Whether a letter of this match came, among the newest four thousand. */
export const knows = (pages: ReadonlyArray<LetterPage>, matchId: string): boolean => {
  for (let at = pages.length - 1; at >= Math.max(0, pages.length - rememberedPages); at--)
    if (pages[at]?.ids.includes(matchId) === true) return true
  return false
}

/** The letter at this place in the order, if it is still there. */
export const letterAt = (pages: ReadonlyArray<LetterPage>, seq: number): Letter | undefined =>
  pages[placeOf(pages, numberOf(seq))]?.letters.find((letter) => letter.seq === seq)

/** All letters, in order. */
export function* lettersOf(pages: ReadonlyArray<LetterPage>): Generator<Letter> {
  for (const { letters } of pages) yield* letters
}

/** The oldest letter that is not dead. */
export const oldestOf = (pages: ReadonlyArray<LetterPage>): Letter | undefined => {
  for (const { letters } of pages) for (const letter of letters) if (letter.deadAt === undefined) return letter
  return undefined
}

/** Puts a new letter behind the others. */
export const append = (pages: Array<LetterPage>, letter: Letter): void => {
  const number = numberOf(letter.seq)
  const last = pages.at(-1)
  if (last?.number === number) {
    pages[pages.length - 1] = { number, ids: [...last.ids, letter.matchId], letters: [...last.letters, letter] }
    return
  }
  pages.push({ number, ids: [letter.matchId], letters: [letter] })
  const forgotten = pages[pages.length - 1 - rememberedPages]
  if (forgotten?.letters.length === 0) pages.splice(pages.length - 1 - rememberedPages, 1)
}

/** Replaces the letter of this place, or takes it out. */
export const put = (pages: Array<LetterPage>, seq: number, letter: Letter | undefined): void => {
  const place = placeOf(pages, numberOf(seq))
  const page = pages[place]
  if (page === undefined) return
  const letters = page.letters.flatMap((each) => (each.seq !== seq ? [each] : letter === undefined ? [] : [letter]))
  if (letters.length === 0 && place < pages.length - rememberedPages) pages.splice(place, 1)
  else pages[place] = { ...page, letters }
}
