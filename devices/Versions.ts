/** Semantic versions, and ranges of them as manifests name what they depend on. */

const numbersOf = (version: string): ReadonlyArray<number> =>
  (/^[\d.]+/.exec(version)?.[0] ?? "").split(".").map(Number)

const prereleaseOf = (version: string): ReadonlyArray<string> => {
  const core = version.split("+")[0] ?? ""
  const dash = core.indexOf("-")
  return dash < 0 ? [] : core.slice(dash + 1).split(".")
}

const compareIdentifiers = (left: string, right: string): number => {
  const isNumber = /^\d+$/
  if (isNumber.test(left) && isNumber.test(right)) return Number(left) - Number(right)
  // Numbers come before words.
  if (isNumber.test(left) !== isNumber.test(right)) return isNumber.test(left) ? -1 : 1
  return left < right ? -1 : left > right ? 1 : 0
}

/** Below 0 when the left version is older: Semantic Versioning 2.0.0, item 11. A number that is left out counts as 0. */
export const compareVersions = (left: string, right: string): number => {
  const [numbers, others] = [numbersOf(left), numbersOf(right)]
  for (let index = 0; index < Math.max(numbers.length, others.length); index++) {
    const difference = (numbers[index] ?? 0) - (others[index] ?? 0)
    if (difference !== 0) return difference
  }
  const one = prereleaseOf(left)
  const other = prereleaseOf(right)
  // A version without a word behind it is newer than one with.
  if (one.length === 0 || other.length === 0) return other.length - one.length
  for (let index = 0; index < Math.max(one.length, other.length); index++) {
    const mine = one[index]
    const theirs = other[index]
    if (mine === undefined || theirs === undefined) return mine === undefined ? -1 : 1
    const difference = compareIdentifiers(mine, theirs)
    if (difference !== 0) return difference
  }
  return 0
}

/** `1`, `1.2`, `1.2.3-rc.1`: what is left out counts as 0, and as any in a range. */
const partPattern = /^(\d+)(?:\.(\d+|x|\*))?(?:\.(\d+|x|\*))?(-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$/

/** Whether this is a version, whole or with its last numbers left out. */
export const isVersion = (text: string): boolean => partPattern.test(text) && !/[x*]/.test(text.split(/[-+]/)[0] ?? "")

/** From a version on, and below another. */
interface Span {
  readonly from: string
  readonly below: string | undefined
}

/** The first version behind all that begin with the first `count` of these numbers; its first word, before any other. */
const behind = (numbers: ReadonlyArray<number>, count: number): string => {
  const next = [0, 1, 2].map((index) =>
    index < count - 1 ? (numbers[index] ?? 0) : index === count - 1 ? (numbers[index] ?? 0) + 1 : 0
  )
  return `${next.join(".")}-0`
}

const spanOf = (comparator: string): Span | undefined => {
  if (comparator === "*" || comparator === "x") return { from: "0.0.0-0", below: undefined }
  const [, operator = "", version = ""] = /^(\^|~|>=|<=|>|<|=)?(.*)$/.exec(comparator) ?? []
  const part = partPattern.exec(version)
  if (part === null) return undefined
  const given = [part[1], part[2], part[3]].filter((number) => number !== undefined && /^\d+$/.test(number)).map(Number)
  const whole = `${[0, 1, 2].map((index) => given[index] ?? 0).join(".")}${part[4] ?? ""}`
  const upTo = given.length === 3 ? `${whole}` : undefined
  switch (operator) {
    case "^": {
      // Below 1.0.0 the first number that is not 0 is the one that breaks.
      const breaking = given.findIndex((number) => number > 0)
      return { from: whole, below: behind(given, breaking < 0 ? given.length : breaking + 1) }
    }
    case "~":
      return { from: whole, below: behind(given, Math.min(2, given.length)) }
    case ">=":
      return { from: whole, below: undefined }
    case ">":
      return { from: upTo === undefined ? behind(given, given.length) : after(upTo), below: undefined }
    case "<":
      return { from: "0.0.0-0", below: whole }
    case "<=":
      return { from: "0.0.0-0", below: upTo === undefined ? behind(given, given.length) : after(upTo) }
    default:
      return { from: whole, below: upTo === undefined ? behind(given, given.length) : after(upTo) }
  }
}

/** The version right behind this one. */
const after = (version: string): string => {
  if (version.includes("-")) return `${version}.0`
  const [major = 0, minor = 0, patch = 0] = numbersOf(version)
  return `${major}.${minor}.${patch + 1}-0`
}

/**
 * Whether a version is in a range: `^1.2`, `~1.2.3`, `1.x`, `>=1.2 <2`, and several of them with `||`. Undefined where that
 * is no range.
 */
export const isInRange = (version: string, range: string): boolean | undefined => {
  let isIn = false
  for (const alternative of range.split("||")) {
    const spans = alternative.trim().split(/\s+/).map(spanOf)
    if (spans.includes(undefined)) return undefined
    isIn ||= spans.every(
      (span) =>
        span !== undefined &&
        compareVersions(version, span.from) >= 0 &&
        (span.below === undefined || compareVersions(version, span.below) < 0)
    )
  }
  return isIn
}
