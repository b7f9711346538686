/** What a condition speaks about: where bare names are looked up, and which fields are known. */
import { severities } from "../JournalBody.ts"
import { nearest } from "../Nearest.ts"
import { formatPath } from "./Format.ts"
import { isIndex, lengthKey } from "./Values.ts"

/** What is known of a field. */
export interface Field {
  /** `map` is open: any field may be below it, of any type. `unknown` may be of any type. */
  readonly type: "number" | "text" | "boolean" | "list" | "map" | "unknown"
  /** What its numbers count. */
  readonly unit?: string
  /** The only texts it can be. Their order says nothing. */
  readonly values?: ReadonlyArray<string>
}

/** A kind of documents. */
export interface Source {
  /** What one of its documents is called, in messages. */
  readonly name: string
  /** Where a bare name is looked up. */
  readonly root: string
  /** By path from the document, as {@link formatPath} writes it. A field that is neither here nor below a map is unknown. */
  readonly fields: ReadonlyMap<string, Field>
}

const fieldsOf = (fields: Readonly<Record<string, Field>>): ReadonlyMap<string, Field> =>
  new Map(Object.entries(fields))

/** Twins of devices: bare names are reported. */
export const twins: Source = {
  name: "twin",
  root: "reported",
  fields: fieldsOf({
    id: { type: "text" },
    zone: { type: "text" },
    profile: { type: "text" },
    state: { type: "text", values: ["never", "online", "offline", "silent", "retired"] },
    reported: { type: "map" },
    desired: { type: "map" }
  })
}

/** Events of the stream: bare names are in their data. */
export const events: Source = {
  name: "event",
  root: "data",
  fields: fieldsOf({
    type: { type: "text" },
    unit: { type: "text" },
    zone: { type: "text" },
    severity: { type: "text", values: severities },
    "source.actor": { type: "text" },
    "source.id": { type: "text" },
    data: { type: "map" },
    // What a board reports, in `board.telemetry`.
    reported: { type: "map" }
  })
}

/** Requests that a policy decides on: bare names are facts. What is known of who asks is closed, so that a misspelling is found. */
export const requests: Source = {
  name: "request",
  root: "fact",
  fields: fieldsOf({
    fact: { type: "map" },
    arg: { type: "map" },
    "principal.kind": { type: "text", values: ["user", "device", "vsm", "service", "plugin"] },
    "principal.id": { type: "text" },
    "principal.zones": { type: "list" },
    scope: { type: "list" },
    clearance: { type: "number" },
    capability: { type: "text" },
    protected: { type: "boolean" },
    zone: { type: "text" }
  })
}

/**
 * The same source with fields that are known, by the paths they are written with from the document: `reported.temp`. They
 * take the place of the open map they are in, unless it stays open.
 */
export const withFields = (
  source: Source,
  fields: Readonly<Record<string, Field>>,
  { staysOpen = false }: { readonly staysOpen?: boolean } = {}
): Source => {
  const all = new Map(source.fields)
  for (const path of Object.keys(fields)) {
    const above = path.slice(0, Math.max(0, path.indexOf(".")))
    if (!staysOpen && all.get(above)?.type === "map") all.delete(above)
  }
  for (const [path, field] of Object.entries(fields)) all.set(path, field)
  return { ...source, fields: all }
}

/** What fields count in, by their paths in what boards report. */
export type FieldUnits = ReadonlyArray<{ readonly path: ReadonlyArray<string>; readonly unit: string }>

/** The same source, of whose open maps these fields declare what they count in. Of which type they are stays open. */
export const withUnits = (source: Source, units: FieldUnits): Source =>
  withFields(
    source,
    Object.fromEntries(
      [...source.fields].flatMap(([root, { type }]) =>
        type === "map" ? units.map(({ path, unit }) => [formatPath([root, ...path]), { type: "unknown", unit }]) : []
      )
    ),
    { staysOpen: true }
  )

/** The path from the document: a first name that the source does not know is one below its root. */
export const resolvePath = (
  source: Source,
  path: readonly [string, ...ReadonlyArray<string>]
): [string, ...Array<string>] => {
  const [first] = path
  const written = formatPath([first])
  if (source.fields.has(written) || isAbove(source, written)) return [...path]
  return [source.root, ...path]
}

const isAbove = ({ fields }: Source, written: string): boolean => {
  for (const path of fields.keys()) if (path.startsWith(`${written}.`)) return true
  return false
}

/** What is known of the field at a path from the document; nothing where it cannot exist. */
export const fieldAt = (source: Source, path: ReadonlyArray<string>): Field | undefined => {
  const written = formatPath(path)
  const exact = source.fields.get(written)
  if (exact !== undefined) return exact
  const last = path.at(-1) ?? ""
  const above = path.length > 1 ? fieldAt(source, path.slice(0, -1)) : undefined
  switch (above?.type) {
    case "map":
      // One that has known fields only was not declared, and is closed.
      if (isDeclared(source, path.slice(0, -1))) return { type: "unknown" }
      break
    case "unknown":
      return { type: "unknown" }
    case "list":
      if (last === lengthKey) return { type: "number" }
      if (isIndex(last)) return { type: "unknown" }
      break
    default:
  }
  return isAbove(source, written) ? { type: "map" } : undefined
}

const isDeclared = (source: Source, path: ReadonlyArray<string>): boolean => source.fields.has(formatPath(path))

/** Known fields that may have been meant: those that are written almost so, else the one that is so below another. */
export const meantNames = (source: Source, written: string): ReadonlyArray<string> => {
  const names = writtenNames(source)
  const near = nearest(written, names)
  if (near.length > 0) return near
  const below = names.filter((name) => name.endsWith(`.${written}`)).toSorted((a, b) => a.length - b.length)
  return below.slice(0, 1)
}

/** Every way to write a known field: from the document, and bare where its root allows it. */
const writtenNames = (source: Source): ReadonlyArray<string> => {
  const below = `${source.root}.`
  return [...source.fields.keys()].flatMap((path) =>
    path.startsWith(below) ? [path.slice(below.length), path] : [path]
  )
}
