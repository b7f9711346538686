/**
 * Letters that have no number yet. They are merged where nothing is lost by it and, when there are too many, dropped oldest
 * first; a full report takes the place of the changes that were.
 */
import { asksToStart, type Letter, type ProgramStatusLetter, type ReportLetter, type ValueLetter } from "./Letter.ts"
import { compose } from "./ReportPatch.ts"

/** A letter, or the promise of a full report, whose state is read when it goes out. */
export interface WaitingLetter {
  letter: Letter | "full"
}

/** Letters in the order in which they will go. */
export class Waiting {
  readonly #max: number
  #letters: Array<WaitingLetter> = []
  /** The last report into which the next may be merged. */
  #mergeable: WaitingLetter | undefined

  constructor(max: number) {
    this.#max = max
  }

  get length(): number {
    return this.#letters.length
  }

  /** Takes a letter. Answers how many records were given up for it. */
  push(letter: Letter): number {
    if (letter.type === "report" && this.#merge(letter)) return 0
    if (letter.type === "program-status" && this.#mergeStatus(letter)) return 0
    if (letter.type === "value" && this.#mergeValues(letter)) return 0
    if (letter.type === "desired-ack") this.#outdate(letter)
    const waiting: WaitingLetter = { letter }
    this.#letters.push(waiting)
    if (letter.type === "report" && mayMerge(letter)) this.#mergeable = waiting
    return this.#letters.length > this.#max ? this.#dropOne() : 0
  }

  /** A report of all state goes next, and takes the place of the changes that wait. */
  pushFull(): void {
    this.#letters = this.#letters.filter((waiting) => {
      const letter = waiting.letter
      if (letter === "full") return false
      if (letter.type !== "report" || letter.state === undefined || letter.doc !== undefined) return true
      if (letter.samples === undefined) return false
      const { state: _superseded, full: _full, ...samples } = letter
      waiting.letter = samples
      return true
    })
    this.#mergeable = undefined
    this.#letters.unshift({ letter: "full" })
  }

  /** The letter that goes next. */
  shift(): Letter | "full" | undefined {
    const next = this.#letters.shift()
    if (next !== undefined && next === this.#mergeable) this.#mergeable = undefined
    return next?.letter
  }

  /** Puts letters before all others: pieces of one that was too large, or what loses its number. */
  unshift(letters: ReadonlyArray<Letter>): void {
    this.#letters.unshift(...letters.map((letter) => ({ letter })))
  }

  #merge(letter: ReportLetter): boolean {
    const waiting = this.#mergeable
    const earlier = waiting?.letter
    if (waiting === undefined || earlier === undefined || earlier === "full" || earlier.type !== "report") return false
    if (!mayMerge(letter) || earlier.state === undefined || letter.state === undefined) return false
    const state = compose(earlier.state, letter.state)
    if (state === undefined) return false
    waiting.letter = { ...earlier, ...letter, state }
    return true
  }

  /** An acknowledgement of desired says all that an earlier one of no higher version would. */
  #outdate({ version, doc }: Extract<Letter, { readonly type: "desired-ack" }>): void {
    const index = this.#letters.findIndex(
      ({ letter }) =>
        letter !== "full" && letter.type === "desired-ack" && letter.doc === doc && letter.version <= version
    )
    if (index >= 0) this.#letters.splice(index, 1)
  }

  /** What a program was while nobody listened is over: its last state stands for all before. */
  #mergeStatus(letter: ProgramStatusLetter): boolean {
    const waiting = this.#letters.find((candidate) => isOf(candidate, "program-status"))
    const earlier = waiting?.letter
    if (waiting === undefined || earlier === undefined || earlier === "full" || earlier.type !== "program-status") {
      return false
    }
    if (letter.all === true) {
      waiting.letter = letter
      return true
    }
    const named = new Set(letter.programs.map(({ name }) => name))
    const others = earlier.programs.filter(({ name }) => name === undefined || !named.has(name))
    waiting.letter = { ...earlier, ...letter, programs: [...others, ...letter.programs] }
    return true
  }

  /** A watched value that waits gives way to the later one. */
  #mergeValues(letter: ValueLetter): boolean {
    for (const waiting of this.#letters) {
      const earlier = waiting.letter
      if (earlier === "full" || earlier.type !== "value" || earlier.program !== letter.program) continue
      const named = new Set(letter.values.map(({ id }) => id))
      waiting.letter = { ...letter, values: [...earlier.values.filter(({ id }) => !named.has(id)), ...letter.values] }
      return true
    }
    return false
  }

  #dropOne(): number {
    let index = this.#letters.findIndex(({ letter }) => letter !== "full" && isExpendable(letter))
    if (index < 0) index = this.#letters.findIndex(({ letter }) => letter !== "full" && letter.type === "event")
    if (index < 0) return 0
    const [gone] = this.#letters.splice(index, 1)
    if (gone === this.#mergeable) this.#mergeable = undefined
    const letter = gone?.letter
    // A change that nobody hears of would stand wrong in the twin until its field changes again.
    if (letter !== undefined && letter !== "full" && letter.type === "report" && letter.state !== undefined) {
      this.pushFull()
    }
    return 1
  }
}

const isOf = ({ letter }: WaitingLetter, type: Letter["type"]): boolean => letter !== "full" && letter.type === type

const mayMerge = (letter: ReportLetter): boolean =>
  letter.state !== undefined && letter.samples === undefined && letter.full !== true && letter.doc === undefined

/** May be dropped before events of level 0. Results and acknowledgements of desired never are. */
const isExpendable = (letter: Letter): boolean => {
  switch (letter.type) {
    case "report":
    case "value":
    case "mail":
      return true
    case "progress":
      return !asksToStart(letter)
    case "event":
      return letter.level !== 0
    default:
      return false
  }
}
