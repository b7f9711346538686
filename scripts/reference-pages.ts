/** The pages of `docs/reference` that follow from the code, but for the commands. */
import { readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { Schema } from "effect"
import { describeRegistry, isForPeople } from "../src/gateways/http/Describe.ts"
import { operationRights } from "../src/gateways/http/Needs.ts"
import { codes, codeTable } from "../src/protocol/Codes.ts"
import type { Contract, PlainSchema } from "../src/protocol/Contract.ts"
import { HolonError } from "../src/protocol/Errors.ts"
import { levels } from "../src/protocol/frame/CommandFrames.ts"
import { imageFlags, imageOps, imageStates } from "../src/protocol/frame/ImageFrames.ts"
import { caps, goodbyeReasons, resets, sync } from "../src/protocol/frame/LinkFrames.ts"
import { programOps } from "../src/protocol/frame/ProgramFrames.ts"
import { algs } from "../src/protocol/frame/TrustFrames.ts"
import { registry } from "../src/runtime/Registry.ts"
import { rightsOf } from "../src/runtime/Rights.ts"
import { renderCodes, renderFrames, renderNames } from "./frame-tables.ts"

/** Root of the repository. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)))
/** Stands at the top of each page. */
export const note = "*Written by `scripts/reference.ts` from the code; do not edit.*"

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ")
const row = (cells: ReadonlyArray<string>): string => `| ${cells.map(cell).join(" | ")} |`
const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string =>
  [row(head), row(head.map(() => "---")), ...rows.map(row)].join("\n")

// ------------------------------------------------------------------------------------------------------ configuration

/** A field as the source declares it: its doc comment, and the text behind its name. */
interface Field {
  readonly path: string
  readonly doc: string
  readonly code: string
}

/** Fields of one `Schema.Struct` of the config's source, with their comments. The formatter's indentation gives the depth. */
const fieldsIn = (lines: ReadonlyArray<string>): ReadonlyArray<Field> => {
  const found: Array<Field> = []
  const open: Array<{ readonly indent: number; readonly name: string }> = []
  let doc = ""
  for (const line of lines) {
    const comment = /^\s*(?:\/\*\*|\*(?!\/))\s?(.*?)\s*(?:\*\/)?$/.exec(line)
    if (comment !== null) {
      doc = line.includes("/**") ? (comment[1] ?? "") : `${doc} ${comment[1] ?? ""}`
      continue
    }
    const field = /^(\s+)([a-zA-Z]+): (.*)$/.exec(line)
    if (field === null || doc === "") continue
    const [, space = "", name = "", code = ""] = field
    while ((open.at(-1)?.indent ?? -1) >= space.length) open.pop()
    found.push({ path: [...open.map((parent) => parent.name), name].join("."), doc: doc.trim(), code })
    open.push({ indent: space.length, name })
    doc = ""
  }
  return found
}

/** The lines from `const NAME =` to the end of its expression. */
const sourceOf = (source: string, name: string): ReadonlyArray<string> => {
  const from = source.search(new RegExp(`^(export )?const ${name} =`, "m"))
  const rest = source.slice(from).split("\n")
  const end = rest.findIndex((line, index) => index > 0 && /^(export |const |\/\*\*)/.test(line))
  return rest.slice(1, end)
}

const configPage = (): string => {
  const source = ["Config.ts", "Accounts.ts", "TreeLimits.ts"]
    .map((name) => readFileSync(join(root, "src", "runtime", name), "utf8"))
    .join("\n")
  const shared = new Map(
    ["LinkTimes", "Listener", "Tls", "OperatorAccount", "TreeBounds"].map((name) => [
      name,
      fieldsIn(sourceOf(source, name))
    ])
  )
  const expand = ({ path, doc, code }: Field): ReadonlyArray<Field> => {
    const name = [...shared.keys()].find((known) => new RegExp(`\\b${known}\\b`).test(code))
    const inner = name === undefined ? [] : (shared.get(name) ?? [])
    return [{ path, doc, code }, ...inner.map((field) => ({ ...field, path: `${path}.${field.path}` })).flatMap(expand)]
  }
  const rows = fieldsIn(sourceOf(source, "ClusterConfig")).flatMap(expand)
  return `# Configuration

${note}

One file, \`cluster.config.ts\` in the working folder; \`--config FILE\` names another. It is a typed value:

\`\`\`ts
import { defineCluster } from "./src/runtime/Config.ts"

export default defineCluster({ http: { port: 8080 }, demo: { boards: 10 } })
\`\`\`

Every field may be left out. A field that is not known, or has a wrong value, is named and nothing starts. Times are
texts such as \`"10 seconds"\`. A secret is the name of an environment variable, \`{ env: "NAME" }\`, so that the file
can be shared.

${table(
  ["field", "what it says"],
  rows.map(({ path, doc }) => [`\`${path}\``, doc])
)}

## Rights

What \`may\` of an operator can name, one by one or with \`*\` for any run of characters: [how to use them](../guide/operate.md#operators-and-their-rights).

${table(["right", "permits"], rightRows())}
`
}

/** Each right with the messages and operations that need it. */
const rightRows = (): ReadonlyArray<ReadonlyArray<string>> => {
  const operations: Readonly<Record<string, string>> = operationRights
  return rightsOf(registry).map((right) => {
    const messages = [...registry.values()].flatMap(({ behaviour: { contract } }) =>
      Object.entries(contract.messages)
        .filter(([, message]) => isForPeople(message) && message.capability === right)
        .map(([name]) => `\`${name}\` of ${contract.kind}`)
    )
    return [`\`${right}\``, [...messages, ...(operations[right] === undefined ? [] : [operations[right]])].join(", ")]
  })
}

// ----------------------------------------------------------------------------------------------------------- messages

const isJson = Schema.is(Schema.Json)
const widthMax = 120

/** JSON whose parts stand on one line where they fit. */
const jsonText = (value: Schema.Json, indent = ""): string => {
  const line = JSON.stringify(value)
  if (typeof value !== "object" || value === null || indent.length + line.length <= widthMax) return line
  const below = `${indent}  `
  const isList = Array.isArray(value)
  const parts = Object.entries(value).map(([key, each]) => {
    const text = jsonText(each, below)
    return `${below}${isList ? "" : `${JSON.stringify(key)}: `}${text}`
  })
  const [open, close] = isList ? ["[", "]"] : ["{", "}"]
  return `${open}\n${parts.join(",\n")}\n${indent}${close}`
}

const jsonOf = (schema: PlainSchema): string => {
  const { schema: shape, definitions } = Schema.toJsonSchemaDocument(schema)
  const document: unknown = Object.keys(definitions).length === 0 ? shape : { ...shape, $defs: definitions }
  return isJson(document) ? jsonText(document) : "{}"
}

const WithFields = Schema.Struct({
  properties: Schema.Record(Schema.String, Schema.Unknown),
  required: Schema.optionalKey(Schema.Array(Schema.String))
})
const withFields = Schema.is(WithFields)

/** `patch, expected?`: the arguments in the REPL, in order. */
const argumentsOf = (payload: unknown): string => {
  if (!withFields(payload)) return ""
  const required = new Set(payload.required ?? [])
  return Object.keys(payload.properties)
    .map((name) => (required.has(name) ? name : `${name}?`))
    .join(", ")
}

const kindSection = (contract: Contract): string => {
  const shown = describeRegistry(registry).find(({ kind }) => kind === contract.kind)?.messages ?? []
  const others = Object.entries(contract.messages).filter(([name]) => !shown.some((message) => message.name === name))
  const events = Object.entries(contract.events)
  const schemas = shown.map(
    ({ name, about, payload }) => `### ${name}

${about}.

<details><summary>Payload and answer as JSON Schema</summary>

\`\`\`json
${isJson(payload) ? jsonText(payload) : "{}"}
\`\`\`

\`\`\`json
${jsonOf(contract.messages[name]?.success ?? Schema.Void)}
\`\`\`

</details>
`
  )
  return `## ${contract.kind}

The \`${contract.kind}\` ${contract.about}. Format of its rows: ${contract.format}.

${table(
  ["message", "arguments", "delivery", "for", "what it does"],
  shown.map(({ name, payload, delivery, audience, about }) => [
    `\`${name}\``,
    argumentsOf(payload),
    delivery,
    audience,
    about
  ])
)}

Not offered to people: ${others.map(([name, { audience }]) => `\`${name}\` (${audience})`).join(", ") || "none"}.

Events it puts on the journal: ${events.map(([name]) => `\`${name}\``).join(", ") || "none"}.

${schemas.join("\n")}`
}

const messagesPage = (): string => `# Actors and their messages

${note}

What the REPL, \`holon send\` and \`POST /api/KIND/ID/MESSAGE\` accept. *Delivery*: a \`query\` changes nothing, an
\`idempotent\` message may run twice without harm, a \`once\` message takes effect once for its request id, a \`watch\`
answers again whenever its answer changed (REPL and \`/rpc\` only).

${[...registry.values()].map(({ behaviour }) => kindSection(behaviour.contract)).join("\n")}`

// -------------------------------------------------------------------------------------------------------------- codes

const statusOf = (error: (typeof HolonError.members)[number]): string =>
  String(error.ast.annotations?.httpApiStatus ?? "")

const codesPage = (): string => `# Codes and errors

${note}

## Codes

One space of numbers for outcomes: on the link, in stored results of commands, and in answers to people. 1 to 199 are errno
numbers of Linux, 200 to 219 belong to the link, 220 to 239 to the end of a program.

${table(
  ["code", "name", "HTTP", "meaning"],
  [...codeTable.values()]
    .filter(({ code }) => code !== codes.ok)
    .map(({ code, name, httpStatus, sentence }) => [String(code), `\`${name}\``, String(httpStatus), sentence])
)}

## Errors

What a reply may carry instead of a success. The tag is in \`_tag\`.

${table(
  ["error", "HTTP", "fields"],
  HolonError.members.map((error) => [
    `\`${error.identifier}\``,
    statusOf(error),
    Object.keys(error.fields)
      .filter((name) => name !== "_tag")
      .join(", ")
  ])
)}
`

// --------------------------------------------------------------------------------------------------------------- link

const linkTables: Readonly<Record<string, () => string>> = {
  "frames up": () => renderFrames("up"),
  "frames down": () => renderFrames("down"),
  names: () =>
    renderNames({
      caps,
      sync,
      resets,
      goodbyeReasons,
      levels,
      imageStates,
      imageFlags,
      imageOps,
      programOps,
      algs
    }),
  codes: () => renderCodes(codeTable.values())
}

/** The page of the link is written by hand, but for the tables between its marks. */
const linkPage = (): string => {
  let text = readFileSync(join(root, "docs", "reference", "link.md"), "utf8")
  for (const [mark, render] of Object.entries(linkTables)) {
    const begin = `<!-- ${mark}: generated -->`
    const from = text.indexOf(begin)
    const to = text.indexOf(`<!-- ${mark}: end -->`)
    if (from < 0 || to < from) throw new Error(`link.md has no place for ${mark}`)
    text = `${text.slice(0, from + begin.length)}\n${render()}\n${text.slice(to)}`
  }
  return text
}

/** The pages by name. */
export const referencePages = (): ReadonlyArray<readonly [name: string, text: string]> => [
  ["config.md", configPage()],
  ["messages.md", messagesPage()],
  ["codes.md", codesPage()],
  ["link.md", linkPage()]
]
