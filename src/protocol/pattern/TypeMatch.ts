/** Whether an event is of one of the types that a pattern names, where `*` stands for any characters. */

/** Whether a text has the shape of a glob in which only `*` means something. Each part is looked for once, so that none is slow. */
const hasShape = (glob: string, text: string): boolean => {
  const [head = "", ...parts] = glob.split("*")
  const tail = parts.pop()
  if (tail === undefined) return glob === text
  if (text.length < head.length + tail.length || !text.startsWith(head) || !text.endsWith(tail)) return false
  let at = head.length
  for (const part of parts) {
    const found = text.indexOf(part, at)
    if (found < 0) return false
    at = found + part.length
  }
  return at <= text.length - tail.length
}

/** All types are meant where none is named. */
export const isOfTypes = (types: ReadonlyArray<string> | undefined, type: string): boolean =>
  types === undefined || types.some((glob) => hasShape(glob, type))
