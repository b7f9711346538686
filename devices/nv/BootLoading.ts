/** The loading of what a start has listed: one after another, again after a failure, then from what stands in. */
import { Result } from "effect"
import { codes } from "../../src/protocol/Codes.ts"
import type { Refused } from "../Refused.ts"
import type { BootEntry } from "./BootConfig.ts"
import type { BootReason } from "./BootRecord.ts"

/** First pause before another attempt; each further one is twice as long. */
const retryMillis = 500
/** Time between questions to a source or a load that takes time. */
export const pollMillis = 20

/** What loading gets from the start it belongs to. */
export interface BootLoadingPorts {
  /** Loads a program and does not start it; `waiting`: ask again, with the same entry. */
  readonly load: (entry: BootEntry, path: string | undefined) => Result.Result<number, Refused> | "waiting"
  /** A load that said `waiting` is not wanted any more. */
  readonly abandon: (entry: BootEntry) => void
  readonly loaded: (entry: BootEntry, pid: number) => void
  readonly tell: (entry: BootEntry, result: "loaded" | "failed", attempt: number, detail: string) => void
  /** A load that takes longer has failed. */
  readonly loadMillis: number
}

/** How far it has come: all is loaded, it goes on at `due`, or a program that is required cannot be had. */
export type LoadStep =
  | { readonly type: "done" }
  | { readonly type: "waiting"; readonly due: number }
  | { readonly type: "failed"; readonly reason: BootReason }

interface Loading {
  readonly entry: BootEntry
  readonly path: string | undefined
  attempt: number
  /** Not before. */
  notBefore: number
  /** When this attempt is given up. */
  until: number | undefined
  readonly isFallback: boolean
}

/** The loading of one list. */
export class BootLoading {
  readonly #ports: BootLoadingPorts
  readonly #queue: Array<Loading>
  /** Its load takes time and is under way. */
  #waitingFor: BootEntry | undefined
  #isEnded = false

  constructor(entries: ReadonlyArray<BootEntry>, nowMillis: number, ports: BootLoadingPorts) {
    this.#ports = ports
    this.#queue = entries.map((entry) => ({
      entry,
      path: entry.path,
      attempt: 1,
      notBefore: nowMillis,
      until: undefined,
      isFallback: false
    }))
  }

  /** Does all that is due. Nothing when it was ended meanwhile, maybe by the load itself. */
  step(nowMillis: number): LoadStep | undefined {
    for (;;) {
      const [loading] = this.#queue
      if (loading === undefined) return { type: "done" }
      if (loading.notBefore > nowMillis) return { type: "waiting", due: loading.notBefore }
      loading.until ??= nowMillis + this.#ports.loadMillis
      const result = this.#ports.load(loading.entry, loading.path)
      if (this.#isEnded) return undefined
      this.#waitingFor = result === "waiting" ? loading.entry : undefined
      if (result === "waiting" && loading.until > nowMillis) {
        return { type: "waiting", due: Math.min(nowMillis + pollMillis, loading.until) }
      }
      if (result !== "waiting" && Result.isSuccess(result)) {
        this.#queue.shift()
        this.#ports.loaded(loading.entry, result.success)
        this.#ports.tell(loading.entry, "loaded", loading.attempt, "")
        if (this.#isEnded) return undefined
        continue
      }
      this.#abandon()
      const refused = result === "waiting" ? { code: codes.ETIMEDOUT, detail: "timeout" } : result.failure
      this.#ports.tell(loading.entry, "failed", loading.attempt, refused.detail)
      if (this.#isEnded) return undefined
      if (!this.#tryAgain(loading, nowMillis) && loading.entry.required) {
        return { type: "failed", reason: refused.code === codes.ETIMEDOUT ? "timeout" : "verify" }
      }
    }
  }

  /** Nothing more is loaded. */
  end(): void {
    this.#isEnded = true
    this.#abandon()
  }

  /** Later, or from the fallback. False when nothing is left to try; then the entry is no longer in the queue. */
  #tryAgain(loading: Loading, nowMillis: number): boolean {
    const { entry, attempt, isFallback } = loading
    if (!isFallback && attempt <= entry.retries) {
      loading.notBefore = nowMillis + retryMillis * 2 ** (attempt - 1)
      loading.until = undefined
      loading.attempt++
      return true
    }
    this.#queue.shift()
    if (isFallback || entry.fallback === undefined) return false
    this.#queue.unshift({
      entry,
      path: entry.fallback,
      attempt: attempt + 1,
      notBefore: nowMillis,
      until: undefined,
      isFallback: true
    })
    return true
  }

  #abandon(): void {
    if (this.#waitingFor !== undefined) this.#ports.abandon(this.#waitingFor)
    this.#waitingFor = undefined
  }
}
