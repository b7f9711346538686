/**
 * The start of a board: it lists the programs, loads and starts them, and decides whether a configuration on trial has
 * proved itself. A plain state machine; time comes from outside.
 */
import { Result } from "effect"
import type { Refused } from "../Refused.ts"
import { type BootConfig, type BootEntry, type BootPlace, bootPlaces, defaultBootConfig } from "./BootConfig.ts"
import { BootList, type BootListed } from "./BootList.ts"
import { BootLoading, pollMillis } from "./BootLoading.ts"
import type { BootReason } from "./BootRecord.ts"
import { type BootSource, hostSource, nvSource, placesOf } from "./BootSources.ts"
import { defaultSettings } from "./Manifests.ts"
import type { NvStore } from "./NvStore.ts"
import { Trial } from "./Trial.ts"

/** What the start needs of whoever runs programs. Calls are synchronous. */
export interface BootHost {
  /**
   * Loads a program and does not start it; `path` is the entry's own or its fallback. `waiting`: ask again, with the same
   * entry. Persisted values are back when it is loaded.
   */
  readonly load: (entry: BootEntry, path: string | undefined) => Result.Result<number, Refused> | "waiting"
  readonly start: (pid: number) => void
  /** Ends what was loaded, running or not. */
  readonly unload: (pid: number) => void
  /** A load that said `waiting` is not wanted any more. */
  readonly abandon: (entry: BootEntry) => void
}

/** What the start tells. */
export type BootEvent =
  | {
      /** A program was tried. */
      readonly type: "boot"
      readonly entry: string
      readonly place: BootPlace
      readonly result: "loaded" | "failed" | "fault" | "unconfirmed"
      /** 1 for the first. */
      readonly attempt: number
      readonly detail: string
    }
  /** The configuration on trial proved itself. */
  | { readonly type: "confirmed"; readonly generation: number }
  | {
      /** Somebody should look at this board. */
      readonly type: "alert"
      readonly reason: "boot_failure" | "boot_loop" | "no_confirmed" | "boot_failed" | "memory"
      readonly failCount: number
      readonly generation: number
    }

/**
 * `listing` and `loading` on the way, `trial` while what was started may still fail, `running` when it has not, `safe` with
 * no program and all transports open.
 */
export type BootPhase = "off" | "delay" | "listing" | "loading" | "trial" | "running" | "safe"

/** What a start is made of. */
export interface BootOptions {
  /** Undefined on a board without memory, or with one that could not be opened. */
  readonly store: NvStore | undefined
  readonly config?: BootConfig
  /** SD card, CAN, and whatever else has lists. Host and store are there by themselves. */
  readonly sources?: ReadonlyArray<BootSource>
  readonly host: BootHost
  readonly observe?: (event: BootEvent) => void
  /** A load that takes longer has failed. Default 120000. */
  readonly loadMillis?: number
}

interface Loaded {
  readonly entry: BootEntry
  readonly pid: number
}

/** The start of one board. */
export class Boot {
  readonly #options: BootOptions
  readonly #config: BootConfig
  readonly #trial: Trial | undefined
  #phase: BootPhase = "off"
  #due: number | undefined
  #list: BootList | undefined
  #loading: BootLoading | undefined
  #loaded: Array<Loaded> = []
  /** The generation on trial that this start is an attempt of; what is committed meanwhile is tried by the next one. */
  #attempted: number | undefined
  /** Steps with each beginning, so that a loop over the programs of an earlier one ends. */
  #round = 0

  constructor(options: BootOptions) {
    this.#options = options
    this.#config = options.config ?? defaultBootConfig
    this.#trial = options.store && new Trial(options.store, this.#config.bootFailuresMax)
  }

  get phase(): BootPhase {
    return this.#phase
  }

  /** Pids that were loaded, in order. */
  get pids(): ReadonlyArray<number> {
    return this.#loaded.map(({ pid }) => pid)
  }

  /** When `step` has something to do; undefined when nothing is waited for. */
  nextDue(): number | undefined {
    return this.#due
  }

  /** The board was switched on. */
  start(nowMillis: number): void {
    this.#begin(nowMillis)
    this.step(nowMillis)
  }

  /** Does all that is due. */
  step(nowMillis: number): void {
    if (this.#phase === "delay" && this.#isDue(nowMillis)) this.#phase = "listing"
    if (this.#phase === "listing") this.#askForList(nowMillis)
    if (this.#phase === "loading") this.#load(nowMillis)
    if (this.#phase !== "trial" || !this.#isDue(nowMillis)) return
    if (this.#isAttempt) return this.#confirmed()
    this.#phase = "running"
    this.#due = undefined
  }

  /** A program faulted, or ended with a status that is not 0. Counts while the configuration is on trial. */
  programFailed(pid: number, detail: string, nowMillis: number): void {
    const loaded = this.#loaded.find((each) => each.pid === pid)
    if (loaded === undefined || !loaded.entry.required || !this.#isAttempt) return
    if (this.#phase !== "trial" && this.#phase !== "loading") return
    this.#tell(loaded.entry, "fault", 1, detail)
    this.#failed("fault", nowMillis)
  }

  /** Somebody says that it has proved itself. */
  confirm(): void {
    if (this.#phase === "trial") this.#confirmed()
    else if (this.#options.store !== undefined) this.#options.store.confirm()
  }

  /** What rules has changed, or somebody wants a fresh start: everything is unloaded and begins anew. */
  restart(nowMillis: number): void {
    this.start(nowMillis)
  }

  get #isAttempt(): boolean {
    return this.#attempted !== undefined && this.#attempted === this.#options.store?.generation
  }

  #isDue(nowMillis: number): boolean {
    return this.#due === undefined || this.#due <= nowMillis
  }

  #begin(nowMillis: number): void {
    this.#unloadAll()
    this.#attempted = undefined
    const trial = this.#trial
    const begun = trial?.begin()
    if (trial !== undefined && begun !== undefined) {
      if (Result.isFailure(begun)) return this.#safe("memory")
      if (trial.isStopped) return this.#safe("boot_loop")
      if (begun.success !== undefined) this.#tellUnconfirmed(begun.success)
      if (trial.isExhausted && !this.#giveUp(trial)) return
    }
    this.#beginList(nowMillis)
  }

  #beginList(nowMillis: number): void {
    this.#attempted = undefined
    const { store, sources = [] } = this.#options
    const settings = store?.manifest ?? defaultSettings
    const all = [hostSource(this.#config), ...sources, ...(store === undefined ? [] : [nvSource(store)])]
    const places = this.#config.places ?? (store === undefined ? bootPlaces : placesOf(settings.sourceMask))
    this.#list = new BootList(all, places, this.#config)
    this.#due = nowMillis + settings.bootDelayMillis
    this.#phase = "delay"
  }

  #askForList(nowMillis: number): void {
    const listed = this.#list?.poll(nowMillis)
    if (listed === undefined) {
      this.#due = nowMillis + pollMillis
      return
    }
    this.#phase = "loading"
    this.#countAttempt(listed)
    if (this.#phase !== "loading") return
    const { host, loadMillis = 120_000 } = this.#options
    this.#loading = new BootLoading(listed.entries, nowMillis, {
      load: (entry, path) => host.load(entry, path),
      abandon: (entry) => host.abandon(entry),
      loaded: (entry, pid) => this.#loaded.push({ entry, pid }),
      tell: (entry, result, attempt, detail) => this.#tell(entry, result, attempt, detail),
      loadMillis
    })
  }

  #countAttempt({ places }: BootListed): void {
    const { store } = this.#options
    const trial = this.#trial
    if (store === undefined || trial === undefined || !trial.isOn || !places.has("nv")) return
    this.#attempted = store.generation
    if (Result.isFailure(trial.attempt())) this.#safe("memory")
  }

  #load(nowMillis: number): void {
    const step = this.#loading?.step(nowMillis)
    if (step?.type === "done") return this.#startAll(nowMillis)
    if (step?.type === "failed") return this.#failed(step.reason, nowMillis)
    if (step?.type === "waiting") this.#due = step.due
  }

  #startAll(nowMillis: number): void {
    const seconds = this.#config.confirmSeconds ?? this.#options.store?.manifest.confirmSeconds ?? 0
    this.#phase = this.#isAttempt ? "trial" : "running"
    this.#due = this.#isAttempt ? nowMillis + 1000 * seconds : undefined
    const round = this.#round
    for (const { entry, pid } of [...this.#loaded]) {
      if (entry.autostart) this.#options.host.start(pid)
      // A program that fails as it starts may have ended this round.
      if (round !== this.#round) return
    }
  }

  #confirmed(): void {
    const { store } = this.#options
    if (store === undefined) return
    this.#phase = "running"
    this.#due = undefined
    this.#attempted = undefined
    const confirmed = store.confirm()
    if (Result.isFailure(confirmed)) this.#alert("memory")
    else this.#options.observe?.({ type: "confirmed", generation: store.manifest.generation })
  }

  /** Another attempt, the configuration before, or safe mode. */
  #failed(reason: BootReason, nowMillis: number): void {
    const trial = this.#trial
    if (trial === undefined || !this.#isAttempt) return this.#safe("boot_failed")
    trial.failed(reason)
    this.#unloadAll()
    if (!trial.isExhausted) this.#begin(nowMillis)
    else if (this.#giveUp(trial)) this.#beginList(nowMillis)
  }

  /** Back to the proven configuration. False when the board stays without programs. */
  #giveUp(trial: Trial): boolean {
    if (trial.isLoop) {
      trial.stop()
      this.#safe("boot_loop")
      return false
    }
    this.#alert("boot_failure")
    if (trial.leave()) return true
    this.#safe("no_confirmed")
    return false
  }

  #safe(reason: Extract<BootEvent, { type: "alert" }>["reason"]): void {
    this.#unloadAll()
    this.#phase = "safe"
    this.#due = undefined
    this.#alert(reason)
  }

  #unloadAll(): void {
    this.#round++
    this.#loading?.end()
    this.#loading = undefined
    const loaded = this.#loaded
    this.#loaded = []
    for (const { pid } of loaded) this.#options.host.unload(pid)
  }

  #tell(entry: BootEntry, result: "loaded" | "failed" | "fault", attempt: number, detail: string): void {
    this.#options.observe?.({ type: "boot", entry: entry.name, place: entry.place, result, attempt, detail })
  }

  #tellUnconfirmed(attempt: number): void {
    this.#options.observe?.({
      type: "boot",
      entry: "",
      place: "nv",
      result: "unconfirmed",
      attempt,
      detail: "watchdog"
    })
  }

  #alert(reason: Extract<BootEvent, { type: "alert" }>["reason"]): void {
    const { store } = this.#options
    this.#options.observe?.({
      type: "alert",
      reason,
      failCount: store?.bootState.failCount ?? 0,
      generation: store?.manifest.generation ?? 0
    })
  }
}
