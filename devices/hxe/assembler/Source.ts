/** Lines of a source with what they include, without comments. */
import type { Place, Report } from "./Diagnostic.ts"
import { readString } from "./Literals.ts"

/** A source and the name it goes by in what is said about it. */
export interface SourceText {
  readonly file: string
  readonly text: string
}

/** Finds what `.include "name"` in the file `from` means; nothing when there is no such file. */
export type Include = (name: string, from: string) => SourceText | undefined

/** One line that says something. */
export interface SourceLine {
  readonly file: string
  readonly line: number
  /** Without the comment; blanks before it are kept, so that columns stay. */
  readonly text: string
  /** How many includes it came through. */
  readonly depth: number
}

const depthMax = 32

/** The part before `;`, which counts for itself in quotes. */
const withoutComment = (text: string): string => {
  let quote: string | undefined
  for (let at = 0; at < text.length; at++) {
    const letter = text[at]
    if (quote !== undefined) {
      if (letter === "\\") at++
      else if (letter === quote) quote = undefined
    } else if (letter === '"' || letter === "'") quote = letter
    else if (letter === ";") return text.slice(0, at)
  }
  return text
}

/** The name in `.include "name"`, or in `.include name`. */
const includedName = (rest: string): string | undefined => {
  const written = rest.trim()
  if (!/^["']/.test(written)) return /^\S+$/.test(written) ? written : undefined
  const read = readString(written)
  return read.ok ? new TextDecoder().decode(read.bytes) : undefined
}

/** All lines that say something, those of included files where they are included. */
export const readLines = (source: SourceText, include: Include, report: Report): ReadonlyArray<SourceLine> => {
  const lines: Array<SourceLine> = []
  const walk = ({ file, text }: SourceText, chain: ReadonlyArray<string>): void => {
    for (const [index, whole] of text.split(/\r\n|\n|\r/).entries()) {
      const line = index + 1
      const said = withoutComment(whole).trimEnd()
      if (said === "") continue
      const [, before = "", rest] = /^(\s*)\.include\b(.*)$/i.exec(said) ?? []
      if (rest === undefined) {
        lines.push({ file, line, text: said, depth: chain.length - 1 })
        continue
      }
      const place: Place = { file, line, column: before.length + 1 }
      const name = includedName(rest)
      if (name === undefined || name === "") {
        report(place, ".include takes the name of a file", 'write .include "name"')
        continue
      }
      const found = include(name, file)
      if (found === undefined) report(place, `there is no file ${name} to include`)
      else if (chain.includes(found.file)) report(place, `${name} includes itself`, "take one of the two out")
      else if (chain.length > depthMax) report(place, `includes go deeper than ${depthMax} files`)
      else walk(found, [...chain, found.file])
    }
  }
  walk(source, [source.file])
  return lines
}

/** A piece of a line, and the column it begins at. */
export interface Piece {
  readonly text: string
  readonly column: number
}

/** The pieces between commas, trimmed. A comma in quotes separates nothing. Blank text has no pieces. */
export const splitOperands = (text: string, column: number): ReadonlyArray<Piece> => {
  if (text.trim() === "") return []
  const pieces: Array<Piece> = []
  let quote: string | undefined
  let start = 0
  const take = (end: number): void => {
    const piece = text.slice(start, end)
    pieces.push({ text: piece.trim(), column: column + start + (piece.length - piece.trimStart().length) })
    start = end + 1
  }
  for (let at = 0; at < text.length; at++) {
    const letter = text[at]
    if (quote !== undefined) {
      if (letter === "\\") at++
      else if (letter === quote) quote = undefined
    } else if (letter === '"' || letter === "'") quote = letter
    else if (letter === ",") take(at)
  }
  take(text.length)
  return pieces
}
