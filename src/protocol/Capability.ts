/** Rights: dotted names of what can be done, `device.read`, and globs over them. Policies and operators' rights speak of these. */

/** Whether the glob matches the name. `*` stands for any run of characters, dots too; everything else for itself. */
export const matches = (glob: string, name: string): boolean => {
  const [first = "", ...rest] = glob.split("*")
  const last = rest.pop()
  if (last === undefined) return glob === name
  const end = name.length - last.length
  if (!name.startsWith(first) || !name.endsWith(last) || end < first.length) return false
  let at = first.length
  for (const part of rest) {
    const found = name.indexOf(part, at)
    if (found < 0 || found + part.length > end) return false
    at = found + part.length
  }
  return true
}

/** Whether one of the globs matches. A name that is empty, of what names no right, is covered by `*` alone. */
export const covers = (globs: ReadonlyArray<string>, name: string): boolean => globs.some((glob) => matches(glob, name))
