/** Whether a condition may hold for what no policy may take away, whatever else a request says. */

import { clearanceMax } from "../Clearance.ts"
import { type BoundCondition, type BoundTerm, pathsOf } from "../condition/Bound.ts"
import { protectedGlobs } from "./Request.ts"
import { type Atom, argumentsOf, judged, type Verdict, verdictOf } from "./Verdict.ts"

/** Whether some text fits both globs. `\` makes the next sign of the written one plain; the other has only `*`. */
const meet = (written: ReadonlyArray<Sign>, name: string): boolean => {
  let reached = new Set([0])
  const spread = (places: Set<number>) => {
    // A star of the name may be nothing.
    for (const place of places) if (name[place] === "*") places.add(place + 1)
    return places
  }
  reached = spread(reached)
  for (const sign of written) {
    const next = new Set<number>()
    for (const place of reached) {
      const own = name[place]
      if (sign === anyRun) for (let at = place; at <= name.length; at++) next.add(at)
      else if (own === "*") next.add(place)
      else if (own !== undefined && (sign === anySign || sign === own)) next.add(place + 1)
    }
    reached = spread(next)
  }
  return reached.has(name.length)
}

/** Whether every text that fits the name fits the written glob, too: its stars are taken by stars only. */
const covers = (written: ReadonlyArray<Sign>, name: string): boolean => {
  let reached = new Set([0])
  for (const sign of written) {
    const next = new Set<number>()
    for (const place of reached) {
      const own = name[place]
      if (sign === anyRun) for (let at = place; at <= name.length; at++) next.add(at)
      else if (own !== undefined && own !== "*" && (sign === anySign || sign === own)) next.add(place + 1)
    }
    reached = next
  }
  return reached.has(name.length)
}

const anyRun = Symbol("*")
const anySign = Symbol("?")
type Sign = string | symbol

const signsOf = (glob: string): ReadonlyArray<Sign> => {
  const signs: Array<Sign> = []
  for (let at = 0; at < glob.length; at++) {
    const sign = glob[at] ?? ""
    if (sign === "\\") signs.push(glob[++at] ?? "")
    else signs.push(sign === "*" ? anyRun : sign === "?" ? anySign : sign)
  }
  return signs
}

const isCapability = (term: BoundTerm): boolean =>
  term._tag === "Field" && term.path.length === 1 && term.path[0] === "capability"

/** What is certain of a glob of the capability, when only the name of a group of capabilities is known. */
const globVerdict = (signs: ReadonlyArray<Sign>, name: string): Verdict =>
  !meet(signs, name) ? "no" : covers(signs, name) ? "yes" : "unknown"

const textOf = (term: BoundTerm): string | undefined => (term._tag === "Text" ? term.value : undefined)

const equalVerdict = (term: BoundTerm, name: string): Verdict => {
  const text = textOf(term)
  return text === undefined ? "unknown" : globVerdict([...text], name)
}

const opposite = { yes: "no", no: "yes", unknown: "unknown" } as const

const judgeOf =
  (name: string) =>
  (atom: Atom): Verdict => {
    if (atom._tag === "Compare" && (atom.operator === "==" || atom.operator === "!=")) {
      const other = isCapability(atom.left) ? atom.right : isCapability(atom.right) ? atom.left : undefined
      if (other !== undefined) {
        const verdict = equalVerdict(other, name)
        return atom.operator === "==" ? verdict : opposite[verdict]
      }
    }
    if (atom._tag === "Among" && isCapability(atom.term)) {
      const all = atom.items.map((item) => equalVerdict(item, name))
      return all.includes("yes") ? "yes" : all.every((each) => each === "no") ? "no" : "unknown"
    }
    if (atom._tag === "Matches" && atom.operator === "glob" && isCapability(atom.term))
      return globVerdict(signsOf(atom.text), name)
    return beyond(atom, { protected: true })
  }

/** What every request has, whatever else it says. */
const given = ["principal", "scope", "clearance", "capability", "protected"]

/** What is certain of any other test, when so much is known: what is not known may be there or not. */
const beyond = (atom: Atom, known: unknown): Verdict => {
  if (atom._tag === "Exists") return given.includes(atom.path[0]) ? "yes" : "unknown"
  return argumentsOf(atom).length > 0 ? "unknown" : verdictOf(atom, known)
}

/** The first group of protected capabilities that a condition may hold for; nothing when it holds for none of them. */
export const touched = (condition: BoundCondition): string | undefined =>
  protectedGlobs.find((name) => judged(condition, judgeOf(name)) !== "no")

/** What a requirement may speak of that speaks of who asks and nothing else. */
const ofAsker = ["principal", "scope", "clearance"]

/** Why a requirement may not stand where something protected is asked for; nothing when it may. */
export const lockingOut = (condition: BoundCondition): "circumstances" | "everybody" | undefined => {
  if (!pathsOf(condition).every(([root]) => ofAsker.includes(root))) return "circumstances"
  // Whoever has the highest clearance must meet it, whatever his name and his rights: of a name that nobody has, nobody does.
  const verdict = judged(condition, (atom) => beyond(atom, { clearance: clearanceMax }))
  return verdict === "yes" ? undefined : "everybody"
}
