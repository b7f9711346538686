/** Which folder may import which: a rule over the text of the sources, so that a wrong arrow is found before it grows. */
import { dirname, join, normalize } from "node:path"

/** A source file by its path from the repository's root, with forward slashes. */
export interface SourceFile {
  readonly path: string
  readonly text: string
}

/** One broken rule, as a sentence that says what to do. */
export interface Violation {
  readonly path: string
  readonly line: number
  readonly message: string
}

/** Each layer may import itself and the ones before it. */
const layers = ["protocol", "events", "actors", "systems", "gateways", "runtime"]
const below = (layer: string) => layers.slice(0, layers.indexOf(layer)).map((name) => `src/${name}`)
const everyLayer = [...layers.map((name) => `src/${name}`), "devices"]

/** What a part of the repository may import besides itself. Parts that are not named may import nothing of ours. */
const allowed: Readonly<Record<string, ReadonlyArray<string>>> = {
  ...Object.fromEntries(layers.map((layer) => [`src/${layer}`, below(layer)])),
  "src/simulation": [...everyLayer, "src/chaos"],
  "src/chaos": [...everyLayer, "src/simulation"],
  "src/cli": [...everyLayer, "src/simulation", "src/chaos"],
  devices: ["src/protocol"],
  "cluster.config.ts": ["src/runtime"],
  // The generator of the reference pages reads contracts, config and commands; nothing may import a script but a test.
  scripts: [...everyLayer, "src/cli"],
  test: [...everyLayer, "src/simulation", "src/chaos", "src/cli", "scripts", "cluster.config.ts"]
}

/** The part a file belongs to: `src/actors`, `devices`, `test`, or a file at the root by its own name. */
const partOf = (path: string): string => {
  const [first = "", second] = path.split("/")
  return first === "src" && second !== undefined ? `src/${second}` : first
}

/** Comments become blanks of the same length, so that line numbers stay and examples in them do not count. */
const withoutComments = (text: string): string =>
  text.replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, (comment) => comment.replace(/[^\n]/g, " "))

const importOrReExport = /^[ \t]*(?:import|export)\b(?:[^"';(]*?\bfrom)?\s*"([^"]+)"(?:\s*with\s*\{[^}]*\})?;?/gm
const dynamicImport = /\bimport\(\s*"([^"]+)"/g
const localExportList = /^export\s*(?:type\s*)?\{[^}]*\}[ \t]*$/gm

const lineAt = (text: string, index: number): number => text.slice(0, index).split("\n").length

/** A file that only hands on what others export hides who uses what, and loads all of it for one name. */
const isBarrel = (code: string): boolean => {
  const exportsAnything = /^[ \t]*export\b/m.test(code)
  return exportsAnything && code.replace(importOrReExport, "").replace(localExportList, "").trim() === ""
}

/** Every import that points against the arrows, and every barrel, in the order of the files. */
export const findViolations = (files: ReadonlyArray<SourceFile>): ReadonlyArray<Violation> =>
  files.flatMap(({ path, text }) => {
    const code = withoutComments(text)
    const from = partOf(path)
    const found: Array<Violation> = []
    if (isBarrel(code)) {
      found.push({ path, line: 1, message: "is a barrel. Import the file you mean, where you use it" })
    }
    for (const match of [...code.matchAll(importOrReExport), ...code.matchAll(dynamicImport)]) {
      const specifier = match[1] ?? ""
      if (!specifier.startsWith(".")) continue
      const target = normalize(join(dirname(path), specifier)).replaceAll("\\", "/")
      const to = partOf(target)
      const line = lineAt(code, match.index + match[0].indexOf(specifier))
      if (target.startsWith("..")) {
        found.push({ path, line, message: `imports ${specifier}, which lies outside of the repository` })
      } else if (to !== from && !(allowed[from] ?? []).includes(to)) {
        const may = (allowed[from] ?? []).join(", ")
        const rule = may === "" ? `${from} imports nothing else of ours` : `${from} may import ${may}`
        found.push({ path, line, message: `imports ${target}: ${rule}. Move what both need below, or declare a seam` })
      }
    }
    return found
  })
