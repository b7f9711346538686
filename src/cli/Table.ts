/** Tables for people: columns as wide as their widest cell, numbers to the right. */

/** A cell; a number is aligned to the right. */
export type Cell = string | number

const width = (text: string): number => [...text].length

/** Lines of a table with a header. */
export const table = (header: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<Cell>>): string => {
  const widths = header.map((title, column) =>
    Math.max(width(title), ...rows.map((row) => width(String(row[column] ?? ""))))
  )
  const line = (cells: ReadonlyArray<Cell>): string =>
    widths
      .map((size, column) => {
        const cell = cells[column] ?? ""
        const space = " ".repeat(Math.max(0, size - width(String(cell))))
        return typeof cell === "number" ? space + String(cell) : String(cell) + space
      })
      .join("  ")
      .trimEnd()
  return [line(header.map((title) => title.toUpperCase())), ...rows.map(line)].join("\n")
}

/** A duration as people say it: `3 s`, `12 min`. */
export const ago = (millis: number): string => {
  const seconds = Math.max(0, Math.round(millis / 1000))
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} d`
}

/** A twin's fields on one line, cut to what a terminal holds. */
export const fields = (map: Readonly<Record<string, unknown>>, widthMax = 60): string => {
  const text = Object.entries(map)
    .map(([name, value]) => `${name}=${typeof value === "object" ? JSON.stringify(value) : String(value)}`)
    .join(" ")
  return text.length > widthMax ? `${text.slice(0, widthMax - 1)}…` : text
}
