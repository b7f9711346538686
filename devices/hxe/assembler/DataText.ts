/** Writes data as the directives that make it again: text where it looks like text, else bytes. */

const rowBytes = 16
/** Shorter runs of letters are more often numbers. */
const textMin = 3

const isPrintable = (byte: number): boolean => byte >= 0x20 && byte <= 0x7e
const isText = (byte: number): boolean => isPrintable(byte) || byte === 0x0a || byte === 0x0d || byte === 0x09

const escapes: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\" }

/** Length of a text that ends with a zero byte at `from`, without that byte; 0 when there is none worth it. */
const textLength = (data: Uint8Array, from: number, end: number): number => {
  let at = from
  while (at < end && isText(data[at] ?? 0)) at++
  return at < end && data[at] === 0 && at - from >= textMin ? at - from : 0
}

const quoted = (bytes: Uint8Array): string =>
  `"${[...bytes]
    .map((byte) => String.fromCharCode(byte))
    .map((letter) => escapes[letter] ?? letter)
    .join("")}"`

const hex = (byte: number): string => `0x${byte.toString(16).toUpperCase().padStart(2, "0")}`

const byteRows = (bytes: Uint8Array): ReadonlyArray<string> => {
  if (bytes.length > rowBytes && bytes.every((byte) => byte === 0)) return [`.zero ${bytes.length}`]
  const rows: Array<string> = []
  for (let at = 0; at < bytes.length; at += rowBytes) {
    rows.push(`.byte ${[...bytes.subarray(at, at + rowBytes)].map(hex).join(", ")}`)
  }
  return rows
}

/** Directives for a piece of data. */
export const dataDirectivesFor = (data: Uint8Array, start: number, end: number): ReadonlyArray<string> => {
  const rows: Array<string> = []
  let from = start
  for (let at = start; at < end; ) {
    const length = textLength(data, at, end)
    if (length === 0) {
      at++
      continue
    }
    rows.push(...byteRows(data.subarray(from, at)), `.asciz ${quoted(data.subarray(at, at + length))}`)
    at += length + 1
    from = at
  }
  return [...rows, ...byteRows(data.subarray(from, end))]
}
