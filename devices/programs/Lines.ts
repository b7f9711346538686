/** What programs print, as lines of text, no more of them than a link should carry. */

/** Bytes of a line on the link. A longer one is cut into several. */
const lineBytesMax = 1024

/** Lines of one program within a second. More are counted, and the count is said. */
const linesPerSecond = 20

/** Takes one line. */
export type SayLine = (text: string) => void

/** The output of one program: bytes in, lines out. */
export class Lines {
  readonly #now: () => number
  readonly #say: SayLine
  #rest: Buffer = Buffer.alloc(0)
  #secondStart = Number.NEGATIVE_INFINITY
  #said = 0
  #left = 0

  constructor(now: () => number, say: SayLine) {
    this.#now = now
    this.#say = say
  }

  /** More output. A line that has no end yet waits for it. */
  push(bytes: Uint8Array): void {
    this.#rest = Buffer.concat([this.#rest, bytes])
    for (;;) {
      const end = this.#rest.indexOf(0x0a)
      if (end >= 0 && end <= lineBytesMax) {
        this.#line(this.#rest.subarray(0, end))
        this.#rest = this.#rest.subarray(end + 1)
      } else if (this.#rest.length > lineBytesMax) {
        const cut = characterStart(this.#rest, lineBytesMax)
        this.#line(this.#rest.subarray(0, cut))
        this.#rest = this.#rest.subarray(cut)
      } else return
    }
  }

  /** The program ended: what has no end is a line all the same. */
  end(): void {
    if (this.#rest.length > 0) this.#line(this.#rest)
    this.#rest = Buffer.alloc(0)
    this.#tellLeft()
  }

  #line(bytes: Uint8Array): void {
    const now = this.#now()
    if (now >= this.#secondStart + 1000) {
      this.#secondStart = now
      this.#said = 0
      this.#tellLeft()
    }
    if (this.#said >= linesPerSecond) {
      this.#left++
      return
    }
    this.#said++
    // Bytes that are no UTF-8 become replacement characters, of three bytes each.
    this.#say(clipped(Buffer.from(bytes).toString("utf8").replace(/\r$/, "")))
  }

  #tellLeft(): void {
    if (this.#left === 0) return
    const left = this.#left
    this.#left = 0
    this.#say(`${left} lines are left out`)
  }
}

/** The last start of a UTF-8 character at or before `index`. */
const characterStart = (bytes: Uint8Array, index: number): number => {
  for (let at = index; at > index - 4 && at > 0; at--) if (((bytes[at] ?? 0) & 0xc0) !== 0x80) return at
  return index
}

const clipped = (text: string): string => {
  const bytes = Buffer.from(text, "utf8")
  return bytes.length <= lineBytesMax ? text : bytes.subarray(0, characterStart(bytes, lineBytesMax)).toString("utf8")
}
