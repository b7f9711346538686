/** When what a partition has seen is written down, and the drawing of it, some pieces a look: nothing waits for a large one. */
import type { Cut } from "../temporal/Cut.ts"
import type { PartitionEngine } from "./PartitionEngine.ts"
import type { Snapshot } from "./PatternWatch.ts"

/**
 * Begun at least so often, ms, or after so many events, which is what a node that takes over reads again. That of a thousand
 * patterns has a megabyte: under load a frequent one would cost more than the matching.
 */
const everyMillis = 30_000
const everyEvents = 100_000
/** Drawn in one look: some milliseconds. */
const piecesMax = 8

/** Where the stream was read to. */
interface Place {
  readonly cursor: string
  readonly tick: number
}

/** The snapshots of one engine. */
export class SnapshotDrawing {
  readonly #engine: PartitionEngine
  #begunAt: number
  #events = 0
  #drawn: { readonly cut: Cut; readonly place: Place; readonly pieces: Array<Uint8Array> } | undefined

  /** As if the last one had been begun then, ms. */
  constructor(engine: PartitionEngine, begunAt: number) {
    this.#engine = engine
    this.#begunAt = begunAt
  }

  /** The engine was fed with so many events. */
  fed(events: number): void {
    this.#events += events
  }

  /** Whether the last one was begun so long ago that there should be another, if it says anything else. */
  isOld(now: number): boolean {
    return now >= this.#begunAt + everyMillis
  }

  /**
   * Begins one that is due, and draws on; gives it once it is whole. To be asked where the matches up to the place are in a
   * commit, and the engine has seen nothing behind it.
   */
  draw(place: Place, now: number): Snapshot | undefined {
    if (this.#drawn === undefined) {
      if (this.#events < everyEvents && (this.#events === 0 || !this.isOld(now))) return undefined
      this.#begin(place, now)
    }
    return this.#drawOn(piecesMax)
  }

  /** One as of now, in one go. */
  drawWhole(place: Place, now: number): Snapshot | undefined {
    this.#begin(place, now)
    return this.#drawOn(Number.POSITIVE_INFINITY)
  }

  #begin(place: Place, now: number): void {
    this.#begunAt = now
    this.#events = 0
    this.#drawn = { cut: this.#engine.cut(), place, pieces: [] }
  }

  #drawOn(limit: number): Snapshot | undefined {
    const drawn = this.#drawn
    if (drawn === undefined) return undefined
    const { cut, place, pieces } = drawn
    for (let count = 0; count < limit; count++) {
      const piece = cut.next()
      if (piece !== undefined) {
        pieces.push(piece)
        continue
      }
      this.#drawn = undefined
      return cut.isWhole ? { ...place, pieces } : undefined
    }
    return undefined
  }
}
