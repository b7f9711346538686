/** The fields that conditions read, each with a place in a row, and a walk that visits only those that an event has. */
import { type BoundPath, pathKey } from "../../protocol/condition/Bound.ts"
import { isIndex, isKeyed, lengthKey } from "../../protocol/condition/Values.ts"

interface Branch {
  place: number
  readonly below: Map<string, Branch>
}

const branch = (): Branch => ({ place: -1, below: new Map() })

/** Places of fields. */
export class Fields {
  readonly #places = new Map<string, number>()
  readonly #root = branch()

  /** The place of the field; a new one for a path that was never asked for. */
  placeOf(path: BoundPath): number {
    const key = pathKey(path)
    const known = this.#places.get(key)
    if (known !== undefined) return known
    const place = this.#places.size
    this.#places.set(key, place)
    let at = this.#root
    for (const name of path) {
      const next = at.below.get(name) ?? branch()
      at.below.set(name, next)
      at = next
    }
    at.place = place
    return place
  }

  get count(): number {
    return this.#places.size
  }

  /** Calls `visit` with place and value of each known field that the document has. */
  walk(document: unknown, visit: (place: number, value: unknown) => void): void {
    this.#walk(document, this.#root, visit)
  }

  #walk(value: unknown, { below }: Branch, visit: (place: number, value: unknown) => void): void {
    if (Array.isArray(value)) {
      for (const [name, next] of below) {
        if (name === lengthKey) this.#visit(value.length, next, visit)
        else if (isIndex(name)) this.#visit(value[Number(name)], next, visit)
      }
    } else if (isKeyed(value)) {
      // Few fields are asked for under most maps, and maps have few keys: the shorter way is not worth a choice.
      for (const name in value) {
        const next = below.get(name)
        if (next !== undefined && Object.hasOwn(value, name)) this.#visit(value[name], next, visit)
      }
    }
  }

  #visit(value: unknown, at: Branch, visit: (place: number, value: unknown) => void): void {
    if (value === undefined || (typeof value === "number" && !Number.isFinite(value))) return
    if (at.place >= 0) visit(at.place, value)
    if (at.below.size > 0 && typeof value === "object" && value !== null) this.#walk(value, at, visit)
  }
}
