/** `$name` and `${any.name}` in what a match tells: they stand for what the match carries. */

const form = String.raw`\$(?:\{([^}]+)\}|([A-Za-z_][A-Za-z0-9_.]*))`
const anywhere = new RegExp(form, "g")
const whole = new RegExp(`^${form}$`)

/** One of them in a text: as it is written, and the name in it. */
export interface Placeholder {
  readonly written: string
  readonly name: string
}

/** All of a text, in their order. */
export const placeholdersOf = (text: string): ReadonlyArray<Placeholder> =>
  Array.from(text.matchAll(anywhere), ([written, braced, bare]) => ({ written, name: braced ?? bare ?? "" }))

/** Fills a text in; one that is nothing but a name becomes its value. A name that stands for nothing stays. */
export const filledIn = (text: string, valueFor: (name: string) => unknown): unknown => {
  const only = whole.exec(text)
  if (only !== null) return valueFor(only[1] ?? only[2] ?? "") ?? text
  return text.replaceAll(anywhere, (written, braced?: string, bare?: string) => {
    const value = valueFor(braced ?? bare ?? "")
    return value === undefined ? written : String(value)
  })
}
