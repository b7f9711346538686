/**
 * What is announced on the bus while a board starts, as a place that the start asks for programs. The images themselves come
 * with the announcements; they are loaded as they arrive and wait to be started.
 */
import { Result } from "effect"
import { codes } from "../../src/protocol/Codes.ts"
import type { BootEntry } from "../nv/BootConfig.ts"
import type { BootSource } from "../nv/BootSources.ts"
import type { Refused } from "../Refused.ts"
import type { Loader } from "./Loader.ts"
import type { StartListener } from "./transports/CanBroadcastListener.ts"

/** After an image the next one is announced at once, or none is left. */
const moreMillis = 500

/**
 * An image that became no program is taken in so often, and so many of all. Whoever announces without end must not keep a
 * board from what it keeps.
 */
const failuresOfOne = 3
const failuresOfAll = 16

/** What the list needs of its board. */
export interface CanListParts {
  readonly loader: Loader
  /** Milliseconds since boot. */
  readonly now: () => number
  /** Name of a program; undefined when there is none of this pid. */
  readonly nameOf: (pid: number) => string | undefined
}

interface Coming {
  readonly fileCrc32: number
  /** Number of the service. */
  readonly xfer: number
  autostart: boolean
  /** Once it is a program; 0 when it became none. */
  pid: number | undefined
}

/** The list of one board. Each start listens anew. */
export class CanList implements BootSource, StartListener {
  readonly place = "can"
  readonly #parts: CanListParts
  #isOpen = false
  #coming: ReadonlyArray<Coming> = []
  #quietSince = 0

  constructor(parts: CanListParts) {
    this.#parts = parts
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  has(fileCrc32: number): boolean {
    const failed = this.#coming.filter(({ pid }) => pid === 0)
    return (
      this.#coming.some((each) => each.fileCrc32 === fileCrc32 && each.pid !== 0) ||
      failed.filter((each) => each.fileCrc32 === fileCrc32).length >= failuresOfOne ||
      failed.length >= failuresOfAll
    )
  }

  began(fileCrc32: number, xfer: number): void {
    this.#coming = [...this.#coming, { fileCrc32, xfer, autostart: true, pid: undefined }]
  }

  committed(xfer: number, autostart: boolean): void {
    const coming = this.#coming.find((each) => each.xfer === xfer)
    if (coming !== undefined) coming.autostart = autostart
  }

  /** Until something is announced it waits; then as long as images are on their way, which the service bounds. */
  offer(): ReadonlyArray<BootEntry> | "waiting" | "coming" | undefined {
    const now = this.#parts.now()
    if (!this.#isOpen) {
      this.#isOpen = true
      this.#coming = []
    }
    if (this.#coming.length === 0) return "waiting"
    for (const coming of this.#coming) this.#look(coming, now)
    if (this.#coming.some(({ pid }) => pid === undefined) || now - this.#quietSince < moreMillis) return "coming"
    const entries = this.#coming.flatMap((coming) => (coming.pid === 0 ? [] : [this.#entryOf(coming)]))
    this.close()
    return entries.length === 0 ? undefined : entries
  }

  /** Nobody asks any more: what is announced from now on is no part of the start. */
  close(): void {
    this.#isOpen = false
  }

  /** The program that a listed entry is. */
  pidOf(entry: BootEntry): Result.Result<number, Refused> {
    const pid = Number(entry.path)
    return this.#parts.nameOf(pid) === undefined
      ? Result.fail({ code: codes.ESRCH, detail: `pid:${pid}` })
      : Result.succeed(pid)
  }

  #look(coming: Coming, now: number): void {
    if (coming.pid !== undefined) return
    const status = this.#parts.loader.status({ xfer: coming.xfer })
    const state = Result.isSuccess(status) ? status.success.state : "IDLE"
    if (state === "LOADING" || state === "VERIFY") return
    coming.pid = state === "READY" && Result.isSuccess(status) ? status.success.pid : 0
    this.#quietSince = now
  }

  #entryOf({ autostart, pid = 0 }: Coming): BootEntry {
    return {
      name: this.#parts.nameOf(pid) ?? `can-${pid}`,
      place: "can",
      carrier: "can",
      path: String(pid),
      priority: 0,
      autostart,
      required: false,
      retries: 0,
      fallback: undefined,
      persist: false,
      pidHint: pid
    }
  }
}
