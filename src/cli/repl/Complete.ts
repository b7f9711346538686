/** Completion: kinds, ids, messages and fields, from what the node describes and the fleet it has. */
import type { KindView } from "../../gateways/http/Control.ts"
import { fieldsOf } from "./Payload.ts"

/** What completion looks names up in. */
export interface Known {
  readonly kinds: ReadonlyArray<KindView>
  /** Ids of a kind that begin with the text. */
  readonly ids: (kind: string, start: string) => ReadonlyArray<string>
  /** Names of twin fields of a device. */
  readonly twinFields: (id: string) => ReadonlyArray<string>
}

/** Candidates, and the text before the cursor that they replace. */
export type Completion = readonly [candidates: ReadonlyArray<string>, replaced: string]

const words = ["help", "actors", 'ask("', "events", "exit", "watch "]
const atKind = /^(?:watch\s+)?([A-Za-z][\w-]*)?$/
const atId = /^(?:watch\s+)?([A-Za-z][\w-]*)\(["']([^"']*)$/
const atMessage = /^(?:watch\s+)?([A-Za-z][\w-]*)\(["'][^"']*["']\)\.(\w*)$/
const atField = /^(?:watch\s+)?([A-Za-z][\w-]*)\(["']([^"']*)["']\)\.(\w+)\(.*[{,]\s*(\w*)$/

const starting = (names: ReadonlyArray<string>, start: string): ReadonlyArray<string> =>
  names.filter((name) => name.startsWith(start))

/** Candidates for the text before the cursor. */
export const complete = (text: string, { kinds, ids, twinFields }: Known): Completion => {
  const field = atField.exec(text)
  if (field !== null) {
    const [, kind, id = "", name = "", start = ""] = field
    const message = kinds.find((view) => view.kind === kind)?.messages.find((view) => view.name === name)
    const own = message === undefined ? [] : fieldsOf(message)
    // The first field of a twin message is itself a map of twin fields, which is what people write.
    const names = kind === "device" && own[0] === "patch" ? twinFields(id) : own
    return [starting(names, start).map((candidate) => `${candidate}: `), start]
  }
  const message = atMessage.exec(text)
  if (message !== null) {
    const [, kind, start = ""] = message
    const offered = kinds.find((view) => view.kind === kind)?.messages.filter(({ heldBack }) => heldBack === undefined)
    const names = offered?.map(({ name }) => name) ?? []
    return [starting(names, start).map((name) => `${name}(`), start]
  }
  const id = atId.exec(text)
  if (id !== null) {
    const [, kind = "", start = ""] = id
    return [ids(kind, start).map((candidate) => `${candidate}").`), start]
  }
  const kind = atKind.exec(text)
  if (kind === null) return [[], text]
  const start = kind[1] ?? ""
  const names = kinds.map((view) => `${view.kind}("`)
  return [starting(text.startsWith("watch ") ? ["events", ...names] : [...words, ...names], start), start]
}
