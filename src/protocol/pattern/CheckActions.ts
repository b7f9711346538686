/** Checks what a match has done: that there is such an actor and message, and that all it names is carried by the match. */
import type { Schema } from "effect"
import { formatPath } from "../condition/Format.ts"
import { nearest } from "../Nearest.ts"
import { loopType, matchedType } from "./Brought.ts"
import type { Action, Pattern } from "./Pattern.ts"
import { placeholdersOf } from "./Placeholders.ts"
import type { Report } from "./Report.ts"

/** What is known of the actors of the cluster. */
export interface KnownActors {
  /** Every kind of actor. */
  readonly kinds?: ReadonlyArray<string>
  /** The messages that an actor of a kind may be told. */
  readonly messagesOf?: (kind: string) => ReadonlyArray<string> | undefined
  /** The kind of actors that speak in events of this type. Nobody else does. */
  readonly speakerOf?: (type: string) => string | undefined
}

/** What every match carries. */
const facts = ["match", "pattern", "kind"]

const textsIn = (value: Schema.Json): ReadonlyArray<string> => {
  if (typeof value === "string") return [value]
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsIn) : []
}

/** Names that `$name` may stand for in what a match tells: fields of the key, what it carries, and facts of its own. */
const carriedNames = ({ by, body, emit }: Pattern): ReadonlyArray<string> => [
  ...by.map((path) => formatPath(path)),
  ...(body._tag === "When" ? ["value"] : []),
  ...Object.keys(emit ?? {}),
  ...facts
]

const shown = (name: string): string => (/^[A-Za-z_][A-Za-z0-9_.]*$/.test(name) ? `$${name}` : `\${${name}}`)

const checkTell = (
  action: Extract<Action, { readonly _tag: "Tell" }>,
  pattern: Pattern,
  { kinds, messagesOf }: KnownActors,
  report: Report
): void => {
  const { kind, id, message, payload } = action
  const messages = messagesOf?.(kind)
  if (kinds !== undefined && !kinds.includes(kind))
    report(action, "UnknownActor", `there are no actors of the kind ${kind}`, nearest(kind, kinds))
  else if (messagesOf !== undefined && messages === undefined)
    report(action, "UnknownActor", `there are no actors of the kind ${kind}`)
  else if (messages !== undefined && !messages.includes(message))
    report(action, "UnknownActor", `a ${kind} understands no message ${message}`, nearest(message, messages))
  checkNames([id, ...textsIn(payload)], action, carriedNames(pattern), report)
}

/** Tells of the first name that stands for nothing: all of them have one place. */
const checkNames = (
  texts: ReadonlyArray<string>,
  action: Action,
  names: ReadonlyArray<string>,
  report: Report
): void => {
  for (const text of texts)
    for (const { written, name } of placeholdersOf(text)) {
      if (names.includes(name)) continue
      // A sentence may end behind a name.
      const trimmed = name.replace(/\.+$/, "")
      const near = names.includes(trimmed) ? [`\${${trimmed}}`] : nearest(name, names).map(shown)
      const hint = near.length > 0 ? "" : "; name it under `by`, or let the match carry it: `emit { … }`"
      const said = written.length > 60 ? `${written.slice(0, 60)}…` : written
      const sentence = `a match of this pattern carries nothing that ${said} could stand for${hint}`
      return report(action, "UnknownField", sentence, near)
    }
}

/** Checks all actions of a pattern. */
export const checkActions = (pattern: Pattern, known: KnownActors, report: Report): void => {
  for (const action of pattern.actions) {
    if (action._tag === "Tell") checkTell(action, pattern, known, report)
    if (action._tag !== "Event") continue
    const { type } = action
    const speaker = known.speakerOf?.(type)
    if (type === matchedType || type === loopType)
      report(action, "Loop", `${type} is what every match is told as; publish an event of another type`)
    else if (speaker !== undefined)
      report(
        action,
        "Contradiction",
        `${type} is what actors of the kind ${speaker} say; publish an event of another type, so that nobody takes it for theirs`
      )
  }
}
