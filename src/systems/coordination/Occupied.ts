/** The resources that some claims are on, so that whether another one stands in their way costs as much as its own name is long. */
import type { Wanted } from "../../protocol/vsm/Claim.ts"

/** The ops that read and that change a resource: one, or several. */
interface Ops {
  readers: string | undefined
  writers: string | undefined
}

const several = ""
const joined = (known: string | undefined, op: string): string => (known === undefined || known === op ? op : several)
const isOther = (known: string | undefined, op: string): boolean => known !== undefined && known !== op

/** The resources that a resource is a part of, the nearest first. */
const above = (resource: string): ReadonlyArray<string> => {
  const found: Array<string> = []
  for (let end = resource.lastIndexOf("/"); end > 0; end = resource.lastIndexOf("/", end - 1))
    found.push(resource.slice(0, end))
  return found
}

const note = (places: Map<string, Ops>, resource: string, mode: Wanted["mode"], op: string): void => {
  const ops = places.get(resource) ?? { readers: undefined, writers: undefined }
  if (mode === "read") ops.readers = joined(ops.readers, op)
  else ops.writers = joined(ops.writers, op)
  places.set(resource, ops)
}

/** Grows while claims are looked through; see the file. */
export class Occupied {
  /** By the resource itself, and by each that it is a part of. */
  readonly #whole = new Map<string, Ops>()
  readonly #parts = new Map<string, Ops>()

  add(op: string, claims: ReadonlyArray<Wanted>): void {
    for (const { resource, mode } of claims) {
      note(this.#whole, resource, mode, op)
      for (const place of above(resource)) note(this.#parts, place, mode, op)
    }
  }

  /** Whether claims of another op are on any of these resources, on a part of one, or on what one is a part of. */
  stands(op: string, claims: ReadonlyArray<Wanted>): boolean {
    return claims.some(({ resource, mode }) => {
      const isTaken = (ops: Ops | undefined): boolean =>
        ops !== undefined && (isOther(ops.writers, op) || (mode !== "read" && isOther(ops.readers, op)))
      return (
        isTaken(this.#parts.get(resource)) ||
        isTaken(this.#whole.get(resource)) ||
        above(resource).some((place) => isTaken(this.#whole.get(place)))
      )
    })
  }
}
