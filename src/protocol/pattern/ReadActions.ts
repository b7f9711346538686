/** Reads what a match has done. */
import { Schema } from "effect"
import { EventType } from "../Event.ts"
import type { Cursor } from "./Cursor.ts"
import { Action, actionsMax } from "./Pattern.ts"
import { readJson } from "./ReadJson.ts"
import { actionWords } from "./Words.ts"

const name = /[A-Za-z_][A-Za-z0-9_]*/y
const bareType = /[a-z0-9][a-z0-9_-]*(?:\.[a-z0-9][a-z0-9_-]*)*/y
const isAction = Schema.is(Action)
const isEventType = Schema.is(EventType)

type Tag = (typeof actionWords)[number]
const examples: Readonly<Record<Tag, string>> = {
  event: 'event("line.hot")',
  tell: 'tell(device, "$source.id", SetDesired, { patch: { led: "on" } })',
  webhook: 'webhook("https://example.org/hook")',
  mqtt: 'mqtt("alerts/line3")',
  raise: 'raise("thermal")'
}
/** What is wrong where an action is none though all its parts stand there. */
const misfits: Readonly<Record<Tag, string>> = {
  event:
    "this is no type of an event: lower-case names of letters, digits, _ and - with dots between them, at most 128",
  tell: "the actor's id is a text of 1 to 128 characters, its kind and the message are names of at most 64",
  webhook: "an address begins with http:// or https://, has no blanks, and at most 2048 characters",
  mqtt: "a topic to publish on has no # and no +, and at most 1024 characters",
  raise: "the name of a signal has 1 to 128 characters"
}

/** What boards and the cluster say to each other: nobody may speak in their place. */
const linkTopics = "holon/"
const notForPatterns =
  "boards and the cluster speak on topics below holon/; publish on another, so that nobody takes it for theirs"

const readName = (cursor: Cursor, what: string): string => {
  if (cursor.isQuoted()) return cursor.quoted(what)
  return cursor.take(name) ?? cursor.refuse(cursor.start, `${what} should stand here${cursor.shownInstead()}`)
}

const readType = (cursor: Cursor): string => {
  if (cursor.isQuoted()) return cursor.quoted("a type of an event")
  return cursor.take(bareType) ?? cursor.quoted("a type of an event")
}

const partsOf = (cursor: Cursor, tag: Tag): Action => {
  switch (tag) {
    case "event":
      return { _tag: "Event", type: readType(cursor) }
    case "raise":
      return { _tag: "Raise", signal: readName(cursor, "the name of a signal") }
    case "webhook":
      return { _tag: "Webhook", url: cursor.quoted("an address") }
    case "mqtt":
      return { _tag: "Mqtt", topic: cursor.quoted("a topic") }
    case "tell": {
      const like = `, as in \`${examples.tell}\``
      const kind = readName(cursor, "the kind of an actor")
      cursor.expectSymbol(",", `before the actor's id${like}`)
      const id = cursor.quoted("the id of an actor")
      cursor.expectSymbol(",", `before the message${like}`)
      const message = readName(cursor, "the name of a message")
      return { _tag: "Tell", kind, id, message, payload: cursor.takeSymbol(",") ? readJson(cursor) : {} }
    }
  }
}

const readAction = (cursor: Cursor): Action => {
  const { start } = cursor
  const tag = actionWords.find((each) => cursor.takeWord(each))
  if (tag === undefined)
    return cursor.refuseWord(
      actionWords,
      "what a match has done should follow `do`: event, tell, webhook, mqtt or raise"
    )
  cursor.expectSymbol("(", `as in \`${examples[tag]}\``)
  const { start: inside } = cursor
  const action = partsOf(cursor, tag)
  cursor.expectSymbol(")", `to close \`${tag}(\``)
  if (tag === "event" && action._tag === "Event" && !isEventType(action.type)) cursor.refuse(inside, misfits.event)
  if (!isAction(action)) cursor.refuse(inside, misfits[tag])
  // Not in the schema: what was stored before this was refused is still read, and dies when it is delivered.
  if (action._tag === "Mqtt" && action.topic.startsWith(linkTopics)) cursor.refuse(inside, notForPatterns)
  cursor.spans.set(action, { start, end: cursor.end })
  return action
}

/** Behind the word `do`. */
export const readActions = (cursor: Cursor): ReadonlyArray<Action> => {
  const actions: Array<Action> = []
  do {
    if (actions.length === actionsMax)
      cursor.refuse(cursor.start, `a match has at most ${actionsMax} things done`, [], "TooLarge")
    actions.push(readAction(cursor))
  } while (cursor.takeSymbol(","))
  return actions
}
