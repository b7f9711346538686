/** The last answers of a board, so that a request that comes again is answered again and not done again. */
import { isDeepStrictEqual } from "node:util"

/** A request from the cluster: its number is unique among those of its type while it is unanswered. */
export interface Numbered {
  readonly type: string
  readonly req: number
  readonly epoch: number
}

interface Remembered<A> {
  readonly request: Omit<Numbered, "epoch">
  readonly answer: A
}

/** Remembers so many answers; an older one is forgotten for each new one. */
export class AnswerMemory<A> {
  readonly #max: number
  /** By type and number, oldest first. */
  readonly #answers = new Map<string, Remembered<A>>()

  constructor(max: number) {
    this.#max = max
  }

  /** The answer this request had. One that only shares its number with an earlier one is another request. */
  recall(request: Numbered): A | undefined {
    const known = this.#answers.get(keyOf(request))
    return known !== undefined && isDeepStrictEqual(known.request, withoutEpoch(request)) ? known.answer : undefined
  }

  /** Keeps an answer. */
  keep(request: Numbered, answer: A): void {
    const key = keyOf(request)
    this.#answers.delete(key)
    this.#answers.set(key, { request: withoutEpoch(request), answer })
    if (this.#answers.size <= this.#max) return
    const oldest = this.#answers.keys().next()
    if (oldest.done !== true) this.#answers.delete(oldest.value)
  }
}

const keyOf = ({ type, req }: Numbered): string => `${type} ${req}`

/** A repeat may come over another attach. */
const withoutEpoch = ({ epoch: _epoch, ...request }: Numbered): Omit<Numbered, "epoch"> => request
