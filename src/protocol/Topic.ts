/**
 * The topic of an event as one text, `VSM.ZONE.TYPE.SEVERITY`, and globs over it. Zones and types have dots of their own, so a
 * glob is held against the whole text: `root.hall.*` is all that happens in `hall` and below it.
 */
import { Schema } from "effect"
import { charactersMax } from "./condition/TextShape.ts"
import type { HolonEvent } from "./Event.ts"
import { severities } from "./JournalBody.ts"

/** Stands where an event is in no zone. */
const noZone = "-"

/** The topic of an event: `root.hall.line-3.board.telemetry.info`, or `root.-.device.online.info` in no zone. */
export const topicOf = ({ vsm, zone, type, severity }: Pick<HolonEvent, "vsm" | "zone" | "type" | "severity">) =>
  `${vsm}.${zone ?? noZone}.${type}.${severity}`

/** Characters of a glob. The machine that decides one has a state for each of them, and two of its own. */
const globCharactersMax = charactersMax - 2

const example = "such as root.hall.*.error or *.board.telemetry.*"

/** Whether a text fits the end of another, as far as both go. `?` is any character. */
const endsAlike = (end: string, whole: string): boolean =>
  [...end].reverse().every((character, back) => {
    const other = whole.at(-1 - back)
    return other === undefined || character === "?" || character === other
  })

/** Whether some topic may have this glob, by its dots and its last part. */
const mayFit = (glob: string): boolean => {
  const end = glob.slice(glob.lastIndexOf("*") + 1)
  if (end === glob && glob.replace(/[^.?]/g, "").length < 3) return false
  return severities.some((severity) => endsAlike(end, `.${severity}`))
}

/** Why a text is no glob over topics. Without it a spelling mistake would select nothing, for ever and in silence. */
const misfitOf = (glob: string): string | undefined => {
  if (glob === "") return `a topic is missing; write a glob, ${example}`
  if (glob.length > globCharactersMax)
    return `the topic has more than ${globCharactersMax} characters; \`*\` is any run of them`
  const [odd] = /[^a-z0-9._*?-]/u.exec(glob) ?? []
  if (odd !== undefined)
    return `no topic has the character \`${odd}\`: topics are of a-z, 0-9, \`.\`, \`_\` and \`-\`; in a glob \`*\` is any run of characters and \`?\` is one`
  return mayFit(glob)
    ? undefined
    : `no topic is like this: a topic is VSM.ZONE.TYPE.SEVERITY and ends with ${severities.join(", ")}; write a glob over all of it, ${example}`
}

/** A glob over topics: `*` is any run of characters, dots too, and `?` is one character. */
export const TopicGlob = Schema.String.check(
  Schema.makeFilter((glob) => misfitOf(glob) ?? true),
  // Said once more for schemas that travel.
  Schema.isMaxLength(globCharactersMax)
)
