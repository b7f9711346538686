/** Renders the frame tables of the link's page from the codec's own table and the comments of the frame types. */
import { readdirSync, readFileSync } from "node:fs"
import type { CodeEntry } from "../src/protocol/Codes.ts"

const source = (name: string) => readFileSync(new URL(`../src/protocol/${name}`, import.meta.url), "utf8")

/** Splits `text` at commas that stand outside of brackets. */
const split = (text: string): ReadonlyArray<string> => {
  const parts: Array<string> = []
  let depth = 0
  let part = ""
  // The head of an arrow is no bracket.
  for (const character of text.replaceAll("=>", "⇒")) {
    if ("([{<".includes(character)) depth++
    if (")]}>".includes(character)) depth--
    if (character === "," && depth === 0) {
      parts.push(part)
      part = ""
    } else part += character
  }
  return [...parts, part].map((each) => each.trim()).filter((each) => each !== "")
}

/** The text between the bracket at `open` and its partner. */
const inside = (text: string, open: number): string => {
  let depth = 0
  for (let at = open; at < text.length; at++) {
    if ("([{".includes(text[at] ?? "")) depth++
    if (")]}".includes(text[at] ?? "") && --depth === 0) return text.slice(open + 1, at)
  }
  throw new Error(`no end: ${text.slice(open, open + 40)}`)
}

const words: Readonly<Record<string, string>> = {
  u: "u",
  u8: "u8",
  u16: "u16",
  u32: "u32",
  integer: "i",
  share: "f 0…1",
  finite: "f",
  boolean: "bool",
  uuid: "b16",
  b8: "b8",
  b16: "b16",
  b32: "b32",
  deviceId: "t, a device id",
  eventName: "t ≤ 64, an event name",
  program: "t ≤ 31",
  detail: "t ≤ 256",
  level: "u 0…4",
  valueId: "u16 or t",
  chunkBytes: "u32, a power of two",
  twinValue: "any",
  twinMap: "map",
  twinPatch: "map, null deletes",
  answerValue: "any or a list",
  codesByPointer: "map of t to u16",
  request: "u32 or b16",
  scalar: "f or t",
  sample: "[i, map]"
}

const kindOf = (expression: string): string => {
  const known = words[expression]
  if (known !== undefined) return known
  const open = expression.indexOf("(")
  const name = expression.slice(0, open).replace(/<.*>/, "")
  const parts = split(inside(expression, open))
  const [first = "", second] = parts
  switch (name) {
    case "text":
      return first === "" ? "t" : `t ≤ ${first}`
    case "bytes":
      return parts.length === 0 ? "b" : parts.map((length) => `b${length}`).join(" or ")
    case "unsigned":
      return `u ${second ?? 0}…${limitOf(first)}`
    case "list":
      return `[${kindOf(first)}]${second === undefined ? "" : ` ≤ ${second}`}`
    case "numberOrName":
      return "u or t"
    case "record":
      return `{${fieldsIn(first)
        .map(({ key, name: field, kind }) => `${key} ${field} ${kind}`)
        .join(", ")}}`
    case "places":
      return `[${split(inside(first, 0))
        .map((place) => kindOf(place.slice(place.indexOf(":") + 1).trim()))
        .join(", ")}]`
    default:
      throw new Error(`unknown kind ${expression}`)
  }
}

const limitOf = (text: string): string => {
  if (text === "0xffff_ffff") return "2^32−1"
  if (text === "0xffff") return "65535"
  return text.replaceAll("_", "")
}

interface Field {
  readonly key: string
  readonly name: string
  readonly kind: string
  readonly isRequired: boolean
}

const fieldsIn = (table: string): ReadonlyArray<Field> =>
  split(inside(table, table.indexOf("{"))).map((entry) => {
    const [, name = "", need = "", rest = ""] = /^(\w+): (required|optional)\(([\s\S]*)\)$/.exec(entry) ?? []
    const [key = "", kind = ""] = split(rest)
    return { key, name, kind: kindOf(kind.replaceAll("frameBytesMin", "512")), isRequired: need === "required" }
  })

/** The comment of each field of an interface; those of `ErrorFields` and the like count for who extends them. */
const commentsOf = (frames: string, name: string): ReadonlyMap<string, string> => {
  const [, parents = ""] = new RegExp(`interface ${name} (?:extends ([\\w, ]+) )?\\{`).exec(frames) ?? []
  const at = frames.search(new RegExp(`interface ${name}\\b[^{]*\\{`))
  const comments = new Map<string, string>()
  if (at < 0) return comments
  for (const parent of parents.split(", ").filter((each) => each !== "" && each !== "Up" && each !== "Down"))
    for (const [field, comment] of commentsOf(frames, parent)) comments.set(field, comment)
  const body = inside(frames, frames.indexOf("{", at))
  for (const [, comment = "", field = ""] of body.matchAll(/\/\*\* ([^*]*?) ?\*\/\s+readonly (\w+)/g))
    comments.set(field, comment)
  return comments
}

const rows = (fields: ReadonlyArray<Field>, comments: ReadonlyMap<string, string>): string =>
  fields
    .map(
      ({ key, name, kind, isRequired }) =>
        `| ${key} | ${name} | ${kind}${isRequired ? " **!**" : ""} | ${(comments.get(name) ?? "").replaceAll("`", "")} |`
    )
    .join("\n")

/** The chapters of one direction, a table a frame. */
export const renderFrames = (direction: "up" | "down"): string => {
  const table = source("FrameTable.ts")
  const frames = readdirSync(new URL("../src/protocol/frame/", import.meta.url))
    .map((name) => source(`frame/${name}`))
    .join("\n")
  const errorFields = inside(table, table.indexOf("{", table.indexOf("const errorFields")))
  const welcomeAt = table.indexOf("{", table.indexOf("const welcomeFields"))
  const from = table.indexOf(`export const ${direction}Shapes`)
  const shapes = inside(table, table.indexOf("[", table.indexOf("=", from)))
  const chapters: Array<string> = []
  for (const shape of split(shapes)) {
    const call = /^(?:up|down)<(\w+)>\(/.exec(shape)
    let [number = "", type = "", fields = ""] = call === null ? [] : split(inside(shape, shape.indexOf("(")))
    let name = call?.[1] ?? ""
    if (call === null) {
      number = /number: (\d+)/.exec(shape)?.[1] ?? ""
      type = /type: ("[\w-]+")/.exec(shape)?.[1] ?? ""
      name = type === '"welcome"' ? "Welcome" : "SealedFields"
      fields =
        type === '"welcome"' ? `{${inside(table, welcomeAt)}}` : "{mac: optional(1, b8), frame: required(2, bytes())}"
    }
    if (fields === "errorFields") fields = `{${errorFields}}`
    const title = `#### ${number} ${type.replaceAll('"', "")}`
    const about = new RegExp(`/\\*\\* ([^*]*?) ?\\*/\\s+export interface ${name}\\b`).exec(frames)?.[1] ?? ""
    const head = "| key | field | type | meaning |\n|---|---|---|---|"
    chapters.push(
      `${title}\n${about}${about === "" ? "" : "\n"}\n${head}\n${rows(fieldsIn(fields), commentsOf(frames, name))}`
    )
  }
  return chapters.join("\n\n")
}

/** One row for each code. */
export const renderCodes = (entries: Iterable<CodeEntry>): string =>
  [
    "| code | name | meaning |\n|---|---|---|",
    ...[...entries].map(({ code, name, sentence }) => `| ${code} | ${name} | ${sentence} |`)
  ].join("\n")

/** A row a set: names with their bits or numbers, or names in the order of their numbers. */
export const renderNames = (
  sets: Readonly<Record<string, Readonly<Record<string, number>> | ReadonlyArray<string>>>
): string =>
  [
    "| what | values |\n|---|---|",
    ...Object.entries(sets).map(([name, values]) => {
      const numbered = Array.isArray(values) ? values.map((each, index) => [each, index]) : Object.entries(values)
      return `| ${name} | ${numbered.map(([each, number]) => `${number} ${each}`).join(" · ")} |`
    })
  ].join("\n")
