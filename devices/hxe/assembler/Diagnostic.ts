/** What is wrong with a source, where, and what to do about it. */

/** A spot in a source. Line and column count from 1. */
export interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** One thing that is wrong: the fact, and a hint what may have been meant or what helps. */
export interface Diagnostic extends Place {
  readonly message: string
  readonly hint?: string
}

/** Takes what is wrong. Work goes on after it, so that one run names everything. */
export type Report = (place: Place, message: string, hint?: string) => void

/** A list and the {@link Report} that fills it. */
export const collector = (): { readonly found: Array<Diagnostic>; readonly report: Report } => {
  const found: Array<Diagnostic> = []
  const report: Report = ({ file, line, column }, message, hint) => {
    found.push({ file, line, column, message, ...(hint === undefined ? {} : { hint }) })
  }
  return { found, report }
}

/** As compilers say it: `file:line:column: fact; hint`. */
export const diagnosticLine = ({ file, line, column, message, hint }: Diagnostic): string =>
  `${file}:${line}:${column}: ${message}${hint === undefined ? "" : `; ${hint}`}`

/** In the order of files as they came, then of lines and columns. */
export const inOrder = (found: ReadonlyArray<Diagnostic>): ReadonlyArray<Diagnostic> => {
  const files = [...new Set(found.map(({ file }) => file))]
  return [...found].sort(
    (a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column
  )
}
