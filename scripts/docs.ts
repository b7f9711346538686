/** What the pages say of this repository, held against it: links, tests that show something, and commands with their flags. */
import { posix } from "node:path"

/** A page, by its path from the repository's root. */
export interface Page {
  readonly path: string
  readonly text: string
}

/** What a page says that is not so. */
export interface Fault {
  readonly path: string
  readonly line: number
  readonly message: string
}

const slugOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replaceAll(/\s/g, "-")

/** Anchors of a page, as GitHub makes them; a heading that stands twice has a number behind it. */
const anchorsOf = (text: string): ReadonlySet<string> => {
  const anchors = new Set<string>()
  for (const [, heading = ""] of prose(text)
    .join("\n")
    .matchAll(/^#+ +(.*)$/gm)) {
    const slug = slugOf(heading)
    let anchor = slug
    for (let again = 1; anchors.has(anchor); again++) anchor = `${slug}-${again}`
    anchors.add(anchor)
  }
  return anchors
}

/** The lines of a page, those within code blocks empty. */
const prose = (text: string): ReadonlyArray<string> => {
  let isCode = false
  return text.split("\n").map((line) => {
    const isFence = line.trimStart().startsWith("```")
    if (isFence) isCode = !isCode
    return isCode || isFence ? "" : line
  })
}

/** The lines of a page within code blocks, with their numbers. One that ends in `\` goes on with the next. */
const codeIn = (text: string): ReadonlyArray<readonly [line: number, text: string]> => {
  const found: Array<[number, string]> = []
  let isCode = false
  let begun: [number, string] | undefined
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trimStart().startsWith("```")) isCode = !isCode
    else if (isCode) {
      const whole: [number, string] = begun === undefined ? [index + 1, line] : [begun[0], `${begun[1]} ${line.trim()}`]
      if (whole[1].endsWith("\\")) begun = [whole[0], whole[1].slice(0, -1)]
      else {
        found.push(whole)
        begun = undefined
      }
    }
  }
  return found
}

/** Links to files that are not there, and to headings that a page does not have. Links to other sites are not looked at. */
export const brokenLinks = (pages: ReadonlyArray<Page>, isThere: (path: string) => boolean): ReadonlyArray<Fault> => {
  const anchors = new Map(pages.map(({ path, text }) => [path, anchorsOf(text)]))
  return pages.flatMap(({ path, text }) =>
    prose(text).flatMap((line, index) =>
      [...line.replaceAll(/`[^`]*`/g, "").matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, target = ""]) => {
        if (/^[a-z]+:/.test(target)) return []
        const [file = "", anchor] = target.split("#")
        const to = file === "" ? path : posix.join(posix.dirname(path), file)
        const fault = (message: string): Fault => ({ path, line: index + 1, message })
        if (!isThere(to.replace(/\/$/, ""))) return [fault(`links to ${to}, which is not there`)]
        if (anchor === undefined || anchors.get(to)?.has(anchor) !== false) return []
        return [fault(`links to #${anchor} of ${to}, which has no such heading`)]
      })
    )
  )
}

/** Rows of the status page that name no test, or one that is not there. A bare name stands in the folder of the one before. */
export const faultsInStatus = ({ path, text }: Page, isThere: (path: string) => boolean): ReadonlyArray<Fault> =>
  text.split("\n").flatMap((row, index) => {
    const [, , status = "", shown = ""] = row.split(/(?<!\\)\|/).map((cell) => cell.trim())
    if (!["works", "partly", "no"].includes(status)) return []
    const fault = (message: string): Fault => ({ path, line: index + 1, message })
    const faults: Array<Fault> = []
    let folder = ""
    const named = [...shown.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name)
    for (const name of named.filter((each) => each.endsWith(".test.ts"))) {
      const file = name.includes("/") ? name : posix.join(folder, name)
      folder = posix.dirname(file)
      if (!isThere(file)) faults.push(fault(`${file} is not there`))
    }
    if (status === "works" && named.length === 0 && !shown.includes("by hand"))
      faults.push(fault("names nothing that shows it"))
    return faults
  })

/** The commands of the generated page, each with its flags and with what may stand below it. */
export const commandsOf = (reference: string): ReadonlyMap<string, ReadonlySet<string>> => {
  const [, ...chapters] = reference.split(/^## /m)
  const everywhere = (chapters[0] ?? "").matchAll(/^ {2}(--[\w-]+)(?:, (-\w))?/gm)
  const global = [...everywhere].flatMap(([, long = "", short]) => (short === undefined ? [long] : [long, short]))
  return new Map(
    chapters.map((chapter) => {
      const name = chapter.split("\n", 1)[0] ?? ""
      const flags = [...chapter.matchAll(/(?:^ {2}|, )(--?[\w-]+)/gm)].map(([, flag = ""]) => flag)
      return [name, new Set([...global, ...flags])]
    })
  )
}

/** Commands of ours in the code blocks of a page that do not exist, or do not have a flag. */
export const unknownCommands = (
  { path, text }: Page,
  commands: ReadonlyMap<string, ReadonlySet<string>>
): ReadonlyArray<Fault> =>
  codeIn(text).flatMap(([line, code]) =>
    [...code.matchAll(/(?:^|[;&|(] *|\bdo )(?:npx )?holon ([^;|&#)>]*)/g)].flatMap(([, written = ""]) => {
      // What stands in quotes is given to the command.
      const words = written
        .replaceAll(/'[^']*'|"[^"]*"/g, "given")
        .trim()
        .split(/\s+/)
      let name = "holon"
      for (const word of words) {
        if (!commands.has(`${name} ${word}`)) break
        name = `${name} ${word}`
      }
      const fault = (message: string): Fault => ({ path, line, message })
      const next = words[name.split(" ").length - 1] ?? ""
      if (hasOnlySubcommands(name, commands) && /^[a-z]/.test(next)) return [fault(`there is no ${name} ${next}`)]
      return words
        .filter((word) => /^--?[a-z]/.test(word))
        .map((word) => word.split("=", 1)[0] ?? word)
        .filter((flag) => commands.get(name)?.has(flag) === false)
        .map((flag) => fault(`${name} has no ${flag}`))
    })
  )

const hasOnlySubcommands = (name: string, commands: ReadonlyMap<string, unknown>): boolean =>
  [...commands.keys()].some((each) => each.startsWith(`${name} `))
