/** Cuts what comes over a connection into lines, and keeps no more of a line than a request may have. */

/** Bytes of one request: a chunk of the largest size in hexadecimal, and room for the rest. */
export const lineBytesMax = 65_536

/** A line without its end; `too_long` stands for one of which nothing was kept, `not_text` for one that is not UTF-8. */
export type Line = { readonly text: string } | { readonly fault: "too_long" | "not_text" }

const lineEnd = 0x0a

/** The lines of one connection. */
export class Lines {
  readonly #decoder = new TextDecoder("utf-8", { fatal: true })
  #parts: Array<Uint8Array> = []
  #bytes = 0
  /** The rest of a line that was too long goes by. */
  #isSkipping = false

  /** The lines that end with these bytes. Blank ones are left out. */
  push(bytes: Uint8Array): ReadonlyArray<Line> {
    const lines: Array<Line> = []
    let from = 0
    for (let end = bytes.indexOf(lineEnd); end >= 0; end = bytes.indexOf(lineEnd, from)) {
      const line = this.#finish(bytes.subarray(from, end))
      if (line !== undefined) lines.push(line)
      from = end + 1
    }
    const line = this.#keep(bytes.subarray(from))
    if (line !== undefined) lines.push(line)
    return lines
  }

  /** Takes a part of a line; tells of a line that is too long as soon as that is known. */
  #keep(part: Uint8Array): Line | undefined {
    if (part.length === 0 || this.#isSkipping) return undefined
    this.#bytes += part.length
    if (this.#bytes > lineBytesMax) {
      this.#forget()
      this.#isSkipping = true
      return { fault: "too_long" }
    }
    this.#parts.push(new Uint8Array(part))
    return undefined
  }

  #finish(last: Uint8Array): Line | undefined {
    const fault = this.#keep(last)
    const parts = this.#parts
    this.#forget()
    if (this.#isSkipping) {
      this.#isSkipping = false
      return fault
    }
    try {
      const text = this.#decoder.decode(Buffer.concat(parts)).trim()
      return text === "" ? undefined : { text }
    } catch {
      return { fault: "not_text" }
    }
  }

  #forget(): void {
    this.#parts = []
    this.#bytes = 0
  }
}
