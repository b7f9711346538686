/**
 * Arithmetic of doubles in PostgreSQL that never fails. Its own operators refuse a result that is too large, one that is so
 * small that it becomes zero, and a division by zero; a query over a thousand twins must not end because of one of them.
 * Here the first and the last are null, and the second is zero, as everywhere else.
 *
 * Whether a result will be too large or too small is found by the same calculation with its operands moved by powers of two
 * to where nothing can go wrong. Moving changes no digit, so that the rounding is the same, and so is the answer.
 */

const power = (exponent: number): string => `'${2 ** exponent}'::float8`

/** Both operands once, under names. `offset 0` keeps the planner from writing them out again at every use. */
const withOperands = (left: string, right: string, result: string): string =>
  `(select ${result} from (select ${left} as l, ${right} as r offset 0) as operand)`

/** Half a unit in the last place of the largest double is 2^970: nothing below can make a sum too large. */
const harmless = power(969)

/** A sum, or a difference. */
export const sum = (operator: "+" | "-", left: string, right: string): string =>
  withOperands(
    left,
    right,
    // Only two large operands make a sum that is too large, and half of them can still be added.
    `case when abs(operand.l) < ${harmless} or abs(operand.r) < ${harmless}
      or abs(operand.l * 0.5 ${operator} operand.r * 0.5) < ${power(1023)}
      then operand.l ${operator} operand.r end`
  )

/**
 * The lower half of a product: what is left of x·y when p, its rounded value, is taken away (Dekker 1971). Exact while
 * nothing in it is too large or too small.
 */
const lowerHalf = (x: string, y: string, p: string): string => {
  const head = (value: string) => `(134217729 * ${value} - (134217729 * ${value} - ${value}))`
  const tail = (value: string) => `(${value} - ${head(value)})`
  return `(((${head(x)} * ${head(y)} - ${p}) + ${head(x)} * ${tail(y)} + ${tail(x)} * ${head(y)}) + ${tail(x)} * ${tail(y)})`
}

/** A product. */
export const product = (left: string, right: string): string => {
  const large = "greatest(abs(operand.l), abs(operand.r))"
  const small = "least(abs(operand.l), abs(operand.r))"
  // Below 2^−1075, or just there, a product rounds to zero. Moved by 2^1012 that is 2^−63.
  const bound = power(-63)
  const moved = `(select case when scaled.x * scaled.y > ${bound} then operand.l * operand.r
      when scaled.x * scaled.y < ${bound} then 0
      when ${lowerHalf("scaled.x", "scaled.y", bound)} > 0 then operand.l * operand.r else 0 end
      from (select ${large} * ${power(538)} as x, ${small} * ${power(474)} as y offset 0) as scaled)`
  return withOperands(
    left,
    right,
    `case when operand.l is null or operand.r is null then null
      when operand.l = 0 or operand.r = 0 then 0
      when ${small} >= ${power(512)} then null
      when ${large} >= ${power(512)} then
        case when ${large} * ${power(-512)} * ${small} < ${power(512)} then operand.l * operand.r end
      when ${large} < ${power(-538)} then 0
      when ${large} < 1 and ${small} < ${power(-537)} then ${moved}
      else operand.l * operand.r end`
  )
}

/** A quotient. */
export const quotient = (left: string, right: string): string => {
  const [over, under] = ["abs(operand.l)", "abs(operand.r)"]
  return withOperands(
    left,
    right,
    `case when operand.l is null or operand.r is null or operand.r = 0 then null
      when operand.l = 0 then 0
      when ${under} < 1 and ${over} >= ${power(-60)} then
        case when ${over} >= ${power(512)} and ${under} < ${power(-513)} then null
          when (${over} * ${power(-300)}) / (${under} * ${power(300)}) < ${power(424)} then operand.l / operand.r end
      when ${under} > 1 and ${over} < 1 then
        case when ${over} < ${power(-538)} and ${under} > ${power(538)} then 0
          when (${over} * ${power(300)}) / (${under} * ${power(-300)}) > ${power(-475)} then operand.l / operand.r
          else 0 end
      else operand.l / operand.r end`
  )
}
