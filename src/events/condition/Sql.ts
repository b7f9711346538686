/**
 * Compiles a condition into SQL over columns of a table, for PostgreSQL. Nothing that anybody wrote stands in the text:
 * names, texts, numbers and patterns are parameters, and the rest is chosen from what is written here.
 */
import type { BoundCondition, BoundPath, BoundTerm } from "../../protocol/condition/Bound.ts"
import type { Comparison } from "../../protocol/condition/Condition.ts"
import { isIndex, lengthKey } from "../../protocol/condition/Values.ts"
import { product, quotient, sum } from "./SqlArithmetic.ts"
import { likePattern, regularExpression } from "./SqlPattern.ts"

/** A column that holds what stands at the first key of a path: a text, or `jsonb` with all that is below. */
export interface SqlColumn {
  readonly type: "text" | "jsonb"
  /** Its name, with the table's before it where that is needed: `twin.reported`. */
  readonly name: string
}

/** Columns by the first key of their paths. */
export type SqlColumns = Readonly<Record<string, SqlColumn>>

/** A condition for `where`. */
export interface SqlCondition {
  /** With `$1` and so on for the parameters. It is null where the condition does not hold because something is missing. */
  readonly text: string
  readonly parameters: ReadonlyArray<string>
}

const columnName = /^[a-z_][a-z0-9_]*(?:\.[a-z_][a-z0-9_]*)?$/
/** What PostgreSQL would take for the number of an element, and we do not: `-1`, `01`, ` 1`. */
const isNearlyIndex = (key: string): boolean => /^ *[+-]?[0-9]+$/.test(key) && !isIndex(key)

const operators: Readonly<Record<Comparison, string>> = {
  "<": "<",
  "<=": "<=",
  "==": "=",
  "!=": "<>",
  ">=": ">=",
  ">": ">"
}

class SqlCompiler {
  private readonly columns: SqlColumns
  private readonly first: number
  private readonly places = new Map<string, string>()

  constructor(columns: SqlColumns, first: number) {
    this.columns = columns
    this.first = first
    for (const { name } of Object.values(columns))
      if (!columnName.test(name)) throw new Error(`${name} is no name of a column`)
  }

  get parameters(): ReadonlyArray<string> {
    return [...this.places.keys()]
  }

  condition(condition: BoundCondition): string {
    switch (condition._tag) {
      case "Always":
        return String(condition.value)
      case "Not":
        // Null stands for false within; `is not true` makes both of them true.
        return `(${this.condition(condition.of)}) is not true`
      case "All":
        return `(${condition.of.map((each) => this.condition(each)).join(" and ")})`
      case "Any":
        return `(${condition.of.map((each) => this.condition(each)).join(" or ")})`
      case "Exists":
        return `(${this.at(condition.path) ?? "null"}) is not null`
      case "Compare":
        return this.compare(condition.operator, condition.left, condition.right)
      case "Within":
        return `(${this.compare(">=", condition.term, condition.low)} and ${this.compare("<=", condition.term, condition.high)})`
      case "Among":
        return this.among(condition.term, condition.items)
      case "Contains": {
        const [text, part] = [this.textOf(condition.term), this.textOf(condition.part)]
        return text === undefined || part === undefined ? "false" : `strpos(${text}, ${part}) > 0`
      }
      case "Matches": {
        const text = this.textOf(condition.term)
        if (text === undefined) return "false"
        if (condition.operator === "glob") return `${text} like ${this.parameter(likePattern(condition.text))}`
        return `${text} collate "C" ~ ${this.parameter(regularExpression(condition.pattern))}`
      }
      case "Bit":
        return this.bit(condition.term, condition.bit)
      case "Has":
        return this.has(condition.path, condition.item)
    }
  }

  /** Each pair of values of one type; a value whose type is not known before may be any. */
  private compare(operator: Comparison, left: BoundTerm, right: BoundTerm): string {
    const sign = operators[operator]
    const isOrder = operator !== "==" && operator !== "!="
    return this.pairs(
      [this.numberOf(left), this.textOf(left), isOrder ? undefined : this.booleanOf(left)],
      [this.numberOf(right), this.textOf(right), isOrder ? undefined : this.booleanOf(right)],
      (one, other, isText) => `${one} ${sign} ${isText ? `${other} collate "C"` : other}`
    )
  }

  private pairs(
    left: ReadonlyArray<string | undefined>,
    right: ReadonlyArray<string | undefined>,
    test: (one: string, other: string, isText: boolean) => string
  ): string {
    const tests = left.flatMap((one, index) => {
      const other = right[index]
      return one === undefined || other === undefined ? [] : [test(one, other, index === 1)]
    })
    return tests.length === 0 ? "false" : `(${tests.join(" or ")})`
  }

  private among(term: BoundTerm, items: ReadonlyArray<BoundTerm>): string {
    const texts = items.flatMap((item) => (item._tag === "Text" ? [this.parameter(item.value)] : []))
    const numbers = items.flatMap((item) => (item._tag === "Number" ? [this.number(item.value)] : []))
    const others = items.filter(({ _tag }) => _tag !== "Text" && _tag !== "Number")
    const [text, number] = [this.textOf(term), this.numberOf(term)]
    const tests = others.map((item) => this.compare("==", term, item))
    if (text !== undefined && texts.length > 0) tests.push(`${text} in (${texts.join(", ")})`)
    if (number !== undefined && numbers.length > 0) tests.push(`${number} in (${numbers.join(", ")})`)
    return tests.length === 0 ? "false" : `(${tests.join(" or ")})`
  }

  /** Whether a whole number is odd once the bits below are gone; null where it is none. Nothing here can be too large or small. */
  private bit(term: BoundTerm, bit: number): string {
    const number = this.numberOf(term)
    if (number === undefined) return "false"
    const [value, step] = ["holon_whole.holon_value", this.number(2 ** bit)]
    const odd = `floor(${value} / ${step}) - 2 * floor(${value} / ${step} / 2) = 1`
    const isWhole = `${value} >= 0 and ${value} <= 9007199254740991 and ${value} = floor(${value})`
    return `(select case when ${isWhole} then ${odd} end from (select ${number} as holon_value offset 0) as holon_whole)`
  }

  private has(path: BoundPath, item: BoundTerm): string {
    const list = this.json(path)
    if (list === undefined) return "false"
    const element = "holon_element.holon_value"
    const equal = this.pairs(
      [numberIn(element), textIn(element), booleanIn(element)],
      [this.numberOf(item), this.textOf(item), this.booleanOf(item)],
      (one, other, isText) => `${one} = ${isText ? `${other} collate "C"` : other}`
    )
    const elements = `jsonb_array_elements(case when jsonb_typeof(${list}) = 'array' then ${list} else '[]' end)`
    return `exists (select from ${elements} as holon_element (holon_value) where ${equal})`
  }

  /** A term as a double; nothing where it can be no number. */
  private numberOf(term: BoundTerm): string | undefined {
    switch (term._tag) {
      case "Number":
        return this.number(term.value)
      case "Field": {
        const json = this.json(term.path)
        return json === undefined ? undefined : numberIn(json)
      }
      case "Arithmetic": {
        const [left, right] = [this.numberOf(term.left), this.numberOf(term.right)]
        if (left === undefined || right === undefined) return undefined
        if (term.operator === "*") return product(left, right)
        return term.operator === "/" ? quotient(left, right) : sum(term.operator, left, right)
      }
      default:
        return undefined
    }
  }

  private textOf(term: BoundTerm): string | undefined {
    if (term._tag === "Text") return this.parameter(term.value)
    if (term._tag !== "Field") return undefined
    const json = this.json(term.path)
    return json === undefined ? this.at(term.path) : textIn(json)
  }

  private booleanOf(term: BoundTerm): string | undefined {
    if (term._tag === "Boolean") return String(term.value)
    const json = term._tag === "Field" ? this.json(term.path) : undefined
    return json === undefined ? undefined : booleanIn(json)
  }

  /** What stands at a path as `jsonb`; nothing where the column is a text. */
  private json(path: BoundPath): string | undefined {
    return this.column(path).type === "jsonb" ? this.at(path) : undefined
  }

  /** What stands at a path; nothing where nothing can. */
  private at([first, ...rest]: BoundPath): string | undefined {
    const { name, type } = this.column([first])
    if (type === "text") return rest.length === 0 ? name : undefined
    let value = name
    let keys: Array<string> = []
    const descend = () => {
      if (keys.length > 0) value = `(${value} #> array[${keys.join(", ")}])`
      keys = []
    }
    for (const key of rest) {
      const parameter = this.parameter(key)
      if (key === lengthKey) {
        descend()
        value = `(case jsonb_typeof(${value}) when 'array' then to_jsonb(jsonb_array_length(${value})) else ${value} -> ${parameter} end)`
      } else if (isNearlyIndex(key)) {
        descend()
        // This operator takes a text for the key of a map only.
        value = `(${value} -> ${parameter})`
      } else keys.push(parameter)
    }
    descend()
    return value
  }

  private column([first]: BoundPath): SqlColumn {
    const column = Object.hasOwn(this.columns, first) ? this.columns[first] : undefined
    if (column === undefined) throw new Error(`no column holds ${first}`)
    return column
  }

  /** The shortest text of a double is read as the same double. */
  private number(value: number): string {
    return `${this.parameter(String(value))}::float8`
  }

  /** All parameters are texts, so that no driver has to guess; equal ones are one. */
  private parameter(value: string): string {
    const known = this.places.get(value)
    if (known !== undefined) return known
    const place = `$${this.first + this.places.size}::text`
    this.places.set(value, place)
    return place
  }
}

const numberIn = (json: string): string => `(case when jsonb_typeof(${json}) = 'number' then (${json})::float8 end)`
const textIn = (json: string): string => `(case when jsonb_typeof(${json}) = 'string' then ${json} #>> '{}' end)`
const booleanIn = (json: string): string => `(case when jsonb_typeof(${json}) = 'boolean' then (${json})::boolean end)`

/**
 * A condition as SQL. `first` is the number of its first parameter, for a statement that has others before. The names of the
 * columns must come from the program, and every first key of the condition's paths must have one.
 */
export const sqlCondition = (condition: BoundCondition, columns: SqlColumns, first = 1): SqlCondition => {
  const compiler = new SqlCompiler(columns, first)
  const text = compiler.condition(condition)
  return { text, parameters: compiler.parameters }
}
