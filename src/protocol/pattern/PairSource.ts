/** What the condition of a join speaks about: two events, each under its name. */
import { formatPath } from "../condition/Format.ts"
import type { Field, Source } from "../condition/Source.ts"

interface Side {
  readonly as: string
  readonly source: Source
}

/** The fields of an event under a name: those of its own, and those of its data right below. */
const fieldsOf = ({ as, source }: Side): ReadonlyArray<readonly [string, Field]> => {
  const name = formatPath([as])
  const below = `${source.root}.`
  const fields = [...source.fields]
  const isOpen = source.fields.get(source.root)?.type === "map"
  return [
    ...(isOpen ? [[name, { type: "map" }] as const] : []),
    ...fields.flatMap(([path, field]) =>
      path.startsWith(below) && !source.fields.has(path.slice(below.length))
        ? [[`${name}.${path.slice(below.length)}`, field] as const]
        : []
    ),
    ...fields.map(([path, field]) => [`${name}.${path}`, field] as const)
  ]
}

/** Bare names are of neither side. */
export const pairOf = (left: Side, right: Side): Source => ({
  name: "pair of events",
  // No field has this name: what is not below one of the two is unknown.
  root: "\u0000",
  fields: new Map([...fieldsOf(left), ...fieldsOf(right)])
})
