/** Where VSMs stand, as this node knows it: whose policies a request is decided by. What is asked for and not known is looked up. */
import { rootId } from "../../../protocol/vsm/VsmId.ts"

const ofRoot: ReadonlyArray<string> = [rootId]
/** Who asks of VSMs that are none must not fill the memory, nor have the node look for them all day. */
const placesMax = 4096
const wantedMax = 128

export class VsmPlaces {
  readonly #paths = new Map<string, ReadonlyArray<string>>()
  readonly #wanted = new Set<string>()

  /** From the root to the VSM; nothing where this node does not know it yet. */
  pathOf(vsm: string | undefined): ReadonlyArray<string> | undefined {
    if (vsm === undefined || vsm === rootId) return ofRoot
    const path = this.#paths.get(vsm)
    if (path === undefined && this.#wanted.size < wantedMax) this.#wanted.add(vsm)
    return path
  }

  /** VSMs that were asked for and are not known. */
  get wanted(): ReadonlyArray<string> {
    return [...this.#wanted]
  }

  /** VSMs that are known: one that has retired may stand elsewhere when it comes again. */
  get known(): ReadonlyArray<string> {
    return [...this.#paths.keys()]
  }

  /** A VSM stands there, or is not there at all. */
  learn(vsm: string, path: ReadonlyArray<string> | undefined): void {
    this.#wanted.delete(vsm)
    if (path === undefined) this.#paths.delete(vsm)
    else this.#paths.set(vsm, path)
    for (const oldest of this.#paths.keys()) {
      if (this.#paths.size <= placesMax) break
      this.#paths.delete(oldest)
    }
  }
}
