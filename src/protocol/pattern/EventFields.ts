/** What is known of the fields of events, by their types: what actors say in is declared, and what patterns publish follows from them. */
import type { Schema, SchemaAST } from "effect"
import type { PlainSchema } from "../Contract.ts"
import { formatPath } from "../condition/Format.ts"
import { events, type Field, type Source } from "../condition/Source.ts"
import { MatchView } from "../PatternPartition.ts"
import { raisedType, valueNames } from "./Brought.ts"
import type { EventTypes, Pattern } from "./Pattern.ts"
import { isOfTypes } from "./TypeMatch.ts"

/** Fields of an event's data, by their paths from it as {@link formatPath} writes them. What is not among them is not there. */
export type KnownFields = ReadonlyMap<string, Field>

/** Boards speak in types of this kind themselves, and in any other that no actor speaks in. */
const boardsPrefix = "board."

const unknown: Field = { type: "unknown" }
/** Maps in maps that are looked into; below them anything is taken. */
const depthMax = 8

const literalType = (value: unknown): Field["type"] => {
  if (typeof value === "number") return "number"
  if (typeof value === "boolean") return "boolean"
  return typeof value === "string" ? "text" : "unknown"
}

/** The field a schema describes, and where it is a map of known fields, those. */
interface Shape {
  readonly field: Field
  readonly below: ReadonlyMap<string, Shape>
}
const leaf = (field: Field): Shape => ({ field, below: new Map() })

const isNothing = (ast: SchemaAST.AST): boolean =>
  ast._tag === "Null" || ast._tag === "Undefined" || ast._tag === "Void"

const shapeOf = (ast: SchemaAST.AST, depth: number): Shape => {
  switch (ast._tag) {
    case "String":
    case "TemplateLiteral":
      return leaf({ type: "text" })
    case "Number":
      return leaf({ type: "number" })
    case "Boolean":
      return leaf({ type: "boolean" })
    case "Literal":
      return leaf(
        typeof ast.literal === "string" ? { type: "text", values: [ast.literal] } : { type: literalType(ast.literal) }
      )
    case "Arrays":
      return leaf({ type: "list" })
    case "Objects":
      return depth === 0 || ast.indexSignatures.length > 0
        ? leaf({ type: "map" })
        : {
            field: { type: "map" },
            below: new Map(
              ast.propertySignatures.flatMap(({ name, type }) =>
                typeof name === "string" ? [[name, shapeOf(type, depth - 1)] as const] : []
              )
            )
          }
    case "Union":
      return (
        ast.types
          .filter((each) => !isNothing(each))
          .map((each) => shapeOf(each, depth))
          .reduce(eitherShape, undefined) ?? leaf(unknown)
      )
    default:
      return leaf(unknown)
  }
}

/** What a field is that may be the one or the other. */
const either = (one: Field, other: Field): Field => {
  if (one.type !== other.type) return unknown
  return one.values === undefined || other.values === undefined
    ? { type: one.type }
    : { type: one.type, values: [...new Set([...one.values, ...other.values])] }
}

const eitherShape = (one: Shape | undefined, other: Shape): Shape => {
  if (one === undefined) return other
  const below = new Map(one.below)
  for (const [name, shape] of other.below) below.set(name, eitherShape(below.get(name), shape))
  // An open map takes any field, beside those of a closed one too.
  const isOpen = [one, other].some((each) => each.field.type === "map" && each.below.size === 0)
  return { field: either(one.field, other.field), below: isOpen ? new Map() : below }
}

/** The fields below a shape; nothing where any may be there. */
const fieldsOf = (shape: Shape): KnownFields | undefined => {
  if (shape.field.type !== "map") return undefined
  const fields = new Map<string, Field>()
  const gather = (path: ReadonlyArray<string>, { field, below }: Shape): void => {
    if (field.type !== "map" || below.size === 0) fields.set(formatPath(path), field)
    else for (const [name, each] of below) gather([...path, name], each)
  }
  for (const [name, each] of shape.below) gather([name], each)
  return fields
}

/** The fields that a schema of an event's data declares; nothing where any may be there. */
export const declaredFields = (schema: PlainSchema): KnownFields | undefined => {
  const ast = (schema as Schema.Top).ast
  const isClosed = ast._tag === "Objects" && ast.indexSignatures.length === 0
  return isClosed ? fieldsOf(shapeOf(ast, depthMax)) : undefined
}

/** What every event has beside its data. */
const around = new Map([...events.fields].filter(([path]) => path !== events.root && path !== "reported"))

const matchFields = declaredFields(MatchView) ?? new Map<string, Field>()

/** What an event that a pattern publishes carries: the match, with what the pattern computes and names. */
const publishedFields = (pattern: Pattern, type: string): KnownFields => {
  const fields = new Map([...matchFields].filter(([path]) => path !== "by" && path !== "values"))
  for (const path of pattern.by) fields.set(formatPath(["by", formatPath(path)]), unknown)
  for (const name of valueNames(pattern)) fields.set(formatPath(["values", name]), unknown)
  if (type === raisedType) fields.set("signal", { type: "text" })
  return fields
}

/** What patterns publish. */
export interface Publishers {
  readonly published: () => Iterable<string>
  readonly publishersOf: (type: string) => ReadonlyArray<Pattern>
}

const union = (all: ReadonlyArray<KnownFields>): KnownFields => {
  const fields = new Map<string, Field>()
  for (const each of all)
    for (const [path, field] of each) {
      const known = fields.get(path)
      fields.set(path, known === undefined ? field : either(known, field))
    }
  return fields
}

/** The types before their first dot: `device` of `device.*`. Nothing where it is not written out. */
const spaceOf = (type: string): string | undefined => /^([^.*]+)\./.exec(type)?.[1]

/**
 * What is known of events by the types that somebody asks for, from the types that actors speak in with the schemas of their
 * data, and from what patterns publish. Of several types all fields are known that one of them has. Whatever boards may speak
 * in has any field: types below `board`, and those of which nobody here speaks. A type with a `*` stands for those known here
 * where its first word is one of theirs. What has any field is `open`, which may say what they count in.
 */
export const eventSources = (declared: ReadonlyMap<string, PlainSchema>, open: Source = events) => {
  const fieldsByType = new Map(Array.from(declared, ([type, schema]) => [type, declaredFields(schema)]))
  const spaces = new Set([...declared.keys()].map(spaceOf))

  /** Nothing where an event of the type may have any field. */
  const ofType = (type: string, { publishersOf }: Publishers): KnownFields | undefined => {
    if (type.startsWith(boardsPrefix)) return undefined
    const byPatterns = publishersOf(type).map((pattern) => publishedFields(pattern, type))
    if (!fieldsByType.has(type)) return byPatterns.length === 0 ? undefined : union(byPatterns)
    const fields = fieldsByType.get(type)
    return fields && union([fields, ...byPatterns])
  }

  const matching = (type: string, { published }: Publishers): ReadonlyArray<string> => {
    if (!type.includes("*")) return [type]
    const space = spaceOf(type)
    if (space === undefined || !spaces.has(space)) return [type]
    const found = [...declared.keys(), ...published()].filter((each) => isOfTypes([type], each))
    return found.length === 0 ? [type] : found
  }

  return (publishers: Publishers) =>
    (types: EventTypes | undefined): Source => {
      if (types === undefined) return open
      const all = types.flatMap((type) => matching(type, publishers)).map((type) => ofType(type, publishers))
      const known = all.filter((fields) => fields !== undefined)
      if (known.length < all.length) return open
      const fields = new Map(around)
      for (const [path, field] of union(known)) fields.set(`${events.root}.${path}`, field)
      return { name: types.join(" or "), root: events.root, fields }
    }
}
