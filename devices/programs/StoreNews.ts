/** What the memory of a board tells of itself over the link: how worn it is, and what became of kept values. */
import { levels } from "../../src/protocol/frame/CommandFrames.ts"
import type { Clock } from "../agent/Clock.ts"
import type { ProgramVoice } from "../agent/Programs.ts"
import type { RestoreCounts } from "../hxe/executive/Values.ts"
import type { NvEvent } from "../nv/NvEvents.ts"
import type { Wear } from "../nv/Wear.ts"

const info = levels.indexOf("info")
const warn = levels.indexOf("warn")
const error = levels.indexOf("error")

/** The news of one boot. A store speaks while it is opened, before there is anybody to tell: that waits. */
export class StoreNews {
  readonly #clock: Clock
  readonly #waiting: Array<Wear> = []
  /** Counts told last, by program: one that starts again and again says the same each time. */
  readonly #told = new Map<string, string>()
  #voice: ProgramVoice | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** From now on there is somebody to tell. */
  speakTo(voice: ProgramVoice): void {
    this.#voice = voice
    for (const wear of this.#waiting.splice(0)) this.#tellWear(wear)
  }

  /** Hears the store. What it tells of images is told by the states of the images. */
  readonly observe = (event: NvEvent): void => {
    if (event.type === "wear") this.#tellWear(event.wear)
  }

  /** A program was loaded, and its kept values were looked for. */
  restored(program: string, counts: RestoreCounts): void {
    const { restored, defaulted, stale, reset } = counts
    const data = { restored, defaulted, stale, reset }
    const said = JSON.stringify(data)
    if (restored + defaulted + stale + reset === 0 || this.#told.get(program) === said) return
    this.#told.set(program, said)
    const level = stale + reset > 0 ? warn : info
    this.#voice?.letter({ type: "event", name: "provisioning.restored", program, data, level, at: this.#now() })
  }

  #tellWear(wear: Wear): void {
    if (this.#voice === undefined) return void this.#waiting.push(wear)
    const { partition, slot, count, limit, percent, level } = wear
    const data = { partition, ...(slot === undefined ? {} : { slot }), count, limit, pct: percent, level }
    const severity = level === "worn" ? error : warn
    this.#voice.letter({ type: "event", name: "provisioning.wear", data, level: severity, at: this.#now() })
  }

  #now(): number {
    return Math.floor(this.#clock.board())
  }
}
