/** A tap: a listener's own queue of copies. It never holds up the mailbox: what does not fit pushes out the oldest copy. */
import { type Message, messageCost, messageFlags } from "./MailboxTypes.ts"

const windowMillis = 1000

/** What became of a copy: taken, or left out because of the rate; `first` once per window. */
export type TapOutcome = "taken" | "limited" | "limited-first"

/** The copies one handle has not read yet. */
export class Tap {
  readonly #capacity: number
  readonly #rate: number | undefined
  #queue: Array<Message> = []
  #bytes = 0
  /** Copies were pushed out before the oldest that is left. */
  #isOverrun = false
  /** Copies were left out behind the newest. */
  #isLimited = false
  #windowStart = Number.NEGATIVE_INFINITY
  #windowCopies = 0

  /** @param rate copies within a second; none for no limit. */
  constructor(capacity: number, rate: number | undefined) {
    this.#capacity = capacity
    this.#rate = rate
  }

  /** The rate it was made with. */
  get rate(): number | undefined {
    return this.#rate
  }

  get depth(): number {
    return this.#queue.length
  }

  get bytesUsed(): number {
    return this.#bytes
  }

  /** The next copy, without taking it. */
  get next(): Message | undefined {
    return this.#queue[0]
  }

  /** Copies a message. The first copy behind one that is lost says so. */
  offer(message: Message, now: number): TapOutcome {
    if (now - this.#windowStart >= windowMillis) {
      this.#windowStart = now
      this.#windowCopies = 0
    }
    this.#windowCopies += 1
    if (this.#rate !== undefined && this.#windowCopies > this.#rate) {
      this.#isLimited = true
      return this.#windowCopies === this.#rate + 1 ? "limited-first" : "limited"
    }
    const cost = messageCost(message.data)
    while (this.#queue.length > 0 && this.#bytes + cost > this.#capacity) {
      const lost = this.#queue.shift()
      if (lost !== undefined) this.#bytes -= messageCost(lost.data)
      this.#isOverrun = true
    }
    this.#queue.push(this.#isLimited ? { ...message, flags: message.flags | messageFlags.overrun } : message)
    this.#isLimited = false
    this.#bytes += cost
    return "taken"
  }

  /** Takes the next copy. */
  take(): Message | undefined {
    const message = this.#queue.shift()
    if (message === undefined) return undefined
    this.#bytes -= messageCost(message.data)
    const flags = this.#isOverrun ? message.flags | messageFlags.overrun : message.flags
    this.#isOverrun = false
    return { ...message, flags }
  }
}
